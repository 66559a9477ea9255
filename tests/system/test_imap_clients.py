# SPDX-License-Identifier: ISC
"""Real clients of IMAP: Python's imaplib, curl, mbsync, fetchmail."""

import hashlib
import imaplib
import os
import shutil
import subprocess
import time

import pytest

from conftest import DEADLINE, DOMAIN, HOST, PASSWORD

MAIL = "From: Ann <ann@example.net>\r\nTo: alice@example.org\r\nSubject: mail {n}\r\n" \
       "Message-ID: <{n}@example.net>\r\nDate: Mon, 7 Feb 1994 21:52:25 -0800\r\n\r\nbody {n}\r\n"


@pytest.fixture
def server(fresh_account):
    return fresh_account


@pytest.fixture
def mailbox(server):
    """imaplib, logged in, ten messages in INBOX."""
    client = imaplib.IMAP4_SSL(HOST, server.ports["imaps"], ssl_context=server.context(), timeout=DEADLINE)
    client.login(f"{server.user}@{DOMAIN}", PASSWORD)
    for n in range(10):
        date = imaplib.Time2Internaldate(time.time() - n * 86400)
        assert client.append("INBOX", r"(\Seen)" if n % 2 else None, date, MAIL.format(n=n).encode())[0] == "OK"
    client.select()
    yield client
    client.logout()


def authority(server):
    return os.path.join(server.state, "certs", f"{HOST}.crt")


def test_imaplib(server, mailbox):
    assert mailbox.search(None, "SUBJECT", '"mail 3"')[1] == [b"4"]
    assert mailbox.search(None, "UNSEEN")[1] == [b"1 3 5 7 9"]
    assert mailbox.sort("(REVERSE ARRIVAL)", "UTF-8", "ALL")[1] == [b"1 2 3 4 5 6 7 8 9 10"]
    assert mailbox.thread("REFERENCES", "UTF-8", "ALL")[0] == "OK"
    assert mailbox.fetch("2", "(BODY[])")[1][0][1] == MAIL.format(n=1).encode()
    assert mailbox.copy("1:3", "Archive")[0] == "OK"
    assert mailbox.status("Archive", "(MESSAGES)")[1] == [b'"Archive" (MESSAGES 3)']
    mailbox.store("1", "+FLAGS", r"(\Deleted)")
    assert mailbox.expunge()[1] == [b"1"]
    starttls = imaplib.IMAP4(HOST, server.ports["imap"], timeout=DEADLINE)
    starttls.starttls(server.context())
    starttls.authenticate("PLAIN", lambda _: f"\0{server.user}@{DOMAIN}\0{PASSWORD}".encode())
    assert starttls.enable("UTF8=ACCEPT")[0] == "OK"
    assert starttls.select()[1] == [b"9"]
    starttls.logout()


def curl(server, path, *options):
    return subprocess.run(["curl", "-s", "-S", "--cacert", authority(server), "-u", f"{server.user}@{DOMAIN}:{PASSWORD}",
                           f"imaps://{HOST}:{server.ports['imaps']}/{path}", *options],
                          capture_output=True, check=True, timeout=DEADLINE).stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_curl(server, mailbox):
    assert curl(server, "INBOX;MAILINDEX=3") == MAIL.format(n=2).encode()
    assert b'"Archive"' in curl(server, "")
    assert curl(server, 'INBOX?SUBJECT%20"mail%207"').strip() == b"* SEARCH 8"
    assert curl(server, "INBOX;UID=1;SECTION=TEXT") == b"body 0\r\n"


def files_below(folder):
    """Hashes of all messages in Maildirs, without the line mbsync may add."""
    found = []
    for path, _, names in os.walk(folder):
        if os.path.basename(path) in ("cur", "new"):
            for name in names:
                with open(os.path.join(path, name), "rb") as file:
                    lines = [line for line in file.read().replace(b"\r\n", b"\n").split(b"\n")
                             if not line.startswith(b"X-TUID:")]
                found.append(hashlib.sha256(b"\n".join(lines)).hexdigest())
    return sorted(found)


@pytest.mark.skipif(shutil.which("mbsync") is None, reason="there is no mbsync")
def test_mbsync(server, mailbox, folder):
    configuration = os.path.join(folder, "mbsyncrc")
    with open(configuration, "w", encoding="utf-8") as file:
        file.write(f"""IMAPAccount a
Host {HOST}
Port {server.ports['imaps']}
User {server.user}@{DOMAIN}
Pass "{PASSWORD}"
SSLType IMAPS
CertificateFile {authority(server)}

IMAPStore far
Account a

MaildirStore near
Path {folder}/near/
Inbox {folder}/near/INBOX
SubFolders Verbatim

Channel c
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
""")
    os.mkdir(os.path.join(folder, "near"))

    def sync():
        subprocess.run(["mbsync", "-c", configuration, "-a"], check=True, timeout=DEADLINE,
                       capture_output=True, env={**os.environ, "HOME": folder})

    sync()
    wanted = sorted(hashlib.sha256(MAIL.format(n=n).encode().replace(b"\r\n", b"\n")).hexdigest() for n in range(10))
    assert files_below(f"{folder}/near/INBOX") == wanted
    # The other way: a new one, and one that goes.
    new = os.path.join(folder, "near", "INBOX", "new")
    with open(os.path.join(new, "1.fresh"), "wb") as file:
        file.write(b"Subject: fresh\n\nnew here\n")
    gone = os.path.join(folder, "near", "INBOX", "cur")
    os.unlink(os.path.join(gone, sorted(os.listdir(gone))[0]))
    sync()
    mailbox.noop()
    assert mailbox.search(None, "SUBJECT", "fresh")[1] != [b""]
    assert mailbox.status("INBOX", "(MESSAGES)")[1] == [b'"INBOX" (MESSAGES 10)']
    before = files_below(f"{folder}/near")
    sync()
    assert files_below(f"{folder}/near") == before


@pytest.mark.skipif(shutil.which("fetchmail") is None, reason="there is no fetchmail")
def test_fetchmail(server, mailbox, folder):
    configuration = os.path.join(folder, "fetchmailrc")
    with open(configuration, "w", encoding="utf-8") as file:
        file.write(f'poll {HOST} protocol IMAP port {server.ports["imap"]} auth password username "{server.user}@{DOMAIN}" '
                   f'password "{PASSWORD}" sslproto "TLS1.2+" sslcertck sslcertfile "{authority(server)}" nokeep fetchall '
                   f'mda "cat >> {folder}/out"\n')
    os.chmod(configuration, 0o600)
    subprocess.run(["fetchmail", "-f", configuration, "--pidfile", f"{folder}/pid", "-i", f"{folder}/ids"], check=True,
                   capture_output=True, timeout=DEADLINE, env={**os.environ, "HOME": folder, "FETCHMAILHOME": folder})
    with open(f"{folder}/out", "rb") as file:
        assert file.read().count(b"Subject: mail ") == 10
    mailbox.noop()
    assert mailbox.status("INBOX", "(MESSAGES)")[1] == [b'"INBOX" (MESSAGES 0)']
