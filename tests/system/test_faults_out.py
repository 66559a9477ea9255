# SPDX-License-Identifier: ISC
"""Mail out while things fail: processes die, DNS is down or lies, hosts are slow, the disk is full, clocks jump."""

import collections
import os
import re
import signal
import smtplib
import struct
import threading

import pytest

from conftest import DEADLINE, DOMAIN, wait_for
from faults import Faults
from mail_sink import A, CNAME, MX, TXT, Names, Sink, name
from test_relay import make_sink  # noqa: F401 # fixtures

ALICE = f"alice@{DOMAIN}"
BODY = b"From: alice@example.org\r\nSubject: out\r\n\r\nbody\r\n"


@pytest.fixture
def make_out(make_server):
    """A server whose mail goes to PORT of this host, or as OTHER keys say; not started yet."""

    def make(port, other=None, expire=86400, **options):
        server = make_server(**options)
        other = 'host = "127.0.0.1";' if other is None else other
        server.settings["relay"] = f'{{ port = {port}; expire = {expire}; {other} }}'
        server.settings["limits"] = "{ retry = 1; restart_delay = 0; }"
        return server

    return make


def send(server, *recipients, message=BODY):
    with server.submission() as client:
        return client.sendmail(ALICE, recipients, message)


def send_soon(server, recipient):
    """The same when a process was killed just now: who logged in before the gate has its successor is told to connect again."""
    def taken():
        try:
            return send(server, recipient) == {}
        except smtplib.SMTPException:
            return False
    wait_for(taken, "the gate to have the successor")


def kill(server, role):
    (pid,) = server.children(role)
    mark = server.log.mark()
    os.kill(pid, signal.SIGKILL)
    server.log.wait(r"event=child\.died", mark)


class Slow(Sink):
    """Gives no verdict on a mail before it may."""

    def __init__(self, **options):
        super().__init__(**options)
        self.may = threading.Event()
        self.waiting = 0

    def close(self):
        self.may.set()
        super().close()

    def answer(self, handler, verb, usual):
        if verb == "body":
            with self.changed:
                self.waiting += 1
            self.may.wait()
        return super().answer(handler, verb, usual)


# -- Processes ------------------------------------------------------------------------------------

def test_what_a_host_takes_while_queue_dies_is_not_sent_twice(make_sink, make_out):
    """Relay hears the verdict that queue has not lived to see, and tells its successor."""
    sink = make_sink(Slow)
    server = make_out(sink.port).set_up("alice")
    send(server, "bob@elsewhere.example", "carol@elsewhere.example", "dan@other.example")
    wait_for(lambda: sink.waiting == 2, "both mails at the sink")
    kill(server, "queue")
    send_soon(server, "eve@third.example")  # its successor has the first two, too
    wait_for(lambda: sink.waiting == 3, "the third mail")
    sink.may.set()
    server.log.wait(r"event=relay\.known .*domain=elsewhere\.example rcpts=2")
    server.log.wait(r"event=relay\.known .*domain=other\.example rcpts=1")
    server.log.wait(r"event=queue\.relayed", count=4)
    assert len(sink.wait(3)) == 3
    assert server.posternctl("queue", "list").stdout == ""


class SlowFor(Slow):
    """The same, for one domain only."""

    def keep(self, handler, sender, recipients, message):
        if recipients[0].endswith("@slow.example"):
            super().keep(handler, sender, recipients, message)
            return
        handler.wfile.write(b"250 2.0.0 Taken\r\n")
        with self.changed:
            self.mails.append((sender, recipients, message))
            self.changed.notify_all()


def test_a_slow_host_delays_its_own_mail_only(make_sink, make_out):
    sink = make_sink(SlowFor)
    server = make_out(sink.port).set_up("alice")
    with server.submission() as client:
        for number in range(30):
            client.sendmail(ALICE, [f"bob{number}@slow.example"], BODY)
        wait_for(lambda: sink.waiting >= 4, "as many as go to one domain at a time")
        client.sendmail(ALICE, ["carol@quick.example", ALICE], BODY)
    assert sink.wait(1)[0][1] == ["carol@quick.example"]
    server.wait_for_messages(1)
    sink.may.set()
    assert len({mail[1][0] for mail in sink.wait(31)}) == 31


# -- DNS ------------------------------------------------------------------------------------------

