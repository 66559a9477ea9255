# SPDX-License-Identifier: ISC
"""Servers that wish relay ill: each fails its own mail at most, whatever it says, and however slowly.

One server of ours sends a mail to each of them at the same time, and to a good one in between."""

import os
import re
import shutil
import socket
import ssl
import struct
import tempfile
import time

import pytest

from authority import Authority
from conftest import DEADLINE, DOMAIN, Server, build, wait_for
from mail_sink import Sink
from test_relay import ALICE, BODY

ALL = ("PIPELINING", "8BITMIME", "SIZE 100000000")
BINARY = (*ALL, "CHUNKING", "BINARYMIME")
PATIENCE = 20  # reply_timeout; each of these servers is a thread of ours, and has to answer within it
PROMPTLY = PATIENCE  # a good server's mail, while all others do their worst: it waits for none of them

LATER, NEVER, TAKEN = "queue.not_now", "queue.refused", "queue.relayed"


class Hostile(Sink):
    """Does TRICK(handler, usual reply) at STEP: a verb, "connect", "body", or "EHLO in TLS"."""

    def __init__(self, step, trick, **options):
        self.step, self.trick = step, trick
        super().__init__(**options)

    def answer(self, handler, verb, usual):
        if verb == "EHLO" and isinstance(handler.connection, ssl.SSLSocket):
            verb = "EHLO in TLS"
        if verb == self.step:
            return self.trick(handler, usual)
        return super().answer(handler, verb, usual)


# -- Tricks ------------------------------------------------------------------------------------------


def close(handler, usual):
    raise EOFError


def reset(handler, usual):
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    raise EOFError


def half(handler, usual):
    handler.wfile.write(usual.encode()[:-1].rpartition(b"\n")[0] + b"\n")
    raise EOFError


def wait(handler, usual):
    """Says nothing, and keeps the connection as long as relay does."""
    handler.rfile.read()
    raise EOFError


def drip(handler, usual):
    """An octet at a time, for ever: a line that never ends."""
    handler.wfile.write(usual[:3].encode() + b"-")
    while True:
        handler.wfile.write(b"x")
        time.sleep(0.05)


def drip_lines(handler, usual):
    """A line at a time: none is the last."""
    while True:
        handler.wfile.write(usual[:3].encode() + b"-x\r\n")
        time.sleep(1)


def flood_lines(handler, usual):
    while True:
        handler.wfile.write((usual[:3].encode() + b"-x\r\n") * 1000)


def flood_line(handler, usual):
    while True:
        handler.wfile.write(b"x" * 65536)


