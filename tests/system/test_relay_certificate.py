# SPDX-License-Identifier: ISC
"""Relay shows a certificate to servers that ask for one; its key is in certd, and signs for nothing else."""

import os
import signal
import ssl
import subprocess
import threading

import pytest

from authority import Authority, openssl
from conftest import DEADLINE, HOST, free_ports, wait_for
from mail_sink import Sink
from test_relay import BODY, make_sink, send  # noqa: F401: fixtures
from test_relay_routes import pid_of_relay

OTHER = "elsewhere.example"
BOB = f"bob@{OTHER}"
CLIENT = "extendedKeyUsage=clientAuth\nbasicConstraints=CA:FALSE\n"
KINDS = ("P-256", "P-384", "P-521", "RSA", "ED25519")
VERSIONS = {"TLSv1.3": ssl.TLSVersion.TLSv1_3, "TLSv1.2": ssl.TLSVersion.TLSv1_2}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """An authority; a server's pair, and a client's of each kind and two more."""
    authority = Authority(str(tmp_path_factory.mktemp("authority")))
    authority.pair("server", "sink.example")
    for kind in KINDS:
        authority.pair(kind, f"{kind} client", kind, extensions=CLIENT)
    authority.pair("second", "second client", extensions=CLIENT)
    authority.pair("host", HOST, extensions=f"{CLIENT}subjectAltName=DNS:{HOST}\n")
    openssl("req", "-x509", "-new", "-key", authority.key("both"), "-subj", f"/CN={HOST}", "-days", "20", "-addext",
            f"subjectAltName=DNS:{HOST}", "-addext", "extendedKeyUsage=serverAuth,clientAuth", "-addext",
            "basicConstraints=critical,CA:FALSE", "-out", authority.path("both.crt"))
    authority.pair("small", "small client", "RSA1024", extensions=CLIENT)
    return authority


class Asking(Sink):
    """A mail server that takes nothing from who shows no certificate of the authority."""

    def __init__(self, made, version="TLSv1.3", verify=ssl.CERT_REQUIRED):
        super().__init__(tls=(made.path("server.crt"), made.path("server.key")))
        self.tls.minimum_version = self.tls.maximum_version = VERSIONS[version]
        self.tls.load_verify_locations(made.path("root.crt"))
        self.tls.verify_mode = verify
        self.shown = []

    def keep(self, handler, sender, recipients, message):
        if isinstance(handler.connection, ssl.SSLSocket):
            subject = (handler.connection.getpeercert() or {}).get("subject", ())
            self.shown.append(dict(pair for part in subject for pair in part).get("commonName"))
        else:
            self.shown.append("not even TLS")
        super().keep(handler, sender, recipients, message)


def write_relay(server, port, certificate, more=""):
    """All mail for others goes to PORT, with this certificate."""
    server.settings["relay"] = (f'{{ host = "127.0.0.1"; port = {port}; tls = "require"; '
                                f'certificate = "{certificate}"; {more} }}')
    server.settings["limits"] = "{ retry = 1; restart_delay = 0; }"
    server.settings["submission"] = '{ sender_check = "off"; }'
    server.write_configuration()


def bring(server, made, pair, name="client"):
    server.posternctl("cert", "import", made.path(f"{pair}.key"), made.path(f"{pair}.crt"), made.path("inter.crt"),
                      "--name", name, "--replace", "--force")


@pytest.fixture
def start(make_server, made):
    def run(port, pair="P-256", more="", certificate="client"):
        server = make_server()
        write_relay(server, port, certificate, more)
        server.create_certificate()
        if pair:
            bring(server, made, pair)
        server.add_account("alice@example.org")
        server.start()
        return server

    return run


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_wants_a_certificate(make_sink, start, made, kind, version):  # noqa: F811
    sink = make_sink(Asking, made=made, version=version)
    server = start(sink.port, kind)
    send(server, [BOB])
    sink.wait(1)
    assert sink.shown == [f"{kind} client"]
    server.log.wait(rf"event=relay\.answered .*tls={version}")
    count = "tls1.3=1 tls1.2=0" if version == "TLSv1.3" else "tls1.3=0 tls1.2=1"
    audit = server.posternctl("cert", "audit", "client").stdout
    assert f"relay    client           {count} refused=0" in audit


def test_who_does_not_ask_is_shown_nothing(make_sink, start, made):  # noqa: F811
    sink = make_sink(Asking, made=made, verify=ssl.CERT_NONE)
    server = start(sink.port)
    send(server, [BOB])
    sink.wait(1)
    assert sink.shown == [None]
    assert "has not been used" in server.posternctl("cert", "audit", "client").stdout


