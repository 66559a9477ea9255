# SPDX-License-Identifier: ISC
"""Mail out while things fail: processes die, DNS is down or lies, hosts are slow, the disk is full, clocks jump."""

import os
import signal
import threading

import pytest

from conftest import DEADLINE, DOMAIN, wait_for
from mail_sink import Sink

ALICE = f"alice@{DOMAIN}"
BODY = b"From: alice@example.org\r\nSubject: out\r\n\r\nbody\r\n"


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

    def answer(self, handler, verb, usual):
        if verb == "body":
            with self.changed:
                self.waiting += 1
            assert self.may.wait(DEADLINE)
        return super().answer(handler, verb, usual)


# -- Processes ------------------------------------------------------------------------------------

def test_what_a_host_takes_while_queue_dies_is_not_sent_twice(make_sink, make_out):
    """Relay hears the verdict that queue has not lived to see, and tells its successor."""
    sink = make_sink(Slow)
    server = make_out(sink.port).set_up("alice")
    send(server, "bob@elsewhere.example", "carol@elsewhere.example", "dan@other.example")
    wait_for(lambda: sink.waiting == 2, "both mails at the sink")
    kill(server, "queue")
    send(server, "eve@third.example")  # its successor has the first two, too
    wait_for(lambda: sink.waiting == 3, "the third mail")
    sink.may.set()
    server.log.wait(r"event=relay\.known .*domain=elsewhere\.example rcpts=2")
    server.log.wait(r"event=relay\.known .*domain=other\.example rcpts=1")
    server.log.wait(r"event=queue\.relayed", count=4)
    assert len(sink.mails) == 3
    assert server.posternctl("queue", "list").stdout == ""
