# SPDX-License-Identifier: ISC
"""posternctl mailbox: an administrator's view of mailboxes, and mail in and out of them."""

import glob
import json
import mailbox
import os
import re
import socket
import struct
import subprocess
import time

import pytest

from conftest import DOMAIN, program, wait_for
from imap_client import Imap
from terminal import Terminal

ALICE = f"alice@{DOMAIN}"
BOB = f"bob@{DOMAIN}"


def fail(server, *arguments, text=None):
    """What a command that must fail says."""
    result = server.posternctl("mailbox", *arguments, text=text, check=False)
    assert result.returncode != 0, result.stdout
    return result.stderr


def rows(server, *arguments):
    lines = server.posternctl("mailbox", *arguments).stdout.splitlines()
    return [line.split("\t") for line in lines]


def deliver(server, count, to=ALICE):
    with server.smtp() as client:
        for number in range(count):
            client.sendmail("ann@example.net", [to],
                            f"From: ann@example.net\r\nSubject: {number}\r\n\r\nHello {number}\r\n")

    def there():
        return int(rows(server, "show", to)[0][1]) >= count

    wait_for(there, f"{count} messages")


# -- What there is ---------------------------------------------------------------------------


def test_list_and_show(server):
    server.add_account("bob")
    assert rows(server, "list") == [[ALICE, "0", "0"], [BOB, "0", "0"]]
    deliver(server, 3)
    (name, messages, unseen, size, use), = rows(server, "show", ALICE)
    assert (name, messages, unseen, use) == ("INBOX", "3", "3", "-")
    assert rows(server, "list") == [[ALICE, "3", size], [BOB, "0", "0"]]
    assert "no account" in fail(server, "show", f"nobody@{DOMAIN}")
    assert "usage" in fail(server, "show")


def test_usage(server):
    server.posternctl("account", "add", BOB, "--quota", "1M", text="secret\n")
    deliver(server, 2, BOB)
    assert rows(server, "usage", ALICE) == [[ALICE, "0", "-", "-"]]
    assert [row[0] for row in rows(server, "usage")] == [ALICE, BOB]
    assert rows(server, "usage", BOB)[0][2:] == ["1.0 MiB", "0%"]
    assert "no account" in fail(server, "usage", f"nobody@{DOMAIN}")


def test_without_a_server(make_server):
    server = make_server()
    server.write_configuration()
    server.add_account("alice")
    assert "no server is running" in fail(server, "show", ALICE)
    assert rows(server, "list") == [[ALICE, "0", "0"]]


# -- Expiry ----------------------------------------------------------------------------------


def test_expire(server):
    deliver(server, 5)
    assert "that old" in server.posternctl(
        "mailbox", "expire", ALICE, "INBOX", "--older", "1").stdout
    assert rows(server, "show", ALICE)[0][1] == "5"
    assert "NONEXISTENT" in fail(server, "expire", ALICE, "Nothing", "--older", "1")
    assert "days" in fail(server, "expire", ALICE, "INBOX", "--older", "soon")
    assert "folder's name" in fail(server, "expire", ALICE, "a/../b", "--older", "1")


def test_expire_asks(server):
    deliver(server, 2)

    def gone():
        """SAVEDATEs are of this second: one later they are older than none."""
        result = server.posternctl("mailbox", "expire", ALICE, "INBOX", "--older", "0", "--yes")
        return "removed from INBOX" in result.stdout

    terminal = None

    def asked():
        nonlocal terminal
        result = server.posternctl("mailbox", "expire", ALICE, "INBOX", "--older", "0",
                                   text="no\n", check=False)
        return "Remove 2 messages" in result.stdout and result.returncode == 1

    wait_for(asked, "messages to be older than now")
    assert rows(server, "show", ALICE)[0][1] == "2"
    terminal = Terminal(server, "mailbox", "expire", ALICE, "INBOX", "--older", "0")
    terminal.answer("(yes or no)", "no")
    assert terminal.end() == 1
    wait_for(gone, "messages to expire")
    assert rows(server, "show", ALICE)[0][1] == "0"


# -- Import ----------------------------------------------------------------------------------


def text(number, lines=3):
    return (f"From: ann@example.net\nDate: Mon, 7 Feb 1994 21:52:{number % 60:02} -0800\n"
            f"Message-ID: <{number}@example.net>\nSubject: number {number}\n\n"
            + f"Line of {number}\n" * lines).encode()


