# SPDX-License-Identifier: ISC
"""Killed, stopped, full: no acknowledged mail is lost or doubled, and what need not die does not."""

import collections
import os
import re
import signal
import smtplib
import socket
import subprocess
import threading
import time

import pytest

from conftest import DEADLINE, DOMAIN, HOST, is_root, wait_for
from imap_client import Imap
from test_master import is_closed

ALICE = f"alice@{DOMAIN}"
ROLES = ["certd", "gate", "accounts", "queue", "session"]
KILLS = int(os.environ.get("POSTERN_KILLS", "25"))  # tests/bench/kills asks for 200


class Load:
    """Clients that send mails with numbers, and remember which were acknowledged."""

    def __init__(self, server, clients=4):
        self.server = server
        self.acknowledged = set()
        self.attempts = 0
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(DEADLINE)

    def _number(self):
        with self.lock:
            self.attempts += 1
            return self.attempts

    def _run(self):
        client = None
        while not self.stopping.is_set():
            number = self._number()
            body = f"Subject: n{number}\r\n\r\n{'x' * (number % 2000)}\r\n"
            try:
                if client is None:
                    client = smtplib.SMTP(HOST, self.server.ports["smtp"], timeout=20)
                    if number % 2:
                        client.starttls(context=self.server.context())
                client.sendmail("a@b.example", [ALICE], body)
                with self.lock:
                    self.acknowledged.add(number)
            except (smtplib.SMTPException, OSError):
                client = None
                self.stopping.wait(0.02)


def numbers(messages):
    return collections.Counter(
        int(re.search(rb"^Subject: n(\d+)\r$", message, re.M).group(1)) for message in messages)


def check_all_there(server, load):
    """Every acknowledged mail exactly once; an unacknowledged one at most once."""
    found = {}

    def complete():
        found.clear()
        try:
            found.update(numbers(server.messages()))
        except OSError:  # the session was just killed
            return False
        except Exception as error:  # poplib.error_proto: the last POP3 session is still there
            if "IN-USE" not in str(error) and "SYS/TEMP" not in str(error):
                raise
            return False
        return load.acknowledged <= set(found)

    wait_for(complete, "all acknowledged mails")
    doubled = {number for number, times in found.items() if times > 1}
    assert not doubled
    return len(found)


def kill_one(server, role):
    """Kills the youngest process of a role, if there is one now; its process id."""
    pids = server.children(role)
    if not pids:
        return None
    try:
        os.kill(pids[-1], signal.SIGKILL)
    except ProcessLookupError:
        return None
    return pids[-1]


@pytest.fixture
def loaded_server(make_server):
    server = make_server()
    server.settings["limits"] = "{ restart_delay = 1; }"
    return server.set_up("alice")


def test_kills_under_load(loaded_server):
    server = loaded_server
    kills = collections.Counter()
    with Load(server) as load:
        while sum(kills.values()) < KILLS:
            role = ROLES[sum(kills.values()) % len(ROLES)]
            before = len(load.acknowledged)
            pid = wait_for(lambda: kill_one(server, role), f"a {role}")
            kills[role] += 1
            # A session may have ended by itself just before: no line says that it died.
            wait_for(lambda: not os.path.exists(f"/proc/{pid}"), "its end")
            # Some mail goes through between kills, so that they hit deliveries at any point.
            wait_for(lambda: len(load.acknowledged) > before + 2, "mail to go on")
    server.log.wait(r"event=child\.died.*(SIGKILL|signal 9|Killed)")
    found = check_all_there(server, load)
    print(f"kills {dict(kills)}, sent {load.attempts}, acknowledged {len(load.acknowledged)}, "
          f"found {found}, doubled 0, lost 0")
    assert server.stop() == 0


def test_kill_everything_and_start_again(loaded_server):
    """As a machine that loses power, but for the disk's own promises: the master and all its children."""
    server = loaded_server
    with Load(server) as load:
        wait_for(lambda: len(load.acknowledged) > 20, "some mail")
        children = server.children()
        server.process.kill()
        for pid in children:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        server.process.wait()
        # Who is killed has its sockets until it ends, which takes its time.
        wait_for(lambda: all(is_closed(port) for port in server.ports.values()), "the ports to be free")
        server.start()
        wait_for(lambda: len(load.acknowledged) > 40, "mail to go on")
    check_all_there(server, load)


def test_children_end_with_their_master(server):
    children = server.children()
    server.process.kill()
    server.process.wait()
    wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children),
             "the children to end")


