# SPDX-License-Identifier: ISC
"""SCRAM (RFC 5802, 7677) with and without channel binding (RFC 9266, 5929), in IMAP, POP3 and submission."""

import base64
import contextlib
import hashlib
import imaplib
import itertools
import os
import poplib
import re
import shutil
import socket
import ssl
import subprocess

import pytest

from conftest import DEADLINE, DOMAIN, HOST, PASSWORD, SCRAM
from scram import Lines, OpenSSL, Scram, encode, imap_login, pop3_login, submission_login

PLUS, BARE = SCRAM
WRONG = "a NO [AUTHENTICATIONFAILED]"


ADDRESSES = itertools.count(2)


@pytest.fixture
def server(fresh_account):
    """Clients come from an address of the test's own: none is slowed by the failures of another test."""
    fresh_account.client_address = f"127.0.1.{next(ADDRESSES)}"
    return fresh_account


def raw(server, listener):
    return socket.create_connection(("127.0.0.1", server.ports[listener]), DEADLINE,
                                    source_address=(server.client_address, 0))


def tls(server, listener, context=None, **options):
    return (context or server.context()).wrap_socket(raw(server, listener), server_hostname=HOST, **options)


@pytest.fixture
def streams():
    with contextlib.ExitStack() as stack:
        yield lambda stream: stack.enter_context(contextlib.closing(stream))


def authority(server):
    return os.path.join(server.state, "certs", f"{HOST}.crt")


def exchange(server, password=PASSWORD, **options):
    return Scram(f"{server.user}@{DOMAIN}", password, **options)


def bound(server, stream, password=PASSWORD, **options):
    return exchange(server, password, flag="p=tls-exporter", data=stream.exporter, **options)


def end_point(server):
    """tls-server-end-point: ECDSA with SHA-256 signed this one."""
    with open(authority(server), encoding="ascii") as file:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).digest()


# -- What is right ------------------------------------------------------------------------


def test_offered(server, streams):
    assert "AUTH=SCRAM-SHA-256-PLUS AUTH=SCRAM-SHA-256 AUTH=PLAIN" in streams(Lines(tls(server, "imaps"))).greeting
    before = streams(Lines(raw(server, "imap"))).greeting
    assert "LOGINDISABLED" in before and "SCRAM" not in before


def test_exporter(server, streams):
    """tls-exporter, with an initial response and without; on POP3; on submission."""
    for initial in (True, False):
        stream = streams(OpenSSL(server.ports["imaps"], authority(server), "-tls1_3", "-bind", server.client_address))
        assert imap_login(stream, PLUS, bound(server, stream), initial).startswith("a OK ")
    stream = streams(OpenSSL(server.ports["pop3s"], authority(server), "-tls1_3", "-bind", server.client_address))
    assert pop3_login(stream, PLUS, bound(server, stream)).startswith("+OK")
    server.log.wait(rf"event=login\.ok .*user={server.user}@.* service=pop3 by={PLUS}")
    stream = streams(OpenSSL(server.ports["submissions"], authority(server), "-tls1_3", "-bind", server.client_address))
    assert submission_login(stream, PLUS, bound(server, stream, "wrong")).startswith("535 5.7.8")
    assert submission_login(stream, PLUS, bound(server, stream)).startswith("235 ")
    stream.send(f"MAIL FROM:<{server.user}@{DOMAIN}>")
    assert stream.line().startswith("250 ")


def test_unique_and_end_point(server, streams):
    """RFC 5929: tls-unique on TLS 1.2 only, on a resumed session too; tls-server-end-point on both."""
    context = server.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    session = None
    for _ in range(2):
        connection = tls(server, "imaps", context, session=session)
        stream = streams(Lines(connection))
        assert connection.session_reused == (session is not None)
        session = connection.session
        unique = exchange(server, flag="p=tls-unique", data=connection.get_channel_binding("tls-unique"))
        assert imap_login(stream, PLUS, unique).startswith("a OK ")
    for make in (context, server.context()):
        stream = streams(Lines(tls(server, "imaps", make)))
        certificate = exchange(server, flag="p=tls-server-end-point", data=end_point(server))
        assert imap_login(stream, PLUS, certificate).startswith("a OK ")


