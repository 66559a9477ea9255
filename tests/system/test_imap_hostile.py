# SPDX-License-Identifier: ISC
"""What no client should send: answered, bounded, and the session goes on where the RFC lets it."""

import re

import pytest

from imap_client import Imap

ONE = b"Subject: one\r\n\r\nHello\r\n"


@pytest.fixture
def server(fresh_account):
    return fresh_account


@pytest.fixture
def imap(server):
    with Imap(server) as client:
        yield client


COMMANDS = [
    b"SELECT INBOX (CONDSTORE)", b'LIST (SUBSCRIBED) "" ("*" "%") RETURN (CHILDREN STATUS (MESSAGES))',
    b"STATUS INBOX (MESSAGES UNSEEN)", b"FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)]<0.10>)",
    b"UID FETCH 1 (BINARY.PEEK[1.2]<0.5> ENVELOPE)", b"STORE 1 (UNCHANGEDSINCE 5) +FLAGS.SILENT (\\Seen $x)",
    b"UID COPY 1:* INBOX", b"APPEND INBOX (\\Seen) \"07-Feb-1994 21:52:25 -0800\" {3+}\r\nabc",
    b"SETMETADATA INBOX (/private/comment {3+}\r\nabc)", b'RENAME "a" b', b"ENABLE CONDSTORE UTF8=ACCEPT",
    b'ID ("name" "x" "version" NIL)', b"UID EXPUNGE 1,3:5", b"GETQUOTAROOT INBOX",
    b"NOTIFY SET STATUS (selected (MessageNew (UID FLAGS) MessageExpunge)) (subtree (a b) (MailboxName))",
    b'ESEARCH IN (personal subtree-one "a") RETURN (COUNT PARTIAL 1:5) 1:* SUBJECT x',
    b"SORT RETURN (UPDATE (UID) ALL) (REVERSE DATE) UTF-8 UNSEEN", b'CANCELUPDATE "a1" "a2"',
]


@pytest.mark.matrix
@pytest.mark.parametrize("command", COMMANDS)
def test_cut_at_every_octet(imap, command):
    imap.append(ONE)
    imap.select()
    for cut in range(len(command)):
        text = command[:cut]
        if re.search(rb"\{\d+\+\}(\r\n)?(ab?)?$|[\r\n]", text):
            continue  # the server waits for the literal, as it must
        assert imap.ask(text)[0] in ("OK", "NO", "BAD")
        imap.do("NOOP")  # or so many errors in a row would end it


@pytest.mark.matrix
@pytest.mark.parametrize("command", COMMANDS)
def test_a_nul_anywhere(server, command):
    """RFC 9051 9: no command has one; what comes behind its line is taken as ever, or the server hangs up."""
    with Imap(server) as imap:
        for at in range(1, len(command), 3):
            if b"{" in command and at > command.index(b"{") - 1:
                break
            status, _, _ = imap.ask(command[:at] + b"\x00" + command[at:].replace(b"\r\n", b"").replace(b"{3+}", b"x"))
            assert status in ("BAD", "NO", "OK")
        imap.do("NOOP")


@pytest.mark.matrix
@pytest.mark.parametrize("octets", [2**31, 2**32, 2**63 - 1, 2**63, 2**64, 10**30])
def test_literals_that_are_too_large(server, octets):
    for text in (f"LOGIN {{{octets}}}", f"SELECT {{{octets}}}", f"APPEND INBOX {{{octets}}}"):
        with Imap(server) as imap:
            status, _, _ = imap.ask(text)
            assert status in ("BAD", "NO")
            imap.do("NOOP")


def test_a_literal_that_is_too_large_and_comes_anyway(server):
    with Imap(server) as imap:
        imap.send(b"x SELECT {9223372036854775807+}\r\n")
        line = imap.response()
        assert line.startswith((b"* BYE", b"x BAD")), line


def test_deep_lists(imap):
    imap.select()
    for text in ("FETCH 1 " + "(" * 10000 + "FLAGS" + ")" * 10000, "LIST " + "(" * 10000,
                 "STATUS INBOX " + "(" * 10000 + "MESSAGES" + ")" * 10000, "SEARCH " + "(" * 10000 + "ALL" + ")" * 10000,
                 "FETCH 1 BODY[" + "1." * 5000 + "1]"):
        assert imap.ask(text)[0] == "BAD"
    # These need no depth: a NOT of a NOT is nothing, an OR of ORs is a list.
    for text in ("SEARCH " + "NOT " * 10000 + "ALL", "SEARCH " + "OR " * 5000 + "ALL " * 5001,
                 "SEARCH " + "OR ALL " * 5000 + "ALL"):
        assert imap.ask(text)[0] in ("OK", "BAD")
    imap.do("NOOP")


