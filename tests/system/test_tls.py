# SPDX-License-Identifier: ISC
"""TLS as clients see it: versions, what is behind STARTTLS, what is not TLS at all."""

import errno
import poplib
import socket
import ssl
import struct

import pytest

from conftest import DEADLINE, DOMAIN, HOST, PASSWORD

STARTTLS = {"smtp": (b"EHLO x\r\n", b"250 ", b"STARTTLS\r\n"),
            "submission": (b"EHLO x\r\n", b"250 ", b"STARTTLS\r\n"),
            "pop3": (None, None, b"STLS\r\n"),
            "imap": (None, None, b"a STARTTLS\r\n")}
INJECTED = {"pop3": b"CAPA\r\n", "imap": b"b NOOP\r\n"}
QUIT = {"imap": b"c LOGOUT\r\n"}


def read_line(connection):
    line = b""
    while not line.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            break
        line += byte
    return line


def read_reply(connection, last):
    """Lines until one that begins with LAST."""
    lines = []
    while True:
        lines.append(read_line(connection))
        if not lines[-1] or lines[-1].startswith(last):
            return lines


def until_starttls(server, listener):
    """A plain connection that may say STARTTLS now."""
    connection = server.raw(listener)
    hello, last, _ = STARTTLS[listener]
    read_line(connection)
    if hello:
        connection.sendall(hello)
        read_reply(connection, last)
    return connection


@pytest.mark.parametrize("listener", ["submissions", "pop3s"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_implicit_versions(server, listener, version):
    context = server.context()
    context.minimum_version = context.maximum_version = version
    with context.wrap_socket(server.raw(listener), server_hostname=HOST) as connection:
        assert read_line(connection).startswith((b"220 ", b"+OK"))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_versions_are_refused(server, version):
    context = server.context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with pytest.raises(ssl.SSLError):
        context.wrap_socket(server.raw("pop3s"), server_hostname=HOST)


@pytest.mark.parametrize("ciphers", ["AES128-GCM-SHA256", "DHE-RSA-AES128-GCM-SHA256",
                                     "ECDHE-ECDSA-AES128-SHA"])
def test_static_and_weak_key_exchange_is_refused(server, ciphers):
    context = server.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(ciphers)
    with pytest.raises(ssl.SSLError):
        context.wrap_socket(server.raw("pop3s"), server_hostname=HOST)


@pytest.mark.parametrize("listener", list(STARTTLS))
def test_plaintext_behind_starttls_is_dropped(server, listener):
    """CVE-2011-0411, CVE-2021-33515: one packet with STARTTLS and a command behind it."""
    connection = until_starttls(server, listener)
    injected = INJECTED.get(listener, b"NOOP\r\n")
    connection.sendall(STARTTLS[listener][2] + injected * 3)
    assert read_line(connection).startswith((b"220 ", b"+OK", b"a OK"))
    secure = server.context().wrap_socket(connection, server_hostname=HOST)
    secure.sendall(QUIT.get(listener, b"QUIT\r\n"))
    assert read_line(secure).startswith((b"221 ", b"+OK", b"* BYE"))
    if listener == "imap":
        assert read_line(secure).startswith(b"c OK")
    assert read_line(secure) == b""  # and nothing for what was injected


def test_state_is_reset_by_starttls(server):
    """RFC 3207 4.2: the server must forget what it was told before, EHLO and MAIL included."""
    connection = until_starttls(server, "smtp")
    connection.sendall(b"MAIL FROM:<a@b.example>\r\n")
    assert read_line(connection).startswith(b"250 ")
    connection.sendall(b"STARTTLS\r\n")
    read_line(connection)
    secure = server.context().wrap_socket(connection, server_hostname=HOST)
    secure.sendall(f"RCPT TO:<alice@{DOMAIN}>\r\n".encode())
    assert read_line(secure).startswith(b"503 ")
    secure.sendall(b"EHLO x\r\n")
    assert b"STARTTLS" not in b"".join(read_reply(secure, b"250 "))


def test_no_login_before_tls(server):
    connection = until_starttls(server, "submission")
    connection.sendall(b"EHLO x\r\n")
    assert b"AUTH" not in b"".join(read_reply(connection, b"250 "))
    connection.sendall(b"AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n")
    assert read_line(connection)[:3] in (b"530", b"538", b"504", b"503")
    client = poplib.POP3(HOST, server.ports["pop3"], timeout=DEADLINE)
    assert "USER" not in client.capa() and "SASL" not in client.capa()
    with pytest.raises(poplib.error_proto):
        client.user(f"alice@{DOMAIN}")
    with pytest.raises(poplib.error_proto):
        client.pass_(PASSWORD)


def test_plain_client_on_a_tls_port(server):
    """It gets a TLS alert, never a plaintext byte, and the log says what it tried."""
    with server.raw("submissions") as connection:
        connection.sendall(b"EHLO plain.example\r\n")
        answer = connection.recv(100)
        assert struct.unpack("!BBBH", answer[:5])[0] == 21  # alert, RFC 8446 B.1
        assert connection.recv(100) == b""
    server.log.wait(r"EHLO")


def test_tls_client_on_a_plain_port(server):
    with pytest.raises((ssl.SSLError, OSError)):
        server.context().wrap_socket(server.raw("smtp"), server_hostname=HOST)
    server.log.wait(r"(?i)tls.*(plain|explicit)|(plain|explicit).*tls")


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x00\x05hello", b"\x16\x03\x01\xff\xff" + b"a" * 500,
                                     b"\0" * 300, b"\x16\x03\x01\x00\x00", b"\xff" * 10])
