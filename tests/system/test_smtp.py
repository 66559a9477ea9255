# SPDX-License-Identifier: ISC
"""SMTP and submission as real and hostile clients speak it (RFC 5321)."""

import base64
import select
import smtplib
import socket

import pytest

from conftest import DEADLINE, DOMAIN, PASSWORD, SCRAM

ALICE = f"alice@{DOMAIN}"


class Raw:
    """A connection on which a test says exactly what it wants."""

    def __init__(self, connection):
        self.connection = connection
        self.file = connection.makefile("rb")

    def line(self):
        return self.file.readline()

    def reply(self):
        """One reply, all its lines."""
        lines = [self.line()]
        while lines[-1][3:4] == b"-":
            lines.append(self.line())
        return b"".join(lines)

    def say(self, text):
        self.connection.sendall(text if isinstance(text, bytes) else text.encode() + b"\r\n")
        return self.reply()

    def send(self, data):
        self.connection.sendall(data)


@pytest.fixture
def raw(server):
    client = Raw(server.raw("smtp"))
    assert client.reply().startswith(b"220 localhost")
    return client


def test_extensions(server):
    with server.smtp(tls=False) as client:
        client.ehlo("x.example")
        assert set(client.esmtp_features) >= {"pipelining", "size", "8bitmime",
                                              "enhancedstatuscodes", "starttls"}
        assert "auth" not in client.esmtp_features
    with server.submission() as client:
        assert client.esmtp_features["auth"].split() == [*SCRAM, "PLAIN", "LOGIN"]


def test_conversation(raw):
    assert raw.say("NOOP").startswith(b"250 ")
    assert raw.say("MAIL FROM:<a@b.example>").startswith(b"503 ")  # before EHLO
    assert raw.say("HELO x.example").startswith(b"250 ")
    assert raw.say("VRFY alice").startswith(b"252 ")
    assert raw.say("HELP").startswith(b"214")
    assert raw.say("EXPN list").startswith(b"502 ")
    assert raw.say("BLAH").startswith(b"500 ")
    assert raw.say("RCPT TO:<alice@example.org>").startswith(b"503 ")
    assert raw.say("MAIL FROM:a@b.example").startswith(b"501 ")
    assert raw.say("MAIL FROM:<a@b.example> FUTURE=1").startswith(b"555 ")
    assert raw.say("MAIL FROM:<a@b.example>").startswith(b"250 ")
    assert raw.say("DATA").startswith((b"503 ", b"554 "))
    assert raw.say("RSET").startswith(b"250 ")
    assert raw.say("QUIT").startswith(b"221 ")
    assert raw.line() == b""


@pytest.mark.parametrize("address,code", [
    (f"<{ALICE}>", b"250 "), ("<Alice@EXAMPLE.ORG>", b"250 "), ('<"alice"@example.org>', b"250 "),
    ("<@relay.example,@other.example:alice@example.org>", b"250 "), ("<Postmaster>", b"250 "),
    (f"<postmaster@{DOMAIN}>", b"250 "), (f"<nobody@{DOMAIN}>", b"550 "),
    ("<victim@elsewhere.example>", b"550 "), ("<alice>", b"501 "), ("<>", b"501 "),
    ("<alice@>", b"501 "), (f"<alice%elsewhere.example@{DOMAIN}>", b"550 "),
    ("<" + "a" * 65 + f"@{DOMAIN}>", b"550 "), ("<" + "a" * 255 + f"@{DOMAIN}>", b"501 "),
])
def test_recipients(raw, address, code):
    raw.say("EHLO x.example")
    raw.say("MAIL FROM:<>")
    reply = raw.say(f"RCPT TO:{address}")
    assert reply.startswith(code) or (code == b"501 " and reply[:4] in (b"553 ", b"550 ")), reply


def test_long_local_parts(server, raw):
    """RFC 5321 4.5.3.1: lists put a subscriber's whole address into their return-paths (VERP)."""
    sender = "bounces+" + "a-long-name=" * 12 + "subscribers.example@lists.example"
    raw.say("EHLO x.example")
    assert raw.say(f"MAIL FROM:<{sender}>").startswith(b"250 ")
    assert raw.say(f"RCPT TO:<{ALICE}>").startswith(b"250 ")
    raw.say("DATA")
    assert raw.say(b"Subject: x\r\n\r\nbody\r\n.\r\n").startswith(b"250 ")
    assert server.wait_for_messages(1)[0].startswith(f"Return-Path: <{sender}>\r\n".encode())


