# SPDX-License-Identifier: ISC
"""Accounts: posternctl's edits of accounts.conf, and the role that answers from it."""

import base64
import configparser
import os
import poplib
import pty
import re
import shutil
import smtplib
import socket
import stat
import subprocess
import time

import pytest
from conftest import DEADLINE, DOMAIN, HOST, PASSWORD, is_root, program, wait_for

COMMENTED = """\
# Who has mail here; ask Carol before you change it.
accounts = (
  { address = "bob@example.org"; password = "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjlO"; },  // sales
  {
    # The boss.
    address  = "carol@example.org";
    password = "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjlO";
    quota    = "2G";   /* more on request */
  }
  # the end
);
"""


@pytest.fixture
def idle(make_server):
    """A configuration without a running server."""
    server = make_server()
    server.write_configuration()
    return server


def read(server):
    with open(server.accounts, encoding="utf-8") as file:
        return file.read()


def write(server, text):
    with open(server.accounts, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(server.accounts, 0o600)


# -- Edits --------------------------------------------------------------------------


def test_edits_keep_what_they_do_not_mean(idle):
    write(idle, COMMENTED)
    idle.posternctl("account", "disable", "carol@example.org")
    assert read(idle) == COMMENTED.replace(
        "/* more on request */\n", "/* more on request */\n    enabled = false;\n")
    idle.posternctl("account", "enable", "carol@example.org")
    assert read(idle) == COMMENTED.replace(
        "/* more on request */\n", "/* more on request */\n    enabled = true;\n")
    idle.add_account("dave")
    idle.posternctl("account", "remove", "carol@example.org")
    text = read(idle)
    assert text.startswith("# Who has mail here; ask Carol before you change it.\n")
    for kept in ("// sales", "# the end", "bob@example.org", "dave@example.org"):
        assert kept in text
    assert "boss" not in text
    assert idle.posternctl("account", "list").stdout.splitlines() == [
        "bob@example.org\tenabled\t-\tcrypt", "dave@example.org\tenabled\t-\tcrypt,SCRAM-SHA-256"]


def test_a_new_file_is_private_and_an_old_one_keeps_its_mode(idle):
    idle.add_account("alice")
    assert stat.S_IMODE(os.stat(idle.accounts).st_mode) == 0o600
    os.chmod(idle.accounts, 0o640)
    if is_root():
        os.chown(idle.accounts, 0, 12)
    idle.add_account("bob")
    after = os.stat(idle.accounts)
    assert stat.S_IMODE(after.st_mode) == 0o640
    if is_root():
        assert after.st_gid == 12
    assert sorted(os.listdir(idle.folder)) == ["accounts.conf", "postern.conf", "state"]


def test_a_symbolic_link_stays_one(idle):
    target = os.path.join(idle.folder, "elsewhere.conf")
    os.symlink("elsewhere.conf", idle.accounts)
    with open(target, "w", encoding="utf-8") as file:
        file.write("accounts = ( );\n")
    idle.add_account("alice")
    assert os.path.islink(idle.accounts)
    with open(target, encoding="utf-8") as file:
        assert "alice@example.org" in file.read()


def test_what_a_symbolic_link_leads_to_is_watched(make_server):
    server = make_server()
    server.write_configuration()
    server.create_certificate()
    server.add_account("alice")
    server.start()
    with open(server.accounts, encoding="utf-8") as file:
        text = file.read()

    def put(name, more):
        """A file in place of another, as editors and configuration management do it."""
        path = os.path.join(server.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text + more)
        os.chmod(path + ".new", 0o600)
        os.rename(path + ".new", path)

    for target in ("one/a.conf", "two/b.conf"):
        put(target, "")
        mark = server.log.mark()
        os.symlink(target, server.accounts + ".new")
        os.rename(server.accounts + ".new", server.accounts)
        server.log.wait(r"event=accounts\.loaded", mark)
        mark = server.log.mark()
        put(target, "# A comment at the end")
        server.log.wait(r"event=accounts\.loaded", mark)


def test_a_link_to_the_folder_is_watched(make_server):
    """As release folders and mounted configuration have it: accounts.conf leads into "now", and "now" changes."""
    server = make_server()
    server.write_configuration()
    server.create_certificate()
    server.add_account("alice")
    for release in ("one", "two"):
        os.mkdir(os.path.join(server.folder, release))
        shutil.copy(server.accounts, os.path.join(server.folder, release, "accounts.conf"))
    os.symlink("one", os.path.join(server.folder, "now"))
    os.remove(server.accounts)
    os.symlink("now/accounts.conf", server.accounts)
    server.start()
    mark = server.log.mark()
    os.symlink("two", os.path.join(server.folder, "new"))
    os.rename(os.path.join(server.folder, "new"), os.path.join(server.folder, "now"))
    server.log.wait(r"event=accounts\.loaded", mark)


def test_many_at_once_lose_nothing(idle):
    users = [f"user{number}" for number in range(12)]
    running = []
    for user in users:
        process = subprocess.Popen(
            [program("posternctl"), "-f", idle.configuration, "account", "add",
             f"{user}@{DOMAIN}"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        process.stdin.write(b"secret\n")
        process.stdin.close()
        running.append(process)
    assert [process.wait(DEADLINE) for process in running] == [0] * len(users)
    listed = {line.split("\t")[0] for line in
              idle.posternctl("account", "list").stdout.splitlines()}
    assert listed == {f"{user}@{DOMAIN}" for user in users}


def test_a_broken_file_is_left_alone(idle):
    broken = COMMENTED.replace("quota", "quotta")
    write(idle, broken)
    result = idle.posternctl("account", "add", "dave@example.org", text="x\n", check=False)
    assert result.returncode == 1
    assert "accounts.conf:8" in result.stderr and "is 'quota' meant?" in result.stderr
    assert read(idle) == broken


@pytest.mark.parametrize("password", ["", "\n", "a\0b\n", "x" * 512 + "\n"],
                         ids=["none", "empty", "nul", "long"])
def test_impossible_passwords(idle, password):
    result = idle.posternctl("account", "add", "dave@example.org", text=password, check=False)
    assert result.returncode == 1 and "password" in result.stderr
    assert not os.path.exists(idle.accounts)


def prompted(server, *answers):
    """posternctl account add on a terminal of its own; what it showed, and its exit status."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(program("posternctl"), ["posternctl", "-f", server.configuration, "account",
                                         "add", "dave@example.org"])
    shown = b""
    for answer in answers:
        while not shown.endswith(b": "):
            shown += os.read(terminal, 1024)
        os.write(terminal, answer.encode() + b"\n")
        shown += b"\n"
    try:
        while True:
            more = os.read(terminal, 1024)
            if not more:
                break
            shown += more
    except OSError:
        pass  # Linux says EIO at the end of a terminal
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return shown.decode(), os.waitstatus_to_exitcode(status)


def test_a_password_from_the_terminal(idle):
    shown, status = prompted(idle, "s3cret", "s3crat")
    assert status == 1 and "not the same" in shown
    shown, status = prompted(idle, "s3cret", "s3cret")
    assert status == 0 and "dave@example.org added" in shown
    assert "s3cret" not in shown  # no echo
    assert "s3cret" not in read(idle)


# -- Logins ---------------------------------------------------------------------------


def login(server, user, password):
    """The reply to PASS; the connection is closed."""
    client = poplib.POP3_SSL(HOST, server.ports["pop3s"], timeout=DEADLINE,
                             context=server.context())
    try:
        client.user(user)
        return client.pass_(password)
    finally:
        client.close()


def test_a_new_account_logs_in_at_once(server):
    server.posternctl("account", "add", f"bob@{DOMAIN}", text="first\n")
    assert login(server, f"BOB@{DOMAIN.upper()}", "first").startswith(b"+OK")
    assert login(server, "bob", "first").startswith(b"+OK")
    server.posternctl("account", "passwd", f"bob@{DOMAIN}", text="second\n")
    with pytest.raises(poplib.error_proto):
        login(server, "bob", "first")
    assert login(server, "bob", "second").startswith(b"+OK")
    server.posternctl("account", "remove", f"bob@{DOMAIN}")
    with pytest.raises(poplib.error_proto):
        login(server, "bob", "second")


def submit(server, message):
    """AUTH PLAIN with these three parts; the reply's code."""
    client = smtplib.SMTP_SSL(HOST, server.ports["submissions"], timeout=DEADLINE,
                              context=server.context())
    client.ehlo()
    code, _ = client.docmd("AUTH PLAIN", base64.b64encode(message).decode())
    client.close()
    return code


def test_the_authorization_identity_is_ones_own(server):
    server.add_account("bob")
    password = PASSWORD.encode()
    assert submit(server, b"\0alice@example.org\0" + password) == 235
    assert submit(server, b"ALICE@example.org\0alice\0" + password) == 235
    assert submit(server, b"bob@example.org\0alice@example.org\0" + password) == 535


def fail2ban_expression():
    """The filter's expression as Python's, for a line without its date."""
    path = os.path.join(os.path.dirname(__file__), "../../etc/fail2ban/filter.d/postern.conf")
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(path)
    section = parser["Definition"]
    text = section["failregex"].replace("%(_prefix)s", section["_prefix"])
    return re.compile(text.replace("<ADDR>", r"(?P<address>\S+)"))


def test_fail2ban_reads_the_failures(server):
    expression = fail2ban_expression()
    forged = 'x" address=192.0.2.1 service=pop3 '
    for user in ("alice@example.org", "nobody@example.org", forged):
        with pytest.raises(poplib.error_proto):
            login(server, user, "wrong")
    assert login(server, "alice", PASSWORD).startswith(b"+OK")
    server.log.wait(r"event=login\.ok .*user=alice@example\.org")
    server.log.wait(r"event=login\.failed", count=3)
    found = [expression.search(line.split(" ", 1)[1]) for line in server.log.lines]
    assert [match["address"] for match in found if match] == ["127.0.0.1"] * 3
    assert "wrong" not in [word.strip('"') for line in server.log.find(r"login\.failed")
                           for word in re.findall(r"(?:user|password)=(\S+)", line)]
    assert PASSWORD not in server.log.text()


def test_guesses_are_slowed_and_nobody_else_is(server):
    start = time.monotonic()
    for _ in range(6):
        with pytest.raises(poplib.error_proto):
            login(server, "alice", "wrong")
    assert time.monotonic() - start > 3  # the fifth waited a second, the sixth two


def test_a_storm_of_logins_delays_logins_only(server):
    """Recipients are answered while more passwords wait than the threads can hash in a second."""
    clients = []
    for _ in range(40):
        client = poplib.POP3_SSL(HOST, server.ports["pop3s"], timeout=DEADLINE,
                                 context=server.context())
        client.user("alice")
        clients.append(client)
    smtp = server.smtp(tls=False)
    smtp.ehlo()
    smtp.mail("sender@example.com")
    for client in clients:
        client.sock.sendall(b"PASS wrong\r\n")
    for _ in range(50):
        assert smtp.rcpt(f"alice@{DOMAIN}")[0] == 250
    # They are slowed by seconds: who waited for them all would have been, too.
    assert len(server.log.find(r"event=login\.failed")) < len(clients)
    smtp.close()
    for client in clients:
        client.sock.shutdown(socket.SHUT_RDWR)
        client.close()


def test_postmaster_is_always_somebody(server):
    smtp = server.smtp()
    for rcpt in ("postmaster", "Postmaster", f"POSTMASTER@{DOMAIN}"):
        smtp.sendmail("sender@example.com", [rcpt], f"Subject: to {rcpt}\r\n\r\nx\r\n")
    smtp.quit()
    assert len(server.wait_for_messages(3)) == 3


def test_postmaster_is_somebody_in_a_domain_without_accounts(make_server):
    """RFC 5321 4.5.1: also where the first domain has none, and its only alias is another's."""
    server = make_server()
    server.domains = ["first.example", DOMAIN, "third.example"]
    server.write_configuration()
    server.create_certificate()
    server.add_account(f"alice@{DOMAIN}")
    server.start()
    with server.smtp() as smtp:
        for rcpt in ("postmaster", "postmaster@first.example", "abuse@third.example", f"postmaster@{HOST}"):
            smtp.sendmail("sender@example.com", [rcpt], f"Subject: to {rcpt}\r\n\r\nx\r\n")
        mark = server.log.mark()
        server.posternctl("account", "disable", f"alice@{DOMAIN}")
        server.log.wait(r"warning: event=accounts\.no_postmaster domain=", mark)
        smtp.mail("sender@example.com")
        assert smtp.rcpt("postmaster")[0] == 451
    server.posternctl("account", "enable", f"alice@{DOMAIN}")
    assert len(server.wait_for_messages(4)) == 4


def test_without_an_account_mail_is_not_refused_for_good(make_server):
    server = make_server()
    server.write_configuration()
    server.create_certificate()
    server.start()
    smtp = server.smtp(tls=False)
    smtp.ehlo()
    smtp.mail("sender@example.com")
    assert smtp.rcpt("postmaster")[0] // 100 == 4
    assert smtp.rcpt(f"alice@{DOMAIN}")[0] // 100 == 4
    server.add_account("alice")
    wait_for(lambda: smtp.rcpt(f"alice@{DOMAIN}")[0] == 250, "the new account")
    smtp.close()
