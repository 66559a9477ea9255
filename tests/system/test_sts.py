# SPDX-License-Identifier: ISC
"""MTA-STS (RFC 8461): policies of domains, from a web server of theirs, and who gets mail then."""

import os
import signal
import smtplib
import socketserver
import ssl
import threading

import pytest

import signed_names
from authority import Authority
from conftest import wait_for
from mail_sink import A, AAAA, MX, TLSA, TXT
from signed_names import SignedNames
from test_dane import tlsa
from test_relay import BODY, make_sink, send, send_out  # noqa: F401 (fixtures)

DOMAIN = "sts.example"
MX_HOST = "mx.sts.example"
WEB_HOST = "mta-sts.sts.example"


class Web:
    """An HTTPS server. ANSWER: all that it says, whatever it is asked."""

    def __init__(self, answer, tls):
        self.answer = answer
        self.requests = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        web = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                try:
                    with context.wrap_socket(self.request, server_side=True) as connection:
                        request = b""
                        while not request.endswith(b"\r\n\r\n"):
                            if not (piece := connection.recv(4096)):
                                return
                            request += piece
                        web.requests.append(request.decode())
                        connection.sendall(web.answer)
                        connection.unwrap()
                except OSError:
                    pass

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def policy(mode="enforce", mx=(MX_HOST,), max_age=86400):
    lines = ["version: STSv1", f"mode: {mode}", f"max_age: {max_age}", *(f"mx: {name}" for name in mx)]
    return "".join(f"{line}\r\n" for line in lines).encode()


def response(body, status="200 OK", kind="text/plain", fields=()):
    head = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", *(fields or [f"Content-Length: {len(body)}"])]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


class World:
    """A domain with a policy, its mail server, and ours."""

    def __init__(self, make_sink, send_out, tmp_path):
        folder = tmp_path / "authority"
        folder.mkdir()
        self.authority = Authority(str(folder))
        self.make_sink, self.send_out, self.tmp_path = make_sink, send_out, tmp_path
        self.records = {(DOMAIN, MX): [(10, MX_HOST)], (MX_HOST, A): ["127.0.0.1"], (WEB_HOST, A): ["127.0.0.1"],
                        (f"_mta-sts.{DOMAIN}", TXT): ["v=STSv1; id=1;"]}
        self.signed = ["signed.example"]

    def certificate(self, name):
        key, certificate = self.authority.pair(f"for-{name}", name)
        with open(certificate, "ab") as file:
            file.write(self.authority.read("inter.crt"))
        return certificate, key

    def start(self, answer, mx=MX_HOST, web=WEB_HOST, records=None):
        pair = self.certificate(mx) if mx else None
        self.sink = self.make_sink(tls=pair)
        self.web = self.make_sink(Web, answer=answer, tls=self.certificate(web))
        for owner, matching in records or ():
            self.records[(f"_{self.sink.port}._tcp.{owner}", TLSA)] = [tlsa(3, 1, matching, pair[0])]
        self.names = self.make_sink(SignedNames, records=self.records, signed=self.signed)
        self.server = self.send_out(
            self.sink.port, f'resolver = "127.0.0.1@{self.names.port}"; authorities = "{self.authority.path("root.crt")}";'
            f' trust_anchor = "{self.names.anchors(self.tmp_path)}"; sts_port = {self.web.port};')
        self.send()

    def send(self):
        send(self.server, [f"bob@{DOMAIN}"])

    def delivered(self, verified, count=1):
        self.sink.wait(count)
        self.server.log.wait(rf"event=relay\.answered .*verified={verified}( |$)", count=count)

    def deferred(self, words, count=1):
        self.server.log.wait(rf"event=queue\.deferred .*{words}", count=count)
        assert not any(command.startswith("MAIL") for command in self.sink.commands)


@pytest.fixture
def world(make_sink, send_out, tmp_path):  # noqa: F811
    return World(make_sink, send_out, tmp_path)


