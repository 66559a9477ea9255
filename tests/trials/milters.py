#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Milters that others wrote: rspamd and clamav-milter from Debian, each with a configuration of its own on loopback;
and Sendmail's library, libmilter, that changes envelopes.

    tests/trials/milters.py [rspamd clamav libmilter]

Needs root (they change their user), and the packages rspamd, clamav-daemon, clamav-milter and python3-milter; nothing
is installed, and no service of the host's is touched. clamd has one signature, that of EICAR's test file. Every line
says what was tried and what came of it; the exit status is 1 if anything failed.
"""

import argparse
import email.message
import imaplib
import os
import pwd
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.environ.setdefault("POSTERN_BUILD", os.path.join(TOP, "build", "gcc"))
sys.path.insert(0, os.path.join(TOP, "tests", "system"))

import conftest  # noqa: E402

ALICE = f"alice@{conftest.DOMAIN}"
SECONDS = 60  # that a program may take to start
ARRIVAL = 20  # and a mail to arrive
GTUBE = "JS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"  # X: reject, Y: add a header
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class Trial:
    """A server with these milters, and what is seen of mails."""

    failed = 0

    def __init__(self, folder, milters, *more):
        self.server = conftest.Server(os.path.join(folder, "server"))
        self.server.settings["filter"] = f'{{ check = "all"; milters = ( {milters} ); }}'
        self.server.set_up("alice", *more)

    def say(self, what, ok, seen=""):
        Trial.failed += not ok
        print(f"{'ok    ' if ok else 'FAILED'} {what}{f': {seen}' if seen else ''}", flush=True)

    def send(self, message, login=False):
        """The reply to the end of the mail, as a text."""
        sender = ALICE if login else "x@example.net"
        with self.server.submission() if login else self.server.smtp() as client:
            client.ehlo()
            client.mail(sender)
            client.rcpt(ALICE)
            try:
                code, text = client.data(message)
            except smtplib.SMTPDataError as refused:
                code, text = refused.smtp_code, refused.smtp_error
        return f"{code} {text.decode()}"

    def folder(self, name):
        """The mails in one of alice's folders."""
        client = imaplib.IMAP4_SSL(conftest.HOST, self.server.ports["imaps"], ssl_context=self.server.context())
        client.login(ALICE, conftest.PASSWORD)
        found = []
        if client.select(name, readonly=True)[0] == "OK":
            _, ((numbers),) = client.search(None, "ALL")
            found = [client.fetch(number, "(RFC822)")[1][0][1] for number in numbers.split()]
        client.logout()
        return found

    def arrives(self, name, subject):
        deadline = time.monotonic() + ARRIVAL
        while time.monotonic() < deadline:
            for mail in self.folder(name):
                if f"Subject: {subject}\r\n".encode() in mail:
                    return mail
            time.sleep(0.2)
        return b""

    def end(self):
        bad = self.server.log.find(r"level=(err|crit)|child\.died|Sanitizer|ipc\.violation")
        self.say("nothing is wrong in the server's log", not bad, "; ".join(bad[:3]))
        self.server.stop(hasten=True)


def mail(subject, body="Hello Alice,\nhow are you?\n", login=False, attachment=None):
    message = email.message.EmailMessage()
    message["From"] = ALICE if login else "x@example.net"
    message["To"] = ALICE
    message["Subject"] = subject
    message["Date"] = "Sun, 29 Nov 2026 10:00:00 +0000"
    message["Message-ID"] = f"<{subject.replace(' ', '-')}@example.net>"
    message.set_content(body)
    if attachment:
        message.add_attachment(attachment, maintype="application", subtype="octet-stream", filename="x.com")
    return message.as_bytes().replace(b"\n", b"\r\n")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def give(folder, user):
    entry = pwd.getpwnam(user)
    for path, _, files in os.walk(folder):
        os.chown(path, entry.pw_uid, entry.pw_gid)
        for name in files:
            os.chown(os.path.join(path, name), entry.pw_uid, entry.pw_gid)


class Program:
    """One in the foreground, that is up when HOST:PORT or a socket at a path is."""

    def __init__(self, command, there, log):
        self.output = open(log, "ab")  # pylint: disable=consider-using-with # as long as the program
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.output,
                                        stderr=subprocess.STDOUT, start_new_session=True)
        deadline = time.monotonic() + SECONDS
        while not self.is_up(there):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.end()
                with open(log, encoding="utf-8", errors="replace") as file:
                    sys.exit(f"{command[0]} does not start:\n{file.read()[-3000:]}")
            time.sleep(0.1)

    @staticmethod
    def is_up(there):
        try:
            if isinstance(there, int):
                socket.create_connection(("127.0.0.1", there), 1).close()
            else:
                with socket.socket(socket.AF_UNIX) as client:
                    client.connect(there)
            return True
        except OSError:
            return False

    def end(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)  # it started them
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.output.close()


# -- rspamd ---------------------------------------------------------------------------------------------


