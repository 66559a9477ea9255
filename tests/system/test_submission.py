# SPDX-License-Identifier: ISC
"""Submission (RFC 6409): what is put right in a header, and whom a message may be from."""

import email
import email.message
import email.policy
import email.utils
import re
import shutil
import smtplib
import subprocess

import pytest

from conftest import DOMAIN, HOST, PASSWORD

ALICE = f"alice@{DOMAIN}"
BOB = f"bob@{DOMAIN}"


@pytest.fixture
def house(make_server):
    return make_server().set_up("alice", "bob")


def submit(server, text, sender=ALICE, recipient=ALICE, options=()):
    """The reply to the message."""
    with server.submission() as client:
        client.ehlo()
        assert client.mail(sender, list(options))[0] == 250
        assert client.rcpt(recipient)[0] == 250
        return client.data(text.encode() if isinstance(text, str) else text)


def last(server, count):
    return server.wait_for_messages(count)[-1]


def test_what_is_missing_is_added(house):
    assert submit(house, "Subject: s\r\nTo: you\r\n\r\nHello.\r\n")[0] == 250
    text = last(house, 1)
    assert text.endswith(b"Subject: s\r\nTo: you\r\n\r\nHello.\r\n")
    mail = email.message_from_bytes(text)
    assert mail["From"] == f"<{ALICE}>"
    assert re.fullmatch(rf"<[0-9a-f]{{32}}@{re.escape(HOST)}>", mail["Message-ID"])
    assert email.utils.parsedate_to_datetime(mail["Date"]).utcoffset().total_seconds() == 0
    # Nothing of a stranger's mail is touched.
    with house.smtp() as client:
        client.sendmail("x@elsewhere.example", [ALICE], "Bcc: you\r\nSubject: s\r\n\r\nHi.\r\n")
    mail = email.message_from_bytes(last(house, 2))
    assert mail["Bcc"] == "you" and mail["Date"] is None and mail["Message-ID"] is None


@pytest.mark.parametrize("name", ["Anna's phone", "desktop-", "laptop.example.org.."])
def test_a_device_may_be_called_anything(house, name):
    """What is no Domain (RFC 5321 4.1.2) is not in the Received field either: the address is."""
    with house.submission() as client:
        assert client.docmd("EHLO", name)[0] == 250
        client.ehlo_or_helo_if_needed = lambda: None
        client.sendmail(ALICE, [ALICE], "Subject: s\r\n\r\nHi.\r\n")
    assert b"from [127.0.0.1] ([127.0.0.1])\r\n" in last(house, 1)
    with house.smtp() as client:
        assert client.docmd("EHLO", name)[0] == 501


def test_what_is_nobodys_business_goes(house):
    header = f"From: {ALICE}\r\nDate: d\r\nMessage-ID: <m@x>\r\n"
    assert submit(house, f"Bcc: {BOB},\r\n carol@x\r\nReturn-Path: <x@y>\r\n{header}\r\nBcc: stays\r\n")[0] == 250
    text = last(house, 1)
    assert text.endswith(f"{header}\r\nBcc: stays\r\n".encode())
    assert b"carol" not in text and b"x@y" not in text