def test_pipelining(server, raw):
    raw.say("EHLO x.example")
    raw.send(f"MAIL FROM:<a@b.example>\r\nRCPT TO:<{ALICE}>\r\nRCPT TO:<nobody@{DOMAIN}>\r\n"
             f"RCPT TO:<{ALICE}>\r\nDATA\r\n".encode())
    codes = [raw.reply()[:3] for _ in range(5)]
    assert codes == [b"250", b"250", b"550", b"250", b"354"]
    assert raw.say(b"Subject: x\r\n\r\nbody\r\n.\r\nQUIT\r\n").startswith(b"250 ")
    assert raw.reply().startswith(b"221 ")
    assert len(server.wait_for_messages(1)) == 1  # the same recipient twice is one mail


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r\n.\0\r\n"])
def test_smuggling(server, raw, end):
    """Only CRLF.CRLF ends DATA: what looks like another end must not begin another mail."""
    raw.say("EHLO x.example")
    raw.say("MAIL FROM:<a@b.example>")
    raw.say(f"RCPT TO:<{ALICE}>")
    raw.say("DATA")
    raw.send(b"Subject: outer\r\n\r\nx" + end +
             f"MAIL FROM:<forged@{DOMAIN}>\r\nRCPT TO:<{ALICE}>\r\nDATA\r\nSubject: inner\r\n\r\ny"
             .encode() + b"\r\n.\r\n")
    reply = raw.reply()
    assert reply.startswith(b"5"), reply
    assert raw.say("NOOP").startswith(b"250 ")  # nothing was taken for a command
    raw.say("MAIL FROM:<a@b.example>")
    raw.say(f"RCPT TO:<{ALICE}>")
    raw.say("DATA")
    assert raw.say(b"Subject: good\r\n\r\nx\r\n.\r\n").startswith(b"250 ")
    messages = server.wait_for_messages(1)
    assert len(messages) == 1 and b"Subject: good" in messages[0]


def test_transparency(server):
    body = b"Subject: dots\r\n\r\n.\r\n..\r\n...x\r\n.y\r\n"
    with server.smtp() as client:
        client.sendmail("a@b.example", [ALICE], body)
    assert server.wait_for_messages(1)[0].endswith(body)


def test_size(make_server):
    server = make_server()
    server.settings["limits"] = "{ message_size = 100000; }"
    server.set_up("alice")
    with server.smtp() as client:
        client.ehlo()
        assert client.esmtp_features["size"] == "100000"
        assert client.mail("a@b.example", ["SIZE=200000"])[0] == 552
        assert client.mail("a@b.example")[0] == 250  # the same without declaring it
        assert client.rcpt(ALICE)[0] == 250
        assert client.data((b"y" * 70 + b"\r\n") * 3000)[0] == 552
        # As big as may be: what the server itself puts in front doesn't count.
        client.sendmail("a@b.example", [ALICE], b"Subject: x\r\n\r\n" + (b"y" * 70 + b"\r\n") * 1388 +
                        b"z" * 48 + b"\r\n")
    assert len(server.wait_for_messages(1)) == 1


def test_many_recipients(server):
    with server.smtp() as client:
        client.ehlo()
        client.mail("a@b.example")
        codes = {client.rcpt(f"nobody{i}@{DOMAIN}")[0] for i in range(10)}
    assert codes <= {550, 421}


def test_bad_addresses_of_a_list_take_no_good_ones_with_them(server):
    """Ten bad commands end a connection; an address that there can't be is none, of strangers and users."""
    for open_session in (server.smtp, server.submission):
        with open_session() as client:
            client.ehlo("list.example.")
            assert client.mail(ALICE)[0] == 250
            assert {client.docmd("RCPT", f"TO:<a..b{i}@lists.example>")[0] for i in range(15)} == {501}
            assert client.rcpt(ALICE)[0] == 250
            assert client.data(b"From: alice@example.org\r\nSubject: list\r\n\r\nx\r\n")[0] == 250
    assert all(b"from list.example (" in mail for mail in server.wait_for_messages(2))


def test_ten_thousand_recipients(server, raw):
    raw.say("EHLO x.example")
    raw.say("MAIL FROM:<a@b.example>")
    line = f"RCPT TO:<{ALICE}>\r\n".encode()
    replies = []
    for _ in range(100):
        raw.send(line * 100)
        for _ in range(100):
            reply = raw.reply()
            replies.append(reply[:3])
            if not reply or reply.startswith(b"421"):
                break
        else:
            continue
        break
    assert replies.count(b"250") >= 100  # RFC 5321 4.5.3.1.8
    assert b"452" in replies or b"421" in replies
    with server.smtp() as client:
        client.noop()


