# SPDX-License-Identifier: ISC
"""The first whole path: mail comes in over SMTP with STARTTLS and is read back over POP3 with TLS."""

import poplib

import pytest

from conftest import DEADLINE, DOMAIN, HOST, PASSWORD

ALICE = f"alice@{DOMAIN}"
MESSAGE = (b"From: Bob <bob@example.net>\r\nTo: alice@example.org\r\nSubject: hello\r\n\r\n"
           b"..leading dots\r\n.\x80 8-bit and a trailing blank \r\n\r\nthe end\r\n")


def test_smtp_to_pop3(server):
    with server.smtp() as client:
        client.sendmail("bob@example.net", [ALICE], MESSAGE)
    stored = server.wait_for_messages(1)[0]
    header, rest = stored.split(MESSAGE, 1)
    assert rest == b""
    assert header.startswith(b"Return-Path: <bob@example.net>\r\nReceived: from ")
    assert b" with ESMTPS\r\n" in header


def test_explicit_tls_pop3(server):
    with server.smtp() as client:
        client.sendmail("bob@example.net", [ALICE], MESSAGE)
    server.wait_for_messages(1)
    client = poplib.POP3(HOST, server.ports["pop3"], timeout=DEADLINE)
    client.stls(server.context())
    client.user(ALICE)
    client.pass_(PASSWORD)
    assert client.stat()[0] == 1
    client.quit()


def test_submission_to_oneself(server):
    with server.submission() as client:
        client.sendmail(ALICE, [ALICE], MESSAGE.replace(b"bob@example.net", ALICE.encode()))
    assert b" with ESMTPSA\r\n" in server.wait_for_messages(1)[0]


def test_a_connection_id_follows_the_mail(server):
    with server.smtp() as client:
        client.sendmail("bob@example.net", [ALICE], MESSAGE)
    accepted = server.log.wait(r"event=queue\.accepted")
    conn = accepted.split("conn=")[1].split()[0]
    server.log.wait(rf"event=conn\.accepted .*conn={conn}|event=conn\.accepted conn={conn}")
    server.log.wait(rf"event=queue\.delivered.*conn={conn}")


def test_stops_and_starts_with_the_same_mail(server):
    with server.smtp() as client:
        client.sendmail("bob@example.net", [ALICE], MESSAGE)
    first = server.wait_for_messages(1)
    assert server.stop() == 0
    server.start()
    assert server.messages() == first


def test_no_secret_in_the_log(make_server):
    server = make_server().set_up("alice")
    server.settings["log_level"] = '"debug"'
    with server.smtp() as client:
        client.sendmail("bob@example.net", [ALICE], MESSAGE)
    server.wait_for_messages(1)
    with pytest.raises(poplib.error_proto):
        server.pop3(password="a wrong guess")
    assert server.stop() == 0
    text = server.log.text()
    assert PASSWORD not in text and "wrong guess" not in text and "leading dots" not in text
