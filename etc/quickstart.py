# SPDX-License-Identifier: ISC
"""quickstart.py BUILD DATA: runs a try-out server in DATA from the programs in BUILD.

The first start makes a configuration, a certificate and an account; later ones use what is there.
"""

import email.message
import email.utils
import os
import poplib
import re
import secrets
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import time

HOST = "localhost"
ADDRESS = "me@localhost.example"
PORTS = {"smtp": 2525, "submission": 2587, "submissions": 2465, "pop3": 2110, "pop3s": 2995, "imap": 2143,
         "imaps": 2993}

CONFIGURATION = """\
# A try-out server, made by ./quickstart. postern.conf(5) says what can stand here.
hostname = "localhost";
domains  = ( "localhost.example" );
state    = "{state}";
{users}
# Nothing leaves for the world. Without this line, whoever logs in can send there.
relay = {{ enabled = false; }};
listeners = (
  {{ service = "smtp";       port = {smtp}; tls = "explicit"; address = "127.0.0.1"; }},
  {{ service = "submission"; port = {submission}; tls = "explicit"; address = "127.0.0.1"; }},
  {{ service = "submission"; port = {submissions}; tls = "implicit"; address = "127.0.0.1"; }},
  {{ service = "pop3";       port = {pop3}; tls = "explicit"; address = "127.0.0.1"; }},
  {{ service = "pop3";       port = {pop3s}; tls = "implicit"; address = "127.0.0.1"; }},
  {{ service = "imap";       port = {imap}; tls = "explicit"; address = "127.0.0.1"; }},
  {{ service = "imap";       port = {imaps}; tls = "implicit"; address = "127.0.0.1"; }}
);
"""

# Started as root, every process still has a user of its own; these numbers belong to nobody
# (systemd's UIDS-GIDS calls them unused), so nothing has to be added to the system.
USERS = {"certd": 2147350001, "gate": 2147350002, "accounts": 2147350003, "queue": 2147350004,
         "relay": 2147350005, "verify": 2147350006, "filter": 2147350007}


def fail(text):
    sys.exit(f"quickstart: {text}")


def free_port(wanted):
    """The wanted port, or any other if somebody has it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Paths:
    def __init__(self, build, data):
        self.postern = os.path.join(build, "postern")
        self.posternctl = os.path.join(build, "posternctl")
        self.build = build
        self.data = os.path.abspath(data)
        self.state = os.path.join(self.data, "state")
        self.configuration = os.path.join(self.data, "postern.conf")
        self.password = os.path.join(self.data, "password")
        self.log = os.path.join(self.data, "postern.log")


def write_private(path, text):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def posternctl(paths, *arguments, text=None):
    command = [paths.posternctl, "-f", paths.configuration, "-L", paths.build, *arguments]
    result = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        fail(f"{' '.join(arguments[:2])}: {result.stderr.strip()}")
    return result.stdout


def add_users(paths):
    """As root: users of all roles; what an older Postern has made lacks those of newer roles."""
    with open(paths.configuration, encoding="utf-8") as file:
        text = file.read()
    group = re.search(r"^users *= *\{([^}]*)\}", text, re.M)
    missing = [f"{role} = {uid};" for role, uid in USERS.items()
               if group and not re.search(rf"\b{role} *=", group[1])]
    if missing:
        write_private(paths.configuration, text[:group.end(1)] + " ".join(missing) + " " + text[group.end(1):])


def set_up(paths):
    """The first start: a configuration, a certificate, an account."""
    os.makedirs(paths.state, exist_ok=True)
    os.chmod(paths.data, 0o711)
    os.chmod(paths.state, 0o711)
    if not os.path.exists(paths.configuration):
        ports = {name: free_port(port) for name, port in PORTS.items()}
        users = "users = { };\n" if os.geteuid() == 0 else ""
        write_private(
            paths.configuration,
            CONFIGURATION.format(state=paths.state, users=users, **ports),
        )
    add_users(paths)
    if not os.path.exists(os.path.join(paths.state, "certs", f"{HOST}.crt")):
        posternctl(paths, "cert", "create", HOST, "--name", HOST)
    if not os.path.exists(paths.password):
        password = secrets.token_urlsafe(12)
        posternctl(paths, "account", "add", ADDRESS, text=password + "\n")
        write_private(paths.password, password + "\n")


def ports_of(paths):
    """The ports as the configuration has them now: it may have been edited."""
    with open(paths.configuration, encoding="utf-8") as file:
        text = file.read()
    found = {}
    pattern = r'service\s*=\s*"(\w+)"\s*;\s*port\s*=\s*(\d+)\s*;\s*tls\s*=\s*"(\w+)"'
    for service, port, tls in re.findall(pattern, text):
        found.setdefault((service, tls), int(port))
    return found


def start(paths):
    """Starts the server and waits until it says that it is ready."""
    log = open(paths.log, "w", encoding="utf-8")
    os.chmod(paths.log, 0o600)
    # Of a session of its own: Ctrl-C at the terminal is ours to pass on, once.
    server = subprocess.Popen(
        [paths.postern, "-f", paths.configuration, "-L", paths.build],
        stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
    )
    deadline = time.monotonic() + 60
    with open(paths.log, encoding="utf-8", errors="replace") as lines:
        while time.monotonic() < deadline:
            line = lines.readline()
            if "event=master.ready" in line:
                return server
            if not line:
                if server.poll() is not None:
                    with open(paths.log, encoding="utf-8", errors="replace") as text:
                        sys.stderr.write(text.read())
                    fail("the server did not start; what it said is above")
                time.sleep(0.02)
    server.terminate()
    fail(f"the server did not become ready; see {paths.log}")


def send(ports, context):
    message = email.message.EmailMessage()
    message["From"] = f"Postern <{ADDRESS}>"
    message["To"] = ADDRESS
    message["Subject"] = "Welcome to Postern"
    message["Date"] = email.utils.formatdate()
    message["Message-ID"] = email.utils.make_msgid(domain=HOST)
    message.set_content("This mail came in over SMTP with STARTTLS.\n")
    with smtplib.SMTP(HOST, ports["smtp", "explicit"], timeout=30) as smtp:
        smtp.starttls(context=context)
        version = smtp.sock.version()
        smtp.send_message(message, ADDRESS, [ADDRESS])
    return message["Message-ID"], version


def read_back(ports, context, password, message_id):
    """Reads the mail over POP3 with implicit TLS; delivery may take a moment after the 250."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        pop = poplib.POP3_SSL(HOST, ports["pop3", "implicit"], context=context, timeout=30)
        pop.user(ADDRESS)
        pop.pass_(password)
        version = pop.sock.version()
        count = len(pop.list()[1])
        for number in range(count, 0, -1):
            if any(message_id.encode() in line for line in pop.top(number, 0)[1]):
                pop.quit()
                return version, count
        pop.quit()
        time.sleep(0.05)
    fail("the mail did not arrive")