@pytest.mark.parametrize("mx", [(MX_HOST,), ("other.example", "*.sts.example")])
def test_an_enforced_policy(world, mx):
    world.start(response(policy(mx=mx)))
    world.delivered("sts")
    assert len(world.web.requests) == 1
    assert world.web.requests[0].startswith("GET /.well-known/mta-sts.txt HTTP/1.1\r\n")
    assert f"\r\nHost: {WEB_HOST}\r\n" in world.web.requests[0]


@pytest.mark.parametrize("answer", [
    response(b"%x\r\n%s\r\n0\r\n\r\n" % (len(policy()), policy()), fields=["Transfer-Encoding: chunked"]),
    response(policy(), kind="text/plain; charset=utf-8", fields=["Connection: close"]),
])
def test_how_a_policy_may_come(world, answer):
    world.start(answer)
    world.delivered("sts")


@pytest.mark.parametrize("options,mx,words", [
    ({}, "other.example", "certificate is not the one .*ostname mismatch"),
    ({}, None, "offers no TLS"),
    ({"mx": ["other.example"]}, MX_HOST, "MTA-STS policy does not name the server: mx.sts.example"),
    ({"mx": ["*.mx.sts.example"]}, MX_HOST, "MTA-STS policy does not name the server"),
])
def test_what_an_enforced_policy_stops(world, options, mx, words):
    world.start(response(policy(**options)), mx=mx)
    world.deferred(words)


def test_what_stops_one_mail_stops_no_other(world):
    """The one server that the policy names is down. Mail that may go to the other one is not put off with the rest."""
    world.records[(DOMAIN, MX)] = [(10, MX_HOST), (20, "backup.example")]
    world.records[(MX_HOST, A)] = ["127.0.0.9"]
    world.records[("backup.example", A)] = ["127.0.0.1"]
    world.start(response(policy()), mx="backup.example")
    world.deferred("")
    send(world.server, [f"carol@{DOMAIN}"], b"TLS-Required: No\r\n" + BODY)
    assert world.sink.wait(1)[0][1] == [f"carol@{DOMAIN}"]


@pytest.mark.parametrize("mode", ["testing", "none"])
def test_policies_that_stop_nothing(world, mode):
    world.start(response(policy(mode=mode, mx=["other.example"])), mx="other.example")
    world.delivered("none")
    world.server.log.wait(rf"event=sts\.fetched .*mode={mode}")


@pytest.mark.parametrize("answer,web,why", [
    (response(policy(), status="404 Not Found"), WEB_HOST, "status is not 200"),
    (response(policy(), status="301 Moved", fields=["Location: https://else.example/"]), WEB_HOST, "status is not 200"),
    (response(policy(), kind="text/html"), WEB_HOST, "not text/plain"),
    (response(b"x" * 70000), WEB_HOST, "too long"),
    (response(policy(), fields=["Content-Length: 1000"]), WEB_HOST, "closed"),
    (response(policy().replace(b"STSv1", b"STSv9")), WEB_HOST, "no policy: its version"),
    (response(policy()), "web.example", "ostname mismatch"),
    (response(policy()), DOMAIN, "ostname mismatch"),
])
def test_what_is_no_policy(world, answer, web, why):
    """As if there was none: mail goes, and the log says why."""
    world.start(answer, web=web, mx="other.example")
    world.delivered("none")
    world.server.log.wait(rf"event=sts\.failed .*{why}")


def test_a_web_server_with_many_addresses_that_lead_nowhere(world):
    """Of the family that there is no way for; without an interface these are nowhere."""
    world.records[(WEB_HOST, AAAA)] = [f"fe80::{n}" for n in range(1, 9)]
    world.start(response(policy(mx=["other.example"])))
    world.deferred("MTA-STS policy does not name the server")


@pytest.mark.parametrize("texts", [[], ["v=spf1 -all"], ["v=STSv1; id=1;", "v=STSv1; id=2;"], ["v=STSv1;"]])
def test_without_one_record_there_is_no_policy(world, texts):
    world.records[(f"_mta-sts.{DOMAIN}", TXT)] = texts
    world.start(response(policy()), mx="other.example")
    world.delivered("none")
    assert not world.web.requests


