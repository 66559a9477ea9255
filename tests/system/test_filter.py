# SPDX-License-Identifier: ISC
"""What filter makes of mail before it is taken."""

import imaplib
import os
import signal
import smtplib

import pytest

from conftest import DEADLINE, DOMAIN, HOST, PASSWORD, wait_for
from mail_sink import Names

ALICE = f"alice@{DOMAIN}"
STRANGER = "x@example.net"


def filtered(server, more=""):
    """This host's clients are strangers, too: there are no others in a test."""
    server.settings["filter"] = f'{{ check = "all"; {more} }}'
    server.settings["limits"] = "{ restart_delay = 0; }"
    return server.set_up("alice")


def mail_of(server, message, recipients=(ALICE,)):
    """Sends it as a stranger; what arrived, without its first field, which is ours."""
    with server.smtp() as client:
        client.sendmail(STRANGER, list(recipients), message)
    return server.wait_for_messages(1)[-1]


def split(message):
    header, _, body = message.partition(b"\r\n\r\n")
    return header.replace(b"\r\n\t", b" ").replace(b"\r\n ", b" ").split(b"\r\n"), body


def left_files(server):
    """What is left in the spool of mails; empty files wait there to be used again."""
    def size(entry):
        try:
            return entry.stat().st_size
        except FileNotFoundError:  # since it was listed
            return 0

    with os.scandir(os.path.join(server.state, "queue")) as folder:
        return [entry.name for entry in folder if not entry.name.startswith("queue.db") and size(entry) > 0]


def results(message):
    return [field.split(b": ", 1)[1] for field in split(message)[0]
            if field.lower().startswith(b"authentication-results:")]


