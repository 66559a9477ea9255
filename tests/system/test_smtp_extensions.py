# SPDX-License-Identifier: ISC
"""CHUNKING, BINARYMIME, SMTPUTF8, DSN: from a client through the server to another one, and what senders hear."""

import email
import email.message
import email.policy
import quopri
import smtplib

import pytest

from conftest import DOMAIN, HOST, wait_for
from mail_sink import Sink

ALICE = f"alice@{DOMAIN}"
BOB = "bob@elsewhere.example"
ALL = ("PIPELINING", "8BITMIME", "SIZE 1000000", "DSN", "SMTPUTF8", "CHUNKING", "BINARYMIME")
TEXT = b"From: alice@example.org\r\nSubject: x\r\n\r\n.one\r\n..two\r\n"


@pytest.fixture
def sink_with():
    made = []

    def make(extensions, answers=None):
        made.append(Sink(answers=answers, extensions=extensions))
        return made[-1]

    yield make
    for sink in made:
        sink.close()


@pytest.fixture
def send_out(make_server):
    def make(sink, **settings):
        server = make_server()
        server.settings["relay"] = f'{{ port = {sink.port}; expire = 86400; host = "127.0.0.1"; }}'
        server.settings["submission"] = '{ sender_check = "off"; }'
        server.settings["limits"] = "{ retry = 1; restart_delay = 0; }"
        server.settings.update(settings)
        return server.set_up("alice")

    return make


def send(server, message=TEXT, recipients=(BOB,), mail=(), rcpt=(), sender=ALICE):
    with server.submission() as client:
        return client.sendmail(sender, list(recipients), message, mail_options=mail, rcpt_options=rcpt)


def said(sink, verb):
    return [command for command in sink.commands if command.startswith(verb)]


def bdat(client, *chunks):
    """The message in chunks; the last reply."""
    for number, chunk in enumerate(chunks):
        last = b" LAST" if number == len(chunks) - 1 else b""
        client.send(b"BDAT %d%b\r\n" % (len(chunk), last) + chunk)
        code, text = client.getreply()
        if code != 250:
            break
    return code, text


def envelope(client, sender=ALICE, recipients=(ALICE,), options=""):
    client.ehlo_or_helo_if_needed()
    assert client.docmd("MAIL", f"FROM:<{sender}>{options}")[0] == 250
    for recipient in recipients:
        assert client.docmd("RCPT", f"TO:<{recipient}>")[0] == 250


def reports(server, count=1):
    found = []
    for message in server.wait_for_messages(count):
        mail = email.message_from_bytes(message, policy=email.policy.SMTPUTF8)
        assert mail.get_content_type() == "multipart/report"
        found.append(mail)
    return found


def fields(mail):
    """The recipients' groups of a report."""
    part = mail.get_payload()[1]
    if part.get_content_type() == "message/delivery-status":
        return part.get_payload()[1:]
    text = part.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n").split(b"\r\n\r\n", 1)[1]
    if part["Content-Transfer-Encoding"] == "quoted-printable":
        text = quopri.decodestring(text)
    return [email.message_from_bytes(group, policy=email.policy.SMTPUTF8)
            for group in text.strip().split(b"\r\n\r\n")][1:]


# -- EHLO ------------------------------------------------------------------------------------


def test_what_is_announced(server):
    with server.smtp(tls=False) as plain, server.smtp() as secure, server.submission() as own:
        for client in (plain, secure, own):
            client.ehlo()
            for name in ("chunking", "binarymime", "8bitmime", "smtputf8", "dsn", "pipelining"):
                assert client.has_extn(name), name
            assert client.esmtp_features["limits"] == "RCPTMAX=1000"
            for name in ("burl", "futurerelease", "mt-priority", "deliverby"):
                assert not client.has_extn(name)
        assert not plain.has_extn("requiretls")
        assert secure.has_extn("requiretls") and own.has_extn("requiretls")
        assert plain.docmd("MAIL", f"FROM:<{ALICE}> REQUIRETLS")[0] == 555
        assert secure.docmd("MAIL", f"FROM:<{ALICE}> REQUIRETLS")[0] == 250


# -- BDAT --------------------------------------------------------------------------------------


def test_chunks_of_text(server):
    with server.smtp() as client:
        envelope(client)
        assert bdat(client, TEXT[:10], TEXT[10:-1], b"", TEXT[-1:])[0] == 250
        envelope(client)
        assert bdat(client, TEXT + b".\r\nQUIT\r\n")[0] == 250
    first, second = sorted(server.wait_for_messages(2), key=len)
    assert first.endswith(b"\r\n" + TEXT)
    assert second.endswith(b"\r\n" + TEXT + b".\r\nQUIT\r\n")


