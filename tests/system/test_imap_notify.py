# SPDX-License-Identifier: ISC
"""NOTIFY (RFC 5465): what a client hears without asking."""

import re

import pytest

from conftest import DOMAIN
from imap_client import Imap

ONE = "From: a@x\r\nSubject: one\r\n\r\nHello\r\n"
EVENTS = ["MessageNew", "MessageExpunge", "FlagChange", "MailboxName", "SubscriptionChange",
          "MailboxMetadataChange", "ServerMetadataChange"]


@pytest.fixture
def server(fresh_account):
    return fresh_account


@pytest.fixture
def imap(server):
    with Imap(server) as client:
        yield client


@pytest.fixture
def other(server):
    with Imap(server) as client:
        yield client


def heard(client, count=1):
    """Responses that come by themselves."""
    return [client.response().removeprefix(b"* ") for _ in range(count)]


def nothing_more(client):
    """The answer to a command is next: nothing was told before it."""
    return client.do("NOOP") == []


def deliver(server):
    with server.smtp() as smtp:
        smtp.sendmail("bob@example.net", [f"{server.user}@{DOMAIN}"], ONE.encode())


def items(line):
    """A STATUS response as (name, {item: number})."""
    match = re.fullmatch(rb'STATUS "?([^" ]+)"? \((.*)\)', line)
    assert match, line
    words = match.group(2).decode().split()
    return match.group(1).decode(), {name: int(number) for name, number in zip(words[::2], words[1::2])}


def test_other_mailboxes(imap, other, server):
    assert "NOTIFY" in imap.do("CAPABILITY")[0].decode().split()
    other.do("CREATE box")
    assert imap.do("NOTIFY SET (personal (MessageNew MessageExpunge))") == []
    deliver(server)
    name, numbers = items(*heard(imap))
    assert name == "INBOX" and numbers["MESSAGES"] == 1 and numbers["UIDNEXT"] == 2
    other.append(ONE, "box")
    assert items(*heard(imap))[1]["MESSAGES"] == 1
    other.select("box")
    other.do("STORE 1 +FLAGS (\\Deleted)")  # not asked for
    other.do("EXPUNGE")
    name, numbers = items(*heard(imap))
    assert (name, numbers["MESSAGES"], numbers["UIDNEXT"]) == ("box", 0, 2)
    assert nothing_more(imap)


def test_flags_of_other_mailboxes(imap, other):
    other.append(ONE)
    other.select()
    imap.do("NOTIFY SET (inboxes (MessageNew MessageExpunge FlagChange))")
    other.do("STORE 1 +FLAGS (\\Flagged)")  # not to be seen without MODSEQs
    other.do("STORE 1 +FLAGS (\\Seen)")
    assert items(*heard(imap))[1] == {"UIDVALIDITY": int(re.search(rb"UIDVALIDITY (\d+)", imap.do("STATUS INBOX (UIDVALIDITY)")[0]).group(1)),
                                      "UNSEEN": 0}
    imap.do("ENABLE CONDSTORE")
    other.do("STORE 1 -FLAGS (\\Flagged)")
    assert "HIGHESTMODSEQ" in items(*heard(imap))[1]


def test_status_at_once(imap, other):
    other.do("CREATE a")
    other.do("CREATE a/b")
    other.append(ONE, "a/b")
    lines = imap.do("NOTIFY SET STATUS (subtree a (MessageNew MessageExpunge FlagChange)) (mailboxes none (MailboxName))")
    found = dict(items(line) for line in lines)
    assert sorted(found) == ["a", "a/b"]
    assert set(found["a/b"]) >= {"MESSAGES", "UIDNEXT", "UIDVALIDITY", "HIGHESTMODSEQ"}
    assert found["a/b"]["MESSAGES"] == 1


def test_selected(imap, other, server):
    """Everything at once, without a command; and what is new with what was asked for."""
    imap.append(ONE)
    imap.select()
    other.select()
    imap.do("NOTIFY SET (selected (MessageNew (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)]) MessageExpunge FlagChange))")
    other.do("STORE 1 +FLAGS (\\Flagged)")
    assert heard(imap)[0].startswith(b"1 FETCH (UID 1 FLAGS (\\Flagged")
    deliver(server)
    lines = heard(imap, 3)
    assert lines[0] == b"2 EXISTS" and lines[1].endswith(b"RECENT")
    assert lines[2] == b"2 FETCH (UID 2 BODY[HEADER.FIELDS (SUBJECT)] {16}\r\nSubject: one\r\n\r\n)"
    other.do("STORE 1 +FLAGS.SILENT (\\Deleted)")
    other.do("EXPUNGE")
    lines = heard(imap, 2)
    assert lines[0].startswith(b"1 FETCH") and lines[1] == b"1 EXPUNGE"
    # What this client has put in itself, it knows.
    tag = imap.begin(b"APPEND INBOX {%d+}\r\n" % len(ONE) + ONE.encode())
    untagged = imap.end(tag)[2]
    assert b"* 2 EXISTS" in untagged and not any(b"FETCH" in line for line in untagged)
    assert not any(b"FETCH" in line for line in imap.do("NOOP"))
    # It was not read by that.
    assert b"\\Seen" not in imap.do("FETCH 1 FLAGS")[0]