def test_a_policy_is_kept(world, monkeypatch):
    """It is fetched once, and counts though record and web server are gone: nobody can take it away."""
    monkeypatch.setattr(signed_names, "TTL", 0)  # libunbound asks each time
    world.start(response(policy()))
    world.delivered("sts")
    world.send()
    world.delivered("sts", count=2)
    assert len(world.web.requests) == 1
    world.web.answer = response(b"", status="404 Not Found")
    world.names.records[(f"_mta-sts.{DOMAIN}", TXT)] = []
    world.names.records[(DOMAIN, MX)] = [(10, "forged.example")]
    world.names.records[("forged.example", A)] = ["127.0.0.1"]
    world.send()
    world.server.log.wait(r"event=queue\.deferred .*MTA-STS policy does not name the server: forged\.example")
    # With a new record there may be a new policy; that it can't be had changes nothing either.
    world.names.records[(f"_mta-sts.{DOMAIN}", TXT)] = ["v=STSv1; id=2;"]
    world.server.log.wait(r"event=sts\.failed .*so=\"the policy of before counts\"")
    assert len(world.sink.mails) == 2


@pytest.mark.parametrize("program", ["postern-relay relay", "postern-worker queue", None])
def test_a_policy_outlives_the_process(world, monkeypatch, program):
    """RFC 8461 5.1: until its time is over. queue keeps it; without a PROGRAM the whole server starts anew."""
    monkeypatch.setattr(signed_names, "TTL", 0)
    world.start(response(policy()))
    world.delivered("sts")
    world.server.log.wait(r"event=queue\.relayed")
    world.web.answer = response(b"", status="404 Not Found")
    world.names.records[(f"_mta-sts.{DOMAIN}", TXT)] = []
    world.names.records[(DOMAIN, MX)] = [(10, "forged.example")]
    world.names.records[("forged.example", A)] = ["127.0.0.1"]
    if program:
        (pid,) = world.server.children(program)
        os.kill(pid, signal.SIGKILL)
        world.server.log.wait(r"event=child\.died")
    else:
        world.server.stop(hasten=True)
        world.server.start()
    wait_for(lambda: try_to(world.send), "the server again")
    world.server.log.wait(r"event=queue\.deferred .*MTA-STS policy does not name the server: forged\.example")
    assert len(world.sink.mails) == 1


def try_to(act):
    try:
        act()
    except (OSError, smtplib.SMTPException):
        return False
    return True


def test_a_new_record_brings_a_new_policy(world, monkeypatch):
    monkeypatch.setattr(signed_names, "TTL", 0)
    world.start(response(policy(mx=["other.example"])))
    world.deferred("MTA-STS policy does not name the server")
    world.web.answer = response(policy())
    world.names.records[(f"_mta-sts.{DOMAIN}", TXT)] = ["v=STSv1; id=2;"]
    world.delivered("sts")
    assert len(world.web.requests) == 2


def test_an_old_policy_is_fetched_again(world):
    """One that counts for some seconds is soon older than half of that, or over."""
    world.start(response(policy(max_age=4)))
    world.delivered("sts")
    world.web.answer = response(policy(mode="none", mx=()))
    number = 1
    while "mode=none" not in world.server.log.text():
        number += 1
        world.send()
        world.sink.wait(number)


def test_dane_wins(world):
    """RFC 8461 2: the policy does not name the server, but DNSSEC proves it."""
    world.signed.append(DOMAIN)
    world.start(response(policy(mx=["other.example"])), records=[(MX_HOST, 1)])
    world.delivered("dane")


def test_a_named_host_needs_no_policy(world):
    world.start(response(policy(mx=["other.example"])), mx="other.example")
    world.deferred("MTA-STS policy")
    world.server.settings["relay"] = world.server.settings["relay"].replace("{ ", '{ host = "127.0.0.1"; ', 1)
    world.server.write_configuration()
    world.server.posternctl("reload")
    world.sink.wait(1)