def round_trip(paths, ports):
    certificate = os.path.join(paths.state, "certs", f"{HOST}.crt")
    context = ssl.create_default_context(cafile=certificate)
    with open(paths.password, encoding="utf-8") as file:
        password = file.read().strip()
    message_id, sent_over = send(ports, context)
    read_over, count = read_back(ports, context, password, message_id)
    return password, sent_over, read_over, count


def main():
    if len(sys.argv) != 3:
        fail("usage: quickstart.py BUILD DATA")
    paths = Paths(sys.argv[1], sys.argv[2])
    begin = time.monotonic()
    set_up(paths)
    server = start(paths)

    def stop(signum, frame):
        server.terminate()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        ports = ports_of(paths)
        password, sent_over, read_over, count = round_trip(paths, ports)
    except BaseException:
        server.terminate()
        server.wait()
        raise
    smtp, pop3s = ports["smtp", "explicit"], ports["pop3", "implicit"]
    print(f"1. Postern is up, ready after {time.monotonic() - begin:.1f} s; its data is in {paths.data}")
    print(f"2. A certificate for {HOST} and the account {ADDRESS} are there.")
    print(f"3. A mail was sent over SMTP, port {smtp}, explicit TLS (STARTTLS, {sent_over}).")
    print(f"4. It was read back over POP3, port {pop3s}, implicit TLS ({read_over}).")
    print(f"5. The mailbox holds {count} mail{'' if count == 1 else 's'}. The log: {paths.log}")
    print(f"""
Connect a mail client:
  user name  {ADDRESS}
  password   {password}
  incoming   POP3, {HOST}, port {pop3s}, SSL/TLS  (or port {ports["pop3", "explicit"]}, STARTTLS)
             or IMAP, {HOST}, port {ports["imap", "implicit"]}, SSL/TLS  (or port {ports["imap", "explicit"]}, STARTTLS)
  outgoing   SMTP, {HOST}, port {ports["submission", "implicit"]}, SSL/TLS  (or port {ports["submission", "explicit"]}, STARTTLS), with login
  The certificate is self-signed: the client asks once, accept it.
Or:
  curl --insecure --user '{ADDRESS}:{password}' pop3s://{HOST}:{pop3s}/1

Ctrl-C ends it.""", flush=True)
    status = server.wait()
    print("Postern has stopped; ./quickstart starts it again with the same data.")
    sys.exit(status)


if __name__ == "__main__":
    main()