def test_a_megabyte_without_a_line_end(server, raw):
    try:
        raw.send(b"A" * 1_000_000)
        raw.send(b"\r\n")
        reply = raw.reply()
        assert reply.startswith((b"500 ", b"421 ")), reply
    except (ConnectionResetError, BrokenPipeError):
        pass
    with server.smtp() as client:
        client.noop()


def test_submission_needs_a_login(server):
    with smtplib.SMTP_SSL("localhost", server.ports["submissions"], timeout=DEADLINE,
                          context=server.context()) as client:
        client.ehlo()
        assert client.mail(ALICE)[0] == 530
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login(ALICE, "wrong")


@pytest.mark.parametrize("mechanism", ["PLAIN", "PLAIN-IR", "LOGIN", "LOGIN-IR"])
def test_mechanisms(server, mechanism):
    client = Raw(server.tls("submissions"))
    client.reply()
    client.say("EHLO x.example")
    user = base64.b64encode(ALICE.encode()).decode()
    password = base64.b64encode(PASSWORD.encode()).decode()
    plain = base64.b64encode(f"\0{ALICE}\0{PASSWORD}".encode()).decode()
    if mechanism == "PLAIN":
        assert client.say("AUTH PLAIN").startswith(b"334 ")
        reply = client.say(plain)
    elif mechanism == "PLAIN-IR":
        reply = client.say(f"AUTH PLAIN {plain}")
    elif mechanism == "LOGIN":
        assert client.say("AUTH LOGIN").startswith(b"334 ")
        assert client.say(user).startswith(b"334 ")
        reply = client.say(password)
    else:
        assert client.say(f"AUTH LOGIN {user}").startswith(b"334 ")
        reply = client.say(password)
    assert reply.startswith(b"235 "), reply
    assert client.say(f"AUTH PLAIN {plain}").startswith(b"503 ")
    assert client.say(f"MAIL FROM:<{ALICE}>").startswith(b"250 ")
    assert client.say("RCPT TO:<victim@elsewhere.example>").startswith(b"550 ")


def test_cancelled_login(server):
    client = Raw(server.tls("submissions"))
    client.reply()
    client.say("EHLO x.example")
    client.say("AUTH PLAIN")
    assert client.say("*").startswith(b"501 ")
    client.say("AUTH PLAIN")
    assert client.say("not base64!").startswith((b"501 ", b"535 "))


@pytest.mark.parametrize("after", [b"", b"EHLO x\r\n", b"EHLO x\r\nMAIL FROM:<a@b.example>\r\n",
                                   b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<alice@example.org>\r\n",
                                   b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<alice@example.org>\r\n"
                                   b"DATA\r\n",
                                   b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<alice@example.org>\r\n"
                                   b"DATA\r\nSubject: half\r\n\r\nx", b"EHLO x\r\nSTARTTLS\r\n"])
def test_client_goes_away(server, after):
    mark = server.log.mark()
    with server.raw("smtp") as connection:
        connection.sendall(after)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1000):
            pass
    server.log.wait(r"event=conn\.closed", mark)
    assert server.messages() == []


def test_swaks(server):
    import shutil
    import subprocess
    if shutil.which("swaks") is None:
        pytest.skip("swaks is not installed")
    result = subprocess.run(
        ["swaks", "--server", "127.0.0.1", "--port", str(server.ports["submission"]), "--tls",
         "--auth-user", ALICE, "--auth-password", PASSWORD, "--from", ALICE, "--to", ALICE],
        capture_output=True, text=True, check=False, timeout=DEADLINE)
    assert result.returncode == 0, result.stdout + result.stderr
    assert len(server.wait_for_messages(1)) == 1


def test_content_that_drips(make_server):
    """An octet now and then is not what the idle timeout waits for."""
    server = make_server()
    server.listeners["smtp"]["idle_timeout"] = 5  # which is all that the test has between replies
    server.set_up("alice")
    client = Raw(server.raw("smtp"))
    client.reply()
    client.say("EHLO x")
    client.send(f"MAIL FROM:<x@example.net>\r\nRCPT TO:<{ALICE}>\r\nDATA\r\n".encode())
    assert [client.reply()[:3] for _ in range(3)] == [b"250", b"250", b"354"]
    said = b""
    while not said:
        client.connection.sendall(b"x")
        if select.select([client.connection], [], [], 0.1)[0]:
            said = client.line()
    assert said.startswith(b"421 4.4.2")
    client.connection.close()
    assert server.messages() == []