def rspamd(folder):
    """Its proxy, which scans by itself; what would ask the network is off."""
    port = free_port()
    local = os.path.join(folder, "conf")
    write(local, "local.d/worker-proxy.inc", f'bind_socket = "127.0.0.1:{port}";\nmilter = yes;\ntimeout = 20s;\n'
          'upstream "local" { default = yes; self_scan = yes; }\n')
    for worker in ("normal", "controller", "fuzzy"):
        write(local, f"local.d/worker-{worker}.inc", "enabled = false;\n")
    write(local, "local.d/options.inc", 'gtube_patterns = "all";\nenable_test_patterns = true;\n'
          f'dns {{ nameserver = ["127.0.0.1:{free_port()}"]; timeout = 0.1s; retransmits = 1; }}\n')
    write(local, "local.d/logging.inc", f'type = "file";\nfilename = "{folder}/rspamd.log";\n')
    write(local, "local.d/milter_headers.conf", 'use = ["x-spamd-bar"];\nskip_local = false;\n')
    for module in ("rbl", "fuzzy_check", "phishing", "asn", "neural", "bayes_expiry"):
        write(local, f"local.d/{module}.conf", "enabled = false;\n")
    for name in ("db", "run"):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    give(folder, "_rspamd")
    command = ["rspamd", "-f", "-u", "_rspamd", "-g", "_rspamd", "-c", "/etc/rspamd/rspamd.conf",
               f"--var=LOCAL_CONFDIR={local}", f"--var=DBDIR={folder}/db", f"--var=RUNDIR={folder}/run",
               f"--var=LOGDIR={folder}"]
    return Program(command, port, os.path.join(folder, "output")), port


def try_rspamd(folder):
    there = os.path.join(folder, "rspamd")
    os.mkdir(there, 0o755)
    program, port = rspamd(there)
    trial = Trial(folder, f'{{ address = "127.0.0.1:{port}"; }}')
    try:
        reply = trial.send(mail("a clean one"))
        trial.say("a clean mail is taken", reply.startswith("250"), reply)
        arrived = trial.arrives("INBOX", "a clean one")
        trial.say("and is in the inbox, with rspamd's fields", b"X-Spamd-Bar:" in arrived)
        reply = trial.send(mail("from a user", login=True), login=True)
        trial.say("a user's mail is taken", reply.startswith("250"), reply)
        trial.say("and is in the inbox", trial.arrives("INBOX", "from a user") != b"")
        reply = trial.send(mail("GTUBE", f"X{GTUBE}\n"))
        trial.say("GTUBE is rejected, in rspamd's words", reply.startswith("554 5.7.1"), reply)
        reply = trial.send(mail("some spam", f"Y{GTUBE}\n"))
        trial.say("what rspamd only marks is taken", reply.startswith("250"), reply)
        arrived = trial.arrives("Junk", "some spam")
        trial.say("and is in Junk", b"X-Spam: Yes" in arrived)
        reply = trial.send(mail("large", "0123456789 word\n" * 60_000))
        trial.say("960 kB are taken", reply.startswith("250"), reply)
        program.end()
        reply = trial.send(mail("without it"))
        trial.say("without rspamd mail is to come again", reply.startswith("451 4.7.1"), reply)
    finally:
        program.end()
        trial.end()


# -- ClamAV -----------------------------------------------------------------------------------------------


def clamd(folder):
    """With the one signature that it needs here."""
    write(folder, "db/test.ndb", f"Test.EICAR:0:*:{EICAR.hex()}\n")
    path = os.path.join(folder, "clamd.sock")
    text = (f"LocalSocket {path}\nLocalSocketMode 666\nUser clamav\nDatabaseDirectory {folder}/db\n"
            f"Foreground yes\nTemporaryDirectory {folder}\nScanMail yes\n")
    configuration = write(folder, "clamd.conf", text)
    give(folder, "clamav")
    return Program(["clamd", "-c", configuration], path, os.path.join(folder, "output")), path


def clamav_milter(folder, daemon, infected, port):
    """PORT: a number, or the path of a socket."""
    address = f"inet:{port}@127.0.0.1" if isinstance(port, int) else f"unix:{port}\nMilterSocketMode 666"
    text = (f"MilterSocket {address}\nClamdSocket unix:{daemon}\nUser clamav\nForeground yes\nOnInfected {infected}\n"
            f"OnFail Defer\nAddHeader Add\nTemporaryDirectory {folder}\n"
            + ('RejectMsg "A virus: %v"\n' if infected == "Reject" else ""))
    configuration = write(folder, f"milter-{infected}.conf", text)
    give(folder, "clamav")
    return Program(["clamav-milter", "-c", configuration], port, os.path.join(folder, "output"))


