# SPDX-License-Identifier: ISC
"""IMAP up to the login (RFC 9051 6.1 and 6.2, RFC 2971, 4959, 5530, 7888)."""

import base64
import imaplib

import pytest

from conftest import DEADLINE, DOMAIN, HOST, PASSWORD

ALICE = f"alice@{DOMAIN}"


def plain(user=ALICE, password=PASSWORD):
    return base64.b64encode(f"\0{user}\0{password}".encode())


class Talk:
    """A connection by hand: what is sent, and the lines that come."""

    def __init__(self, connection):
        self.connection = connection
        self.file = connection.makefile("rb")
        self.greeting = self.file.readline()

    def line(self):
        line = self.file.readline()
        assert line.endswith(b"\r\n"), line
        return line[:-2]

    def ask(self, text):
        """The answer with the tag of TEXT's last line, and what came before it."""
        self.connection.sendall(text + b"\r\n")
        tag = text.rsplit(b"\r\n", 1)[-1].split(b" ")[0] + b" "
        found = [self.line()]
        while not found[-1].startswith(tag):
            found.append(self.line())
        return found[-1], found[:-1]


@pytest.fixture
def talk(server):
    with server.tls("imaps") as connection:
        yield Talk(connection)


def logged_in(line):
    return line.startswith(b"a OK [CAPABILITY ")


def test_capabilities(server, talk):
    answer, lines = talk.ask(b"a CAPABILITY")
    assert answer.startswith(b"a OK ")
    capabilities = lines[0].split()
    assert capabilities[:2] == [b"*", b"CAPABILITY"]
    assert set(capabilities) >= {b"IMAP4rev1", b"IMAP4rev2", b"SASL-IR", b"LITERAL-", b"ID", b"AUTH=PLAIN", b"AUTH=LOGIN"}
    assert not {b"STARTTLS", b"LOGINDISABLED", b"LITERAL+"} & set(capabilities)
    assert talk.greeting.startswith(b"* OK [" + lines[0][2:] + b"]")
    with server.raw("imap") as connection:
        before = Talk(connection)
        capabilities = before.ask(b"b CAPABILITY")[1][0].split()
        assert {b"STARTTLS", b"LOGINDISABLED"} <= set(capabilities)
        assert not [word for word in capabilities if word.startswith(b"AUTH=")]


def test_simple_commands(talk):
    assert talk.ask(b"a NOOP")[0].startswith(b"a OK ")
    assert talk.ask(b"a ID NIL")[1] == [b'* ID ("name" "Postern")']
    assert talk.ask(b'a ID ("name" {3+}\r\nabc "os" NIL)\r\nb NOOP')[0].startswith(b"b OK ")
    answer, lines = talk.ask(b"a LOGOUT")
    assert answer.startswith(b"a OK ") and lines[0].startswith(b"* BYE ")
    assert talk.file.read() == b""


@pytest.mark.parametrize("command", [b"LOGIN alice x", b"LOGIN {5}", b"LOGIN {5+}\r\nalice {1+}\r\nx", b"AUTHENTICATE PLAIN",
                                     b"AUTHENTICATE PLAIN " + plain()])
def test_no_login_in_plaintext(server, command):
    with server.raw("imap") as connection:
        talk = Talk(connection)
        connection.sendall(b"a " + command + b"\r\n")
        assert talk.line().startswith(b"a NO [PRIVACYREQUIRED] ")
    assert not server.log.find(r"event=login")


def test_starttls(server):
    with server.raw("imap") as connection:
        talk = Talk(connection)
        connection.sendall(b"a STARTTLS\r\nb NOOP\r\n")  # what comes behind is thrown away
        assert talk.line().startswith(b"a OK ")
        talk.file.close()
        with server.context().wrap_socket(connection, server_hostname=HOST) as secure:
            secure.sendall(b"c CAPABILITY\r\n")
            file = secure.makefile("rb")
            line = file.readline()
            assert line.startswith(b"* CAPABILITY ") and b"STARTTLS" not in line and b"AUTH=PLAIN" in line
            assert file.readline().startswith(b"c OK ")


def test_starttls_twice(talk):
    assert talk.ask(b"a STARTTLS")[0].startswith(b"a BAD ")


def test_wrong_password(server, talk):
    for command in (b"LOGIN " + ALICE.encode() + b" wrong", b"AUTHENTICATE PLAIN " + plain("nobody")):
        assert talk.ask(b"a " + command)[0].startswith(b"a NO [AUTHENTICATIONFAILED] ")
    talk.connection.sendall(b'a LOGIN x ""\r\n')
    assert talk.line().startswith(b"a NO [AUTHENTICATIONFAILED] ")
    assert talk.line().startswith(b"* BYE ")
    server.log.wait(r"event=login\.failed", count=2)