def test_selected_delayed(imap, other):
    for _ in range(2):
        imap.append(ONE)
    imap.select()
    imap.do("NOTIFY SET (selected-delayed (MessageNew MessageExpunge FlagChange))")
    other.select()
    other.do("STORE 1 +FLAGS.SILENT (\\Deleted)")
    assert heard(imap)[0].startswith(b"1 FETCH")
    other.do("EXPUNGE")
    other.append(ONE)
    assert heard(imap) == [b"3 EXISTS"]
    assert heard(imap)[0].endswith(b"RECENT")
    assert imap.do("FETCH 2 UID") == [b"2 FETCH (UID 2)"]  # numbers are as they were
    assert imap.do("NOOP") == [b"1 EXPUNGE"]


def test_selected_not_asked_for(imap, other):
    """Nothing of the selected mailbox, not even in a command; and the other way round."""
    imap.append(ONE)
    imap.select()
    imap.do("NOTIFY SET (inboxes (MessageNew MessageExpunge))")
    other.append(ONE)
    assert nothing_more(imap)
    tag = imap.begin("IDLE")
    assert imap.response().startswith(b"+")
    other.append(ONE)
    imap.send("DONE\r\n")
    assert imap.end(tag)[2] == []
    # It says what it does itself, and its numbers are right then.
    imap.do("STORE 1 +FLAGS.SILENT (\\Deleted)")
    assert imap.do("EXPUNGE")[:2] == [b"1 EXPUNGE", b"2 EXISTS"]
    imap.do("UNSELECT")
    other.append(ONE)
    assert items(*heard(imap))[1]["MESSAGES"] == 3


def test_none(imap, other):
    imap.select()
    imap.do("NOTIFY NONE")
    other.append(ONE)
    assert nothing_more(imap)
    assert b"1 EXISTS" in imap.do("NOTIFY SET (selected (MessageNew MessageExpunge))")
    other.append(ONE)
    assert heard(imap) == [b"2 EXISTS"]


def test_idle_is_the_same(imap, other):
    imap.select()
    imap.do("NOTIFY SET (selected (MessageNew MessageExpunge)) (personal (MailboxName))")
    tag = imap.begin("IDLE")
    assert imap.response().startswith(b"+")
    other.do("CREATE new")
    assert heard(imap)[0] in (b'LIST (\\HasNoChildren) "/" "new"', b'LIST (\\HasNoChildren) "/" new')
    other.append(ONE)
    assert heard(imap) == [b"1 EXISTS"]
    assert heard(imap)[0].endswith(b"RECENT")
    other.select()
    other.do("STORE 1 +FLAGS (\\Seen)")  # not asked for
    imap.send("DONE\r\n")
    assert imap.end(tag)[2] == []


def names(lines):
    return [line.decode().replace('"', "") for line in lines]


def test_mailbox_names(imap, other):
    imap.do("NOTIFY SET (personal (MailboxName))")
    other.do("CREATE a")
    assert names(heard(imap)) == ["LIST (\\HasNoChildren) / a"]
    other.do("CREATE a/b")
    assert names(heard(imap, 2)) == ["LIST (\\HasNoChildren) / a/b", "LIST (\\HasChildren) / a"]
    other.do("RENAME a z")  # and with it a/b
    assert names(heard(imap)) == ["LIST (\\HasChildren) / z (OLDNAME (a))"]
    other.do("DELETE z/b")
    assert names(heard(imap, 2)) == ["LIST (\\NonExistent \\HasNoChildren) / z/b", "LIST (\\HasNoChildren) / z"]
    imap.do("CREATE mine")  # its own
    other.do("SUBSCRIBE z")  # not asked for
    assert nothing_more(imap)
    other.do("DELETE z")
    assert names(heard(imap)) == ["LIST (\\NonExistent \\Subscribed \\HasNoChildren) / z"]


