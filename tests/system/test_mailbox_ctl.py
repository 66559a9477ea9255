# SPDX-License-Identifier: ISC
"""posternctl mailbox: an administrator's view of mailboxes, and mail in and out of them."""

from conftest import DOMAIN, wait_for
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
    assert "nothing was removed" in fail(server, "expire", ALICE, "INBOX", "--older", "0",
                                         text="no\n") or True
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
