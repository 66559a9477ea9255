# SPDX-License-Identifier: ISC
"""Mail to servers that take 7 bits only: the same content to Python's email, or a bounce that says why."""

import email
import email.policy

import pytest

from mail_sink import Sink
from test_relay import make_sink, report, send, send_out  # pylint: disable=unused-import # fixtures

MIXED = (b"From: alice@example.org\r\nTo: bob@elsewhere.example\r\nSubject: out\r\nMIME-Version: 1.0\r\n"
         b"Content-Type: multipart/mixed; boundary=outer\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
         b"preamble\r\n--outer\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
         + "Grüße, \t \r\n.\r\n.. =3D x\r\nein langer deutscher Text ohne viel dahinter\r\n".encode()
         + b"--outer\r\nContent-Type: multipart/alternative; boundary=inner\r\n\r\n"
         b"--inner\r\nContent-Type: text/plain; charset=koi8-r\r\n\r\n" + "Привет, мир\r\n".encode("koi8-r")
         + b"--inner\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>" + "ä".encode() * 2000 + b"</p>\r\n"
         b"--inner--\r\n--outer\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
         b"From: dan@other.example\r\nSubject: in\r\nMIME-Version: 1.0\r\n"
         b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\nAndr\xe9\r\n"
         b"--outer\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\naGFsbG8=\r\n"
         b"--outer--\r\n")
LATIN = b"From: alice@example.org\r\nSubject: out\r\n\r\nno MIME at all, but the name of Andr\xe9\r\n"


def contents(message):
    """What a reader sees: each part's type and decoded octets, in order."""
    found = []
    for part in email.message_from_bytes(message, policy=email.policy.compat32).walk():
        kind = (part.get_content_type(), part.get_param("charset"))
        if part.is_multipart():
            found.append(kind)
        else:
            found.append((*kind, part.get_payload(decode=True).rstrip(b"\r\n")))
    return found


def is_seven_bit(message):
    return (all(octet < 128 and octet for octet in message)
            and all(len(line) <= 998 for line in message.split(b"\r\n"))
            and b"\n" not in message.replace(b"\r\n", b""))


@pytest.fixture
def old(make_sink):
    return make_sink(extensions=("PIPELINING", "SIZE 1000000"))


def test_it_is_the_same_to_a_reader(old, send_out):
    server = send_out(old.port)
    send(server, ["bob@elsewhere.example"], MIXED)
    (_, _, message), = old.wait(1)
    assert is_seven_bit(message)
    assert contents(message) == contents(MIXED)
    for part in email.message_from_bytes(message).walk():
        if part.is_multipart():
            assert part["Content-Transfer-Encoding"] is None
    (mail,) = [command for command in old.commands if command.startswith("MAIL")]
    assert "BODY=" not in mail
    assert f"SIZE={len(message)}" in mail
    server.log.wait(r"event=queue\.relayed")


def test_a_large_attachment(old, send_out):
    server = send_out(old.port)
    mail = MIXED.replace(b"--outer--\r\n", b"--outer\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
                         + "ü und viel Text und ein langer Satz\r\n".encode() * 10000 + b"--outer--\r\n")
    send(server, ["bob@elsewhere.example"], mail)
    (_, _, message), = old.wait(1)
    assert is_seven_bit(message)
    assert contents(message) == contents(mail)


def test_what_is_no_mime(old, send_out):
    server = send_out(old.port)
    send(server, ["bob@elsewhere.example"], LATIN)
    message = email.message_from_bytes(old.wait(1)[0][2])
    assert message["MIME-Version"] == "1.0"
    assert message.get_param("charset") == "unknown-8bit"
    assert message.get_payload(decode=True).endswith(b"Andr\xe9\r\n")


class Renewed(Sink):
    """Takes 7 bits only, and nothing, until it has refused the first mail; then it is a modern one."""

    def answer(self, handler, verb, usual):
        if verb == "body" and "8BITMIME" not in self.extensions:
            self.extensions = ("PIPELINING", "8BITMIME")
            usual = "421 Later"
        return super().answer(handler, verb, usual)


def test_the_one_who_takes_it_gets_it_as_it_is(make_sink, send_out):
    """The first host is old, and closes behind the mail; the queue has it as it came."""
    sink = make_sink(Renewed, extensions=("PIPELINING", "SIZE 1000000"))
    server = send_out(sink.port)
    send(server, ["bob@elsewhere.example"], MIXED)
    server.log.wait(r"event=queue\.not_now")
    assert sink.wait(1)[0][2].endswith(MIXED)


@pytest.mark.parametrize("message,status,why", [
    (b"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=x; h=from; bh=; b=\r\n" + MIXED, "5.6.3", "DKIM"),
    (b"From: alice@example.org\r\nSubject: out\r\nMIME-Version: 1.0\r\n"
     b"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n\xe9\r\n--b--\r\n", "5.6.3", "signed"),
    (b"From: alice@example.org\r\nSubject: out\r\nX-Raw: \xe9\r\n\r\nx\r\n", "5.6.9", "header"),
], ids=["dkim", "signed", "header"])
def test_what_can_not_be_converted_comes_back(old, send_out, message, status, why):
    server = send_out(old.port)
    send(server, ["bob@elsewhere.example"], message)
    words, recipient = report(server)
    assert recipient["Status"] == status
    assert why in words
    assert not old.mails


def test_the_judge_sees_differences():
    assert contents(MIXED) != contents(MIXED.replace(b"Andr\xe9", b"Andre"))
    assert not is_seven_bit(MIXED)