def crlf(octets):
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def contents(server, folder="INBOX", user="alice"):
    """{message: (flags, INTERNALDATE)} of a folder, and its UIDs in order."""
    with Imap(server, user) as imap:
        imap.select(f'"{folder}"')
        found, uids = {}, []
        for line in imap.do("FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[])"):
            match = re.match(rb'\d+ FETCH \(UID (\d+) FLAGS \(([^)]*)\) INTERNALDATE "([^"]+)" '
                             rb"BODY\[\] (?:\{\d+\}\r\n)(.*)\)$", line, re.S)
            if match:
                flags = frozenset(match.group(2).decode().split()) - {"\\Recent"}
                found[match.group(4)] = flags, match.group(3).decode()
                uids.append(int(match.group(1)))
        return found, uids


def fill_maildir(path, count, first=0, flags=""):
    """By Python's own hand; the files' times are those of the messages."""
    box = mailbox.Maildir(path, create=True)
    for number in range(first, first + count):
        message = mailbox.MaildirMessage(text(number))
        message.set_subdir("cur")
        message.set_flags(flags)
        message.set_date(800000000 + number)
        box.add(message)
    return box


def test_import_maildir(server, folder):
    path = os.path.join(folder, "Maildir")
    box = fill_maildir(path, 3, flags="FS")
    fill_maildir(os.path.join(path, ".Work.Entw&APw-rfe"), 2, 10)
    fill_maildir(os.path.join(path, ".Sent"), 1, 20, "R")
    box.add(mailbox.MaildirMessage(text(5)))
    with open(os.path.join(path, "dovecot-keywords"), "w", encoding="ascii") as file:
        file.write("0 $Later\n1 Work\n")
    keyed, = [name for name in os.listdir(path + "/cur")
              if b"number 1\n" in open(f"{path}/cur/{name}", "rb").read()]
    os.rename(f"{path}/cur/{keyed}", f"{path}/cur/{keyed}ab")
    with open(os.path.join(path, "subscriptions"), "w", encoding="ascii") as file:
        file.write("Sent\nWork.Entw&APw-rfe\n")
    os.symlink("/etc/passwd", path + "/cur/1.link:2,")

    said = server.posternctl("mailbox", "import", ALICE, path).stdout
    assert said == "7 messages added, 0 were there already.\n"
    found, _ = contents(server)
    assert set(found) == {crlf(text(number)) for number in (0, 1, 2, 5)}
    assert found[crlf(text(0))] == ({"\\Seen", "\\Flagged"}, " 9-May-1995 06:13:20 +0000")
    assert found[crlf(text(1))][0] == {"\\Seen", "\\Flagged", "$Later", "Work"}
    assert found[crlf(text(5))][0] == set()
    found, _ = contents(server, "Work/Entw&APw-rfe")
    assert set(found) == {crlf(text(10)), crlf(text(11))}
    with Imap(server) as imap:
        lines = b"\n".join(imap.do('LIST (SUBSCRIBED) "" *'))
        assert b"Sent" in lines and b"Work/Entw&APw-rfe" in lines

    assert server.posternctl("mailbox", "import", ALICE, path).stdout.startswith(
        "0 messages added, 7 were there")
    # What the folder has less of than the source is added: two of the same are two.
    fill_maildir(path, 1, flags="S")
    assert server.posternctl("mailbox", "import", ALICE, path).stdout.startswith(
        "1 messages added, 7 were there")
    assert len(contents(server)[1]) == 5
    server.posternctl("mailbox", "import", ALICE, path, "--folder", "Old/Mail")
    assert [row[0] for row in rows(server, "show", ALICE) if row[0].startswith("Old")] == [
        "Old/Mail", "Old/Mail/Sent", "Old/Mail/Work/Entwürfe"]


def state_of(server, folder="INBOX", user=None):
    """(UIDVALIDITY, UIDNEXT) of a folder."""
    with Imap(server, user) as imap:
        line = b" ".join(imap.do(f"STATUS {folder} (UIDVALIDITY UIDNEXT)"))
        return tuple(int(re.search(rb"%s (\d+)" % word, line).group(1)) for word in (b"UIDVALIDITY", b"UIDNEXT"))