def test_certd_stopped_delays_handshakes_only(server):
    established = server.pop3()
    plain = server.smtp(tls=False)
    plain.ehlo()
    certd = server.children("certd")[0]
    os.kill(certd, signal.SIGSTOP)
    try:
        waiting = server.raw("pop3s")
        result = []

        def handshake():
            with server.context().wrap_socket(waiting, server_hostname=HOST) as connection:
                result.append(connection.recv(100))

        thread = threading.Thread(target=handshake, daemon=True)
        thread.start()
        # While it waits, the same gates go on with everything else.
        for _ in range(20):
            assert established.noop().startswith(b"+OK")
            assert plain.noop()[0] == 250
        plain.sendmail("a@b.example", [ALICE], "Subject: x\r\n\r\nx\r\n")
        assert not result
    finally:
        os.kill(certd, signal.SIGCONT)
    thread.join(DEADLINE)
    assert result and result[0].startswith(b"+OK")
    established.quit()


def test_certd_killed_during_a_handshake(server):
    established = server.pop3()
    certd = server.children("certd")[0]
    os.kill(certd, signal.SIGSTOP)
    result = []

    def handshake():
        with server.tls("pop3s") as connection:
            result.append(connection.recv(100))

    thread = threading.Thread(target=handshake, daemon=True)
    accepted = len(server.log.find(r"event=conn\.accepted"))
    thread.start()
    server.log.wait(r"event=conn\.accepted", count=accepted + 1)
    os.kill(certd, signal.SIGKILL)
    thread.join(DEADLINE)
    assert result and result[0].startswith(b"+OK")  # the successor signed it
    assert established.noop().startswith(b"+OK")  # and nobody else noticed
    established.quit()


def test_a_killed_session_costs_only_its_user(make_server):
    server = make_server().set_up("alice", "bob")
    alice, bob = server.pop3("alice"), server.pop3("bob")
    mark = server.log.mark()
    os.kill(server.children("alice@")[0], signal.SIGKILL)
    server.log.wait(r"event=child\.died", mark)
    with pytest.raises(Exception):
        alice.noop()
    assert bob.noop().startswith(b"+OK")
    bob.quit()
    server.pop3("alice").quit()


def mount_tmpfs(path, size):
    os.makedirs(path, exist_ok=True)
    result = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0711", "tmpfs", path],
                            capture_output=True, check=False)
    if result.returncode != 0:
        pytest.skip("no permission to mount a tmpfs")


@pytest.mark.skipif(not is_root(), reason="mounting needs root")
def test_full_disk(make_server):
    server = make_server()
    mount_tmpfs(server.state, "4m")
    filler = os.path.join(server.state, "filler")
    try:
        server.set_up("alice")
        with server.smtp() as client:
            client.sendmail("a@b.example", [ALICE], "Subject: n1\r\n\r\nx\r\n")
        server.wait_for_messages(1)
        fill(filler)
        acknowledged = 1
        refused = False
        with server.smtp() as client:
            for _ in range(200):
                try:
                    client.sendmail("a@b.example", [ALICE],
                                    f"Subject: n{acknowledged + 1}\r\n\r\n{'x' * 20000}\r\n")
                    acknowledged += 1
                except smtplib.SMTPResponseException as error:
                    assert error.smtp_code in (451, 452), error
                    refused = True
                    break
        assert refused
        server.log.wait(r"(?i)no space left")
        os.remove(filler)
        with server.smtp() as client:  # and it recovers by itself
            client.sendmail("a@b.example", [ALICE], f"Subject: n{acknowledged + 1}\r\n\r\nx\r\n")
        found = numbers(server.wait_for_messages(acknowledged + 1))
        assert found == collections.Counter(range(1, acknowledged + 2))
        assert server.stop() == 0
    finally:
        server.stop()
        subprocess.run(["umount", server.state], check=False)


def fill(path):
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass


