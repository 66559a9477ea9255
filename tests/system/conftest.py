# SPDX-License-Identifier: ISC
"""A real server for a test: all processes, on free loopback ports, in a folder of its own.

POSTERN_BUILD names the folder with the built programs (without it: build/gcc, where check builds them).
"""

import collections
import functools
import itertools
import os
import poplib
import pwd
import random
import re
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import pytest

HOST = "localhost"
DOMAIN = "example.org"
PASSWORD = "correct horse battery staple"
SCRAM = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]  # what add_account() makes possible
DEADLINE = 60  # seconds that anything may take before the test fails

# As root each role has a uid of its own, from a range that systemd's UIDS-GIDS calls unused.
USERS = {"certd": 2147350001, "gate": 2147350002, "accounts": 2147350003, "queue": 2147350004,
         "relay": 2147350005, "verify": 2147350006, "filter": 2147350007}

LISTENERS = {
    "smtp": ("smtp", "explicit"),
    "submission": ("submission", "explicit"),
    "submissions": ("submission", "implicit"),
    "pop3": ("pop3", "explicit"),
    "pop3s": ("pop3", "implicit"),
    "imap": ("imap", "explicit"),
    "imaps": ("imap", "implicit"),
}


ACCOUNTS = itertools.count(1)

# What Server.furnish() made, by what for: folders in KEPT.
MADE = {}
KEPT = tempfile.TemporaryDirectory(prefix="postern-made-")


def pytest_configure(config):
    config.addinivalue_line("markers", "matrix: many rows of one test, which don't depend on who runs them")
    config.addinivalue_line("markers", "spread: tests of a module that may run in any worker, though they share a fixture")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """With --dist loadgroup, tests that share a server (a fixture of the module) run one after the other, in one worker,
    and largest modules first: else each worker would start all of these servers. What is marked as spread has many tests
    and little to share.
    """
    groups = {}
    for item in items:
        fixtures = item._fixtureinfo.name2fixturedefs.values()
        if any(found[-1].scope == "module" for found in fixtures) and not item.get_closest_marker("spread"):
            item.add_marker(pytest.mark.xdist_group(item.module.__name__))
            groups[item.module] = groups.get(item.module, 0) + 1
    items.sort(key=lambda item: -groups.get(item.module, 0) if item.get_closest_marker("xdist_group") else 0)


def build():
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return os.environ.get("POSTERN_BUILD", os.path.join(top, "build", "gcc"))


def program(name):
    return os.path.join(build(), name)


# The kernel gives ports from 32768 on (ip_local_port_range) to whoever connects; what is chosen there is
# soon taken by a client of another test. Below, each process that runs tests has a span of its own.
PORTS_FIRST, PORTS_A_SPAN, PORTS_SPANS = 10240, 700, 32


@functools.cache
def port_span():
    """Its first port, and the socket whose name says that it is taken, as long as this process lives."""
    for span in range(PORTS_SPANS):
        holder = socket.socket(socket.AF_UNIX)
        try:
            holder.bind(f"\0postern-test-ports-{span}")
            return PORTS_FIRST + span * PORTS_A_SPAN, holder
        except OSError:
            holder.close()
    raise AssertionError(f"{PORTS_SPANS} processes run tests here already")


@functools.cache
def port_order():
    """The ports of this process's span, in the order in which they are given out: one comes again after all others."""
    first, _ = port_span()
    return collections.deque(random.sample(range(first, first + PORTS_A_SPAN), PORTS_A_SPAN))


def free_ports(count):
    """Ports that nobody has now, and that no server that is set up but not started yet was promised."""
    ports = []
    for _ in range(PORTS_A_SPAN):
        port_order().rotate(-1)
        port = port_order()[-1]
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue  # another program's, or connections of a server that ended linger
        ports.append(port)
        if len(ports) == count:
            return ports
    raise AssertionError(f"no {count} free ports among {PORTS_A_SPAN}")


def wait_for(condition, what, deadline=DEADLINE):
    """Asks again until CONDITION is true; what it returned."""
    end = time.monotonic() + deadline
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline} s for {what}")
        time.sleep(0.01)


class Log:
    """What the server writes to its standard error, collected by a thread."""

    def __init__(self, stream):
        self.lines = []
        self.changed = threading.Condition()
        self.ended = False
        self.thread = threading.Thread(target=self._collect, args=(stream,), daemon=True)
        self.thread.start()

    def _collect(self, stream):
        for line in stream:
            with self.changed:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def find(self, pattern, start=0):
        return [line for line in self.lines[start:] if re.search(pattern, line)]

    def wait(self, pattern, start=0, count=1, deadline=DEADLINE):
        """The COUNT-th line from START on that matches PATTERN."""
        with self.changed:
            self.changed.wait_for(
                lambda: self.ended or len(self.find(pattern, start)) >= count, deadline)
            found = self.find(pattern, start)
            assert len(found) >= count, f"no /{pattern}/ in the log:\n" + "\n".join(self.lines)
            return found[count - 1]

    def mark(self):
        return len(self.lines)

    def text(self):
        return "\n".join(self.lines)