def write_uidlist(path, uidvalidity, uidnext, uids):
    """Dovecot's list, with these UIDs for the messages in the order of their numbers."""
    names = {int(re.search(rb"Subject: number (\d+)", open(f"{path}/cur/{name}", "rb").read()).group(1)): name
             for name in os.listdir(path + "/cur")}
    with open(path + "/dovecot-uidlist", "w", encoding="ascii") as file:
        file.write(f"3 V{uidvalidity} N{uidnext} G0123456789abcdef0123456789abcdef\n")
        for uid, number in zip(uids, sorted(names)):
            file.write(f"{uid} :{names[number].partition(':')[0]}\n")


def test_import_keeps_uids(fresh_account, folder):
    server, user = fresh_account, fresh_account.user
    address = f"{user}@{DOMAIN}"
    path = os.path.join(folder, "Maildir")
    fill_maildir(path, 5)
    write_uidlist(path, 1275660208, 100, [7, 8, 31, 40])
    fill_maildir(path + "/.Work", 3, 10)
    write_uidlist(path + "/.Work", 1275660209, 3, [1, 2, 9])  # lines behind the header's count
    fill_maildir(path + "/.Sent", 1, 15)
    write_uidlist(path + "/.Sent", 1275660207, 77, [1])
    server.posternctl("mailbox", "import", address, path)
    assert contents(server, user=user)[1] == [7, 8, 31, 40, 100]
    assert state_of(server) == (1275660208, 101)
    assert contents(server, "Sent", user)[1] == [1] and state_of(server, "Sent") == (1275660207, 77)
    assert contents(server, "Work", user)[1] == [1, 2, 9] and state_of(server, "Work") == (1275660209, 10)
    # A second time nothing changes; what is new gets a UID behind all that Dovecot has given out.
    fill_maildir(path, 1, 5)
    write_uidlist(path, 1275660208, 120, [7, 8, 31, 40, 111, 112])
    assert server.posternctl("mailbox", "import", address, path).stdout.startswith("1 messages added, 9 were")
    assert contents(server, user=user)[1] == [7, 8, 31, 40, 100, 112]
    with Imap(server) as imap:
        assert imap.append(crlf(text(20))) == 120
    # Another Maildir can't have the UIDVALIDITY, not even when its folder is gone: that is said.
    with Imap(server) as imap:
        imap.do("DELETE Work")
    result = server.posternctl("mailbox", "import", address, path + "/.Work", "--folder", "Work")
    assert "new UIDs" in result.stderr and "another folder" in result.stderr
    assert contents(server, "Work", user)[1] == [1, 2, 3] and state_of(server, "Work")[0] > 1275660209
    checkup(server, "check")


def test_import_into_a_folder_in_use_has_new_uids(fresh_account, folder):
    server = fresh_account
    path = os.path.join(folder, "Maildir")
    fill_maildir(path, 2)
    write_uidlist(path, 1275660208, 100, [7, 8])
    with Imap(server) as imap:
        imap.append(crlf(text(20)))
    before = state_of(server)
    result = server.posternctl("mailbox", "import", f"{server.user}@{DOMAIN}", path)
    assert "folder INBOX: the messages get new UIDs" in result.stderr
    assert contents(server, user=server.user)[1] == [1, 2, 3] and state_of(server)[0] == before[0]


def test_uids_are_for_administrators(fresh_account):
    """A user's own client can't choose UIDs, and is not told that anybody could."""
    server = fresh_account
    before = state_of(server)
    with Imap(server) as imap:
        assert "Expected a command" in imap.bad("XUIDS INBOX 1275660208 100")
        assert not any(b"XUIDS" in line for line in imap.do("CAPABILITY"))
        assert b"XUIDS" not in imap.greeting
        assert "literal" in imap.bad("APPEND INBOX UID 50 {1+}\r\n.")
        assert imap.append(b"Subject: x\r\n\r\n") == 1
    assert state_of(server) == (before[0], 2)


def test_import_mbox(server, folder):
    path = os.path.join(folder, "mbox")
    box = mailbox.mbox(path)
    for number in range(30):
        message = mailbox.mboxMessage(text(number))
        message.set_from("ann@example.net", time.gmtime(800000000 + number))
        message.set_flags("RF" if number == 3 else "")
        if number == 4:
            message["X-Keywords"] = "$Later Work"
        box.add(message)
    box.add(b"From: ann@example.net\nSubject: quoted\n\nFrom here\n>From there\n")
    box.flush()
    said = server.posternctl("mailbox", "import", ALICE, path, "--folder", "Old").stdout
    assert said == "31 messages added, 0 were there already.\n"
    found, _ = contents(server, "Old")
    assert {crlf(text(number)) for number in range(30)} <= set(found)
    assert found[crlf(text(3))] == ({"\\Seen", "\\Flagged"}, " 9-May-1995 06:13:23 +0000")
    assert found[crlf(text(4))][0] == {"$Later", "Work"}
    assert any(octets.startswith(b"From: ann@example.net\r\nSubject: quoted") for octets in found)
    said = server.posternctl("mailbox", "import", ALICE, path, "--folder", "Old").stdout
    assert said == "0 messages added, 31 were there already.\n"