@pytest.mark.parametrize("said, answer", [
    (b"a FETCH 1 ALL", b"a BAD Log in first"), (b"a XYZZY", b"a BAD "), (b"", b"* BAD "), (b"a", b"* BAD "),
    (b"a LOGIN", b"a BAD "), (b'a LOGIN "x', b"a BAD "), (b"a LOGIN \0 \0", b"a BAD "), (b"\xff \xfe", b"* BAD "),
    (b"a AUTHENTICATE NONE", b"a NO [CANNOT] "), (b"a AUTHENTICATE PLAIN !", b"a BAD "),
    (b"a AUTHENTICATE PLAIN ====", b"a BAD "), (b"a AUTHENTICATE EXTERNAL =", b"a NO [CANNOT] "),
    (b"a LOGIN {99999}", b"a BAD "), (b"a LOGIN {99999+}", b"* BYE "), (b"a LOGIN {9223372036854775808}", b"a BAD "),
])
def test_bad_commands(talk, said, answer):
    talk.connection.sendall(said + b"\r\n")
    assert talk.line().startswith(answer)


def test_a_line_too_long(talk):
    try:
        talk.connection.sendall(b"a" * 10000)
        assert talk.line().startswith(b"* BYE ")
    except (ConnectionResetError, BrokenPipeError):
        pass


def test_too_many_errors(talk):
    talk.connection.sendall(b"a XYZZY\r\n" * 1000)
    lines = talk.file.read().split(b"\r\n")
    assert lines[-2].startswith(b"* BYE ") and len(lines) < 100


def test_cancelled(talk):
    talk.connection.sendall(b"a AUTHENTICATE PLAIN\r\n")
    assert talk.line() == b"+ "
    talk.connection.sendall(b"*\r\n")
    assert talk.line().startswith(b"a BAD ")
    assert talk.ask(b"b NOOP")[0].startswith(b"b OK ")


@pytest.mark.parametrize("said", [b"", b"a LOGIN {10}\r\n", b"a STARTTLS\r\n", b"a AUTHENTICATE PLAIN\r\n"])
def test_client_goes_away(server, said):
    mark = server.log.mark()
    with server.raw("imap") as connection:
        connection.sendall(said)
    server.log.wait(r"event=conn\.closed", mark)


def test_login_with_imaplib(server):
    client = imaplib.IMAP4_SSL(HOST, server.ports["imaps"], ssl_context=server.context(), timeout=DEADLINE)
    assert client.login(ALICE, PASSWORD)[0] == "OK"
    client.logout()
    client = imaplib.IMAP4(HOST, server.ports["imap"], timeout=DEADLINE)
    client.starttls(server.context())
    assert client.authenticate("PLAIN", lambda _: f"\0{ALICE}\0{PASSWORD}".encode())[0] == "OK"
    client.logout()


def test_login_with_literals(server):
    for first, second in ((b"", b""), (b"+", b""), (b"", b"+"), (b"+", b"+")):
        with server.tls("imaps") as connection:
            talk = Talk(connection)
            connection.sendall(b"a LOGIN {%d%s}\r\n" % (len(ALICE), first))
            if not first:
                assert talk.line().startswith(b"+ ")
            connection.sendall(ALICE.encode() + b" {%d%s}\r\n" % (len(PASSWORD), second))
            if not second:
                assert talk.line().startswith(b"+ ")
            connection.sendall(PASSWORD.encode() + b"\r\nb LOGOUT\r\n")
            assert logged_in(talk.line())
            assert talk.line().startswith(b"* BYE ")


@pytest.mark.parametrize("initial", [True, False])
def test_authenticate_plain(talk, initial):
    if initial:
        talk.connection.sendall(b"a AUTHENTICATE PLAIN " + plain() + b"\r\n")
    else:
        talk.connection.sendall(b"a authenticate plain\r\n")
        assert talk.line() == b"+ "
        talk.connection.sendall(plain() + b"\r\n")
    assert logged_in(talk.line())


@pytest.mark.parametrize("initial", [True, False])
def test_authenticate_login(talk, initial):
    user, password = (base64.b64encode(text.encode()) for text in (ALICE, PASSWORD))
    if initial:
        talk.connection.sendall(b"a AUTHENTICATE LOGIN " + user + b"\r\n")
    else:
        talk.connection.sendall(b"a AUTHENTICATE LOGIN\r\n")
        assert base64.b64decode(talk.line()[2:]) == b"Username:"
        talk.connection.sendall(user + b"\r\n")
    assert base64.b64decode(talk.line()[2:]) == b"Password:"
    talk.connection.sendall(password + b"\r\n")
    assert logged_in(talk.line())


def test_pipelined_behind_the_login(server):
    """What a client sends without waiting reaches the session, behind the tag."""
    with server.tls("imaps") as connection:
        talk = Talk(connection)
        connection.sendall(b'a LOGIN "' + ALICE.encode() + b'" "' + PASSWORD.encode() + b'"\r\nb NOOP\r\nc LOGOUT\r\n')
        lines = talk.file.read().split(b"\r\n")
    assert logged_in(lines[0]) and lines[1].startswith(b"b OK ")
    assert lines[2].startswith(b"* BYE ") and lines[3].startswith(b"c OK ")
