# SPDX-License-Identifier: ISC
"""msmtp, as users' cron jobs and mutt have it, at the submission ports."""

import os
import shutil
import subprocess

import pytest

from conftest import DEADLINE, DOMAIN, HOST, PASSWORD

pytestmark = pytest.mark.skipif(shutil.which("msmtp") is None, reason="msmtp is not installed")

ALICE = f"alice@{DOMAIN}"
MAIL = f"From: {ALICE}\nTo: {ALICE}\nSubject: by msmtp\n\nGrüße\n..\n.\nend\n".encode()


def msmtp(server, *arguments, listener="submission", auth="on", sender=ALICE, password=PASSWORD):
    settings = os.path.join(server.folder, "msmtprc")
    with open(settings, "w", encoding="utf-8") as file:
        file.write(f"account default\nhost {HOST}\nport {server.ports[listener]}\ntls on\n"
                   f"tls_starttls {'on' if listener == 'submission' else 'off'}\n"
                   f"tls_trust_file {server.state}/certs/{HOST}.crt\n"
                   f"auth {auth}\nuser {ALICE}\npassword {password}\nfrom {sender}\n")
    os.chmod(settings, 0o600)
    return subprocess.run(["msmtp", f"--file={settings}", *arguments], input=MAIL, capture_output=True,
                          check=False, timeout=DEADLINE)


@pytest.mark.parametrize("auth", ["on", "plain", "login", "scram-sha-256"])
@pytest.mark.parametrize("listener", ["submission", "submissions"])
def test_login(fresh_account, listener, auth):
    """Both ports, each mechanism; `on` is the best that both sides have."""
    server = fresh_account
    mark = server.log.mark()
    user = f"{server.user}@{DOMAIN}"
    result = msmtp(server, user, listener=listener, auth=auth)
    assert result.returncode == 0, result.stderr
    server.log.wait(rf"event=smtp\.login .*user={ALICE}", mark)
    (message,) = server.wait_for_messages(1, server.user)
    assert message.endswith("\r\n\r\nGrüße\r\n..\r\n.\r\nend\r\n".encode())
    assert b"\r\nMessage-ID: <" in message and b"\r\nDate: " in message


def test_what_is_wrong_is_told(server):
    result = msmtp(server, ALICE, auth="plain", password="not hers")
    assert result.returncode != 0
    assert b"535 5.7.8" in result.stderr
    result = msmtp(server, ALICE, sender=f"bob@{DOMAIN}")
    assert result.returncode != 0
    assert b"5.7.1" in result.stderr or b"5.7.60" in result.stderr, result.stderr
    result = msmtp(server, f"nobody@{DOMAIN}")
    assert result.returncode != 0
    assert b"550 5.1.1" in result.stderr, result.stderr
    assert server.messages() == []


def test_a_receipt(server):
    """-N and -R: NOTIFY and RET of RFC 3461."""
    result = msmtp(server, "--dsn-notify=success", "--dsn-return=hdrs", ALICE)
    assert result.returncode == 0, result.stderr
    messages = server.wait_for_messages(2)
    (report,) = [message for message in messages if b"multipart/report" in message]
    assert b"\r\nAction: delivered\r\n" in report
    assert b"Subject: by msmtp" in report and "Grüße".encode() not in report