def deaf(handler, usual):
    """Asks for the message, and never reads it."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    handler.wfile.write(b"354 Go\r\n")
    time.sleep(3 * PATIENCE)
    raise EOFError


def say(octets):
    """Says OCTETS in place of the usual reply."""
    def trick(handler, usual):
        handler.wfile.write(octets + b"\r\n")
        return octets.decode("latin-1")
    return trick


def behind(octets):
    """Says OCTETS right behind the usual reply."""
    def trick(handler, usual):
        handler.wfile.write(usual.encode() + b"\r\n" + octets)
        return usual
    return trick


def once_more(handler, usual):
    """Answers, and once more when relay has taken that in."""
    handler.wfile.write(usual.encode() + b"\r\n")
    time.sleep(0.5)
    handler.wfile.write(b"550 5.0.0 I have thought about it\r\n")
    return usual


KEYWORDS = b"".join(b"250-X%d\r\n" % n for n in range(10_000)) + b"250 HELP"
MEGABYTE = b"x" * 1_000_000
ENVELOPE = b"250 a\r\n250 b\r\n250 c\r\n354 d\r\n250 e\r\n"

SLOW = "no answer in time"
CLOSED = "the connection was closed|Connection reset"
NOT_SMTP = "does not speak SMTP"
EARLY = "answers before it is asked"

# What is hostile, where, how; and what the mail's fate is, and why. Options: of the sink, and of the mail.
ROWS = {}


def row(name, step, trick, fate, why="", **options):
    assert name not in ROWS
    ROWS[name.replace(" ", "-")] = (step, trick, fate, why, options)


TLS = {"tls": True, "require": True}
BDAT = {"extensions": BINARY, "binary": True}
LOGIN = {"tls": True, "login": True}
STEPS = [("connect", {}), ("EHLO", {}), ("STARTTLS", TLS), ("EHLO in TLS", TLS), ("AUTH", LOGIN), ("MAIL", {}),
         ("RCPT", {}), ("DATA", {}), ("body", {}), ("body", BDAT)]
for at, more in STEPS:
    where = at if more is not BDAT else "BDAT"
    row(f"closes at {where}", at, close, LATER, CLOSED, **more)
    row(f"drips at {where}", at, drip, LATER, SLOW, **more)
for at, more in STEPS[:3] + STEPS[5:]:
    where = at if more is not BDAT else "BDAT"
    row(f"waits at {where}", at, wait, LATER, SLOW, **more)
    row(f"endless at {where}", at, flood_lines, LATER, NOT_SMTP, **more)
for at in ("connect", "EHLO", "MAIL", "RCPT", "DATA", "body"):
    row(f"drips lines at {at}", at, drip_lines, LATER, SLOW)
    row(f"one line at {at}", at, flood_line, LATER, NOT_SMTP)
    row(f"a megabyte at {at}", at, say(b"250 " + MEGABYTE), LATER, NOT_SMTP)
    row(f"4xx at {at}", at, say(b"450 4.7.1 Not today"), LATER, "Not today")
    row(f"no SMTP at {at}", at, say(b"HTTP/1.1 400 Bad Request"), LATER, NOT_SMTP)
    row(f"other codes in one reply at {at}", at, say(b"250-a\r\n550 b"), LATER, NOT_SMTP)
    row(f"NUL in the code at {at}", at, say(b"2\00050 a"), LATER, NOT_SMTP)
row("closes at QUIT", "QUIT", close, TAKEN)
row("waits at QUIT", "QUIT", wait, TAKEN)
row("drips at QUIT", "QUIT", drip, TAKEN)
row("endless at QUIT", "QUIT", flood_lines, TAKEN)
row("5xx at QUIT", "QUIT", say(b"554 No"), TAKEN)
# What is odd but a reply is taken as one.
row("bare LF", "MAIL", lambda handler, usual: handler.wfile.write(b"250-a\n250 b\n") and "250", TAKEN)
row("NUL in a text", "RCPT", say(b"250 a\0\x1b[2Jb"), TAKEN)
row("bare CR in a text", "RCPT", say(b"250 a\rb\r\rc"), TAKEN)
row("a long line", "body", say(b"250 " + b"x" * 100_000), TAKEN)
row("no text", "body", say(b"250"), TAKEN)
# The code that is another step's.
row("354 to MAIL", "MAIL", say(b"354 Go"), LATER, "Go")
row("354 to RCPT", "RCPT", say(b"354 Go"), LATER, "Go")
row("250 to DATA", "DATA", say(b"250 Ok"), LATER, "Ok")
row("354 to the message", "body", say(b"354 Go on"), LATER, "Go on")
row("250 at the greeting", "connect", say(b"250 Ok"), LATER, "Ok")
row("220 to EHLO", "EHLO", say(b"220 Hello"), LATER, "Hello")
row("250 to STARTTLS", "STARTTLS", say(b"250 Ok"), LATER, "offers no TLS", extensions=(*ALL, "STARTTLS"), require=True)
row("521 at the greeting", "connect", say(b"521 5.3.2 No mail here"), LATER, "No mail here")
row("421 at the message", "body", say(b"421 4.3.2 Bye"), LATER, "Bye")
row("5xx at MAIL", "MAIL", say(b"550 5.7.1 Go away"), NEVER, "Go away")
row("5xx at the message", "body", say(b"554 5.6.0 Go away"), NEVER, "Go away")
# Replies to what nobody has asked.
row("all replies at once", "connect", behind(ENVELOPE), LATER, EARLY)
row("replies behind EHLO", "EHLO", behind(b"250 a\r\n"), LATER, EARLY)
row("replies behind RCPT", "RCPT", behind(b"354 a\r\n250 b\r\n"), LATER, EARLY)
row("two replies to the message", "body", behind(b"250 again\r\n"), TAKEN)
row("another reply to the message", "body", behind(b"550 5.0.0 No\r\n"), TAKEN)
row("second thoughts", "body", once_more, TAKEN)
row("a reply ahead of the message", "DATA", behind(b"250 2.0.0 Taken\r\n"), LATER, "Taken|before it is asked")
row("never reads", "DATA", deaf, LATER, "in taking the message", size=6_000_000)
# TLS.
INJECTED = b"250-mx.example\r\n250-SIZE 1\r\n250 AUTH PLAIN\r\n220 x\r\n250 y\r\n"
row("injected before TLS", "STARTTLS", behind(INJECTED), TAKEN, **TLS)
row("no TLS behind STARTTLS", "STARTTLS", say(b"220 Go\r\n\x15\x03\x01\0\2\2\x28" + MEGABYTE), LATER, "TLS handshake failed",
    extensions=(*ALL, "STARTTLS"), require=True)
row("plain text for a handshake", "STARTTLS", say(b"220 Go\r\n250 mx.example"), LATER, "TLS handshake",
    extensions=(*ALL, "STARTTLS"), require=True)
row("TLS fails and then none", "STARTTLS", say(b"220 Go\r\ngarbage"), TAKEN, extensions=(*ALL, "STARTTLS"))
row("TLS is closed and then none", "EHLO in TLS", close, TAKEN, tls=True)
row("TLS is reset and then none", "EHLO in TLS", reset, TAKEN, tls=True)
row("TLS and half a reply", "EHLO in TLS", half, LATER, CLOSED, tls=True)
row("TLS and no reply", "EHLO in TLS", wait, LATER, SLOW, tls=True)
row("TLS is reset where it is required", "EHLO in TLS", reset, LATER, CLOSED, **TLS)
# What it can do.
row("ten thousand keywords", "EHLO", say(KEYWORDS), LATER, NOT_SMTP)
row("SIZE 1", "EHLO", say(b"250-x\r\n250 SIZE 1"), NEVER, "larger")
row("odd keywords", "EHLO", say(b"250-x\r\n250-SIZE 99999999999999999999999\r\n250-LIMITS RCPTMAX=0 MAILMAX=-1\r\n250- \r\n250 ="),
    TAKEN)


# -- All of them at once ------------------------------------------------------------------------------


class World:
    """Our server, with a route to each of the hostile ones, when all have had a mail."""

    def __init__(self, folder):
        authority = Authority(os.path.join(folder, "authority"))
        key, certificate = authority.pair("sink", "sink.example")
        self.password = authority.write("password", b"secret\n")
        os.chmod(self.password, 0o600)
        self.sinks = {name: self.sink(name, (certificate, key)) for name in ROWS}
        self.good = Sink()
        self.server = Server(folder)
        self.server.settings["relay"] = (
            f'{{ host = "127.0.0.1"; port = {self.good.port}; reply_timeout = {PATIENCE}; '
            f'routes = ( {", ".join(self.route(name) for name in ROWS)} ); }}')
        self.server.settings["limits"] = "{ retry = 3600; }"
        self.server.settings["submission"] = '{ sender_check = "envelope"; }'
        self.server.set_up("alice", "bob")
        self.memory_before = self.memory()
        self.pid = self.relay()
        self.delays = []

    @staticmethod
    def sink(name, pair):
        step, trick, _, _, options = ROWS[name]
        extensions = options.get("extensions", ALL)
        if options.get("login"):
            extensions = (*extensions, "AUTH PLAIN")
        return Hostile(step, trick, extensions=extensions, tls=pair if options.get("tls") else None)

    def route(self, name):
        options = ROWS[name][4]
        text = f'domain = "{name.lower()}.example"; host = "127.0.0.1"; port = {self.sinks[name].port}; '
        if options.get("require") or options.get("login"):
            text += 'tls = "require"; '
        if options.get("login"):
            text += f'user = "alice"; password_file = "{self.password}"; '
        return f"{{ {text} }}"

    def relay(self):
        (pid,) = self.server.children("postern-relay relay")
        return pid

    def memory(self):
        """The most that relay has had, in bytes."""
        with open(f"/proc/{self.relay()}/status", encoding="ascii") as file:
            return int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1]) * 1024

    def send_all(self):
        with self.server.submission() as client:
            for number, (name, (_, _, _, _, options)) in enumerate(ROWS.items()):
                if number % 30 == 20:
                    self.delays.append(self.send_good(len(self.delays) + 1))
                if options.get("binary"):
                    self.send_binary(client, name)
                else:
                    lines = (b"y" * 70 + b"\r\n") * (options.get("size", 0) // 72)
                    client.sendmail(ALICE, [f"bob@{name.lower()}.example"], BODY + lines)

    @staticmethod
    def send_binary(client, name):
        chunk = BODY + bytes(range(256))
        assert client.docmd(f"MAIL FROM:<{ALICE}> BODY=BINARYMIME")[0] == 250
        assert client.docmd(f"RCPT TO:<bob@{name.lower()}.example>")[0] == 250
        client.send(b"BDAT %d LAST\r\n" % len(chunk) + chunk)
        assert client.getreply()[0] == 250

    def send_good(self, number):
        """Seconds until it has arrived."""
        begun = time.monotonic()
        with self.server.submission("bob") as client:
            client.sendmail(f"bob@{DOMAIN}", [f"bob@good{number}.example"], BODY)
        self.good.wait(number)
        return time.monotonic() - begun

    def close(self):
        self.server.stop(hasten=True)
        for sink in (*self.sinks.values(), self.good):
            sink.close()


@pytest.fixture(scope="module")
def world():
    """All mails are on their way, with three to a good server in between."""
    folder = tempfile.mkdtemp(prefix="postern-test-")
    os.chmod(folder, 0o711)
    os.makedirs(os.path.join(folder, "authority"))
    made = World(folder)
    try:
        made.send_all()
        yield made
    finally:
        made.close()
        shutil.rmtree(folder, ignore_errors=True)


def fates(world, name):
    """What the log says of the one mail, when it does."""
    pattern = rf"event=queue\.(not_now|refused|relayed) .*to=bob@{re.escape(name.lower())}\.example "
    return wait_for(lambda: world.server.log.find(pattern), f"what became of {name}", 2 * DEADLINE)


@pytest.mark.matrix
@pytest.mark.parametrize("name", ROWS)
def test_a_hostile_server_fails_its_own_mail(world, name):
    _, _, fate, why, options = ROWS[name]
    (line,) = fates(world, name)
    assert f"event={fate} " in line
    assert re.search(why, line), line
    sink = world.sinks[name]
    # A handshake that fails is tried once more without, where that may be; nothing else is.
    begins = "STARTTLS" in options.get("extensions", ()) or (options.get("tls") and fate == TAKEN)
    assert sink.connections <= (2 if begins else 1)
    assert len(sink.mails) <= 1
    if fate == TAKEN and sink.step != "body":
        assert sink.wait(1)


def test_nobody_else_notices(world):
    """Good mail is prompt meanwhile, relay is the one that it was, and small."""
    pid = world.relay()
    for name in ROWS:
        fates(world, name)
    assert world.delays and max(world.delays) < PROMPTLY, world.delays
    assert world.send_good(len(world.delays) + 1) < PROMPTLY
    assert world.relay() == pid == world.pid
    assert "event=child.died" not in world.server.log.text()
    # A sanitizer keeps what is freed.
    grown = world.memory() - world.memory_before
    assert grown < (256 if "clang" in build() else 24) * 1024 * 1024, grown