@pytest.mark.parametrize("size", [20_000, 300_000])
def test_large_ones(house, size):
    """In pieces, and by the file: both are put right, and both are looked at."""
    body = "x" * 70 + "\r\n"
    assert submit(house, "Subject: s\r\nBcc: you\r\n\r\n" + body * (size // 72))[0] == 250
    assert last(house, 1).endswith(("Subject: s\r\n\r\n" + body * (size // 72)).encode())
    code, text = submit(house, f"From: {BOB}\r\n\r\n" + body * (size // 72))
    assert (code, text[:6]) == (550, b"5.7.1 ")
    code, _ = submit(house, "X: y\r\n" * (size // 6) + f"From: {BOB}\r\n\r\n")
    assert code == 550


def test_whom_a_message_may_be_from(house):
    good = (f"From: {ALICE}", f"From: Alice <ALICE+tag@{DOMAIN}>", f'From: "Bob {BOB}" <{ALICE}>',
            f"From: =?utf-8?q?=C3=84?= (or so)\r\n <{ALICE}>", f"From: {ALICE}, alice+x@{DOMAIN}\r\nSender: {ALICE}",
            f"From: Us: {ALICE};", f'From: "alice"@{DOMAIN}', f"From: alice (me) @ {DOMAIN}",
            f"Resent-From: {BOB}\r\nFrom: {ALICE}")
    foreign = (f"From: {BOB}", f"From: {ALICE} <{BOB}>", f"From: {BOB} <{ALICE}>", f"From: {ALICE}, {BOB}",
               f"From: {ALICE}\r\nSender: {BOB}", "From: x@elsewhere.example", f"From: Us: {ALICE}, {BOB};",
               "From: alice", f"from : {BOB}", f'From: "bob"@{DOMAIN}', "From: alice@b\u00fccher.example",
               f"From: \u00e4lice@{DOMAIN}")
    bad = (f"From: {ALICE}\r\nFrom: {ALICE}", f"From: {ALICE}\r\nSender: {ALICE}\r\nSender: {BOB}", "From: (nobody)",
           "From: Nobody:;", f"From: <{ALICE}> {BOB}", f"From: <@x:{ALICE}>", f"From: Alice {ALICE}")
    for header in good:
        assert submit(house, f"{header}\r\nSubject: s\r\n\r\nHello.\r\n")[0] == 250, header
    for header in foreign:
        code, text = submit(house, f"{header}\r\nSubject: s\r\n\r\nHello.\r\n")
        assert (code, text[:6]) == (550, b"5.7.1 ") and ALICE.encode() in text, header
    for header in bad:
        code, text = submit(house, f"{header}\r\nSubject: s\r\n\r\nHello.\r\n")
        assert (code, text[:6]) == (550, b"5.6.0 "), (header, text)
    assert len(house.wait_for_messages(len(good))) == len(good)
    house.log.wait(r"event=smtp\.refused .*why=author-not-own")
    # No sender, as reports have it: there need be no author, but no other one.
    assert submit(house, f"From: {ALICE}\r\n\r\nRead.\r\n", sender="")[0] == 250
    assert submit(house, "Subject: s\r\n\r\nRead.\r\n", sender="")[0] == 250
    for header in (f"From: {BOB}", f'From: "{BOB}":;', f"From: ({BOB})", "From:", f'Sender: "{BOB}":;'):
        assert submit(house, f"{header}\r\n\r\nRead.\r\n", sender="")[0] == 550, header
    assert submit(house, "From:\r\n\r\nRead.\r\n")[0] == 550


@pytest.mark.parametrize("check,codes", [("both", (550, 550)), ("envelope", (250, 550)), ("off", (250, 250))])
def test_the_check_is_configured(make_server, check, codes):
    server = make_server()
    server.settings["submission"] = f'{{ sender_check = "{check}"; }}'
    server.set_up("alice", "bob")
    assert submit(server, f"From: {BOB}\r\n\r\nHello.\r\n")[0] == codes[0]
    with server.submission() as client:
        client.mail(BOB)
        client.rcpt(ALICE)
        # The envelope is looked at before the message comes.
        assert client.docmd("DATA")[0] == (354 if codes[1] == 250 else codes[1])
        if codes[1] == 250:
            client.send(f"From: {BOB}\r\n\r\nHello.\r\n.\r\n")
            assert client.getreply()[0] == 250


def test_extra_senders_in_utf8(make_server):
    server = make_server()
    server.set_up("alice")
    with open(server.accounts, encoding="utf-8") as file:
        text = file.read()
    with open(server.accounts, "w", encoding="utf-8") as file:
        file.write(text.replace(f'address = "{ALICE}";',
                                f'address = "{ALICE}"; senders = [ "@b\u00fccher.example", "me@work.example" ];'))
    server.posternctl("reload")
    for header in ("From: info@b\u00fccher.example", "From: info@xn--bcher-kva.example", "From: Me@work.example"):
        assert submit(server, f"{header}\r\n\r\nHello.\r\n")[0] == 250, header
    assert submit(server, "From: you@work.example\r\n\r\nHello.\r\n")[0] == 550


def test_smtplib(house):
    """send_message() takes Bcc out itself; sendmail() does not."""
    mail = email.message.EmailMessage()
    mail["From"], mail["To"], mail["Bcc"] = ALICE, ALICE, BOB
    mail.set_content("Hello.")
    with house.submission() as client:
        client.send_message(mail)
        client.sendmail(ALICE, [ALICE], mail.as_bytes(policy=email.policy.SMTP))
        with pytest.raises(smtplib.SMTPDataError):
            client.sendmail(ALICE, [ALICE], f"From: {BOB}\r\n\r\nHello.\r\n")
    for text in house.wait_for_messages(2):
        assert BOB.encode() not in text


def swaks(server, author):
    return subprocess.run(
        ["swaks", "--server", HOST, "--port", str(server.ports["submissions"]), "--tlsc", "--auth", "PLAIN",
         "--auth-user", ALICE, "--auth-password", PASSWORD, "--from", ALICE, "--to", ALICE, "--h-From", author],
        capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.skipif(shutil.which("swaks") is None, reason="there is no swaks")
def test_swaks(house):
    result = swaks(house, f"Alice <{ALICE}>")
    assert result.returncode == 0, result.stdout + result.stderr
    assert b"This is a test mailing" in last(house, 1)
    result = swaks(house, f"Bob <{BOB}>")
    assert result.returncode != 0 and "550 5.7.1" in result.stdout


def curl(server, folder, text):
    path = folder / "mail"
    path.write_text(text, newline="")
    return subprocess.run(
        ["curl", "-s", "-S", "--cacert", f"{server.state}/certs/{HOST}.crt", "-u", f"{ALICE}:{PASSWORD}",
         f"smtps://{HOST}:{server.ports['submissions']}", "--mail-from", ALICE, "--mail-rcpt", ALICE, "-T", str(path)],
        capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_curl(house, tmp_path):
    result = curl(house, tmp_path, "Subject: s\r\nBcc: you\r\n\r\nHello.\r\n")
    assert result.returncode == 0, result.stderr
    assert last(house, 1).endswith(b"Subject: s\r\n\r\nHello.\r\n")
    assert curl(house, tmp_path, f"From: {BOB}\r\n\r\nHello.\r\n").returncode != 0


def test_how_much_one_may_send(make_server):
    server = make_server()
    server.settings["submission"] = ("{ limits = { messages_per_hour = 3; recipients_per_hour = 6;"
                                     " recipients_per_message = 4; }; }")
    server.set_up("alice", "bob", "carol")
    with open(server.accounts, encoding="utf-8") as file:
        text = file.read()
    mark = server.log.mark()
    with open(server.accounts, "w", encoding="utf-8") as file:
        file.write(text.replace(f'address = "carol@{DOMAIN}";', f'address = "carol@{DOMAIN}"; messages_per_hour = 1; recipients_per_message = 2;'))
    server.log.wait(r"event=accounts\.loaded", mark)

    def send(user, count):
        with server.submission(user) as client:
            client.mail(f"{user}@{DOMAIN}")
            for i in range(count):
                assert client.rcpt(f"bob+{i}@{DOMAIN}")[0] == 250
            code, text = client.docmd("DATA")
            if code != 354:
                return code, text.decode()
            client.send("Subject: s\r\n\r\nHello.\r\n.\r\n")
            return client.getreply()[0], ""

    assert [send("alice", 1)[0] for _ in range(3)] == [250, 250, 250]
    code, reply = send("alice", 1)
    assert code == 450 and re.search(r"4\.7\.1 .* 3 messages .* try again in (60|5\d) minutes", reply), reply
    server.log.wait(r"event=queue\.limit .*user=alice@")
    # Somebody else's count is his own.
    assert [send("bob", count)[0] for count in (4, 2)] == [250, 250]
    code, reply = send("bob", 1)
    assert code == 450 and " 6 recipients " in reply, reply
    # How many recipients a message may have is said before (RFC 9422), and the rest can go in another one.
    for user, most in (("bob", 4), ("carol", 2)):
        with server.submission(user) as client:
            client.ehlo()
            assert client.esmtp_features["limits"] == f"RCPTMAX={most}"
            client.mail(f"{user}@{DOMAIN}")
            assert {client.rcpt(f"bob+{i}@{DOMAIN}")[0] for i in range(most)} == {250}
            for _ in range(2):
                code, reply = client.rcpt(f"bob@{DOMAIN}")
                assert (code, reply) == (452, f"4.5.3 Too many recipients: {most} at most in one transaction".encode())
    assert len(server.log.find(r"event=smtp\.refused .*why=too-many")) == 2
    # The account's own limit is in force before that of all.
    assert [send("carol", 1)[0] for _ in range(2)] == [250, 450]
    # Strangers are not counted.
    with server.smtp() as client:
        for _ in range(5):
            client.sendmail("x@elsewhere.example", [ALICE], "Subject: s\r\n\r\nHello.\r\n")