class Server:
    """One server. Change `settings` and `listeners` before start()."""

    def __init__(self, folder, libexec=None):
        self.folder = folder
        self.state = os.path.join(folder, "state")
        self.configuration = os.path.join(folder, "postern.conf")
        self.accounts = os.path.join(folder, "accounts.conf")
        self.libexec = libexec or build()
        # key of postern.conf -> text of its value; no test sends anything out by accident
        self.settings = {"relay": "{ enabled = false; }"}
        self.listeners = {name: {"service": service, "tls": tls}
                          for name, (service, tls) in LISTENERS.items()}
        self.ports = dict(zip(LISTENERS, free_ports(len(LISTENERS))))
        self.domains = [DOMAIN]
        self.user = "alice"  # whom tests log in as
        self.prefix = []  # what the master is started by, as ["prlimit", ...]
        self.process = None
        self.log = None
        os.makedirs(self.state)
        os.chmod(self.state, 0o711)

    # -- Setting up ---------------------------------------------------------------

    def configuration_text(self):
        lines = [
            f'hostname = "{HOST}";',
            "domains = ( " + ", ".join(f'"{domain}"' for domain in self.domains) + " );",
            f'state = "{self.state}";',
        ]
        if os.geteuid() == 0 and "users" not in self.settings:
            users = " ".join(f"{role} = {uid};" for role, uid in USERS.items())
            lines.append(f"users = {{ {users} }};")
        lines += [f"{key} = {value};" for key, value in self.settings.items()]
        entries = []
        for name, listener in self.listeners.items():
            values = {"port": self.ports[name], "address": "127.0.0.1", **listener}
            text = " ".join(f"{key} = {self._value(value)};" for key, value in values.items())
            entries.append(f"  {{ {text} }}")
        lines.append("listeners = (\n" + ",\n".join(entries) + "\n);")
        return "\n".join(lines) + "\n"

    @staticmethod
    def _value(value):
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return str(value)
        if isinstance(value, (list, tuple)):
            return "[ " + ", ".join(f'"{item}"' for item in value) + " ]"
        return f'"{value}"'

    def write_configuration(self, text=None):
        with open(self.configuration, "w", encoding="utf-8") as file:
            file.write(self.configuration_text() if text is None else text)

    def posternctl(self, *arguments, text=None, check=True):
        command = [program("posternctl"), "-f", self.configuration, "-L", self.libexec, *arguments]
        result = subprocess.run(command, input=text, capture_output=True, text=True, check=False,
                                timeout=DEADLINE)
        if check:
            assert result.returncode == 0, f"{arguments}: {result.stdout}{result.stderr}"
        return result

    def create_certificate(self, name=HOST, key="p256"):
        self.posternctl("cert", "create", name, "--name", HOST, "--key", key)

    def add_account(self, user="alice", password=PASSWORD):
        address = user if "@" in user else f"{user}@{DOMAIN}"
        self.posternctl("account", "add", address, text=password + "\n")
        return address

    # -- Running --------------------------------------------------------------------

    def spawn(self, *arguments):
        """Starts the master without waiting for it."""
        self.process = subprocess.Popen(
            [*self.prefix, program("postern"), "-f", self.configuration, "-L", self.libexec,
             *arguments],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.log = Log(self.process.stderr)

    def start(self, *arguments):
        self.spawn(*arguments)
        self.log.wait(r"event=master\.ready")

    def set_up(self, *users):
        """The usual server: a certificate, accounts, started."""
        self.write_configuration()
        self.furnish(users or ("alice",))
        self.start()
        return self

    def furnish(self, users):
        """A certificate and accounts. The first server that asks for these makes them, others have copies."""
        what = (users, *self.domains)
        new = not os.listdir(self.state) and not os.path.exists(self.accounts)
        if new and what in MADE:
            self.copy(MADE[what], self.folder)
            return
        self.create_certificate()
        for user in users:
            self.add_account(user)
        if new:
            MADE[what] = os.path.join(KEPT.name, str(len(MADE)))
            os.mkdir(MADE[what])
            self.copy(self.folder, MADE[what])

    @staticmethod
    def copy(source, target):
        """State and accounts, with their owners and modes."""
        subprocess.run(["cp", "-a", f"{source}/state", f"{source}/accounts.conf", target], check=True)

    def stop(self, hasten=False):
        """Ends the server as its init would; its exit status. HASTEN: connections are not waited for."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            if hasten:
                self.log.wait(r"event=master\.stopping")
                self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        self.log.thread.join(DEADLINE)
        self.process = None
        return status

    def child_pids(self):
        """Read until it is the same twice: one who ends meanwhile may hide another (proc(5))."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        last = None
        while True:
            with open(path, encoding="ascii") as file:
                pids = [int(pid) for pid in file.read().split()]
            if pids == last:
                return pids
            last = pids

    def children(self, role=None):
        """Process ids of the server's children, by role if one is named."""
        found = []
        for pid in self.child_pids():
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    title = file.read().replace(b"\0", b" ").decode(errors="replace")
                title = title.removeprefix(os.path.dirname(program("postern")))  # which may have the name of a role
            except OSError:
                continue
            if role is None or re.search(rf"\b{role}\b", title):
                found.append(pid)
        return found

    # -- Clients ----------------------------------------------------------------------

    def context(self):
        """Verifies as a client does: against the certificate, with its name."""
        return ssl.create_default_context(
            cafile=os.path.join(self.state, "certs", f"{HOST}.crt"))

    def smtp(self, tls=True, **options):
        client = smtplib.SMTP(HOST, self.ports["smtp"], timeout=DEADLINE, **options)
        if tls:
            client.starttls(context=self.context())
        return client

    def submission(self, user="alice", password=PASSWORD):
        client = smtplib.SMTP_SSL(HOST, self.ports["submissions"], timeout=DEADLINE,
                                  context=self.context())
        client.login(f"{user}@{DOMAIN}", password)
        return client

    def pop3(self, user="alice", password=PASSWORD):
        client = poplib.POP3_SSL(HOST, self.ports["pop3s"], timeout=DEADLINE,
                                 context=self.context())
        client.user(f"{user}@{DOMAIN}")
        client.pass_(password)
        return client

    def raw(self, listener):
        """A plain TCP connection to one of the listeners."""
        connection = socket.create_connection(("127.0.0.1", self.ports[listener]), DEADLINE)
        return connection

    def tls(self, listener, **options):
        return self.context().wrap_socket(self.raw(listener), server_hostname=HOST, **options)

    def messages(self, user="alice"):
        """All of a mailbox as POP3 shows it: bytes with CRLF, a message each."""
        client = self.pop3(user)
        count, _ = client.stat()
        found = [b"\r\n".join(client.retr(number + 1)[1]) + b"\r\n" for number in range(count)]
        client.quit()
        return found

    def wait_for_messages(self, count, user="alice"):
        """Delivery follows the 250 within moments: asks until COUNT are there."""
        found = []

        def there():
            found[:] = self.messages(user)
            return len(found) >= count

        wait_for(there, f"{count} messages")
        return found


@pytest.fixture
def folder():
    """A folder that processes of other users may pass through, but not read."""
    path = tempfile.mkdtemp(prefix="postern-test-")
    os.chmod(path, 0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def secret(request, folder):
    """A file with the pass phrase SECRET of the test's module."""
    path = os.path.join(folder, "secret")
    with open(path, "w", encoding="utf-8") as file:
        file.write(request.module.SECRET + "\n")
    return path


@pytest.fixture
def make_server(folder):
    """Makes servers that are stopped after the test, whatever it did."""
    servers = []

    def make(**options):
        path = os.path.join(folder, f"server{len(servers)}")
        os.mkdir(path)
        os.chmod(path, 0o711)
        server = Server(path, **options)
        servers.append(server)
        return server

    yield make
    for server in servers:
        server.stop(hasten=True)


@pytest.fixture
def server(make_server):
    """A running server with one account, alice."""
    return make_server().set_up("alice")


@pytest.fixture(scope="module")
def shared_server():
    """One server for the tests of a module, which each take an account of their own (fresh_account)."""
    path = tempfile.mkdtemp(prefix="postern-test-")
    os.chmod(path, 0o711)
    server = Server(path)
    try:
        yield server.set_up("alice")
    finally:
        server.stop(hasten=True)
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def fresh_account(shared_server):
    """The shared server, with an account that nobody has used: its name is server.user."""
    shared_server.user = f"user{next(ACCOUNTS)}"
    shared_server.add_account(shared_server.user)
    return shared_server


def is_root():
    return os.geteuid() == 0


def user_name(uid):
    return pwd.getpwuid(uid).pw_name