def test_without_binding(server, streams):
    stream = streams(Lines(tls(server, "imaps")))
    address = f"{server.user}@{DOMAIN}"
    assert imap_login(stream, BARE, exchange(server, authorization=address)).startswith("a OK ")
    stream = streams(Lines(tls(server, "pop3s")))
    assert pop3_login(stream, BARE.lower(), exchange(server)).startswith("+OK")


def test_password_all_the_same(server):
    """The verifier does not take PLAIN and LOGIN away."""
    server.pop3(user=server.user).quit()
    with imaplib.IMAP4_SSL(HOST, server.ports["imaps"], ssl_context=server.context(), timeout=DEADLINE) as client:
        client.authenticate("PLAIN", lambda _: f"\0{server.user}@{DOMAIN}\0{PASSWORD}".encode())


# -- What is wrong ------------------------------------------------------------------------


def test_wrong_password(server, streams):
    """It counts as any other does: the third one on a connection is the last."""
    stream = streams(Lines(tls(server, "imaps")))
    for _ in range(3):
        assert imap_login(stream, BARE, exchange(server, "wrong")).startswith(WRONG)
    assert stream.line().startswith("* BYE")
    server.log.wait(rf'event=login\.failed .*user={server.user}@.*by={BARE} why="wrong password"', count=3)


def test_wrong_messages(server, streams):
    """Another nonce, a header that was not said, a changed proof: the connection goes on, the exchange doesn't."""
    stream = streams(Lines(tls(server, "imaps")))
    assert imap_login(stream, BARE, exchange(server), nonce="abc").startswith(WRONG)
    server.log.wait(rf'event=login\.failed .*user={server.user}@.*why="another nonce')

    def header(text):
        return text.replace("c=biws,", f"c={encode(b'y,,')},")
    assert imap_login(stream, BARE, exchange(server), change=header).startswith(WRONG)
    assert imap_login(stream, BARE, exchange(server), change=lambda text: text[:-8]).startswith("a BAD")
    assert imap_login(stream, BARE, exchange(server), change=lambda text: "p=x").startswith("a BAD")
    assert imap_login(stream, BARE, exchange(server)).startswith("a OK ")


def test_malformed(server, streams):
    stream = streams(Lines(tls(server, "imaps")))
    for text in ("n,,n=,r=x", "n,,m=ext,n=u,r=x", "", "\0" * 300, "n,,n=u,r=" + "x" * 1500):
        stream.send(f"a AUTHENTICATE {BARE} {encode(text.encode()) or '='}")
        assert stream.line().startswith("a BAD"), text
    stream.send(f"a AUTHENTICATE {BARE} n,,n=u,r=x")
    assert stream.line().startswith("a BAD")
    stream.send(f"a AUTHENTICATE {BARE} {encode(b'x' * 5000)}")
    assert stream.line().startswith("a BAD")


def test_wrong_binding(server, streams):
    """Another connection's: somebody who is in between has two."""
    first = streams(OpenSSL(server.ports["imaps"], authority(server), "-tls1_3", "-bind", server.client_address))
    second = streams(OpenSSL(server.ports["imaps"], authority(server), "-tls1_3", "-bind", server.client_address))
    assert imap_login(second, PLUS, bound(server, first)).startswith(WRONG)
    server.log.wait(rf'event=login\.failed .*user={server.user}@.*why="the channel binding is another')
    assert imap_login(second, PLUS, bound(server, second)).startswith("a OK ")


