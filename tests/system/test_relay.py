# SPDX-License-Identifier: ISC
"""Mail out: from submission to other hosts, and back to the sender if they don't take it."""

import concurrent.futures
import email
import json
import os
import re
import signal
import smtplib
import socket
import threading
import time

import pytest

from conftest import DEADLINE, DOMAIN, HOST, wait_for
from mail_sink import A, AAAA, MX, Names, Sink

ALICE = f"alice@{DOMAIN}"
IDLE = 5  # seconds that a connection waits for the next mail (worker/relay/pool.h)
BODY = (b"From: alice@example.org\r\nSubject: out\r\n\r\n.one dot\r\n..two\r\n.\x20\r\nlast\r\n")


@pytest.fixture
def make_sink():
    made = []

    def make(kind=Sink, **options):
        made.append(kind(**options))
        return made[-1]

    yield make
    for sink in made:
        sink.close()


@pytest.fixture
def send_out(make_server):
    """A server whose mail goes to PORT of this host, or as OTHER keys say."""

    def make(port, other=None, expire=86400, tls="opportunistic", sender_check="envelope"):
        server = make_server()
        other = 'host = "127.0.0.1";' if other is None else other
        server.settings["relay"] = f'{{ port = {port}; tls = "{tls}"; expire = {expire}; {other} }}'
        server.settings["submission"] = f'{{ sender_check = "{sender_check}"; }}'
        server.settings["limits"] = "{ retry = 1; restart_delay = 0; }"
        return server.set_up("alice", "bob")

    return make


def send(server, recipients, message=BODY, sender=ALICE):
    with server.submission() as client:
        return client.sendmail(sender, recipients, message)


def report(server):
    """The parts of the one bounce that alice has, as text, and its fields."""
    (message,) = server.wait_for_messages(1)
    mail = email.message_from_bytes(message)
    assert mail.get_content_type() == "multipart/report"
    assert mail.get_param("report-type") == "delivery-status"
    assert mail["Auto-Submitted"] == "auto-replied"
    words, status, header = mail.get_payload()
    assert status.get_content_type() == "message/delivery-status"
    assert header.get_content_type() == "text/rfc822-headers"
    whole, recipient = status.get_payload()
    assert whole["Reporting-MTA"] == f"dns; {HOST}"
    assert recipient["Action"] == "failed"
    assert "Subject: out" in header.get_payload()
    return words.get_payload(), recipient


def test_a_mail_goes_out_as_it_came(make_sink, send_out):
    sink = make_sink()
    server = send_out(sink.port)
    send(server, ["bob@elsewhere.example", "carol@elsewhere.example", "dan@other.example", ALICE])
    mails = sorted(sink.wait(2), key=lambda mail: mail[1])
    assert [mail[:2] for mail in mails] == [
        (ALICE, ["bob@elsewhere.example", "carol@elsewhere.example"]), (ALICE, ["dan@other.example"])]
    for mail in mails:
        assert mail[2].endswith(BODY)
        assert mail[2].startswith(b"Received: ")
    (own,) = server.wait_for_messages(1)
    assert own.endswith(BODY)
    server.log.wait(r"event=queue\.relayed", count=3)


