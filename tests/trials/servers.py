#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Mail to and from other servers: Postfix, OpenSMTPD and exim4 from Debian, both ways.

    tests/trials/servers.py [--folder DIR] [postfix opensmtpd exim4]

Each peer and a server of POSTERN_BUILD (default: build/gcc) are each other's next host on loopback. Every line says what
was tried and what came of it; the exit status is 1 if anything failed. Needs root; for the peers see
tests/bench/peers.py: nothing is installed.
"""

import argparse
import email
import email.policy
import os
import re
import shutil
import smtplib
import ssl
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.environ.setdefault("POSTERN_BUILD", os.path.join(TOP, "build", "gcc"))
sys.path.insert(0, os.path.join(TOP, "tests", "system"))
sys.path.insert(0, os.path.join(TOP, "tests", "bench"))

import conftest  # noqa: E402
import peers  # noqa: E402

PEER_DOMAIN = "peer.example"
ALICE = f"alice@{conftest.DOMAIN}"
USER = f"u0@{PEER_DOMAIN}"
SECONDS = 30  # that anything may take

EXIM = r"""
primary_hostname = mail.peer.example
domainlist local_domains = peer.example
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
disable_ipv6
never_users =
keep_environment =
tls_advertise_hosts = *
tls_certificate = /etc/bench.crt
tls_privatekey = /etc/bench.key
acl_smtp_rcpt = check_rcpt
acl_smtp_data = accept
smtputf8_advertise_hosts = *
dsn_advertise_hosts = *
accept_8bitmime = true
message_size_limit = 50M
log_file_path = /var/spool/exim4/%slog
begin acl
check_rcpt:
  deny domains = +local_domains
       ! verify = recipient
       message = Nobody is called so
  accept
begin routers
out:
  driver = manualroute
  domains = ! +local_domains
  transport = out_smtp
  route_list = * 127.0.0.1::{next}
  self = send
local:
  driver = accept
  check_local_user
  transport = maildir
begin transports
out_smtp:
  driver = smtp
maildir:
  driver = appendfile
  directory = /home/$local_part_data/Maildir
  maildir_format
  create_directory
begin retry
* * F,1h,2s
"""


def certificate(folder):
    os.makedirs(f"{folder}/etc", exist_ok=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", f"/CN=mail.{PEER_DOMAIN}", "-keyout", f"{folder}/etc/bench.key",
                    "-out", f"{folder}/etc/bench.crt"], check=True, capture_output=True)


class Postfix(peers.Postfix):
    can = {"tls", "dsn", "smtputf8", "soon"}

    def __init__(self, folder, port):
        self.extra = (f"mydestination = {PEER_DOMAIN}\nmyhostname = mail.{PEER_DOMAIN}\n"
                      f"relayhost = [127.0.0.1]:{port}\nsmtpd_tls_cert_file = /etc/bench.crt\n"
                      "smtpd_tls_key_file = /etc/bench.key\nsmtpd_tls_security_level = may\n"
                      "smtp_tls_security_level = may\nminimal_backoff_time = 2s\nqueue_run_delay = 2s\n"
                      "message_size_limit = 50000000\nmailbox_size_limit = 0\n")
        super().__init__(folder)

    def configure(self):
        super().configure()
        certificate(self.files)


class OpenSMTPD(peers.OpenSMTPD):
    """Without TLS: Debian 12's answers handshakes with an internal error. What is put off it tries after minutes."""

    can = {"dsn"}

    def __init__(self, folder, port):
        self.next = port
        super().__init__(folder)

    def configure(self):
        super().configure()
        peers.write(f"{self.files}/etc/smtpd.conf",
                    "table aliases file:/etc/aliases\n"
                    "smtp max-message-size 50M\n"
                    f"listen on 127.0.0.1 port {self.port} hostname mail.{PEER_DOMAIN}\n"
                    'action "local" maildir alias <aliases>\n'
                    f'action "out" relay host "smtp://127.0.0.1:{self.next}"\n'
                    f'match from any for domain "{PEER_DOMAIN}" action "local"\n'
                    'match from any for any action "out"\n')


class Exim(peers.Peer):
    name = "exim4"
    groups = ("Debian-exim",)
    command = ("/usr/sbin/exim4", "-bdf", "-q2s")
    can = {"tls", "dsn", "smtputf8", "chunking", "soon"}

    def __init__(self, folder, port):
        self.next = port
        super().__init__(folder, "exim4-daemon-light")

    def configure(self):
        certificate(self.files)
        os.chmod(f"{self.files}/etc/bench.key", 0o644)  # its user reads it, whom the root of the namespace lacks
        peers.write(f"{self.files}/etc/exim4/exim4.conf", EXIM.format(port=self.port, next=self.next))
        os.makedirs(f"{self.data}/var/spool/exim4")
        os.chown(f"{self.data}/var/spool/exim4", peers.FIRST_UID, peers.FIRST_UID)