@pytest.mark.parametrize("size", [10, 20_000, 60_000, 300_000])
def test_a_mail_has_the_results_and_its_body(make_server, size):
    """In the message between processes or in files, before and after."""
    server = filtered(make_server())
    lines = b"".join(b"%07d line\r\n" % n for n in range(size // 14 + 1))
    message = mail_of(server, b"From: x@example.net\r\nSubject: s\r\n\r\n" + lines)
    fields, body = split(message)
    assert fields[0].startswith(b"Return-Path: ")
    assert fields[1].startswith(b"Authentication-Results: localhost;")
    assert fields[2].startswith(b"Received: ")
    assert fields[3:] == [b"From: x@example.net", b"Subject: s"]
    assert body == lines
    wait_for(lambda: left_files(server) == [], "an empty spool")


def test_foreign_results_in_our_name_are_removed(make_server):
    server = filtered(make_server())
    message = mail_of(
        server,
        b"Authentication-Results: LOCALHOST; spf=pass\r\n"
        b"Authentication-Results: (a \\) comment) \"local\\host\" 1; spf=pass\r\n"
        b"Authentication-Results:\r\n localhost ; dkim=pass\r\n"
        b"authentication-results : (never closed; localhost; dkim=pass\r\n"
        b"Authentication-Results: local(comment)host; dkim=pass\r\n"
        b"Authentication-Results: localhost.; dkim=pass\r\n"
        b"Authentication-Results: mx.example.net; spf=pass\r\n"
        b"From: x@example.net\r\n\r\nb\r\n")
    mine, theirs = results(message)
    assert mine.startswith(b"localhost;") and b"spf=pass" not in mine and b"dkim=pass" not in mine
    assert theirs == b"mx.example.net; spf=pass"
    server.log.wait(r"event=filter\.foreign_results .*removed=6")


CLAIMS = (b"Return-Path: <x@bank.example>\r\n"
          b"Authentication-Results: localhost; dkim=pass header.d=bank.example\r\n"
          b"Authentication-Results: mx.example.net; spf=pass\r\n")


@pytest.mark.parametrize("check", ["all", "strangers", "none"])
def test_nobody_brings_results_in_our_name(make_server, check):
    """Whether filter looks at the mail (of this host), or not; users' mail without a key and milters it never sees."""
    server = make_server()
    server.settings["filter"] = f'{{ check = "{check}"; }}'
    server.set_up("alice")
    message = CLAIMS + b"From: alice@example.org\r\nSubject: s\r\n\r\nReturn-Path: <stays>\r\n"
    mail_of(server, message)
    with server.submission() as client:
        client.sendmail(ALICE, [ALICE], message)
    arrived = server.wait_for_messages(2)
    for mail in arrived:
        fields, body = split(mail)
        assert [field for field in fields if field.startswith(b"Return-Path:")] in (
            [b"Return-Path: <x@example.net>"], [b"Return-Path: <alice@example.org>"])
        assert [result for result in results(mail) if b"bank.example" in result] == []
        assert results(mail)[-1] == b"mx.example.net; spf=pass"
        assert body == b"Return-Path: <stays>\r\n"


def test_results_have_room_in_the_largest_header(make_server):
    """10000 fields with Received, which is ours."""
    message = mail_of(filtered(make_server()), b"From: x@example.net\r\n" + 9998 * b"A: 1\r\n" + b"\r\nb\r\n")
    (mine,) = results(message)
    assert mine.startswith(b"localhost;")


def test_nothing_is_checked_by_default_that_comes_from_this_host(make_server):
    server = make_server().set_up("alice")
    message = mail_of(server, b"From: x@example.net\r\n\r\nb\r\n")
    assert results(message) == []
    assert len(server.children("postern-filter")) == 1


def test_without_checks_there_is_no_filter(make_server):
    server = make_server()
    server.settings["filter"] = '{ check = "none"; sign = "off"; }'
    server.set_up("alice")
    assert server.children("postern-filter") == []


def test_a_header_that_is_too_long(make_server):
    server = filtered(make_server())
    with server.smtp() as client:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail(STRANGER, [ALICE], b"X: y\r\n" * 10_001 + b"\r\nb\r\n")
        assert refused.value.smtp_code == 552
        assert refused.value.smtp_error.startswith(b"5.3.4 ")
        client.sendmail(STRANGER, [ALICE], b"From: x@example.net\r\n\r\nb\r\n")
    server.wait_for_messages(1)


def stop_filter(server):
    (pid,) = server.children("postern-filter")
    os.kill(pid, signal.SIGSTOP)
    return pid


def test_a_filter_that_dies_is_asked_again(make_server):
    server = filtered(make_server())
    pid = stop_filter(server)
    mark = server.log.mark()
    with server.smtp() as client:
        client.ehlo()
        client.mail(STRANGER)
        client.rcpt(ALICE)
        client.docmd("DATA")
        client.send(b"From: x@example.net\r\n\r\nb\r\n.\r\n")
        os.kill(pid, signal.SIGKILL)
        server.log.wait(r"event=child\.died .*child=filter", start=mark)
        assert client.getreply()[0] == 250
    (message,) = server.wait_for_messages(1)
    assert len(results(message)) == 1


def test_a_gate_that_dies_meanwhile(make_server):
    """Nothing of its mail is left, and filter goes on with others."""
    server = filtered(make_server())
    pid = stop_filter(server)
    client = server.smtp()
    client.ehlo()
    client.mail(STRANGER)
    client.rcpt(ALICE)
    client.docmd("DATA")
    client.send(b"From: x@example.net\r\n\r\n" + b"gone\r\n" * 10_000 + b".\r\n")
    wait_for(lambda: left_files(server), "the body")
    mark = server.log.mark()
    for gate in server.children("postern-gate"):
        os.kill(gate, signal.SIGKILL)
    server.log.wait(r"event=child\.died child=.gate", start=mark, count=2)
    client.close()
    os.kill(pid, signal.SIGCONT)
    mail_of(server, b"From: x@example.net\r\nSubject: second\r\n\r\nb\r\n")
    wait_for(lambda: left_files(server) == [], "the end of what was lost")


# -- What becomes of it ------------------------------------------------------------------------------

TXT = 16


@pytest.fixture
def judging(make_server):
    """A server that does ACTION with mail from who may not send it; the second from who may."""
    made = []

    def make(action):
        names = Names({("bad.example", TXT): ["v=spf1 -all"],
                       ("good.example", TXT): ["v=spf1 ip4:127.0.0.1 -all"]})
        made.append(names)
        server = make_server()
        server.settings["relay"] = f'{{ resolver = "127.0.0.1@{names.port}"; }}'
        return filtered(server, f'spf = {{ fail = "{action}"; }};')

    yield make
    for names in made:
        names.close()


def send(server, sender, text=b"b\r\n"):
    with server.smtp() as client:
        client.sendmail(sender, [ALICE], b"From: <" + sender.encode() + b">\r\n\r\n" + text)


def folders_of(server):
    """How many messages each folder has, and its uses."""
    client = imaplib.IMAP4_SSL(HOST, server.ports["imaps"], ssl_context=server.context(), timeout=DEADLINE)
    client.login(ALICE, PASSWORD)
    counts = {}
    for line in client.list()[1]:
        name = line.split(b" ")[-1].strip(b'"').decode()
        uses = line[1:line.index(b")")].decode()
        counts[name] = (int(client.select(name, readonly=True)[1][0]), "\\Junk" in uses)
    client.logout()
    return counts


@pytest.mark.parametrize("logged_in", [False, True], ids=["new-mailbox", "known-mailbox"])
def test_junk(judging, logged_in):
    server = judging("junk")
    if logged_in:
        folders_of(server)
    send(server, "x@bad.example")
    send(server, "x@good.example")
    send(server, "x@bad.example")
    server.log.wait(r"event=delivery\.stored", count=3)
    counts = folders_of(server)
    assert counts["Junk"] == (2, True)
    assert counts["INBOX"] == (1, False)
    assert [name for name, (_, junk) in counts.items() if junk] == ["Junk"]


def test_junk_has_the_folder_that_the_user_chose(judging):
    server = judging("junk")
    client = imaplib.IMAP4_SSL(HOST, server.ports["imaps"], ssl_context=server.context(), timeout=DEADLINE)
    client.login(ALICE, PASSWORD)
    assert client.delete("Junk")[0] == "OK"
    assert client.xatom("CREATE", "Spam (USE (\\Junk))")[0] == "OK"
    client.logout()
    send(server, "x@bad.example")
    server.log.wait(r"event=delivery\.stored")
    assert folders_of(server)["Spam"] == (1, True)


def test_junk_survives_a_restart(judging):
    """What filter said is in the queue's database."""
    server = judging("junk")
    for pid in server.children("postern-worker session"):
        os.kill(pid, signal.SIGKILL)
    send(server, "x@bad.example")
    server.stop()
    server.start()
    # Stored by now, or before the restart.
    wait_for(lambda: folders_of(server)["Junk"] == (1, True), "the mail in Junk")


def test_hold(judging):
    server = judging("hold")
    send(server, "x@bad.example")
    send(server, "x@good.example")
    server.wait_for_messages(1)
    listed = server.posternctl("queue", "list").stdout
    assert "held" in listed and "x@bad.example" in listed and "(held by filter.spf.fail: -all)" in listed
    server.posternctl("queue", "release", "--all")
    server.wait_for_messages(2)


def test_reject(judging):
    server = judging("reject")
    with pytest.raises(smtplib.SMTPDataError) as refused:
        send(server, "x@bad.example")
    assert refused.value.smtp_code == 550 and refused.value.smtp_error.startswith(b"5.7.23 ")
    server.log.wait(r"event=smtp\.refused .*why=filtered")
    send(server, "x@good.example")
    server.wait_for_messages(1)
    wait_for(lambda: left_files(server) == [], "an empty spool")