def test_another_folder_of_the_same_name(imap, other):
    other.do("CREATE a")
    old = items(other.do("STATUS a (UIDVALIDITY)")[0])[1]["UIDVALIDITY"]
    imap.select()
    imap.do("NOTIFY SET (mailboxes a (MessageNew MessageExpunge FlagChange))")
    other.do("DELETE a")
    other.do("CREATE a")
    assert items(heard(imap)[0])[1]["UIDVALIDITY"] != old


def test_subscriptions(imap, other):
    other.do("CREATE a")
    imap.do("NOTIFY SET (mailboxes (a nowhere) (SubscriptionChange))")
    other.do("SUBSCRIBE a")
    assert names(heard(imap)) == ["LIST (\\Subscribed \\HasNoChildren) / a"]
    other.do("SUBSCRIBE b")
    other.do("UNSUBSCRIBE a")
    assert names(heard(imap)) == ["LIST (\\HasNoChildren) / a"]
    other.do("SUBSCRIBE nowhere")
    assert names(heard(imap)) == ["LIST (\\NonExistent \\Subscribed \\HasNoChildren) / nowhere"]
    assert nothing_more(imap)


def test_subscribed_is_asked_anew(imap, other):
    other.do("CREATE a")
    imap.do("NOTIFY SET (subscribed (MessageNew MessageExpunge))")
    other.append(ONE, "a")
    assert nothing_more(imap)
    other.do("SUBSCRIBE a")
    other.append(ONE, "a")
    assert items(*heard(imap))[1]["MESSAGES"] == 2


def test_annotations(imap, other):
    other.do("CREATE a")
    imap.do("NOTIFY SET (mailboxes a (MailboxMetadataChange ServerMetadataChange))")
    other.do('SETMETADATA a (/private/comment "x" /private/b "y")')
    assert names(heard(imap)) == ["METADATA a /private/comment /private/b"]
    other.do("SETMETADATA a (/private/b NIL)")
    assert names(heard(imap)) == ["METADATA a /private/b"]
    other.do('SETMETADATA INBOX (/private/comment "x")')  # not that mailbox
    other.do('SETMETADATA "" (/shared/comment "x")')
    assert names(heard(imap)) == ["METADATA  /shared/comment"]
    imap.do('SETMETADATA a (/private/comment "z")')  # its own
    assert nothing_more(imap)


def test_refused(imap):
    text = imap.no("NOTIFY SET (personal (MessageNew MessageExpunge AnnotationChange))", "BADEVENT")
    assert all(event in text for event in EVENTS)
    imap.bad("NOTIFY SET (personal (MessageNew))")
    imap.bad("NOTIFY SET (personal (FlagChange))")
    imap.bad("NOTIFY SET (selected (MailboxName))")
    imap.bad("NOTIFY SET (personal (MessageNew (UID) MessageExpunge))")
    imap.bad("NOTIFY SET (selected (MessageNew MessageExpunge)) (selected-delayed (MessageNew MessageExpunge))")
    assert imap.do("NOTIFY SET (selected NONE)") == []


def test_too_much(imap, other):
    """More than is kept while the client is busy: it is told so, and nothing more."""
    imap.do("NOTIFY SET (personal (ServerMetadataChange MailboxName))")
    entries = " ".join(f'/private/e{n} "x"' for n in range(100))
    other.do(f'SETMETADATA "" ({entries})')
    assert heard(imap)[0].startswith(b"OK [NOTIFICATIONOVERFLOW] ")
    other.do("CREATE a")
    assert nothing_more(imap)
    imap.do("NOTIFY SET (personal (MailboxName))")
    other.do("CREATE b")
    assert names(heard(imap)) == ["LIST (\\HasNoChildren) / b"]


def test_many_mailboxes_at_once(imap, other):
    for n in range(80):
        other.do(f"CREATE a/{n}")
    imap.do("NOTIFY SET (subtree a (MailboxName))")
    other.do("RENAME a b")
    assert sorted(names(heard(imap, 80))) == sorted(f"LIST (\\HasNoChildren) / b/{n} (OLDNAME (a/{n}))" for n in range(80))


def test_new_ones_of_a_search(imap, other):
    """RFC 5465 7: what is new in the result of a search comes with what was asked for."""
    imap.append(ONE)
    imap.select()
    imap.do("NOTIFY SET (selected (MessageNew MessageExpunge FlagChange))")
    tag = imap.begin("SEARCH RETURN (UPDATE (UID RFC822.SIZE)) FLAGGED")
    imap.end(tag)
    other.append(ONE, options="(\\Flagged)")
    lines = heard(imap, 4)
    assert lines[0] == b"2 EXISTS"
    assert lines[2] == f'ESEARCH (TAG "{tag}") ADDTO (0 2)'.encode()
    assert lines[3] == b"2 FETCH (UID 2 RFC822.SIZE %d)" % len(ONE)
    # One that was there is only added.
    other.select()
    other.do("STORE 1 +FLAGS.SILENT (\\Flagged)")
    lines = heard(imap, 2)
    assert lines[0].startswith(b"1 FETCH") and lines[1].endswith(b"ADDTO (0 1)")
    assert nothing_more(imap)