def test_import_says_what_is_wrong(server, folder):
    assert "No such file" in fail(server, "import", ALICE, os.path.join(folder, "nothing"))
    assert "neither a Maildir" in fail(server, "import", ALICE, folder)
    other = os.path.join(folder, "other")
    with open(other, "w", encoding="ascii") as file:
        file.write("Hello\n")
    assert "does not begin with" in fail(server, "import", ALICE, other)
    assert "folder's name" in fail(server, "import", ALICE, other, "--folder", "a//b")


def test_import_that_was_interrupted(server, folder):
    """More than one lot, and a quota... of none: the process is killed in the middle."""
    path = os.path.join(folder, "Maildir")
    fill_maildir(path, 1500)
    command = [program("posternctl"), "-f", server.configuration, "mailbox", "import", ALICE, path]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        wait_for(lambda: int(rows(server, "show", ALICE)[0][1]) > 0, "the first lot")
        process.kill()
    server.posternctl("mailbox", "import", ALICE, path)
    found, uids = contents(server)
    assert len(uids) == 1500 and set(found) == {crlf(text(number)) for number in range(1500)}


# -- Export ----------------------------------------------------------------------------------


def fill_mailbox(server):
    """Two folders with all that an export must keep; {folder: contents}."""
    with Imap(server) as imap:
        imap.do('CREATE "Work/a.b &APw-"')
        imap.do('SUBSCRIBE "Work/a.b &APw-"')
        imap.append(crlf(text(1)), options='(\\Seen $Later) "09-May-1995 06:13:20 +0000"')
        imap.append(crlf(text(2)), options='(\\Flagged \\Draft $Forwarded) "09-May-1996 06:13:20 +0000"')
        imap.append(b"Subject: from\r\n\r\nFrom here\r\n>From there\r\n>>From\r\n>x\r\nFro\r\nunterminated\r\n")
        imap.append(b"Subject: CR\r\n\r\nlone \r and two\r\r\nFrom here\r\n\r\r\nend\r\r\n")
        for number in range(10, 15):
            imap.append(crlf(text(number)), '"Work/a.b &APw-"')
    return {folder: contents(server, folder)[0] for folder in ("INBOX", "Work/a.b &APw-")}


def test_export_and_back(server, folder):
    server.add_account("bob")
    before = fill_mailbox(server)
    path = os.path.join(folder, "out")
    said = server.posternctl("mailbox", "export", ALICE, "--all", path).stdout
    assert said == "9 messages written, 0 were there already.\n"
    box = mailbox.Maildir(path, create=False)
    assert box.list_folders() and len(box) == 4
    flags = {message["Subject"]: message.get_flags() for message in box}
    assert flags["number 1"] == "Sa" and flags["number 2"] == "DFPb"
    assert {message.get_date() for message in box} >= {800000000.0}
    with open(path + "/dovecot-uidlist", encoding="ascii") as file:
        assert re.match(r"3 V\d+ N5\n(\d :\S+\n){4}$", file.read())
    with open(path + "/subscriptions", encoding="ascii") as file:
        assert "Work.a&AC4-b &APw-\n" in file.read()
    # A second time there is nothing to do; what was lost comes again.
    os.unlink(os.path.join(path, "cur", os.listdir(path + "/cur")[0]))
    said = server.posternctl("mailbox", "export", ALICE, "--all", path).stdout
    assert said == "1 messages written, 8 were there already.\n"
    server.posternctl("mailbox", "import", BOB, path)
    assert {name: contents(server, name, "bob")[0] for name in before} == before
    assert "another folder" in fail(server, "export", BOB, "Sent", path)