def test_each_route_has_its_own(make_sink, start, made):  # noqa: F811
    sink, other, none = (make_sink(Asking, made=made, verify=ssl.CERT_OPTIONAL) for _ in range(3))
    server = start(sink.port, more=f'routes = ( {{ domain = "b.example"; host = "127.0.0.1"; port = {other.port}; '
                   f'certificate = "second"; }}, {{ domain = "c.example"; host = "127.0.0.1"; port = {none.port}; '
                   'certificate = ""; } );')
    bring(server, made, "second", "second")
    for domain, place, shown in ((OTHER, sink, "P-256 client"), ("b.example", other, "second client"),
                                 ("c.example", none, None)):
        send(server, [f"bob@{domain}"])
        place.wait(1)
        assert place.shown == [shown]


def test_without_its_certificate_mail_waits(make_sink, start, made):  # noqa: F811
    """It comes, is replaced and taken away from a route while relay runs; no mail is refused for it."""
    sink = make_sink(Asking, made=made)
    server = start(sink.port, pair=None)
    server.log.wait(r"event=key\.missing key=client peer=relay")
    send(server, [BOB])
    server.log.wait(r"event=queue\.deferred .*the certificate of its route is not here")
    pid = pid_of_relay(server)
    assert sink.connections == 0
    bring(server, made, "P-256")
    sink.wait(1)
    bring(server, made, "second")
    # One that waits for another mail goes on as it began.
    sink.answers["MAIL"] = [None, "250 Ok"]
    send(server, [BOB])
    sink.wait(2)
    assert sink.shown == ["P-256 client", "second client"]
    result = server.posternctl("cert", "remove", "client", check=False)
    assert result.returncode == 1 and "mail to other servers is sent with it" in result.stderr
    assert pid_of_relay(server) == pid


def test_a_reload_changes_the_certificate(make_sink, start, made):  # noqa: F811
    """In the same process; what has been said when the new routes are in force counts for the next mail."""
    sink = make_sink(Asking, made=made)
    server = start(sink.port)
    bring(server, made, "second", "second")
    pid = pid_of_relay(server)
    send(server, [BOB])
    sink.wait(1)
    write_relay(server, sink.port, "second")
    server.posternctl("reload")
    send(server, [BOB])
    sink.wait(2)
    assert sink.shown == ["P-256 client", "second client"]
    assert pid_of_relay(server) == pid
    assert server.posternctl("cert", "remove", "client").returncode == 0


def test_certd_dies(make_sink, start, made):  # noqa: F811
    sink = make_sink(Asking, made=made)
    server = start(sink.port)
    send(server, [BOB])
    sink.wait(1)
    (pid,) = server.children("certd")
    os.kill(pid, signal.SIGKILL)
    server.log.wait(r"event=child\.died child=certd")
    sink.answers["MAIL"] = [None, "250 Ok"]
    wait_for(lambda: server.children("certd") not in ([], [pid]), "another certd")
    send(server, [BOB])
    sink.wait(2)
    assert sink.shown == ["P-256 client"] * 2


def test_a_weak_key_is_not_relays(make_sink, start, made):  # noqa: F811
    sink = make_sink(Asking, made=made)
    server = start(sink.port, pair="small")
    server.log.wait(r"event=key\.missing key=client peer=relay .*2048")
    send(server, [BOB])
    server.log.wait(r"event=queue\.deferred")
    assert sink.connections == 0


def names_shown(server, listener, sni):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(server.raw(listener), server_hostname=sni) as connection:
        return connection.getpeercert(binary_form=True)


def test_listeners_show_other_certificates(make_sink, start, made):  # noqa: F811
    """Though it is for the host, or the client asks for its name: no listener has it unless it names it."""
    sink = make_sink(Asking, made=made)
    server = start(sink.port, pair="host")
    with open(made.path("host.crt"), encoding="ascii") as file:
        client = ssl.PEM_cert_to_DER_cert(file.read())
    for sni in (HOST, "client"):
        assert names_shown(server, "pop3s", sni) != client
    text = server.posternctl("cert", "list").stdout
    assert "used by  relay\n" in text
    # Without relay it is a server's certificate as any other.
    server.settings["relay"] = "{ enabled = false; }"
    server.write_configuration()
    server.posternctl("reload")
    wait_for(lambda: names_shown(server, "pop3s", HOST) == client, "the certificate for the host")


def test_the_host_shows_its_own(make_sink, made, make_server):  # noqa: F811
    """Named for relay as well: the one certificate is the listeners' and relay's."""
    sink = make_sink(Asking, made=made)
    sink.tls.load_verify_locations(made.path("both.crt"))
    server = make_server()
    write_relay(server, sink.port, HOST)
    bring(server, made, "both", HOST)
    server.add_account("alice@example.org")
    server.start()
    send(server, [BOB])  # over TLS, with this certificate
    sink.wait(1)
    assert sink.shown == [HOST]
    audit = server.posternctl("cert", "audit", HOST).stdout
    assert "relay    client" in audit and "submission:" in audit