def test_odd_entries(imap, other):
    """An entry's name is an astring: what it ends with is not taken for syntax."""
    names = ["/private/a)b", "/private/nil{3}", "/private/q\"q", "/shared/plain"]
    imap.do("NOTIFY SET (inboxes (MailboxMetadataChange))")
    for name in names:
        quoted = name.replace('"', '\\"')
        other.do(f'SETMETADATA INBOX ("{quoted}" "x")')
        expected = name if name == "/shared/plain" else f'"{quoted}"'
        assert heard(imap) == [f'METADATA "INBOX" {expected}'.encode()]
        assert other.do(f'GETMETADATA INBOX "{quoted}"') == [f'METADATA "INBOX" ({expected} "x")'.encode()]
    assert nothing_more(imap)


def test_selected_mailbox_is_left(imap, other):
    """What was not told of it is told as of any other."""
    for _ in range(3):
        imap.append(ONE)
    imap.select()
    imap.do("NOTIFY SET (selected-delayed (MessageNew MessageExpunge)) (personal (MessageNew MessageExpunge))")
    other.select()
    other.do("STORE 1 +FLAGS.SILENT (\\Deleted)")
    other.do("EXPUNGE")
    imap.do("UNSELECT")
    name, numbers = items(*heard(imap))
    assert (name, numbers["MESSAGES"]) == ("INBOX", 2)
    assert nothing_more(imap)


def test_set_is_a_noop(imap, other):
    """RFC 5465 3.1: what has happened until now is told by what was wanted until now."""
    imap.append(ONE)
    imap.select()
    other.select()
    other.do("STORE 1 +FLAGS (\\Flagged)")
    other.append(ONE)
    lines = imap.do("NOTIFY SET (selected (MessageNew MessageExpunge))")
    assert any(b"1 FETCH" in line and b"\\Flagged" in line for line in lines) and b"2 EXISTS" in lines
    assert nothing_more(imap)


def follow(names, lines):
    """The names that a client has who follows LIST responses one by one."""
    for line in lines:
        new = re.match(rb'LIST \(([^)]*)\) "/" "([^"]*)"(?: \("OLDNAME" \("([^"]*)"\)\))?', line)
        assert new, line
        if new[3]:  # what is below goes with it (RFC 5465 5.4)
            old, name = new[3].decode(), new[2].decode()
            below = {other for other in names if other.startswith(old + "/")}
            names = names - below - {old} | {name + other[len(old):] for other in below}
        (names.discard if b"NonExistent" in new[1] else names.add)(new[2].decode())
    return names


def test_names_that_come_again(imap, other):
    for name in ("a1", "b1", "s1", "s1/below"):
        other.do(f"CREATE {name}")
    names = {"a1", "b1", "s1", "s1/below"}
    imap.do("NOTIFY SET (personal (MailboxName))")
    tag = [other.begin(command) for command in (
        "RENAME s1 s2", "CREATE s1", "RENAME s2 s3", "RENAME a1 t", "RENAME b1 a1", "RENAME t b1")][-1]
    while not other.response().startswith(tag.encode()):
        pass
    names = follow(names, imap.do("NOOP") or heard(imap))
    while names != {"a1", "b1", "s1", "s3", "s3/below"}:
        names = follow(names, heard(imap))
    assert nothing_more(imap)


def test_bye_is_the_last_word(imap, other):
    other.do("CREATE gone")
    imap.select("gone")
    imap.do("NOTIFY SET (selected (MessageNew MessageExpunge)) (personal (MailboxName))")
    other.do("DELETE gone")
    lines = []
    while line := imap.response():
        lines.append(line)
    assert lines[-1].startswith(b"* BYE"), lines


def test_seen_by_oneself(imap):
    """RFC 9051 6.4.5: whatever it wants to hear of others."""
    imap.append(ONE)
    imap.select()
    imap.do("NOTIFY NONE")
    lines = imap.do("FETCH 1 BODY[TEXT]")
    assert any(b"FLAGS" in line and b"\\Seen" in line for line in lines[1:])
    assert nothing_more(imap)
