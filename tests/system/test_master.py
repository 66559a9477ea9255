# SPDX-License-Identifier: ISC
"""The master: readiness, reload, drain, restarts, socket activation, posternctl."""

import base64
import os
import poplib
import re
import signal
import smtplib
import socket
import subprocess

import pytest

from conftest import DEADLINE, DOMAIN, HOST, PASSWORD, Server, free_ports, program, wait_for

ALICE = f"alice@{DOMAIN}"


def test_notify(make_server, folder):
    """READY=1 to whoever started it (sd_notify(3)), STOPPING=1 at the end."""
    server = make_server()
    server.write_configuration()
    server.create_certificate()
    path = os.path.join(folder, "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(path)
        os.chmod(path, 0o666)
        notify.settimeout(DEADLINE)
        os.environ["NOTIFY_SOCKET"] = path
        try:
            server.spawn()
        finally:
            del os.environ["NOTIFY_SOCKET"]

        def told(what):
            while True:
                if what in notify.recv(4096).split(b"\n"):
                    return

        told(b"READY=1")
        server.process.send_signal(signal.SIGHUP)
        told(b"RELOADING=1")
        told(b"READY=1")
        server.process.send_signal(signal.SIGTERM)
        told(b"STOPPING=1")
        told(b"EXTEND_TIMEOUT_USEC=40000000")  # limits.drain_timeout, and some: longer than systemd might wait
        assert server.process.wait(DEADLINE) == 0


def is_closed(port):
    try:
        socket.create_connection(("127.0.0.1", port), DEADLINE).close()
    except ConnectionRefusedError:
        return True
    return False


def test_reload_binds_new_and_keeps_connections(server):
    old = server.pop3()
    idle = server.smtp(tls=False)
    server.ports["extra"] = free_ports(1)[0]
    server.listeners["extra"] = {"service": "smtp", "tls": "explicit"}
    removed = server.ports["submission"]
    del server.listeners["submission"]
    server.write_configuration()
    server.posternctl("reload")
    with socket.create_connection(("127.0.0.1", server.ports["extra"]), DEADLINE) as connection:
        assert connection.recv(100).startswith(b"220 ")
    wait_for(lambda: is_closed(removed), "the old gates to close the port")
    assert old.noop().startswith(b"+OK")  # logged in: goes on
    old.quit()
    idle.close()
    server.pop3().quit()


def test_reload_tells_warnings(server, tmp_path):
    server.settings["relay"] = f'{{ host = "127.0.0.1"; port = 9; user = "x"; password_file = "{tmp_path}/none"; }}'
    server.write_configuration()
    told = server.posternctl("reload").stdout
    assert re.search(r"postern\.conf:\d+: warning: .*\n.* in force \(generation 2\)", told), told
    server.settings["relay"] = "{ enabled = false; }"
    server.write_configuration()
    assert server.posternctl("reload").stdout.startswith("the new configuration is in force")


def test_reload_refuses_what_needs_a_restart(server):
    server.settings["limits"] = "{ login_threads = 7; }"
    server.write_configuration()
    result = server.posternctl("reload", check=False)
    assert result.returncode == 1
    assert "limits.login_threads has changed: that needs a restart, not a reload" in result.stderr


def test_reload_with_an_error_changes_nothing(server):
    mark = server.log.mark()
    text = server.configuration_text().replace("hostname", "hostnam", 1)
    server.write_configuration(text)
    result = server.posternctl("reload", check=False)
    assert result.returncode != 0
    assert "postern.conf:1" in result.stderr + result.stdout
    assert "hostname" in result.stderr + result.stdout
    server.process.send_signal(signal.SIGHUP)
    server.log.wait(r"postern\.conf:1", mark)
    server.pop3().quit()


@pytest.fixture
def one_gate(make_server):
    """All connections are in one gate: what one client hears of it the others have reached, too."""
    server = make_server()
    server.settings["gate"] = "{ processes = 1; }"
    return server.set_up("alice")


class Clients:
    """At all that a gate that drains lets them finish, and one who is idle."""

    def __init__(self, server):
        self.idle = server.smtp()
        self.mail = server.smtp()
        self.rcpt = server.smtp(tls=False)
        self.data = server.smtp()
        for client, steps in ((self.mail, 1), (self.rcpt, 2), (self.data, 3)):
            client.ehlo()
            for step in (lambda: client.mail("a@b.example"), lambda: client.rcpt(ALICE),
                         lambda: client.docmd("DATA"))[:steps]:
                assert step()[0] in (250, 354)
        self.submitter = server.submission()
        self.login = smtplib.SMTP_SSL(HOST, server.ports["submissions"], timeout=DEADLINE,
                                      context=server.context())
        self.login.ehlo()
        assert self.login.docmd("AUTH LOGIN")[0] == 334

    def finish(self, farewell):
        """Each its mail, and no other."""
        assert self.idle.getreply() == (421, b"4.3.2 " + farewell)
        assert self.login.docmd(base64.b64encode(ALICE.encode()).decode())[0] == 334
        assert self.login.docmd(base64.b64encode(PASSWORD.encode()).decode())[0] == 235
        for client in (self.login, self.submitter):
            assert client.mail(ALICE)[0] == 250
        for client in (self.mail, self.login, self.submitter):
            assert client.rcpt(ALICE)[0] == 250
        for client in (self.mail, self.rcpt, self.login, self.submitter):
            assert client.docmd("DATA")[0] == 354
        for client in (self.mail, self.rcpt, self.data, self.login, self.submitter):
            client.send(b"Subject: last\r\n\r\nx\r\n.\r\n")
            assert client.getreply()[0] == 250
            assert client.getreply() == (421, b"4.3.2 " + farewell)
            client.close()
        self.idle.close()


def test_reload_cuts_off_no_mail(one_gate):
    """What has begun before the old gate makes way ends there, and with it the gate."""
    gates = one_gate.children("gate")
    clients = Clients(one_gate)
    one_gate.posternctl("reload")
    clients.finish(b"The server is restarting, please try again")
    assert len(one_gate.wait_for_messages(5)) == 5
    wait_for(lambda: not set(gates) & set(one_gate.children("gate")), "the old gate to be gone")


def test_sigterm_drains(one_gate):
    """A mail that has begun is finished; new connections are refused."""
    clients = Clients(one_gate)
    one_gate.process.send_signal(signal.SIGTERM)
    clients.finish(b"The server is shutting down, try again later")
    assert one_gate.process.wait(DEADLINE) == 0
    one_gate.stop()
    one_gate.start()
    assert len(one_gate.wait_for_messages(5)) == 5


def test_restarts_what_dies(server):
    for role in ("certd", "accounts", "queue", "gate"):
        mark = server.log.mark()
        old = server.children(role)
        os.kill(old[-1], signal.SIGKILL)
        server.log.wait(rf"event=child\.died.*{role}", mark)
        wait_for(lambda: len(server.children(role)) == len(old) and server.children(role) != old,
                 f"{role} to be back")
    wait_for(lambda: can_login(server), "logins to work again")


def can_login(server):
    try:
        server.pop3().quit()
        return True
    except (OSError, poplib.error_proto):
        return False


def test_socket_activation(make_server):
    """A listening socket that is passed in (sd_listen_fds(3)) is used, not bound again."""
    server = make_server()
    server.write_configuration()
    server.create_certificate()
    server.add_account()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", server.ports["smtp"]))
        listening.listen()

        def pass_it():
            os.dup2(listening.fileno(), 3, inheritable=True)
            os.environ["LISTEN_PID"] = str(os.getpid())

        command = ["/bin/sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@"', program("postern"),
                   "-f", server.configuration, "-L", server.libexec]
        server.process = subprocess.Popen(command, stderr=subprocess.PIPE, pass_fds=(3,),
                                          preexec_fn=pass_it)
        from conftest import Log
        server.log = Log(server.process.stderr)
        server.log.wait(r"event=master\.ready")
    with server.smtp() as client:
        assert client.noop()[0] == 250


def test_configuration_check(make_server):
    server = make_server()
    server.write_configuration()
    server.create_certificate()

    def check():
        return subprocess.run([program("postern"), "-t", "-f", server.configuration],
                              capture_output=True, text=True, check=False, timeout=DEADLINE)

    assert check().returncode == 0
    server.write_configuration(server.configuration_text() + "colour = 1;\n")
    result = check()
    assert result.returncode == 1 and "colour" in result.stderr


def test_port_in_use(make_server):
    server = make_server()
    server.write_configuration()
    server.create_certificate()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", server.ports["pop3"]))
        taken.listen()
        server.spawn()
        assert server.process.wait(DEADLINE) != 0
    server.process = None
    line = server.log.wait(str(server.ports["pop3"]))
    assert "postern.conf:" in line or "in use" in line


def test_one_master_a_state_folder(server):
    second = Server.__new__(Server)
    second.__dict__.update(server.__dict__)
    second.spawn()
    assert second.process.wait(DEADLINE) != 0
    second.log.wait(r"(?i)another|already|running")
    server.pop3().quit()


def test_accounts_are_picked_up(server):
    server.add_account("carol")
    server.pop3("carol").quit()
    server.posternctl("account", "disable", f"carol@{DOMAIN}")
    with pytest.raises(poplib.error_proto):
        server.pop3("carol")
    server.posternctl("account", "enable", f"carol@{DOMAIN}")
    server.posternctl("account", "passwd", f"carol@{DOMAIN}", text="another one\n")
    server.pop3("carol", "another one").quit()
    server.posternctl("account", "remove", f"carol@{DOMAIN}")
    assert f"carol@{DOMAIN}" not in server.posternctl("account", "list").stdout
    with server.smtp() as client:
        client.ehlo()
        client.mail("a@b.example")
        assert client.rcpt(f"carol@{DOMAIN}")[0] == 550


def test_a_broken_accounts_file_leaves_the_old(server):
    with open(server.accounts, encoding="utf-8") as file:
        good = file.read()
    mark = server.log.mark()
    with open(server.accounts, "w", encoding="utf-8") as file:
        file.write(good + "\nnonsense\n")
    server.log.wait(r"accounts", mark)
    server.pop3().quit()
    with open(server.accounts, "w", encoding="utf-8") as file:
        file.write(good)
    server.pop3().quit()


def test_certificates_while_running(server):
    server.posternctl("cert", "create", "second", "--name", "second.example", "--key", "p256")
    for suffix in ("key", "csr", "crt"):
        assert os.path.exists(os.path.join(server.state, "certs", f"second.{suffix}"))
    result = server.posternctl("cert", "create", "second", "--name", "x.example", check=False)
    assert result.returncode != 0 and "second" in result.stderr
    server.pop3().quit()


def test_status(server):
    status = server.posternctl("status").stdout
    for word in ("certd", "gate", "accounts", "queue", str(server.ports["pop3s"])):
        assert word in status


def test_a_process_a_connection(make_server):
    server = make_server()
    server.settings["gate"] = "{ processes = 2; connections = 1; }"
    server.set_up("alice")
    held = [server.smtp(tls=False) for _ in range(5)]
    for client in held:
        assert client.noop()[0] == 250
    assert len(server.children("gate")) >= 5
    for client in held:
        client.quit()
    server.pop3().quit()


def test_allow_and_deny(make_server):
    server = make_server()
    server.listeners["smtp"]["deny"] = ["127.0.0.0/8"]
    server.listeners["pop3"]["allow"] = ["192.0.2.0/24"]
    server.set_up("alice")
    with server.raw("smtp") as connection:
        assert connection.recv(100).startswith(b"554 ")
    with server.raw("pop3") as connection:
        assert connection.recv(100).startswith(b"-ERR")
    server.pop3().quit()


def test_plaintext_listener_on_loopback(make_server):
    """tls = "none" on loopback says itself that logins may go without TLS."""
    server = make_server()
    server.listeners["pop3"]["tls"] = "none"
    server.set_up("alice")
    client = poplib.POP3(HOST, server.ports["pop3"], timeout=DEADLINE)
    assert "STLS" not in client.capa()
    client.user(ALICE)
    client.pass_(PASSWORD)
    client.quit()


def test_throttled_guessing_delays_only_the_guesser(make_server):
    server = make_server().set_up("alice", "bob")
    for _ in range(3):
        with pytest.raises(poplib.error_proto):
            server.pop3("alice", "wrong")
    with server.smtp() as client:
        client.sendmail("a@b.example", [ALICE], "x\r\n")
    server.log.wait(r"event=login\.failed", count=3)
    with smtplib.SMTP(HOST, server.ports["smtp"], timeout=DEADLINE) as client:
        assert client.noop()[0] == 250
