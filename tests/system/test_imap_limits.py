# SPDX-License-Identifier: ISC
"""What a command and a mailbox's process may take (postern.conf's session.command_seconds and session.memory)."""

import os
import re
import shutil
import tempfile

import pytest

from conftest import ACCOUNTS, DOMAIN, PASSWORD, Server, program
from imap_client import Imap

MEMORY = 32 << 20
LITERAL = 1_000_000  # octets: a command may have so many, and its buffer a little more


@pytest.fixture(scope="module")
def limited():
    path = tempfile.mkdtemp(prefix="postern-test-")
    os.chmod(path, 0o711)
    server = Server(path)
    server.settings["session"] = '{ command_seconds = 1; memory = "32M"; }'
    try:
        yield server.set_up("alice")
    finally:
        server.stop(hasten=True)
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def server(limited):
    limited.user = f"user{next(ACCOUNTS)}"
    limited.add_account(limited.user)
    return limited


def test_a_command_has_so_much_time(server):
    with Imap(server) as imap, Imap(server) as other:
        imap.append(b"Subject: s\r\n\r\n" + b"words of a message that is long\r\n" * 200_000)
        imap.select()
        other.select()
        keys = b" ".join(b"NOT BODY w%d" % n for n in range(4000))
        tag = imap.begin(b"SEARCH " + keys)
        text = imap.end(tag)
        assert text[0] == "NO" and text[1].startswith("[LIMIT] "), text
        # It is the command that ends: the session and the others' go on.
        assert imap.do("SEARCH SUBJECT s") == [b"SEARCH 1"]
        assert other.do("NOOP") == []
        # Many small ones have each their own time.
        for _ in range(3):
            assert imap.do("SEARCH NOT BODY w1") == [b"SEARCH 1"]


def test_a_response_ends_whole(server):
    """A FETCH of one message is ended between its sections."""
    with Imap(server) as imap:
        imap.append(b"".join(b"X-Line-%d: y\r\n" % n for n in range(300_000)) + b"\r\n")
        imap.select()
        part = b"BODY.PEEK[HEADER.FIELDS.NOT (%s)]<0.9> " % b" ".join(b"x%d" % n for n in range(60))
        status, text, untagged = imap.ask(b"FETCH 1 (" + part * 200 + b"UID)")
        assert status == "NO" and text.startswith("[LIMIT] ")
        assert all(line.endswith(b")") for line in untagged)
        assert imap.do("FETCH 1 UID")


def test_connections_share_the_memory(server):
    clients = [Imap(server) for _ in range(MEMORY // 2 // LITERAL + 2)]
    refused = []
    for client in clients:
        tag = client.begin(b"SEARCH SUBJECT {%d+}" % LITERAL)
        client.send(b"x" * (LITERAL - 1))  # its end does not come
        client.tag = tag
    # The first that was refused says so when its command is whole.
    for client in clients:
        client.send(b"x\r\n")
        status, text, _ = client.end(client.tag)
        if status == "NO":
            assert text.startswith("[LIMIT] "), text
            refused.append(client)
        else:
            assert status == "BAD" and "SELECT one first" in text
    assert refused
    for client in clients:
        assert client.do("NOOP") == []
    for client in clients:
        if client is not refused[0]:
            client.close()
    # What the others had is free again.
    status, text, _ = refused[0].ask(b"SEARCH SUBJECT {%d+}\r\n" % LITERAL + b"x" * LITERAL)
    assert status == "BAD" and "SELECT one first" in text
    for client in clients:
        client.close()


def test_a_synchronizing_literal_is_not_asked_for(server):
    clients = [Imap(server) for _ in range(MEMORY // 2 // LITERAL + 2)]
    texts = []
    for client in clients:
        tag = client.begin(b"SEARCH SUBJECT {%d}" % LITERAL)
        line = client.response()
        if line.startswith(b"+"):
            continue
        assert line.startswith(tag.encode() + b" NO [LIMIT] "), line
        texts.append(line)
        assert client.do("NOOP") == []
    assert texts
    for client in clients:
        client.close()


def test_an_answer_that_is_too_large(server):
    with Imap(server) as imap:
        value = b"x" * 65536
        for n in range(MEMORY // 2 // len(value) // 15 + 2):
            entries = b" ".join(b"/private/e/%d.%d {%d+}\r\n%s" % (n, i, len(value), value) for i in range(15))
            assert imap.end(imap.begin(b'SETMETADATA "" (' + entries + b")"))[0] == "OK"
        status, text, untagged = imap.ask('GETMETADATA (DEPTH infinity) "" (/private/e)')
        assert status == "NO" and text.startswith("[LIMIT] "), text
        assert untagged[0].endswith(b")")
        assert imap.do('GETMETADATA "" (/private/e/1.1)')[0].endswith(value + b")")


def test_what_a_search_keeps(server):
    """A SORT of subjects that are too many and too long to be kept."""
    with Imap(server) as imap:
        subject = b"Subject: " + b" ".join(b"%09d" % n for n in range(99)) + b"\r\n"
        one = subject + b"\r\nx\r\n"
        messages = b" ".join(b"{%d+}\r\n%s" % (len(one), one) for _ in range(250))
        assert imap.end(imap.begin(b"APPEND INBOX " + messages))[0] == "OK"
        imap.select()
        for _ in range(2):
            imap.do("COPY 1:* INBOX")
        for _ in range(31):  # 32,000, none of the commands for long
            imap.do("COPY 1:1000 INBOX")
        status, text, _ = imap.ask("SORT (SUBJECT) UTF-8 ALL")
        assert status == "NO" and text.startswith("[LIMIT] ")
        assert imap.do("SORT (SUBJECT) UTF-8 1:3") == [b"SORT 1 2 3"]


def test_the_process_is_bounded(server):
    with open(program("postern-worker"), "rb") as file:
        if b"__asan_init" in file.read():
            pytest.skip("AddressSanitizer's shadow is larger than any limit")
    with Imap(server):
        for pid in server.children("session"):
            with open(f"/proc/{pid}/limits", encoding="ascii") as file:
                limits = file.read()
            assert re.search(rf"Max data size +{MEMORY} +{MEMORY} ", limits)


def test_so_many_connections(server):
    clients = [Imap(server) for _ in range(64)]
    with Imap(server, login=False) as one_more:
        one_more.begin(f'LOGIN {server.user}@{DOMAIN} "{PASSWORD}"')
        assert one_more.response().startswith(b"* BYE [UNAVAILABLE] You have too many connections")
        assert one_more.response() == b""
    mark = server.log.mark()
    clients.pop().close()
    server.log.wait(r"event=imap\.closed", mark)
    with Imap(server) as another:
        another.do("NOOP")
    for client in clients:
        client.close()