@pytest.mark.parametrize("version", ["-tls1_3", "-tls1_2"])
def test_openssls_own_server(start, made, version):
    """openssl s_server says which certificate it was shown, and that it is good."""
    (port,) = free_ports(1)
    lines = []
    with subprocess.Popen(
            ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", version, "-Verify", "3", "-verify_return_error",
             "-CAfile", made.path("root.crt"), "-cert", made.path("server.crt"), "-key", made.path("server.key")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        ended = threading.Event()

        def read():
            for line in process.stdout:
                lines.append(line)
                if line.startswith("CIPHER is"):
                    ended.set()
        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        wait_for(lambda: any("ACCEPT" in line for line in lines), "s_server")
        server = start(port, more="implicit_tls = true;")
        send(server, [BOB])
        assert ended.wait(DEADLINE), lines
        process.kill()
        thread.join(DEADLINE)
    text = "".join(lines)
    assert "subject=CN = P-256 client" in text
    assert "verify error" not in text


def test_a_handshake_that_waits_for_certd_holds_up_nobody(make_sink, start, made):  # noqa: F811
    asking, plain = make_sink(Asking, made=made), make_sink()
    server = start(asking.port, more=f'routes = ( {{ domain = "b.example"; host = "127.0.0.1"; port = {plain.port}; '
                                     'tls = "none"; certificate = ""; } );')
    (certd,) = server.children("certd")
    with server.submission() as client:
        os.kill(certd, signal.SIGSTOP)
        try:
            client.sendmail("alice@example.org", [BOB], BODY)
            wait_for(lambda: asking.open == 1 and any("STARTTLS" in one for one in asking.commands), "a handshake")
            client.sendmail("alice@example.org", ["bob@b.example"], BODY)
            plain.wait(1)
            assert asking.shown == []
        finally:
            os.kill(certd, signal.SIGCONT)
        asking.wait(1)
    assert asking.shown == ["P-256 client"]


def test_mail_that_is_to_show_one_never_goes_in_clear(start, made):
    """Without one, TLS that fails is done without (test_relay.py)."""
    sink = Asking(made)
    sink.tls.minimum_version = sink.tls.maximum_version = ssl.TLSVersion.TLSv1_1  # no longer spoken
    server = start(sink.port)
    server.settings["relay"] = server.settings["relay"].replace('"require"', '"opportunistic"')
    server.write_configuration()
    server.posternctl("reload")
    send(server, [BOB])
    server.log.wait(r"event=queue\.not_now .*TLS")
    sink.close()
    assert not sink.mails


@pytest.mark.parametrize("version", VERSIONS)
def test_who_has_none_sends_in_clear(make_sink, start, made, version):  # noqa: F811
    """A server that refuses us in TLS 1.3 does it behind our side of the handshake. Where TLS has to be, mail waits."""
    sink, strict = (make_sink(Asking, made=made, version=version) for _ in range(2))
    server = start(sink.port, pair=None, certificate="", more=f'routes = ( {{ domain = "b.example"; host = "127.0.0.1"; '
                   f'port = {strict.port}; tls = "require"; certificate = ""; }} );')
    server.settings["relay"] = server.settings["relay"].replace('"require"', '"opportunistic"', 1)
    server.write_configuration()
    server.posternctl("reload")
    send(server, ["bob@b.example", BOB])
    sink.wait(1)
    assert sink.shown == ["not even TLS"]
    server.log.wait(r"event=queue\.not_now .*to=bob@b\.example ", count=2)
    assert not any(command.startswith("MAIL") for command in strict.commands)
    assert strict.commands.count("STARTTLS") == strict.connections


def test_another_resolver_takes_no_certificate_away(start, made):
    """The relay that finishes what it has is signed for, beside its successor."""
    sink = Asking(made)
    greets, asked = threading.Event(), threading.Event()
    answer = sink.answer

    def late(handler, verb, usual):
        if verb == "connect" and not asked.is_set():
            asked.set()
            greets.wait()
        return answer(handler, verb, usual)

    sink.answer = late
    server = start(sink.port)
    send(server, [BOB])
    assert asked.wait(DEADLINE)
    server.settings["relay"] = server.settings["relay"].replace("{", '{ resolver = "127.0.0.7";', 1)
    server.write_configuration()
    server.posternctl("reload")
    assert len(server.children("postern-relay")) == 2
    greets.set()
    assert sink.wait(1)[0][1] == [BOB]
    assert sink.shown == ["P-256 client"]
    wait_for(lambda: len(server.children("postern-relay")) == 1, "the end of the old one")
    sink.close()