HONEST = {("honest.example", MX): [(10, "mx.honest.example")], ("mx.honest.example", A): ["127.0.0.1"]}


class Silent(Names):
    """Answers nothing before it may."""

    may = False
    asked = 0

    def answer(self, question):
        self.asked += 1
        if not self.may:
            raise BlockingIOError
        return super().answer(question)

    def serve(self):
        while self.socket.fileno() != -1:
            super().serve()


def test_dns_that_is_down_delays_mail(make_sink, make_out):
    sink = make_sink()
    names = make_sink(Silent, records=HONEST)
    server = make_out(sink.port, f'resolver = "127.0.0.1@{names.port}";').set_up("alice")
    send(server, "bob@honest.example", ALICE)
    server.wait_for_messages(1)  # what needs no DNS goes on
    wait_for(lambda: names.asked >= 3, "the question to be asked again")
    names.may = True
    assert sink.wait(1)[0][1] == ["bob@honest.example"]
    assert len(server.messages()) == 1  # no word of it to its sender


def header(question, answers, flags=0x8180):
    return question[:2] + struct.pack("!HHHHH", flags, 1, answers, 0, 0)


def record(owner, kind, data, length=None):
    return owner + struct.pack("!HHIH", kind, 1, 60, len(data) if length is None else length) + data


HERE = b"\xc0\x0c"  # the name that was asked for
EVIL_A = record(HERE, A, bytes([127, 0, 0, 1]))

# What it says when it is asked for NAME.example: the question and its section -> the answer.
# None of them is an answer that says where mail goes.
LIES = {
    "wrong-id": lambda q, s: b"\0\0" + header(q, 1)[2:] + s + EVIL_A,
    "another-question": lambda q, s: header(q, 1) + name("other.example") + s[-4:] + EVIL_A,
    "a-question-itself": lambda q, s: header(q, 1, 0x0100) + s + EVIL_A,
    "nothing": lambda q, s: b"",
    "half-a-header": lambda q, s: q[:7],
    "garbage": lambda q, s: q[:2] + b"\xff" * 400,
    "count-without-records": lambda q, s: header(q, 65535) + s,
    "length-beyond-the-end": lambda q, s: header(q, 1) + s + record(HERE, A, bytes([127, 0, 0, 1]), 65535),
    "name-that-points-to-itself": lambda q, s: header(q, 1) + s + record(
        struct.pack("!H", 0xc000 | (12 + len(s))), A, bytes([127, 0, 0, 1])),
    "cname-to-itself": lambda q, s: header(q, 1) + s + record(HERE, CNAME, HERE),
    "cname-in-a-circle": lambda q, s: header(q, 1) + s + record(HERE, CNAME, name("circle.example")),
    "circle": lambda q, s: header(q, 1) + s + record(HERE, CNAME, name("cname-in-a-circle.example")),
    "records-of-another-name": lambda q, s: header(q, 1) + s + record(name("other.example"), MX,
                                                                      struct.pack("!H", 1) + name("evil.example")),
    "very-long": lambda q, s: header(q, 4000) + s + record(HERE, TXT, b"\\3abc") * 4000,
    "truncated-for-ever": lambda q, s: header(q, 0, 0x8380) + s,
}


class Liar(Names):
    """Lies about the names above."""

    def __init__(self, **options):
        self.asked = collections.Counter()
        super().__init__(**options)

    def respond(self, question, asked, kind, section):
        label = asked.split(".")[0]
        self.asked[label] += 1
        if label not in LIES:
            return super().respond(question, asked, kind, section)
        return LIES[label](question, section)

    def serve(self):
        while self.socket.fileno() != -1:
            super().serve()


def test_dns_that_lies_leads_no_mail_astray(make_sink, make_out):
    sink = make_sink()
    records = dict(HONEST)
    for label in LIES:
        records[f"{label}.example", MX] = [(10, "mx.honest.example")]
    names = make_sink(Liar, records=records)
    server = make_out(sink.port, f'resolver = "127.0.0.1@{names.port}";').set_up("alice")
    (relay,) = server.children("postern-relay")
    for label in LIES:
        send(server, f"bob@{label}.example")
    send(server, "carol@honest.example")
    assert sink.wait(1)[0][1] == ["carol@honest.example"]
    wait_for(lambda: all(names.asked[label] for label in LIES) and names.asked["wrong-id"] >= 3,
             "all to be asked, some again")
    assert len(sink.mails) == 1
    assert server.children("postern-relay") == [relay]