def test_export_mbox_and_back(server, folder):
    server.add_account("bob")
    before = fill_mailbox(server)
    path = os.path.join(folder, "one")
    server.posternctl("mailbox", "export", ALICE, "INBOX", path, "--mbox")
    assert len(mailbox.mbox(path)) == 4
    assert "is there already" in fail(server, "export", ALICE, "INBOX", path, "--mbox")
    server.posternctl("mailbox", "import", BOB, path)
    assert contents(server, "INBOX", "bob")[0] == before["INBOX"]
    assert "no folder" in fail(server, "export", ALICE, "Nothing", path)
    server.posternctl("mailbox", "export", ALICE, "--all", "--mbox", path + ".d")
    assert {"INBOX.mbox", "Work.a&AC4-b &APw-.mbox"} <= set(os.listdir(path + ".d"))


# -- Copy --------------------------------------------------------------------------------------


def test_copy(server):
    server.add_account("bob")
    before = fill_mailbox(server)
    with Imap(server) as imap:
        imap.do("CREATE Bin (USE (\\All))")
        imap.append(b"Subject: nul\r\n\r\nHello\r\n", "Bin", "(\\Deleted)")
        imap.append(b"Subject: long\r\n\r\n" + b"x" * 1000 * 1000 + b"\r\n", "Bin")
    before["Bin"] = contents(server, "Bin")[0]
    said = server.posternctl("mailbox", "copy", ALICE, BOB, "--folder", "INBOX").stdout
    assert said == "4 messages added, 0 were there already.\n"
    assert contents(server, "INBOX", "bob")[0] == before["INBOX"]
    with Imap(server, "bob") as imap:
        imap.no('STATUS Bin (MESSAGES)', "NONEXISTENT")
    said = server.posternctl("mailbox", "copy", ALICE, BOB).stdout
    assert said == "7 messages added, 4 were there already.\n"
    assert {name: contents(server, name, "bob")[0] for name in before} == before
    with Imap(server, "bob") as imap:
        lines = b"\n".join(imap.do('LIST "" * RETURN (SUBSCRIBED SPECIAL-USE)'))
    assert re.search(rb'LIST \([^)]*\\All[^)]*\) "/" "?Bin', lines)
    assert re.search(rb'LIST \([^)]*\\Subscribed[^)]*\) "/" "Work/a.b', lines)
    # A second time there is nothing to do; two of the same are two; the source is as it was.
    with Imap(server) as imap:
        imap.append(crlf(text(1)), options='"09-May-1995 06:13:20 +0000"')
    assert server.posternctl("mailbox", "copy", ALICE, BOB).stdout == (
        "1 messages added, 11 were there already.\n")
    assert len(contents(server, "INBOX", "bob")[1]) == len(contents(server)[1]) == 5


def test_copy_says_what_is_wrong(fresh_account):
    server = fresh_account
    address = f"{server.user}@{DOMAIN}"
    assert "into itself" in fail(server, "copy", address, address.upper())
    assert "no account" in fail(server, "copy", address, f"nobody@{DOMAIN}")
    assert "no folder Nothing" in fail(server, "copy", address, ALICE, "--folder", "Nothing")
    assert "folder's name" in fail(server, "copy", address, ALICE, "--folder", "a//b")
    assert "usage" in fail(server, "copy", address)


# -- Check and repair --------------------------------------------------------------------------


def checkup(server, verb, user=None, status=0):
    """What check or repair says, as JSON and in words."""
    address = f"{user or server.user}@{DOMAIN}"
    result = server.posternctl("mailbox", verb, address, "--json", check=False)
    assert result.returncode == status, f"{result.returncode}: {result.stdout}{result.stderr}"
    return json.loads(result.stdout)


def files_of(server, user):
    return sorted(glob.glob(f"{server.state}/mail/{DOMAIN}/{user}/msg/*/*"))