def test_large_sets(imap):
    imap.append(ONE)
    imap.select()
    few = ",".join("1" for _ in range(30000))
    assert len(imap.do(f"UID FETCH {few} FLAGS")) == 1
    assert imap.ask(f"UID FETCH {','.join(str(n) for n in range(1, 200000))} FLAGS")[0] == "BAD"  # a line too long
    imap.do("NOOP")


NAMES = ["../etc/passwd", "..", ".", "a/../b", "/absolute", "a//b", "a/", "x" * 5000, "a/" * 3000 + "b",
         "a\\x", '"a\\"b"', "*", "%", "&AAA-", "&", "&-&-", "&2D0-", "\x7f", "INBOX/../x", "~root", '" "', '""']


@pytest.mark.matrix
@pytest.mark.parametrize("name", NAMES)
def test_names(imap, name):
    for command in ("CREATE", "SELECT", "DELETE", "SUBSCRIBE", "STATUS", "RENAME INBOX"):
        tail = " (MESSAGES)" if command == "STATUS" else ""
        assert imap.ask(f"{command} {name}{tail}")[0] in ("OK", "NO", "BAD")
    imap.do("NOOP")
    assert imap.do('LIST "" "*"')


def test_many_levels(imap):
    assert imap.ask("CREATE " + "/".join("a" for _ in range(400)))[0] == "NO"
    assert imap.ask("CREATE {20003+}\r\n" + "/".join("a" for _ in range(10002)))[0] in ("NO", "BAD")
    imap.do("CREATE " + "/".join("a" for _ in range(40)))
    imap.do("RENAME a b")
    imap.do("DELETE " + "/".join(["b"] + ["a"] * 39))


def test_endless_errors_end(imap):
    imap.send(b"a X\r\n" * 60)  # at once: it hangs up in the middle of them
    lines = []
    while True:
        line = imap.response()
        if not line:
            break
        lines.append(line)
    assert lines[-1].startswith(b"* BYE") and len(lines) < 60


def test_pipelined(imap):
    tags = [imap.begin("NOOP") for _ in range(500)]
    for tag in tags:
        assert imap.end(tag)[0] == "OK"


def test_an_append_that_ends_early(server):
    with Imap(server) as imap:
        imap.begin("APPEND INBOX {1000}")
        assert imap.response().startswith(b"+")
        imap.send(b"half")
    with Imap(server) as imap:
        assert b"0 EXISTS" in imap.select()


BROKEN = {
    "no end": b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nbody",
    "no boundary": b"Content-Type: multipart/mixed\r\n\r\n--x\r\n\r\nbody\r\n",
    "nested": b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(1000)),
    "messages": b"Content-Type: message/rfc822\r\n\r\n" * 1000 + b"\r\nx",
    "8-bit": b"Subject: \xff\xfe\x80\r\nFrom: \xe4 <\xf6@\xfc>\r\n\r\n\x80\x81",
    "lf": b"Subject: x\nTo: y\n\nbody\n",
    "nul": b"Subject: a\x00b\r\n\r\nx\x00y\r\n",
    "parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 100000 + b"--b--\r\n",
    "no header": b"\r\nbody\r\n",
    "no body": b"Subject: x\r\n",
    "cr": b"\r",
    "colons": b":" * 10000,
    "long": b"Subject: " + b"x" * 1000000 + b"\r\n\r\n",
    "addresses": b"To: " + b"a@b, " * 50000 + b"\r\n\r\n",
    "comments": b"From: " + b"(" * 50000 + b"\r\n\r\n",
    "parameters": b"Content-Type: text/plain" + b"; a=b" * 20000 + b"\r\n\r\n",
}


@pytest.mark.matrix
@pytest.mark.parametrize("kind", BROKEN)
def test_broken_mail(imap, kind):
    mail = BROKEN[kind]
    imap.do(b"APPEND INBOX ~{%d+}\r\n%b" % (len(mail), mail))
    imap.select()
    first = imap.do("FETCH 1 (RFC822.SIZE ENVELOPE BODYSTRUCTURE PREVIEW)")
    assert len(first) >= 1 and first == imap.do("FETCH 1 (RFC822.SIZE ENVELOPE BODYSTRUCTURE PREVIEW)")
    assert b"{%d}\r\n" % len(mail) + mail in imap.do("FETCH 1 BODY.PEEK[]")[0]
    for item in ("BODY", "BODY.PEEK[HEADER]", "BODY.PEEK[TEXT]", "BODY.PEEK[1]", "BODY.PEEK[1.MIME]", "BODY.PEEK[1.1.1]",
                 "BODY.PEEK[HEADER.FIELDS (SUBJECT)]", "BINARY.SIZE[1]"):
        assert imap.ask(f"FETCH 1 {item}")[0] in ("OK", "NO"), item