# -- Disks ----------------------------------------------------------------------------------------

class Sender:
    """Sends numbered mails to one here and one elsewhere, on one connection as long as it lasts."""

    def __init__(self, server):
        self.server = server
        self.client = None

    def send(self, number, size):
        """Whether it was acknowledged; what was refused was so for now."""
        try:
            self.client = self.client or self.server.submission()
            self.client.sendmail(ALICE, [ALICE, "bob@elsewhere.example"],
                                 f"From: {ALICE}\r\nSubject: n{number}\r\n\r\n" + ("x" * 70 + "\r\n") * (size // 72))
            return True
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            assert all(400 <= code < 500 for code in codes), codes
        except smtplib.SMTPServerDisconnected:
            self.client = None
        except smtplib.SMTPResponseException as error:
            assert 400 <= error.smtp_code < 500, error
            if error.smtp_code == 421:  # queue has been restarted
                self.client = None
        return False


def numbers(messages):
    return collections.Counter(int(re.search(rb"^Subject: n(\d+)\r$", message, re.M).group(1)) for message in messages)


@pytest.mark.parametrize("role,fault", [("queue", "full"), ("gate", "full"), ("session", "full"), ("queue", "sync")])
def test_a_disk_that_fails_at_each_write(make_sink, make_out, folder, role, fault):
    """From the first write of a mail's on, and so on, until it comes through; and then there is room again."""
    sink = make_sink()
    faults = Faults(folder, [role])
    server = make_out(sink.port, libexec=faults.libexec).set_up("alice")
    sender, acknowledged, failures, sent = Sender(server), set(), 0, 0

    def is_empty():
        listed = server.posternctl("queue", "list", check=False)
        return listed.returncode == 0 and listed.stdout == ""

    for size in (100, 100_000):
        done, after = False, 0
        while not done:
            (faults.fill_disk if fault == "full" else faults.fail_sync)(after + (fault == "sync"))
            sent += 1
            if sender.send(sent, size):
                acknowledged.add(sent)
                wait_for(lambda: faults.failed() or is_empty(), "the mail to arrive, or the disk to fail")
            failed = faults.heal()
            failures += failed > 0
            done, after = sent in acknowledged and not failed, after + 1
            wait_for(lambda: server.posternctl("queue", "flush", check=False) and is_empty(), "the queue to be empty")
    assert failures >= 2

    def taken():
        return numbers(mail[2] for mail in sink.mails)

    wait_for(lambda: acknowledged <= set(taken()), "the sink to have noted what it took")
    for found in (numbers(server.messages()), taken()):
        assert acknowledged <= set(found)
        assert all(times == 1 for times in found.values())
        # A queue that starts anew finds what it could not say it had: its client asks in vain, at worst.
        assert fault == "sync" or set(found) == acknowledged


# -- Clocks ---------------------------------------------------------------------------------------

def test_a_clock_that_is_set_makes_no_mail_old(make_sink, make_out, folder):
    """An hour back, and an hour ahead: mail that may take ten minutes doesn't come back, and is not tried at once."""
    sink = make_sink(answers={"RCPT": ["450 4.2.0 Not yet"]})
    faults = Faults(folder, ["queue", "relay", "gate", "accounts", "session", "filter"])
    server = make_out(sink.port, expire=600, libexec=faults.libexec).set_up("alice")
    for number, off in enumerate((0, -3600, 3600, 0)):
        faults.set_clock(off)
        mark = server.log.mark()
        server.posternctl("queue", "flush")
        send(server, f"bob@elsewhere{number}.example")
        for earlier in range(number + 1):
            server.log.wait(rf"event=queue\.deferred .*to=@elsewhere{earlier}\.example", mark)
    tried = collections.Counter(command for command in sink.commands if command.startswith("RCPT"))
    assert max(tried.values()) <= 8, tried
    with sink.changed:
        sink.answers.clear()
    server.posternctl("queue", "flush")
    assert len({mail[1][0] for mail in sink.wait(4)}) == 4
    assert not server.messages()
    assert not server.log.find(r"event=queue\.(bounced|refused)")