def test_garbage_for_a_client_hello(server, garbage):
    with server.raw("pop3s") as connection:
        connection.sendall(garbage)
        try:
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(1000):
                pass
        except OSError as error:  # it was sooner
            assert error.errno in (errno.ECONNRESET, errno.ENOTCONN), error
    server.pop3().quit()  # others are served


def test_alpn(server):
    for offered, chosen in ((["pop3"], "pop3"), (["imap", "pop3"], "pop3"), (None, None)):
        context = server.context()
        if offered:
            context.set_alpn_protocols(offered)
        with context.wrap_socket(server.raw("pop3s"), server_hostname=HOST) as connection:
            assert connection.selected_alpn_protocol() == chosen
    context = server.context()
    context.set_alpn_protocols(["h2"])
    with pytest.raises(ssl.SSLError):  # no_application_protocol, RFC 7301 3.2
        context.wrap_socket(server.raw("pop3s"), server_hostname=HOST)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_resumption(server, version):
    context = server.context()
    context.minimum_version = context.maximum_version = version
    with context.wrap_socket(server.raw("pop3s"), server_hostname=HOST) as first:
        read_line(first)  # TLS 1.3: the ticket comes with the first data
        session = first.session
    with context.wrap_socket(server.raw("pop3s"), server_hostname=HOST, session=session) as again:
        read_line(again)
        assert again.session_reused


@pytest.mark.parametrize("key", ["rsa2048", "p256", "p384", "p521", "ed25519"])
def test_every_kind_of_key(make_server, key):
    server = make_server()
    server.write_configuration()
    server.create_certificate(key=key)
    server.add_account()
    server.start()
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = server.context()
        context.minimum_version = context.maximum_version = version
        with context.wrap_socket(server.raw("pop3s"), server_hostname=HOST) as connection:
            assert read_line(connection).startswith(b"+OK")
            assert connection.version() == {ssl.TLSVersion.TLSv1_2: "TLSv1.2",
                                            ssl.TLSVersion.TLSv1_3: "TLSv1.3"}[version]


def test_sni_chooses_among_the_listeners_certificates(make_server):
    server = make_server()
    server.listeners["submissions"]["certificate"] = "other"
    server.write_configuration()
    server.create_certificate()
    server.posternctl("cert", "create", "other", "--name", "other.example", "--key", "p256")
    server.start()

    def subject(listener, name):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with context.wrap_socket(server.raw(listener), server_hostname=name) as connection:
            return connection.getpeercert(binary_form=True)

    assert b"other.example" in subject("submissions", "unknown.example")
    assert b"localhost" in subject("pop3s", "unknown.example")
    assert b"other.example" in subject("pop3s", "other.example")