def try_infected(trial, infected):
    reply = trial.send(mail("with a virus", attachment=EICAR))
    if infected == "Reject":
        trial.say("EICAR is refused, in clamav-milter's words", reply.startswith("550 5.7.1 A virus:"), reply)
        return
    held = trial.server.posternctl("queue", "list").stdout
    trial.say("EICAR is taken, and held", reply.startswith("250") and "held" in held, held.strip())
    ids = held.split()[0]
    trial.server.posternctl("queue", "release", ids)
    trial.say("an administrator releases it", trial.arrives("INBOX", "with a virus") != b"")


def try_clamav(folder):
    there = os.path.join(folder, "clamav")
    os.mkdir(there, 0o755)
    daemon, path = clamd(there)
    try:
        try_both(folder, there, daemon, path)
    finally:
        daemon.end()


def try_both(folder, there, daemon, path):
    """Refusing over TCP, and holding by a socket in the file system, as Debian has it."""
    for infected, port in (("Reject", free_port()), ("Quarantine", os.path.join(there, "milter.sock"))):
        milter = clamav_milter(there, path, infected, port)
        address = f"127.0.0.1:{port}" if isinstance(port, int) else f"unix:{port}"
        os.mkdir(os.path.join(folder, infected), 0o711)
        trial = Trial(os.path.join(folder, infected), f'{{ address = "{address}"; }}')
        try:
            print(f"       OnInfected {infected}, {address}")
            reply = trial.send(mail("a clean one", attachment=b"nothing bad"))
            trial.say("a clean mail is taken", reply.startswith("250"), reply)
            arrived = trial.arrives("INBOX", "a clean one")
            trial.say("and is in the inbox, with clamav-milter's field", b"X-Virus-Status: Clean" in arrived)
            try_infected(trial, infected)
            if infected == "Quarantine":
                daemon.end()
                reply = trial.send(mail("without clamd"))
                trial.say("without clamd mail is to come again", reply.startswith("451"), reply)
            milter.end()
            reply = trial.send(mail("without it"))
            trial.say("without clamav-milter mail is to come again", reply.startswith("451 4.7.1"), reply)
        finally:
            milter.end()
            trial.end()


# -- libmilter --------------------------------------------------------------------------------------------

# With pymilter, which is not of this interpreter's packages perhaps: run by Debian's.
ENVELOPES = """
import sys
import Milter

class Envelopes(Milter.Base):
    def header(self, name, value):
        if name == "Subject":
            self.subject = value
        return Milter.CONTINUE

    def eom(self):
        if self.subject == "for another":
            self.delrcpt("<alice@example.org>")
            self.addrcpt("<bob@example.org>", "NOTIFY=NEVER ORCPT=rfc822;alice@example.org")
            self.chgfrom("<y@example.net>", "RET=HDRS ENVID=a+2Bb")
        elif self.subject == "for two":
            self.addrcpt("bob@example.org")
        elif self.subject == "for nobody":
            self.delrcpt("<alice@example.org>")
        return Milter.ACCEPT

Milter.factory = Envelopes
Milter.set_flags(Milter.ADDRCPT | Milter.ADDRCPT_PAR | Milter.DELRCPT | Milter.CHGFROM)
Milter.runmilter("envelopes", "inet:" + sys.argv[1] + "@127.0.0.1", 30)
"""


def of(trial, user):
    """The subjects in a mailbox, each with the sender that it came from."""
    mails = [email.message_from_bytes(octets) for octets in trial.server.messages(user)]
    return sorted((mail["Subject"], mail["Return-Path"]) for mail in mails)


def try_libmilter(folder):
    port = free_port()
    program = Program(["/usr/bin/python3", write(folder, "envelopes.py", ENVELOPES), str(port)], port,
                      os.path.join(folder, "output"))
    trial = Trial(folder, f'{{ address = "127.0.0.1:{port}"; envelope = "here"; }}', "bob")
    try:
        for subject in ("for another", "for two", "for nobody", "for alice"):
            reply = trial.send(mail(subject))
            trial.say(f"one {subject} is taken", reply.startswith("250"), reply)
        trial.arrives("INBOX", "for alice")
        trial.say("alice has hers", of(trial, "alice") == [("for alice", "<x@example.net>"), ("for two", "<x@example.net>")])
        trial.say("bob has what he was given",
                  of(trial, "bob") == [("for another", "<y@example.net>"), ("for two", "<x@example.net>")], of(trial, "bob"))
        trial.say("one without recipients is thrown away",
                  trial.server.log.find(r"event=queue\.checked .*verdict=discard") != [])
        trial.say("nothing was left out", not trial.server.log.find(r"event=milter\.ignored|recipient_left_out"))
    finally:
        program.end()
        trial.end()


def main():
    tries = {"rspamd": try_rspamd, "clamav": try_clamav, "libmilter": try_libmilter}
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("program", nargs="*", metavar="rspamd|clamav|libmilter")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("this needs root")
    for name in arguments.program or list(tries):
        folder = tempfile.mkdtemp(prefix="postern-trial-")
        os.chmod(folder, 0o711)
        print(f"-- {name}")
        try:
            tries[name](folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return 1 if Trial.failed else 0


if __name__ == "__main__":
    sys.exit(main())