@pytest.mark.parametrize("size", [100_000, 3_000_000])
def test_large_and_eight_bit(make_sink, send_out, size):
    sink = make_sink(extensions=("PIPELINING", "8BITMIME"))
    message = BODY + ("ä.\r\n" * (size // 5)).encode()
    server = send_out(sink.port)
    send(server, ["bob@elsewhere.example"], message)
    assert sink.wait(1)[0][2].endswith(message)
    assert any("BODY=8BITMIME" in command for command in sink.commands)


def test_a_long_local_part_goes_out(make_sink, send_out):
    sink = make_sink()
    long = "bounces+" + "a-long-name=" * 12 + "subscribers.example@lists.example"
    send(send_out(sink.port), [long])
    assert sink.wait(1)[0][1] == [long]


@pytest.mark.parametrize("answers,status,said", [
    ({"RCPT": ["550 5.1.1 Nobody is called so"]}, "5.1.1", "550 5.1.1 Nobody is called so"),
    ({"MAIL": ["553 Go away"]}, "5.0.0", "553 Go away"),
    ({"DATA": ["554 5.7.1 No"]}, "5.7.1", "554 5.7.1 No"),
    ({"body": ["552-5.3.4 Too\r\n552 5.3.4 large"]}, "5.3.4", "552 5.3.4 Too large"),
])
def test_what_is_refused_comes_back(make_sink, send_out, answers, status, said):
    sink = make_sink(answers=answers)
    server = send_out(sink.port)
    send(server, ["bob@elsewhere.example"])
    words, recipient = report(server)
    assert recipient["Final-Recipient"] == "rfc822; bob@elsewhere.example"
    assert recipient["Status"] == status
    assert recipient["Diagnostic-Code"] == f"smtp; {said}"
    assert recipient["Remote-MTA"] == "dns; [127.0.0.1]"
    assert f"the mail server 127.0.0.1 said:\n\n  {said}\n" in words.replace("\r\n", "\n")
    assert "bob@elsewhere.example" in words
    server.log.wait(r"event=queue\.bounced")


def test_one_of_two_is_refused(make_sink, send_out):
    sink = make_sink(answers={"RCPT": ["550 5.1.1 No", "250 Ok"]})
    server = send_out(sink.port)
    send(server, ["bob@elsewhere.example", "carol@elsewhere.example"])
    assert sink.wait(1)[0][1] == ["carol@elsewhere.example"]
    assert report(server)[1]["Final-Recipient"] == "rfc822; bob@elsewhere.example"


class Holding(Sink):
    """Keeps the senders of mails waiting, and takes as many mails as it may."""

    def __init__(self, **options):
        super().__init__(**options)
        self.may = threading.Semaphore(0)
        self.waiting = []

    def keep(self, handler, sender, recipients, message):
        with self.changed:
            self.waiting.append(sender)
            self.changed.notify_all()
        self.may.acquire()
        super().keep(handler, sender, recipients, message)

    def close(self):
        self.may.release(1000)
        super().close()

    def wait_for_bodies(self, count):
        """Until it has so many whole mails that it has not answered for."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.waiting) >= count, DEADLINE)


def test_a_stop_waits_for_hosts_that_take_mail(make_sink, send_out):
    """What a host has but has not answered for yet would be sent again after the start."""
    sink = make_sink(Holding)
    server = send_out(sink.port)
    send(server, ["carol@elsewhere.example"])
    sink.wait_for_bodies(1)
    process, log, gates = server.process, server.log, len(server.children("gate"))
    process.send_signal(signal.SIGTERM)
    log.wait(r"event=child\.ended child=.?gate", count=gates)
    sink.may.release()
    assert process.wait(DEADLINE) == 0
    server.stop()
    assert log.find(r"event=queue\.relayed .*to=carol@elsewhere\.example")
    server.start()
    assert json.loads(server.posternctl("queue", "list", "--json").stdout) == []
    assert len(sink.waiting) == 1


def test_a_stop_does_not_wait_for_ever(make_sink, send_out):
    sink = make_sink(Holding)
    server = send_out(sink.port)
    server.settings["limits"] = "{ retry = 1; restart_delay = 0; drain_timeout = 1; }"
    server.write_configuration()
    server.posternctl("reload")
    send(server, ["carol@elsewhere.example"])
    sink.wait_for_bodies(1)
    log = server.log
    assert server.stop() == 0
    log.wait(r"event=child\.drained child=queue")
    sink.may.release(1000)
    server.start()
    server.log.wait(r"event=queue\.relayed .*to=carol@elsewhere\.example")


def test_a_reload_waits_for_hosts_that_take_mail(make_sink, send_out):
    """Though it changes what queue is told and what relay is; mail that comes meanwhile is taken, and sent after it."""
    sink = make_sink(Holding)
    server = send_out(sink.port)
    send(server, ["carol@elsewhere.example"])
    sink.wait_for_bodies(1)
    server.settings["relay"] = server.settings["relay"].replace("{", '{ resolver = "127.0.0.7";', 1).replace("86400", "86500")
    server.write_configuration()
    mark = server.log.mark()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        reload = pool.submit(server.posternctl, "reload")
        server.log.wait(r"event=accounts\.loaded", mark)  # what is told behind queue's drain
        send(server, ["dan@elsewhere.example"])
        waiting = json.loads(server.posternctl("queue", "list", "--json").stdout)
        sink.may.release(2)
        assert "in force" in reload.result().stdout
    server.log.wait(r"event=queue\.relayed .*to=dan@elsewhere\.example", mark)
    assert [recipients for _, recipients, _ in sink.wait(2)] == [["carol@elsewhere.example"], ["dan@elsewhere.example"]]
    assert len(waiting) == 2
    assert not server.log.find(r"event=relay\.known|event=queue\.deferred|error: event=child", mark)


def test_a_newsletter_holds_up_nobody(make_sink, send_out):
    """bob's one mail comes behind what was on its way when he sent it, not behind alice's three hundred."""
    bob = f"bob@{DOMAIN}"
    sink = make_sink(Holding)
    server = send_out(sink.port)
    with server.submission() as client:
        for batch in range(3):
            client.sendmail(ALICE, [f"u{batch}.{number}@elsewhere.example" for number in range(100)], BODY)
        for number in range(40):
            client.sendmail(ALICE, ["all@elsewhere.example"], BODY + b"%d\r\n" % number)
    wait_for(lambda: len(sink.waiting) == 4, "as many mails at the sink as it gets at first")
    with server.submission(user="bob") as client:
        client.sendmail(bob, ["one@elsewhere.example"], BODY)
    # Turns are by sender: at most one of alice's comes between.
    sink.may.release(2)
    wait_for(lambda: bob in sink.waiting, "bob's mail at the sink")
    sink.may.release(100)
    assert [mail[0] for mail in sink.wait(47)].count(bob) == 1


@pytest.mark.parametrize("answers", [
    {"connect": [None, "220 sink.example"]}, {"connect": ["554 No", "220 sink.example"]},
    {"connect": ["HTTP/1.1 400 Bad Request", "220 sink.example"]},
    {"EHLO": ["421 Busy", None, "250 sink.example"]},
    {"MAIL": ["451 Later", None, "250 Ok"]}, {"RCPT": ["450 4.2.0 Grey", None, "250 Ok"]},
    {"DATA": ["421 Busy", None, "354 Go"]}, {"body": ["452 4.3.1 Full", None, "250 Ok"]},
])
def test_what_fails_for_now_is_tried_again(make_sink, send_out, answers):
    sink = make_sink(answers=answers)
    server = send_out(sink.port)
    send(server, ["bob@elsewhere.example"])
    assert sink.wait(1)[0][2].endswith(BODY)
    server.log.wait(r"event=queue\.relayed")
    assert not server.messages()


def test_old_mail_comes_back(make_sink, send_out):
    sink = make_sink(answers={"RCPT": ["450 4.2.0 Come again"]})
    server = send_out(sink.port, expire=4)
    send(server, ["bob@elsewhere.example"])
    words, recipient = report(server)
    assert recipient["Status"] == "4.2.0"
    assert "until its time was over" in words
    assert any(command.startswith("RCPT") for command in sink.commands)


def test_a_bounce_is_never_bounced(make_sink, send_out):
    sink = make_sink(answers={"RCPT": ["550 5.1.1 No"]})
    server = send_out(sink.port, sender_check="off")
    send(server, ["bob@elsewhere.example"], sender="")
    server.log.wait(r"event=queue\.dropped")
    # Its sender is nobody's address: the bounce has nowhere to go.
    send(server, ["bob@elsewhere.example"], sender=f"nobody@{DOMAIN}")
    server.log.wait(r"event=queue\.dropped", count=2)
    # Nor does a bounce that goes out come back.
    send(server, ["bob@elsewhere.example"], sender="else@elsewhere.example")
    server.log.wait(r"event=queue\.dropped", count=3)
    assert not server.messages()
    assert not sink.mails


TRICKS = [
    "victim@elsewhere.example", "victim%elsewhere.example@example.org", "elsewhere.example!victim@example.org",
    "@example.org:victim@elsewhere.example", "@example.org,@b.example:victim@elsewhere.example",
    '"victim@elsewhere.example"@example.org', "victim@[127.0.0.1]", "victim@elsewhere.example.",
    '"victim%elsewhere.example"@example.org', "example.org!victim@elsewhere.example", "victim",
    "victim@elsewhere.example@example.org", "victim@example.org@elsewhere.example", "victim@",
    '"@example.org:victim"@elsewhere.example', "victim@EXAMPLE.ORG.elsewhere.example",
    "victim\\@elsewhere.example@example.org", "<victim@elsewhere.example>", "@elsewhere.example",
]


def test_port_25_never_relays(make_sink, send_out):
    """The usual tricks of open relay tests, from strangers with all kinds of senders."""
    sink = make_sink()
    server = send_out(sink.port)
    for sender in (ALICE, "", "spam@elsewhere.example", f"postmaster@{DOMAIN}", "alice@[127.0.0.1]"):
        for trick in TRICKS:
            with server.smtp(tls=False) as client:
                client.ehlo(DOMAIN)
                assert client.docmd(f"MAIL FROM:<{sender}>")[0] == 250
                code, text = client.docmd(f"RCPT TO:<{trick}>")
                assert 500 <= code < 600, (sender, trick, text)
                assert client.docmd("DATA")[0] >= 500
    assert sink.connections == 0
    # Submission: nobody without a login.
    with smtplib.SMTP(HOST, server.ports["submission"]) as client:
        client.ehlo("example.org")
        assert client.docmd(f"MAIL FROM:<{ALICE}>")[0] == 530
        client.starttls(context=server.context())
        client.ehlo("example.org")
        assert client.docmd(f"MAIL FROM:<{ALICE}>")[0] == 530
        assert client.docmd("RCPT TO:<victim@elsewhere.example>")[0] == 503
    # With one, to domains only: an address literal is a host.
    with server.submission() as client:
        client.ehlo("example.org")
        client.docmd(f"MAIL FROM:<{ALICE}>")
        code, text = client.docmd("RCPT TO:<victim@[127.0.0.1]>")
        assert code == 550 and b"5.1.2" in text and b"relay.address_literals" in text
        assert client.docmd('RCPT TO:<"victim@elsewhere.example"@example.org>')[0] == 550
    assert sink.connections == 0


def test_without_relay_nobody_sends_out(server):
    with server.submission() as client:
        client.ehlo("example.org")
        client.docmd(f"MAIL FROM:<{ALICE}>")
        assert client.docmd("RCPT TO:<bob@elsewhere.example>")[0] == 550
    assert not server.children("postern-relay")


def test_mx_hosts_are_tried_in_their_order(make_sink, send_out):
    sink = make_sink()
    names = make_sink(Names, records={
        ("elsewhere.example", MX): [(20, "second.example"), (10, "first.example"), (5, "gone.example"),
                                    (30, "third.example")],
        ("first.example", A): ["127.0.0.9"],  # nobody listens there
        ("second.example", A): ["127.0.0.1"],
        ("third.example", A): ["127.0.0.9"],
        ("plain.example", A): ["127.0.0.1"],  # no MX: the domain itself
    })
    server = send_out(sink.port, f'resolver = "127.0.0.1@{names.port}";')
    send(server, ["bob@elsewhere.example"])
    sink.wait(1)
    server.log.wait(r"event=queue\.relayed .*host=second\.example")
    send(server, ["bob@plain.example"])
    sink.wait(2)
    server.log.wait(r"event=queue\.relayed .*host=plain\.example")


@pytest.mark.parametrize("domain,status", [
    ("nomail.example", "5.1.10"), ("missing.example", "5.1.2"), ("empty.example", "5.1.2"),
    ("loop.example", "5.4.6"),
])
def test_domains_that_take_no_mail(make_sink, send_out, domain, status):
    names = make_sink(Names, records={
        ("nomail.example", MX): [(0, "")],  # RFC 7505
        ("empty.example", 16): [],
        ("loop.example", MX): [(10, HOST), (20, "behind.example")],
        ("behind.example", A): ["127.0.0.1"],
    })
    server = send_out(1, f'resolver = "127.0.0.1@{names.port}";')
    send(server, [f"bob@{domain}"])
    _, recipient = report(server)
    assert recipient["Status"] == status
    assert recipient["Remote-MTA"] is None


# Who a domain's hosts are: (preference, name). self.example is where our own server listens.
HERE = {"self.example": "127.0.0.1", "down.example": "127.0.0.9"}


@pytest.mark.parametrize("hosts,becomes", [
    ([(10, "self.example")], "5.4.6"), ([], "5.4.6"),
    ([(10, "self.example"), (20, "down.example")], "5.4.6"), ([(10, "down.example"), (10, "self.example")], "5.4.6"),
    ([(10, "down.example"), (20, "self.example")], "Connection refused"),
    ([(10, "lost.example"), (20, "self.example")], "DNS does not answer"),
])
def test_mail_never_goes_to_ourselves(make_sink, send_out, hosts, becomes):
    """RFC 5321 5.1, by addresses: hosts that are not preferred to us are none; mail for the others waits."""
    names = make_sink(Names, failing=["lost.example"], records={
        **({("loop.example", MX): hosts} if hosts else {("loop.example", A): ["127.0.0.1"]}),
        ("lost.example", A): [], **{(name, A): [address] for name, address in HERE.items()}})
    server = send_out(1, f'resolver = "127.0.0.1@{names.port}";')
    server.settings["relay"] = f'{{ port = {server.ports["smtp"]}; resolver = "127.0.0.1@{names.port}"; }}'
    server.write_configuration()
    server.posternctl("reload")
    mark = server.log.mark()
    send(server, ["bob@loop.example"])
    if becomes.startswith("5"):
        words, recipient = report(server)
        assert recipient["Status"] == becomes
        assert "mail for this domain leads back to this server: loop.example" in words
    else:
        server.log.wait(rf"event=queue\.deferred .*{becomes}")
    connected = [line for line in server.log.find(r"event=conn\.accepted", mark) if "service=smtp" in line]
    assert not connected
    # Another port of this host is somebody else's.
    sink = make_sink()
    server.settings["relay"] = f'{{ port = {sink.port}; resolver = "127.0.0.1@{names.port}"; }}'
    server.write_configuration()
    server.posternctl("reload")
    send(server, ["bob@self.example"])
    sink.wait(1)


def test_address_literals_if_they_are_wanted(make_sink, send_out):
    sink = make_sink()
    server = send_out(sink.port, "address_literals = true;")
    send(server, ["bob@[127.0.0.1]"])
    assert sink.wait(1)[0][1] == ["bob@[127.0.0.1]"]
    server.log.wait(r"event=queue\.relayed .*to=bob@\[127\.0\.0\.1\]")
    # Nobody is there; and no host is.
    send(server, ["bob@[IPv6:::1]"])
    server.log.wait(r"event=queue\.deferred .*(refused|unreachable|assign)")
    send(server, ["bob@[0.0.0.0]"])
    assert report(server)[1]["Status"] == "5.1.2"
    # Strangers send there no more than anywhere else.
    with server.smtp(tls=False) as client:
        client.ehlo(DOMAIN)
        client.docmd("MAIL FROM:<a@b.example>")
        assert client.docmd("RCPT TO:<bob@[127.0.0.1]>")[0] == 550


class Nobody:
    """Has the port, so that nobody else listens there."""

    def __init__(self, address):
        self.socket = socket.socket()
        self.socket.bind(address)

    def close(self):
        self.socket.close()


@pytest.mark.parametrize("second,becomes", [
    ("220 sink.example", "relayed"), ("521 5.3.2 Nor here", "5.3.2"), ("554 5.7.1 Not from you", "Not from you"),
    ("down", "refused"),
])
def test_a_host_that_takes_no_mail_at_all(make_sink, send_out, second, becomes):
    """RFC 7504: a greeting of 521 is for ever, but of that host only. A 554 may be about us, and pass."""
    never = make_sink(answers={"connect": ["521 5.3.2 No mail here"]})
    address = ("127.0.0.2", never.port)
    sink = make_sink(Nobody, address=address) if second == "down" else make_sink(answers={"connect": [second]}, address=address)
    names = make_sink(Names, records={
        ("elsewhere.example", MX): [(10, "first.example"), (20, "second.example")],
        ("first.example", A): ["127.0.0.1"], ("second.example", A): ["127.0.0.2"]})
    server = send_out(never.port, f'resolver = "127.0.0.1@{names.port}";')
    send(server, ["bob@elsewhere.example"])
    if becomes == "relayed":
        sink.wait(1)
        server.log.wait(r"event=queue\.relayed")
    elif becomes.startswith("5"):
        assert report(server)[1]["Status"] == becomes
        assert never.connections == 1
    else:
        server.log.wait(rf"event=queue\.deferred .*{becomes}")
        assert not server.messages()


@pytest.mark.parametrize("host,reason", [
    ("none.example", "no mail server has an address for: none.example"), ("empty.example", "no mail server has an address for: empty.example"),
    ("self.example", "leads back to this server"), ("127.0.0.1", "leads back to this server"), ("never.example", "No mail here"),
])
def test_a_smart_host_that_is_wrong_has_nothing_returned(make_sink, send_out, host, reason):
    """What is wrong is the configuration, or its DNS, and nobody's address: mail waits until that is mended."""
    never = make_sink(answers={"connect": ["521 5.3.2 No mail here"]}, address=("127.0.0.2", 0))
    names = make_sink(Names, records={("empty.example", MX): [(10, "x.example")], ("self.example", A): ["127.0.0.1"],
                                      ("never.example", A): ["127.0.0.2"]})
    server = send_out(never.port, f'resolver = "127.0.0.1@{names.port}";')
    if host != "never.example":
        server.settings["relay"] = f'{{ host = "{host}"; port = {server.ports["smtp"]}; resolver = "127.0.0.1@{names.port}"; }}'
    else:
        server.settings["relay"] = server.settings["relay"].replace("{", f'{{ host = "{host}";', 1)
    server.write_configuration()
    server.posternctl("reload")
    mark = server.log.mark()
    send(server, ["bob@elsewhere.example"])
    server.log.wait(rf"event=queue\.deferred .*{re.escape(reason)}", mark)
    if host != "never.example":
        server.log.wait(rf"warning: event=relay\.misconfigured host={re.escape(host)} ", mark)
    assert not server.messages()
    good = make_sink()
    server.settings["relay"] = f'{{ host = "127.0.0.1"; port = {good.port}; }}'
    server.write_configuration()
    server.posternctl("reload")
    server.posternctl("queue", "flush")
    assert good.wait(1)[0][1] == ["bob@elsewhere.example"]


class Six:
    """At PORT of ::1: nobody ("refuses"), or somebody who never answers a connection ("silent")."""

    def __init__(self, port, manner):
        self.socket = socket.socket(socket.AF_INET6)
        self.fillers = []
        self.socket.bind(("::1", port))
        if manner == "silent":
            self.socket.listen(0)
            # The kernel drops what comes behind those that wait to be accepted.
            for _ in range(4):
                filler = socket.socket(socket.AF_INET6)
                filler.setblocking(False)
                filler.connect_ex(("::1", port))
                self.fillers.append(filler)

    def close(self):
        for one in (self.socket, *self.fillers):
            one.close()


@pytest.mark.parametrize("manner", ["silent", "refuses"])
def test_the_other_family_if_the_first_is_silent(make_sink, send_out, manner):
    """RFC 8305: a host's IPv6 address that is dead holds up no mail."""
    sink = make_sink()
    make_sink(Six, port=sink.port, manner=manner)
    names = make_sink(Names, records={
        ("elsewhere.example", MX): [(10, "mx.example")], ("mx.example", AAAA): ["::1"], ("mx.example", A): ["127.0.0.1"]})
    server = send_out(sink.port, f'resolver = "127.0.0.1@{names.port}";')
    with server.submission() as client:
        begun = time.monotonic()
        client.sendmail(ALICE, ["bob@elsewhere.example"], BODY)
        sink.wait(1)
        assert time.monotonic() - begun < 30  # which one connection has
        server.log.wait(r"event=relay\.answered .*host=mx\.example address=::ffff:127\.0\.0\.1")
        server.log.wait(r"event=queue\.relayed")
        # What is known of the host is known of that address: it carries the next mail.
        client.sendmail(ALICE, ["carol@elsewhere.example"], BODY)
    sink.wait(2)
    assert sink.connections == 1 or time.monotonic() - begun > IDLE


def test_dns_that_fails_is_asked_again(make_sink, send_out):
    """Also while libunbound remembers that it failed, for seconds: it answers at once then, with a packet."""
    sink = make_sink()
    names = make_sink(Names, records={("elsewhere.example", A): ["127.0.0.1"]},
                      failing=["elsewhere.example"])
    server = send_out(sink.port, f'resolver = "127.0.0.1@{names.port}";')
    send(server, ["bob@elsewhere.example"])
    server.log.wait(r"event=queue\.deferred .*DNS does not answer", count=3)
    assert not sink.connections
    names.failing = ()
    sink.wait(1)


def second_server(make_server):
    """Another Postern, with bob at elsewhere.example."""
    other = make_server()
    other.domains = ["elsewhere.example"]
    other.write_configuration(other.configuration_text().replace(
        f'hostname = "{HOST}"', 'hostname = "mx.elsewhere.example"'))
    other.create_certificate("mx")
    other.add_account("bob@elsewhere.example")
    other.start()
    return other


@pytest.mark.parametrize("tls", ["opportunistic", "require"])
def test_from_one_postern_to_another(make_server, send_out, tls):
    other = second_server(make_server)
    server = send_out(other.ports["smtp"], tls=tls)
    send(server, ["bob@elsewhere.example"])
    server.log.wait(r"event=relay\.answered .*tls=TLSv1\.3")
    other.log.wait(r"event=queue\.delivered .*to=bob@elsewhere\.example")
    send(server, ["nobody@elsewhere.example"])
    assert report(server)[1]["Status"] == "5.1.1"


def test_no_mail_without_tls_where_it_is_required(make_sink, send_out):
    sink = make_sink()
    server = send_out(sink.port, tls="require")
    send(server, ["bob@elsewhere.example"])
    server.log.wait(r"event=queue\.deferred .*offers no TLS")
    assert not any(command.startswith("MAIL") for command in sink.commands)


def test_tls_that_fails_is_done_without(make_sink, send_out):
    """STARTTLS is taken, but what follows is no handshake: once more, in plaintext."""
    sink = make_sink(answers={"STARTTLS": ["220 Go\r\n250 injected"]}, extensions=("STARTTLS",))
    server = send_out(sink.port)
    send(server, ["bob@elsewhere.example"])
    sink.wait(1)
    assert sink.connections >= 2


@pytest.mark.parametrize("program", ["postern-relay relay", "postern-worker queue"])
def test_a_process_that_dies_loses_no_mail(make_sink, send_out, program):
    sink = make_sink(answers={"RCPT": ["450 4.2.0 Not yet"]})
    server = send_out(sink.port)
    for number in range(20):
        send(server, [f"bob{number}@elsewhere{number % 3}.example"])
    wait_for(lambda: any(command.startswith("RCPT") for command in sink.commands), "the first attempts")
    (pid,) = server.children(program)
    os.kill(pid, signal.SIGKILL)
    with sink.changed:
        sink.answers.clear()
    mails = sink.wait(20)
    assert {mail[1][0].split("@")[0] for mail in mails} == {f"bob{number}" for number in range(20)}


def test_relay_comes_and_changes_with_a_reload(make_sink, make_server):
    first, second = make_sink(), make_sink()
    server = make_server().set_up("alice")
    for number, sink in enumerate((first, second)):
        server.settings["relay"] = f'{{ host = "127.0.0.1"; port = {sink.port}; }}'
        server.write_configuration()
        server.posternctl("reload")
        assert len(server.children("postern-relay")) == 1
        send(server, [f"bob{number}@elsewhere.example"])
        assert sink.wait(1)[0][1] == [f"bob{number}@elsewhere.example"]
        # What is known to have arrived is not sent again by the next one.
        server.log.wait(r"event=queue\.relayed", count=number + 1)
    # Without it, nobody can send out any more.
    server.settings["relay"] = "{ enabled = false; }"
    server.write_configuration()
    server.posternctl("reload")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(server, ["bob@elsewhere.example"])
    assert [mail[1] for mail in first.mails + second.mails] == [["bob0@elsewhere.example"], ["bob1@elsewhere.example"]]


class Hesitant(Sink):
    """Takes messages when it is told to."""

    def __init__(self, **options):
        self.asked = threading.Semaphore(0)
        self.may_take = threading.Event()
        super().__init__(**options)

    def keep(self, *args):
        self.asked.release()
        self.may_take.wait()
        super().keep(*args)

    def close(self):
        self.may_take.set()
        super().close()


def test_another_resolver_cuts_nothing_off(make_sink, send_out):
    sink = make_sink(Hesitant)
    server = send_out(sink.port)
    old = server.children("postern-relay")
    send(server, ["bob@elsewhere.example"])
    assert sink.asked.acquire(timeout=DEADLINE)
    server.settings["relay"] = server.settings["relay"].replace("{", '{ resolver = "127.0.0.7";', 1)
    server.write_configuration()
    server.posternctl("reload")
    # What comes now is the new one's, and the old one goes on with what it has.
    assert len(server.children("postern-relay")) == 2
    send(server, ["carol@elsewhere.example"])
    assert sink.asked.acquire(timeout=DEADLINE)
    sink.may_take.set()
    mails = sink.wait(2)
    server.log.wait(r"event=queue\.relayed", count=2)
    wait_for(lambda: len(server.children("postern-relay")) == 1, "the end of the old one")
    assert server.children("postern-relay") != old
    server.log.wait(r"event=child\.ended child=relay .*how=\"exited with status 0\"")
    assert sorted(mail[1] for mail in mails) == [["bob@elsewhere.example"], ["carol@elsewhere.example"]]


def test_mail_that_goes_round_in_circles_is_not_taken(make_sink, send_out):
    """Nor is any taken that could then only come back, to a sender who may be forged."""
    sink = make_sink()
    server = send_out(sink.port)
    send(server, ["bob@elsewhere.example"], b"Received: from here\r\n" * 99 + BODY)
    assert sink.wait(1)  # 100 with our own
    with pytest.raises(smtplib.SMTPDataError) as refused:
        send(server, ["bob@elsewhere.example"], b"Received: from here\r\n" * 100 + BODY)
    assert refused.value.smtp_code == 554
    assert server.messages() == []
    assert len(sink.mails) == 1


def test_what_the_server_never_said_is_not_put_into_its_mouth(make_sink, send_out):
    sink = make_sink(extensions=("PIPELINING", "SIZE 10"))
    server = send_out(sink.port)
    send(server, ["bob@elsewhere.example"])
    words, recipient = report(server)
    assert recipient["Status"] == "5.3.4"
    assert recipient["Remote-MTA"] is None
    assert recipient["Diagnostic-Code"].startswith("x-postern; the message is larger")
    assert "said:" not in words
    assert "the reason, with the mail server 127.0.0.1, was:" in words