@pytest.mark.parametrize("end", [
    b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r.\n", b"\r\n.\n", b"\r\n.\r", b"\n\n.\r\n", b"\r\r\n.\r\n", b"\r\n\0.\r\n",
    b"\r\n.\0\r\n", b"\n\r.\r\n", b"\r\n.\r\r\n", b"\r\n..\n", b"\0\r\n.\n",
])
@pytest.mark.parametrize("way", ["DATA", "BDAT"])
def test_smuggling(shared_server, end, way):
    """The public variants: the second mail never is one, and nothing of the first is taken."""
    inner = f"MAIL FROM:<evil@example.net>\r\nRCPT TO:<{ALICE}>\r\nDATA\r\nsmuggled".encode()
    message = b"Subject: outer\r\n\r\nx" + end + inner
    with shared_server.smtp(tls=False) as client:
        envelope(client, sender="a@example.net", recipients=[ALICE])
        if way == "DATA":
            assert client.docmd("DATA")[0] == 354
            client.send(message + b"\r\n.\r\n")
            code, text = client.getreply()
        else:
            code, text = bdat(client, message)
        assert code == 550, text
        assert b"smuggling" in text or b"NUL" in text
        if end == b"\r\r\n.\r\n" and way == "DATA":
            # There is a real end mark in it: what follows is not listened to.
            with pytest.raises(smtplib.SMTPServerDisconnected):
                client.docmd("NOOP")
        else:
            assert client.docmd("NOOP")[0] == 250  # nothing of it was taken for a command


# -- SMTPUTF8 -----------------------------------------------------------------------------------


def utf8_mail():
    mail = email.message.EmailMessage(policy=email.policy.SMTPUTF8)
    mail["From"] = ALICE
    mail["To"] = "jürgen@bücher.example"
    mail["Subject"] = "Grüße"
    mail.set_content("hällo\n", cte="8bit")
    return mail


def test_utf8_goes_out(sink_with, send_out):
    sink = sink_with(ALL)
    server = send_out(sink)
    with server.submission() as client:
        client.send_message(utf8_mail())
    ((sender, recipients, message),) = sink.wait(1)
    assert sender == ALICE
    assert recipients == ["jürgen@xn--bcher-kva.example"]
    assert "Subject: Grüße\r\n".encode() in message
    (mail,) = said(sink, "MAIL")
    assert " SMTPUTF8" in mail and " BODY=8BITMIME" in mail


def test_utf8_that_the_next_host_does_not_take(sink_with, send_out):
    sink = sink_with(("8BITMIME", "DSN"))
    server = send_out(sink)
    with server.submission() as client:
        client.send_message(utf8_mail())
    (report,) = reports(server)
    assert not said(sink, "MAIL")
    assert [part.get_content_type() for part in report.get_payload()] == [
        "text/plain", "message/global-delivery-status", "message/global-headers"]
    (recipient,) = fields(report)
    assert recipient["Final-Recipient"] == "utf-8; jürgen@xn--bcher-kva.example"
    assert recipient["Status"] == "5.6.7"
    assert "Grüße" in report.get_payload()[2].as_bytes().decode() or \
        b"Gr=C3=BC" in report.get_payload()[2].as_bytes()


def test_ascii_needs_no_smtputf8(sink_with, send_out):
    """RFC 6531 3.2: what only its sender's client could have needed is carried on without."""
    sink = sink_with(("8BITMIME",))
    server = send_out(sink)
    send(server, recipients=["bob@bücher.example"], mail=["SMTPUTF8"])
    ((_, recipients, _),) = sink.wait(1)
    assert recipients == ["bob@xn--bcher-kva.example"]
    assert "SMTPUTF8" not in said(sink, "MAIL")[0]


def test_utf8_without_smtputf8(server):
    with server.smtp() as client:
        client.ehlo()
        client.command_encoding = "utf-8"
        assert client.docmd("MAIL", "FROM:<jürgen@example.net>")[0] == 553
        assert client.docmd("MAIL", "FROM:<jürgen@example.net> SMTPUTF8")[0] == 250
        assert client.docmd("RCPT", f"TO:<jürgen@{DOMAIN}>")[0] == 550
        assert client.docmd("RCPT", f"TO:<{ALICE}>")[0] == 250


# -- DSN -----------------------------------------------------------------------------------------


def test_dsn_goes_on(sink_with, send_out):
    sink = sink_with(ALL)
    server = send_out(sink)
    send(server, mail=["RET=HDRS", "ENVID=a+2Bb"],
         rcpt=["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;list@example.net"])
    sink.wait(1)
    assert said(sink, "MAIL")[0].endswith(" RET=HDRS ENVID=a+2Bb")
    assert said(sink, "RCPT") == [
        f"RCPT TO:<{BOB}> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;list@example.net"]
    server.log.wait(r"event=queue\.relayed")
    assert not server.messages()  # the next host says it