@pytest.mark.parametrize("mechanism,flag,why", [
    (BARE, "y", "was not shown the -PLUS"),
    (PLUS, "n", "don't fit"),
    (PLUS, "y", "don't fit"),
    (BARE, "p=tls-exporter", "don't fit"),
    (PLUS, "p=tls-unique", "no channel binding of"),
    (PLUS, "p=tls-magic", "no channel binding of"),
])
def test_downgrade(server, streams, mechanism, flag, why):
    stream = streams(Lines(tls(server, "imaps")))
    assert imap_login(stream, mechanism, exchange(server, flag=flag)).startswith(WRONG)
    server.log.wait(rf'event=login\.refused .*user={server.user}@.*why="[^"]*{why}')


def test_for_another(server, streams):
    stream = streams(Lines(tls(server, "imaps")))
    assert imap_login(stream, BARE, exchange(server, authorization=f"alice@{DOMAIN}")).startswith(WRONG)


def test_replay(server, streams):
    """What was said on one connection opens no other, nor the same one a second time."""
    stream = streams(Lines(tls(server, "imaps")))
    said = exchange(server)
    stream.send(f"a AUTHENTICATE {BARE} {encode(said.first().encode())}")
    final = said.final(base64.b64decode(stream.line()[2:]).decode())
    stream.send("*")
    assert stream.line().startswith("a BAD Cancelled")
    for again in (stream, streams(Lines(tls(server, "imaps")))):
        again.send(f"a AUTHENTICATE {BARE} {encode(said.first().encode())}")
        assert again.line().startswith("+ ")
        again.send(encode(final.encode()))
        assert again.line().startswith(WRONG)


def test_second_final(server, streams):
    """Behind a proof that is right the client's answer is empty, or it was no login."""
    stream = streams(Lines(tls(server, "imaps")))
    said = exchange(server)
    stream.send(f"a AUTHENTICATE {BARE} {encode(said.first().encode())}")
    final = encode(said.final(base64.b64decode(stream.line()[2:]).decode()).encode())
    stream.send(final)
    assert stream.line().startswith("+ ")
    stream.send(final)
    assert stream.line().startswith("a BAD")
    assert not server.log.find(rf"event=login\.ok .*user={server.user}@")


def test_cancel(server, streams):
    """At each of the three steps; then a login by another mechanism."""
    for listener, cancelled in (("imaps", "a BAD"), ("pop3s", "-ERR")):
        stream = streams(Lines(tls(server, listener)))
        for step in range(3):
            said = exchange(server)
            stream.send(("a AUTHENTICATE " if listener == "imaps" else "AUTH ") + BARE)
            assert stream.line() == "+ "
            for n in range(step):
                stream.send(encode((said.final(challenge) if n else said.first()).encode()))
                challenge = base64.b64decode(stream.line()[2:]).decode()
            stream.send("*")
            assert stream.line().startswith(cancelled)
    stream.send(f"AUTH PLAIN {encode(f'{chr(0)}{server.user}{chr(0)}{PASSWORD}'.encode())}")
    assert stream.line().startswith("+OK")


def test_unknown_account(server, streams):
    """It has a salt that stays, and a failure, as one that is there."""
    stream = streams(Lines(tls(server, "imaps")))
    salts = {}
    for user in (server.user, "nobody", "no.body", "n\xf6body", server.user, "nobody"):
        said = Scram(f"{user}@{DOMAIN}", "wrong")
        stream.send(f"a AUTHENTICATE {BARE} {encode(said.first().encode())}")
        answer = base64.b64decode(stream.line()[2:]).decode()
        found = re.fullmatch(r"r=\S{48},s=([A-Za-z0-9+/]{22}==),i=65536", answer)
        assert found and salts.setdefault(user, found.group(1)) == found.group(1)
        stream.send("*")
        assert stream.line().startswith("a BAD")
    assert len(set(salts.values())) == len(salts)
    for user in (server.user, "nobody"):
        stream = streams(Lines(tls(server, "imaps")))
        answer = imap_login(stream, BARE, Scram(f"{user}@{DOMAIN}", "wrong"))
        assert answer == "a NO [AUTHENTICATIONFAILED] Wrong user name or password"
    server.log.wait(r'event=login\.failed .*user=nobody@.*why="no such account"')