def write_garbage(server, user):
    with open(f"{server.state}/mail/{DOMAIN}/{user}/index.db", "r+b") as file:
        size = os.fstat(file.fileno()).st_size
        file.write(b"garbage." * (size // 8))


def remove_file(server, user):
    os.unlink(files_of(server, user)[0])


def add_file(server, user):
    """By the mailbox's owner, as a restored backup might have it."""
    first = files_of(server, user)[0]
    path = os.path.dirname(first) + "/" + os.path.basename(first)[:2] + 30 * "0"
    with open(path, "wb") as file:
        file.write(b"Subject: added\r\n\r\nHello\r\n")
    os.chown(path, os.stat(first).st_uid, os.stat(first).st_gid)


def truncate_file(server, user):
    os.truncate(files_of(server, user)[0], 20)


# What is done to a mailbox of five; what check says; how many messages are there afterwards.
DAMAGES = [
    (write_garbage, "not a database", 5),
    (remove_file, "is lost", 4),
    (add_file, "is in no folder", 6),
    (truncate_file, "20 octets, the index says", 5),
]


@pytest.mark.parametrize("damage,words,left", DAMAGES, ids=[damage[0].__name__ for damage in DAMAGES])
def test_repair(server, damage, words, left):
    with Imap(server) as imap:
        for number in range(5):
            imap.append(crlf(text(number)))
    before = {open(path, "rb").read() for path in files_of(server, "alice")}
    report = checkup(server, "check")
    assert (report["messages"], report["files"], report["problems"], report["findings"]) == (5, 5, 0, [])

    server.stop(hasten=True)
    damage(server, "alice")
    readable = {open(path, "rb").read() for path in files_of(server, "alice")}
    server.start()
    report = checkup(server, "check", status=1)
    assert any(words in finding for finding in report["findings"]), report
    assert checkup(server, "check", status=1)["findings"] == report["findings"]
    assert "posternctl mailbox repair" in server.posternctl("mailbox", "check", ALICE, check=False).stdout
    report = checkup(server, "repair")
    assert report["repaired"] and report["problems"] > 0
    assert report["lost"] == (1 if damage is remove_file else 0)
    assert report["rebuilt"] == (damage is write_garbage)
    assert server.posternctl("mailbox", "check", ALICE).stdout == (
        f"{ALICE}: {left} messages, nothing is wrong.\n")
    found = {}
    for folder in {row[0] for row in rows(server, "show", ALICE) if row[1] != "0"}:
        found.update(contents(server, folder)[0])
    assert set(found) == readable
    assert len(found) == left and len(before & set(found)) >= 4
    # It is a mailbox as any other.
    with Imap(server) as imap:
        imap.append(crlf(text(9)))
    assert checkup(server, "check")["messages"] == left + 1


def test_repair_ends_clients_only_if_it_must(fresh_account):
    server, user = fresh_account, fresh_account.user
    with Imap(server) as imap, Imap(server) as other:
        for number in range(3):
            imap.append(crlf(text(number)))
        other.select("INBOX")
        assert checkup(server, "check")["messages"] == 3
        assert checkup(server, "repair")["problems"] == 0
        assert len(other.do("FETCH 1:* FLAGS")) == 3
        remove_file(server, user)
        assert checkup(server, "check", status=1)["lost"] == 1
        other.do("NOOP")
        assert checkup(server, "repair")["lost"] == 1
        assert other.response().startswith(b"* BYE [UNAVAILABLE] The mailbox is being repaired")
    assert len(contents(server, user=user)[1]) == 2
    checkup(server, "check")


def test_checkup_of_strange_files(fresh_account):
    server, user = fresh_account, fresh_account.user
    with Imap(server) as imap:
        imap.append(crlf(text(1)))
    path = os.path.dirname(files_of(server, user)[0]) + "/\x1b[2Jnote"
    with open(path, "wb"):
        pass
    for verb in ("check", "repair"):
        report = checkup(server, verb)
        assert report["strange"] == 1 and "?[2Jnote: not a message file" in report["findings"][0]
    assert os.path.exists(path)


def test_checkup_that_cannot_be_done(fresh_account, make_server):
    server = fresh_account
    for arguments in (("check", f"nobody@{DOMAIN}"), ("repair", "nonsense"), ("check",)):
        assert server.posternctl("mailbox", *arguments, check=False).returncode == 2
    other = make_server()
    other.write_configuration()
    other.add_account("alice")
    result = other.posternctl("mailbox", "check", ALICE, check=False)
    assert result.returncode == 2 and "no server is running" in result.stderr


@pytest.mark.parametrize("purpose", [3, 2**32 - 1])
def test_a_purpose_that_is_none(fresh_account, purpose):
    """The master cuts off who asks for it, and goes on."""
    server = fresh_account
    address = f"{server.user}@{DOMAIN}".encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
        here = os.open(server.state, os.O_RDONLY)
        control.connect(f"/proc/self/fd/{here}/control")
        os.close(here)
        body = struct.pack("=I", purpose) + address
        control.send(struct.pack("=HHIII", 7, 0, 1, len(body), 0) + body)
        assert control.recv(65536) == b""
    checkup(server, "check")