def test_relayed_to_a_host_without_dsn(sink_with, send_out):
    sink = sink_with(("PIPELINING",))
    server = send_out(sink)
    send(server, recipients=[BOB, "carol@elsewhere.example"], mail=["ENVID=x1"], rcpt=["NOTIFY=SUCCESS"])
    sink.wait(1)
    (report,) = reports(server)
    assert report.get_payload()[1].get_payload()[0]["Original-Envelope-Id"] == "x1"
    assert sorted(group["Final-Recipient"] for group in fields(report)) == [
        f"rfc822; {BOB}", "rfc822; carol@elsewhere.example"]
    assert {group["Action"] for group in fields(report)} == {"relayed"}
    assert "NOTIFY" not in said(sink, "RCPT")[0]


def carol_is_known(server):
    with server.smtp() as client:
        client.ehlo()
        client.docmd("MAIL", f"FROM:<{ALICE}>")
        return client.docmd("RCPT", f"TO:<carol@{DOMAIN}>")[0] == 250


def test_delivered_here(server):
    server.add_account("carol")
    wait_for(lambda: carol_is_known(server), "carol")
    send(server, recipients=[f"carol@{DOMAIN}"], rcpt=["NOTIFY=SUCCESS,DELAY"])
    (report,) = reports(server)
    (recipient,) = fields(report)
    assert (recipient["Action"], recipient["Status"]) == ("delivered", "2.0.0")
    assert len(server.wait_for_messages(1, "carol")) == 1


def test_failed_together(sink_with, send_out):
    sink = sink_with(("PIPELINING",), {"RCPT": ["550 5.1.1 Nobody"]})
    server = send_out(sink)
    send(server, recipients=[BOB, "carol@elsewhere.example"], mail=["RET=FULL"])
    (report,) = reports(server)
    assert len(fields(report)) == 2
    whole = report.get_payload()[2]
    assert whole.get_content_type() == "message/rfc822"
    assert whole.as_bytes().endswith(b"..two\r\n")
    send(server, rcpt=["NOTIFY=NEVER"])
    server.log.wait(r"event=queue\.dropped")
    assert len(server.messages()) == 1


def test_late_once(sink_with, send_out):
    sink = sink_with(("PIPELINING",), {"RCPT": ["450 4.2.0 Come again"]})
    server = send_out(sink, queue="{ delay_notice = 1; }")
    send(server)
    (report,) = reports(server)
    (recipient,) = fields(report)
    assert (recipient["Action"], recipient["Status"]) == ("delayed", "4.2.0")
    assert recipient["Will-Retry-Until"]
    tries = len(said(sink, "RCPT"))
    wait_for(lambda: len(said(sink, "RCPT")) >= tries + 2, "two tries more")
    assert len(server.messages()) == 1


@pytest.mark.parametrize("line", [
    f"MAIL FROM:<{ALICE}> RET=SOME", f"MAIL FROM:<{ALICE}> ENVID=", f"MAIL FROM:<{ALICE}> ENVID=a ENVID=b",
    f"MAIL FROM:<{ALICE}> BODY=9BIT", f"MAIL FROM:<{ALICE}> SMTPUTF8=yes", "MAIL FROM:<",
])
def test_bad_parameters(shared_server, line):
    with shared_server.smtp(tls=False) as client:
        client.ehlo()
        assert client.docmd(line)[0] == 501
        assert client.docmd(f"MAIL FROM:<{ALICE}> HOLDFOR=60")[0] == 555


def test_binary_by_bdat(sink_with, send_out):
    sink = sink_with(ALL)
    server = send_out(sink)
    message = (b"From: alice@example.org\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n"
               b"Content-Transfer-Encoding: binary\r\n\r\n" + bytes(range(256)) + b"\n.\n\r.\r\n.\r\nQUIT\r\n")
    with server.submission() as client:
        envelope(client, recipients=[BOB], options=" BODY=BINARYMIME")
        assert client.docmd("DATA")[0] == 503
        assert bdat(client, message[:100], message[100:])[0] == 250
    assert sink.wait(1)[0][2].endswith(message)
    assert " BODY=BINARYMIME" in said(sink, "MAIL")[0]
    assert not said(sink, "DATA")


def test_binary_into_a_mailbox(server):
    """IMAP and POP3 show lines: what is none becomes base64, and decodes to what it was."""
    content = bytes(range(256)) + b"\n.\n\r.\r\n.\r\nQUIT\r\n--y"
    message = (b"From: a@example.net\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n"
               b"Content-Transfer-Encoding: binary\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nhello\r\n--x\r\n"
               b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n"
               + content + b"\r\n--x--\r\n")
    with server.smtp() as client:
        envelope(client, options=" BODY=BINARYMIME")
        assert bdat(client, message)[0] == 250
    (stored,) = server.wait_for_messages(1)
    assert stored.count(b"\n") == stored.count(b"\r\n") == stored.count(b"\r")
    text, octets = email.message_from_bytes(stored).get_payload()
    assert text.get_payload() == "hello"
    assert octets.get_payload(decode=True) == content
    assert octets["Content-Transfer-Encoding"] == "base64"