@pytest.mark.skipif(not is_root(), reason="mounting needs root")
def test_full_disk_imap(make_server):
    """What does not fit is answered NO and is not there; what was acknowledged is; and it recovers by itself."""
    server = make_server()
    mount_tmpfs(server.state, "6m")
    filler = os.path.join(server.state, "filler")
    mail = b"Subject: large\r\n\r\n" + b"x" * 72 + b"\r\n" * 3000
    literal = b" {%d+}\r\n%b" % (len(mail), mail)
    commands = ((b"APPEND INBOX" + literal * 40, 40), (b"APPEND INBOX" + literal, 1), (b"STORE 1:* +FLAGS (word)", 0),
                (b"CREATE new", 0), (b"COPY 1:* Drafts", 0))
    try:
        server.set_up("alice")
        with Imap(server, "alice") as client:
            client.append(mail)
            client.select()
            fill(filler)
            acknowledged, refused = 1, []
            for room in (0, 100000, 8192):  # with some room the disk is full in the middle of MULTIAPPEND
                os.truncate(filler, os.path.getsize(filler) - room)
                for command, messages in commands:
                    status, text, _ = client.ask(command)
                    acknowledged += messages if status == "OK" else 0
                    refused += [text] if status == "NO" else []
                    assert status in ("OK", "NO"), text
            assert len(refused) >= 2, refused
            assert all("[SERVERBUG]" not in text for text in refused), refused
            assert client.do("STATUS INBOX (MESSAGES)") == [b'STATUS "INBOX" (MESSAGES %d)' % acknowledged]
            os.remove(filler)
            client.append(mail)
            client.do("STORE 1:* +FLAGS (after)")
            assert len([line for line in client.do("FETCH 1:* (FLAGS)") if b"after" in line]) == acknowledged + 1
        assert server.posternctl("mailbox", "check", f"alice@{DOMAIN}").returncode == 0
        assert server.stop() == 0
    finally:
        server.stop()
        subprocess.run(["umount", server.state], check=False)


@pytest.mark.skipif(not is_root(), reason="mounting needs root")
def test_read_only_state(make_server):
    server = make_server()
    mount_tmpfs(server.state, "16m")
    try:
        server.set_up("alice")
        with server.smtp() as client:
            client.sendmail("a@b.example", [ALICE], "Subject: n1\r\n\r\nx\r\n")
        server.wait_for_messages(1)
        server.stop()
        subprocess.run(["mount", "-o", "remount,ro", server.state], check=True)
        server.spawn()
        assert server.process.wait(DEADLINE) != 0
        server.log.wait(r"(?i)read-only file system")
        server.process = None
        subprocess.run(["mount", "-o", "remount,rw", server.state], check=True)
        server.start()
        assert len(server.messages()) == 1
    finally:
        server.stop()
        subprocess.run(["umount", server.state], check=False)


def test_descriptor_exhaustion(make_server):
    """A gate that may open no more descriptors refuses or delays, and serves again afterwards."""
    server = make_server()
    server.settings["gate"] = "{ processes = 1; }"
    server.prefix = ["prlimit", "--nofile=128:128"]
    server.set_up("alice")
    held = [server.raw("smtp") for _ in range(80)]
    server.log.wait(r"event=gate\.descriptors")
    assert held[0].recv(100).startswith(b"220 ")  # those it has are served
    for connection in held:
        connection.close()
    with server.smtp(tls=False) as client:
        assert client.noop()[0] == 250


def test_slow_clients_do_not_hold_the_server(make_server):
    server = make_server()
    server.settings["limits"] = "{ command_timeout = 1; handshake_timeout = 1; }"
    server.set_up("alice")
    slow = server.raw("smtp")
    silent = server.raw("pop3s")
    slow.sendall(b"EHL")
    said = slow.makefile("rb")
    assert said.readline().startswith(b"220 ")
    assert said.readline().startswith(b"421 ")
    assert said.read() == b""
    answer = silent.recv(10)
    assert answer == b"" or answer[0] == 21  # closed, or a TLS alert: never a plaintext byte

    def served():
        try:
            with server.smtp() as client:
                return client.noop()[0] == 250
        except (OSError, smtplib.SMTPException):
            return False  # it was too slow itself

    wait_for(served, "one who is not slow to be served")


def test_connection_limits(make_server):
    server = make_server()
    server.listeners["smtp"]["max_connections_per_address"] = 2
    server.listeners["pop3"]["max_connections"] = 1
    server.set_up("alice")
    held = [server.smtp(tls=False), server.smtp(tls=False)]
    with server.raw("smtp") as third:
        assert third.recv(1000).startswith(b"421 ")
    pop3 = server.raw("pop3")
    assert pop3.recv(1000).startswith(b"+OK")
    with server.raw("pop3") as second:
        assert second.recv(1000).startswith(b"-ERR [SYS/TEMP]")
    for client in held:
        client.quit()
    pop3.close()

    def served():
        with server.raw("smtp") as again, server.raw("pop3") as again_pop3:
            return again.recv(1000).startswith(b"220 ") and again_pop3.recv(1000).startswith(b"+OK")

    wait_for(served, "room after the others have gone")