PEERS = {"postfix": Postfix, "opensmtpd": OpenSMTPD, "exim4": Exim}


def mail(sender, to, subject, body, utf8=False):
    message = email.message.EmailMessage(policy=email.policy.SMTPUTF8 if utf8 else email.policy.SMTP)
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message.set_content(body, cte="8bit" if not body.isascii() else None)
    return message.as_bytes()


class Trial:
    def __init__(self, server, peer):
        self.server, self.peer = server, peer
        self.failures = 0

    # -- Both sides' clients and mailboxes --

    def submit(self, recipient, message, mail_options=(), rcpt_options=()):
        with self.server.submission() as client:
            client.sendmail(ALICE, [recipient], message, mail_options, rcpt_options)

    def inject(self, recipient, message, mail_options=(), rcpt_options=()):
        with smtplib.SMTP("127.0.0.1", self.peer.port, timeout=60) as client:
            if "tls" in self.peer.can:
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                client.starttls(context=context)
            client.sendmail(USER, [recipient], message, mail_options, rcpt_options)

    def maildir(self, user):
        folder = f"{self.peer.data}/home/{user}/Maildir/new"
        if not os.path.isdir(folder):
            return []
        found = []
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), "rb") as file:
                found.append(file.read())
        return found

    def arrives(self, where, subject):
        """The mail with SUBJECT, as soon as WHERE() has it."""
        found = []

        def there():
            found[:] = [text for text in where() if f"Subject: {subject}".encode() in text.replace(b"\r\n", b"\n")]
            return found

        conftest.wait_for(there, f"{subject!r}", SECONDS)
        return found[0].replace(b"\r\n", b"\n")

    def report(self, where, words):
        """The delivery report in which WORDS are; OpenSMTPD's are multipart/mixed."""
        found = []

        def there():
            for text in where():
                message = email.message_from_bytes(text)
                kinds = [part.get_content_type() for part in message.walk()]
                if "message/delivery-status" in kinds and re.search(words, text.decode("latin-1")):
                    found.append(message)
            return found

        conftest.wait_for(there, f"a report with {words!r}", SECONDS)
        return found[0]

    def at_alice(self):
        return self.server.messages()

    # -- What is tried --

    def out_text(self, subject, body, options=(), utf8=False):
        message = mail(ALICE, f"u1@{PEER_DOMAIN}", subject, body, utf8)
        mark = self.server.log.mark()
        self.submit(f"u1@{PEER_DOMAIN}", message, options)
        got = self.arrives(lambda: self.maildir("u1"), subject)
        assert got.endswith(message.replace(b"\r\n", b"\n").split(b"\n\n", 1)[1]), got
        line = self.server.log.wait(r"event=relay\.answered", mark)
        if "tls" in self.peer.can:
            assert "tls=TLSv1.3" in line, line

    def in_text(self, subject, body, options=(), utf8=False):
        message = mail(USER, ALICE, subject, body, utf8)
        self.inject(ALICE, message, options)
        got = self.arrives(self.at_alice, subject)
        assert got.endswith(message.replace(b"\r\n", b"\n").split(b"\n\n", 1)[1]), got
        if "tls" in self.peer.can:
            assert re.search(rb"with (UTF8)?E?SMTPS", got), got[:600]
        if "chunking" in self.peer.can:
            with open(f"{self.peer.data}/var/spool/exim4/mainlog", encoding="utf-8", errors="replace") as log:
                assert re.search(rf"=> {ALICE}.* K ", log.read()), "BDAT was not used"

    def out_plain(self):
        self.out_text("out plain", "A line.\n.\n..\nfrom here\n")

    def out_eight_bit(self):
        self.out_text("out 8bit", "Grüße, 8 Bit\n", ["BODY=8BITMIME"])

    def out_large(self):
        self.out_text("out large", "x" * 70 + "\n" + ("0123456789" * 7 + "\n") * 140_000)

    def out_utf8(self):
        if "smtputf8" in self.peer.can:
            self.out_text("out Ünïcode", "Text\n", ["SMTPUTF8"], utf8=True)
            return
        message = mail(ALICE, f"u1@{PEER_DOMAIN}", "out Ünïcode", "Text\n", True)
        self.submit(f"u1@{PEER_DOMAIN}", message, ["SMTPUTF8"])
        report = self.report(self.at_alice, "Status: 5.6.7")
        assert "failed" in report.as_string()

    def out_success(self):
        message = mail(ALICE, f"u2@{PEER_DOMAIN}", "out success", "Text\n")
        self.submit(f"u2@{PEER_DOMAIN}", message, ["RET=HDRS", "ENVID=out+2B1"], ["NOTIFY=SUCCESS,FAILURE"])
        report = self.report(self.at_alice, r"(?i)Final-Recipient: *rfc822; *<?u2@").as_string()
        assert re.search(r"(?i)Action: *(delivered|relayed|expanded)", report), report
        # OpenSMTPD leaves it out, exim4 leaves it encoded.
        envid = re.search(r"(?i)Original-Envelope-Id: *(.*)", report)
        assert envid is None or envid[1] in ("out+1", "out+2B1"), report

    def out_unknown(self):
        self.submit(f"unknown@{PEER_DOMAIN}", mail(ALICE, f"unknown@{PEER_DOMAIN}", "out unknown", "Text\n"))
        report = self.report(self.at_alice, "unknown@peer.example")
        assert re.search(r"Status: 5\.", report.as_string()), report.as_string()

    def in_plain(self):
        self.in_text("in plain", "A line.\n.\n..\nfrom here\n")

    def in_eight_bit(self):
        self.in_text("in 8bit", "Grüße, 8 Bit\n", ["BODY=8BITMIME"])

    def in_large(self):
        self.in_text("in large", ("0123456789" * 7 + "\n") * 140_000)

    def in_utf8(self):
        if "smtputf8" in self.peer.can:
            self.in_text("in Ünïcode", "Text\n", ["SMTPUTF8"], utf8=True)

    def in_success(self):
        if "dsn" not in self.peer.can:
            return
        message = mail(USER, ALICE, "in success", "Text\n")
        self.inject(ALICE, message, ["RET=HDRS", "ENVID=in1"], ["NOTIFY=SUCCESS"])
        report = self.report(lambda: self.maildir("u0"), r"(?i)Original-Envelope-Id: *in1")
        assert re.search(r"(?i)Action: *(delivered|relayed)", report.as_string()), report.as_string()

    def in_unknown(self):
        nobody = f"unknown@{conftest.DOMAIN}"
        self.inject(nobody, mail(USER, nobody, "in unknown", "Text\n"))
        self.report(lambda: self.maildir("u0"), nobody)

    def in_greylisted(self):
        """The last: put off, and taken when it comes again."""
        if "soon" not in self.peer.can:
            return
        self.server.settings["defences"] = "{ exempt = (); greylisting = { enabled = true; delay = 3; }; }"
        self.server.write_configuration()
        self.server.posternctl("reload")
        mark = self.server.log.mark()
        self.in_text("in greylisted", "Text\n")
        self.server.log.wait(r"event=smtp\.refused .*why=greylisted", mark)
        self.server.log.wait(r"event=queue\.greylist_passed .*waited=", mark)

    def run(self):
        for name in ("out_plain", "out_eight_bit", "out_large", "out_utf8", "out_success", "out_unknown",
                     "in_plain", "in_eight_bit", "in_large", "in_utf8", "in_success", "in_unknown",
                     "in_greylisted"):
            try:
                getattr(self, name)()
                print(f"{self.peer.name:<10} {name:<14} passed", flush=True)
            except (AssertionError, OSError, smtplib.SMTPException) as error:
                self.failures += 1
                print(f"{self.peer.name:<10} {name:<14} FAILED: {str(error)[:600]}", flush=True)


def try_peer(make, folder):
    own = tempfile.mkdtemp(prefix="postern-", dir=folder)
    os.chmod(own, 0o711)
    server = conftest.Server(own)
    peer = make(folder, server.ports["smtp"])
    try:
        server.settings["relay"] = f'{{ host = "127.0.0.1"; port = {peer.port}; }}'
        server.settings["limits"] = "{ retry = 1; restart_delay = 0; }"
        server.set_up("alice")
        peer.start()
        trial = Trial(server, peer)
        trial.run()
        return trial.failures
    finally:
        peer.stop()
        server.stop(hasten=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", default="/var/tmp")
    parser.add_argument("peers", nargs="*", default=list(PEERS))
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("servers.py: needs root, to run each server with the users it wants")
    folder = tempfile.mkdtemp(prefix="postern-trial-", dir=arguments.folder)
    os.chmod(folder, 0o711)
    try:
        failures = sum(try_peer(PEERS[name], folder) for name in arguments.peers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