def test_changed_meanwhile(server, streams):
    """What the account is when its owner has shown that it is his, is what counts."""
    address = f"{server.user}@{DOMAIN}"
    stream = streams(Lines(tls(server, "imaps")))

    def new_password(text):
        server.posternctl("account", "passwd", address, text="another\n")
        return text
    assert imap_login(stream, BARE, exchange(server), change=new_password).startswith(WRONG)
    said = exchange(server, "another")
    stream.send(f"a AUTHENTICATE {BARE} {encode(said.first().encode())}")
    stream.send(encode(said.final(base64.b64decode(stream.line()[2:]).decode()).encode()))
    said.check(base64.b64decode(stream.line()[2:]).decode())
    server.posternctl("account", "disable", address)
    stream.send("")
    assert stream.line().startswith(WRONG)
    assert imap_login(stream, BARE, exchange(server, "another")).startswith(WRONG)
    server.log.wait(rf'event=login\.failed .*user={address}.*why="the account is disabled"', count=2)


# -- Real clients -------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("gsasl") is None, reason="there is no gsasl")
@pytest.mark.parametrize("mechanism,options", [(PLUS, []), (BARE, ["--no-cb"]), (PLUS, ["--priority", "NORMAL:-VERS-TLS1.3"])])
def test_gsasl(server, mechanism, options):
    address = f"{server.user}@{DOMAIN}"
    result = subprocess.run(
        ["gsasl", "--imap", "--mechanism", mechanism, "--authentication-id", address, "--authorization-id", address,
         "--password", PASSWORD, "--starttls", "--x509-ca-file", authority(server), "--connect",
         f"{HOST}:{server.ports['imap']}", *options],
        input="a LOGOUT\n", capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    server.log.wait(rf"event=login\.ok .*user={server.user}@.*by={mechanism}")


@pytest.mark.skipif(shutil.which("mbsync") is None, reason="there is no mbsync")
def test_mbsync(server, folder):
    """Cyrus SASL: it refuses more than 65536 iterations."""
    configuration = os.path.join(folder, "mbsyncrc")
    with open(configuration, "w", encoding="utf-8") as file:
        file.write(f"""IMAPStore far
Host {HOST}
Port {server.ports['imaps']}
User {server.user}@{DOMAIN}
Pass "{PASSWORD}"
SSLType IMAPS
AuthMechs {BARE}
CertificateFile {authority(server)}

MaildirStore near
Path {folder}/near/
Inbox {folder}/near/INBOX

Channel c
Far :far:
Near :near:
Create Near
SyncState *
""")
    os.mkdir(os.path.join(folder, "near"))
    result = subprocess.run(["mbsync", "-c", configuration, "-V", "c"], capture_output=True, text=True,
                            timeout=DEADLINE, check=False, env={**os.environ, "HOME": folder})
    assert result.returncode == 0, result.stdout + result.stderr
    server.log.wait(rf"event=login\.ok .*user={server.user}@.*by={BARE}")


# -- The accounts -------------------------------------------------------------------------


def capabilities(server):
    client = poplib.POP3_SSL(HOST, server.ports["pop3s"], context=server.context(), timeout=DEADLINE)
    found = client.capa()["SASL"]
    client.quit()
    return found


def test_offer_follows_the_accounts(make_server):
    """Offered is what every account can do; a file from before SCRAM offers none of it."""
    server = make_server()
    server.write_configuration()
    server.create_certificate()
    server.posternctl("account", "add", f"alice@{DOMAIN}", "--scram", "none", text=PASSWORD + "\n")
    server.start()
    assert capabilities(server) == ["PLAIN", "LOGIN"]
    server.posternctl("account", "add", f"bob@{DOMAIN}", "--scram", "all", text=PASSWORD + "\n")
    assert capabilities(server) == ["PLAIN", "LOGIN"]
    server.log.wait(r"event=accounts\.not_offered mechanism=SCRAM-SHA-256 with=1 without=1 first=alice@example\.org")
    server.posternctl("account", "passwd", f"alice@{DOMAIN}", text=PASSWORD + "\n")
    assert capabilities(server) == [*SCRAM, "PLAIN", "LOGIN"]
    server.posternctl("account", "passwd", f"alice@{DOMAIN}", "--scram", "all", text=PASSWORD + "\n")
    everything = [*SCRAM, "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "PLAIN", "LOGIN"]
    assert capabilities(server) == everything
    with contextlib.closing(Lines(server.tls("imaps"))) as stream:
        said = Scram("bob", PASSWORD, hash_name="sha1")
        assert imap_login(stream, "SCRAM-SHA-1", said).startswith("a OK ")
    hashes = {line.split("\t")[0]: line.split("\t")[3] for line in server.posternctl("account", "list").stdout.splitlines()}
    assert hashes[f"bob@{DOMAIN}"] == "crypt,SCRAM-SHA-256,SCRAM-SHA-1"
    # passwd without --scram leaves the kinds as they are.
    server.posternctl("account", "passwd", f"bob@{DOMAIN}", text="another\n")
    assert capabilities(server) == everything
    with contextlib.closing(Lines(server.tls("imaps"))) as stream:
        assert imap_login(stream, BARE, Scram("bob", PASSWORD)).startswith(WRONG)
        assert imap_login(stream, BARE, Scram("bob", "another")).startswith("a OK ")
    # One that may not log in does not count.
    server.posternctl("account", "passwd", f"alice@{DOMAIN}", "--scram", "none", text=PASSWORD + "\n")
    assert capabilities(server) == ["PLAIN", "LOGIN"]
    server.posternctl("account", "disable", f"alice@{DOMAIN}")
    assert capabilities(server) == everything


def test_verifier_alone(make_server):
    """PLAIN against it; a password that can be written in two ways is one."""
    server = make_server()
    server.write_configuration()
    server.create_certificate()
    composed, decomposed = "\xc5ngstr\xf6m", "A\u030angstro\u0308m"
    server.posternctl("account", "add", f"alice@{DOMAIN}", "--scram", "only", text=composed + "\n")
    with open(server.accounts, encoding="utf-8") as file:
        assert re.search(r'password = "SCRAM-SHA-256\$65536:', file.read())
    refused = server.posternctl("account", "add", f"bob@{DOMAIN}", text="a\x07b\n", check=False)
    assert refused.returncode == 1 and "RFC 4013" in refused.stderr
    server.start()
    with contextlib.closing(Lines(server.tls("imaps"))) as stream:
        assert imap_login(stream, BARE, Scram("alice", composed)).startswith("a OK ")
    for password, good in ((composed, True), (decomposed, True), ("Angstrom", False)):
        client = imaplib.IMAP4_SSL(HOST, server.ports["imaps"], ssl_context=server.context(), timeout=DEADLINE)
        response = f"\0alice\0{password}".encode()
        if good:
            client.authenticate("PLAIN", lambda _, response=response: response)
        else:
            with pytest.raises(imaplib.IMAP4.error):
                client.authenticate("PLAIN", lambda _, response=response: response)
        client.logout()


def test_lines_of_the_file(make_server):
    """What posternctl and the server say of verifiers that are none."""
    server = make_server()
    server.write_configuration()
    for value, why in (('[ "SCRAM-SHA-256$1:AAAA$AAAA:AAAA" ]', "iterations"),
                       ('"SCRAM-SHA-512$4096:AAAA$AAAA:AAAA"', "neither"),
                       ("[ ]", "must be a hash"), ("5", "must be a hash")):
        with open(server.accounts, "w", encoding="utf-8") as file:
            file.write(f'accounts = (\n{{ address = "alice@{DOMAIN}";\n  password = {value}; }} );\n')
        result = server.posternctl("account", "list", check=False)
        assert result.returncode == 1 and why in result.stderr and "3" in result.stderr, result.stderr
