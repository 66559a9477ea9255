# SPDX-License-Identifier: ISC
"""ESEARCH of many mailboxes (RFC 7377)."""

import re

import pytest

from imap_client import Imap


@pytest.fixture
def imap(fresh_account):
    with Imap(fresh_account) as client:
        for name in ("a", "a/b", "a/b/c", "ab", "empty"):
            client.do(f"CREATE {name}")
            if name != "empty":
                client.append(f"Subject: in {name}\r\n\r\nred\r\n", name)
                client.append("Subject: blue\r\n\r\nblue\r\n", name)
        client.append("Subject: in INBOX\r\n\r\nred\r\n")
        client.do("SUBSCRIBE a/b")
        client.do("SUBSCRIBE nowhere")
        yield client


def found(lines):
    """{mailbox: what}, of responses that are whole."""
    result = {}
    for line in lines:
        match = re.fullmatch(rb'ESEARCH \(TAG "a\d+" MAILBOX "?([^ "]+)"? UIDVALIDITY (\d+)\) UID (.*)', line)
        assert match, line
        assert match.group(1) not in result
        result[match.group(1).decode()] = match.group(3).decode()
    return result


@pytest.mark.parametrize("sources, names", [
    ("inboxes", ["INBOX"]), ("personal", ["INBOX", "a", "a/b", "a/b/c", "ab"]), ("subtree a", ["a", "a/b", "a/b/c"]),
    ("subtree-one a", ["a", "a/b"]), ("subtree (a/b ab)", ["a/b", "a/b/c", "ab"]), ("mailboxes (ab a/b)", ["a/b", "ab"]),
    ('mailboxes "a*"', []), ("mailboxes none", []), ("mailboxes (a a) subtree a/b", ["a", "a/b", "a/b/c"]),
    ("mailboxes inbox", ["INBOX"]),
])
def test_sources(imap, sources, names):
    assert "MULTISEARCH" in imap.do("CAPABILITY")[0].decode().split()
    assert found(imap.do(f"ESEARCH IN ({sources}) BODY red")) == {name: "ALL 1" for name in names}


def test_subscribed(imap):
    imap.do("UNSUBSCRIBE INBOX")
    assert sorted(found(imap.do("ESEARCH IN (subscribed) BODY red"))) == ["a/b"]


def test_results(imap):
    assert found(imap.do("ESEARCH IN (subtree a/b) RETURN (MIN MAX COUNT) ALL")) == {
        "a/b": "MIN 1 MAX 2 COUNT 2", "a/b/c": "MIN 1 MAX 2 COUNT 2"}
    assert found(imap.do("ESEARCH IN (subtree a/b) RETURN (PARTIAL 1:1) ALL")) == {
        "a/b": "PARTIAL (1:1 1)", "a/b/c": "PARTIAL (1:1 1)"}
    # None at all of a mailbox in which nothing is found.
    assert imap.do("ESEARCH IN (personal) RETURN (COUNT) BODY green") == []
    assert found(imap.do("ESEARCH IN (mailboxes (a ab)) 1:100 BODY red")) == {"a": "ALL 1", "ab": "ALL 1"}
    assert imap.do("ESEARCH IN (mailboxes a) 101:200") == []
    imap.no("ESEARCH IN (personal) CHARSET KLINGON ALL", "BADCHARSET")


def test_selected(imap):
    imap.bad("ESEARCH ALL")
    imap.bad("ESEARCH IN (selected personal) ALL")
    imap.select("a")
    assert found(imap.do("ESEARCH BODY blue")) == {"a": "ALL 2"}
    assert found(imap.do("ESEARCH IN (selected) RETURN (COUNT) ALL")) == {"a": "COUNT 2"}
    assert sorted(found(imap.do("ESEARCH IN (selected inboxes) ALL"))) == ["INBOX", "a"]
    # What is selected stays so, with its numbers.
    assert imap.do("SEARCH BODY blue") == [b"SEARCH 2"]


def test_saved(imap):
    imap.select("a")
    assert "SAVE" in imap.bad("ESEARCH IN (personal) RETURN (SAVE) ALL")
    assert imap.do("ESEARCH IN (selected) RETURN (SAVE) BODY blue") == []
    assert imap.do("SEARCH $") == [b"SEARCH 2"]
    # It is of the selected mailbox, and nothing in others.
    assert found(imap.do("ESEARCH IN (subtree a) $")) == {"a": "ALL 2"}


def test_the_selected_mailbox_is_as_the_client_knows_it(imap, fresh_account):
    imap.select("a")
    with Imap(fresh_account) as other:
        other.append("Subject: new\r\n\r\nred\r\n", "a")
        lines = imap.do("ESEARCH IN (subtree a) BODY red")
    assert found([line for line in lines if line.startswith(b"ESEARCH")])["a"] == "ALL 1"
    assert b"3 EXISTS" in lines


def test_many(imap):
    for n in range(60):
        imap.do(f"CREATE many/{n}")
        imap.append("Subject: s\r\n\r\nred\r\n", f"many/{n}")
    assert len(found(imap.do("ESEARCH IN (subtree many) BODY red"))) == 60
