# SPDX-License-Identifier: ISC
"""Milters that change the envelope: where they may, what becomes of the mail, and how users have logged in."""

import base64
import smtplib

import pytest

from conftest import DOMAIN, HOST, PASSWORD
from mail_sink import Sink
from milter import Milter, add, string
from scram import Scram, encode

STRANGER = "x@example.net"
MAIL = b"From: x@example.net\r\nSubject: first\r\n\r\nbody\r\n"


def at(local):
    return f"{local}@{DOMAIN}"


def add_rcpt(address, parameters=None):
    if parameters is None:
        return b"+" + string(f"<{address}>")
    return b"2" + string(f"<{address}>") + string(parameters)


def del_rcpt(address):
    return b"-" + string(f"<{address}>")


def change_from(address, parameters=None):
    return b"e" + string(f"<{address}>") + (b"" if parameters is None else string(parameters))


@pytest.fixture
def sink():
    made = Sink(extensions=("PIPELINING", "8BITMIME", "SIZE 1000000", "DSN"))
    yield made
    made.close()


@pytest.fixture
def serve(make_server, sink):
    """A server whose mail to other hosts goes to the sink; alice and bob; out@ and team@ are aliases."""

    def make(*milters):
        server = make_server()
        server.settings["filter"] = f'{{ check = "all"; milters = ( {", ".join(milters)} ); }}'
        server.settings["relay"] = f'{{ port = {sink.port}; host = "127.0.0.1"; tls = "none"; }}'
        server.settings["limits"] = "{ retry = 1; restart_delay = 0; }"
        server.write_configuration()
        server.create_certificate()
        server.add_account("alice")
        server.add_account("bob")
        server.posternctl("alias", "add", at("out"), "out@elsewhere.example")
        server.posternctl("alias", "add", at("team"), at("alice"), at("bob"), "x@elsewhere.example")
        server.start()
        return server

    return make


def send(server, recipients=(at("alice"),), message=MAIL):
    with server.smtp() as client:
        client.sendmail(STRANGER, list(recipients), message)


def submit(server, recipients, message=MAIL, options=()):
    with server.submission() as client:
        client.sendmail(at("alice"), recipients, message.replace(b"x@example.net", at("alice").encode()), options)


def return_path(server, user):
    return server.wait_for_messages(1, user)[0].partition(b"\r\n")[0]


@pytest.mark.parametrize("option", ["", 'envelope = "off";'])
def test_not_unless_it_is_allowed(serve, option):
    packets = [add_rcpt(at("bob")), add_rcpt("x@elsewhere.example", "NOTIFY=NEVER"), del_rcpt(at("alice")),
               change_from("y@example.net"), add("X-Is", "done"), b"c"]
    with Milter({"E": packets}) as milter:
        server = serve(milter.settings(option))
        send(server)
        assert b"X-Is: done" in server.wait_for_messages(1, "alice")[0]
        assert return_path(server, "alice") == b"Return-Path: <x@example.net>"
        assert server.messages("bob") == []
        server.log.wait(r"event=milter\.ignored .*it may not change recipients", count=3)
        server.log.wait(r"event=milter\.ignored .*it may not change the sender")
        assert "event=queue.envelope" not in server.log.text()


def test_recipients_and_sender_here(serve, sink):
    """A stranger's mail goes where accounts.conf leads, and nowhere else, whatever a milter adds."""
    packets = [del_rcpt(at("alice")), add_rcpt(at("bob")), add_rcpt(at("Bob+tag")), add_rcpt(at("out")),
               add_rcpt("x@elsewhere.example"), add_rcpt(at("nobody")), add_rcpt("no address"),
               change_from("y@example.net", "RET=HDRS ENVID=a"), b"c"]
    with Milter({"E": packets}) as milter:
        server = serve(milter.settings('envelope = "here";'))
        send(server)
        assert return_path(server, "bob") == b"Return-Path: <y@example.net>"
        sender, recipients, _ = sink.wait(1)[0]
        # An alias's mail to another host has its sender rewritten: the new one.
        assert recipients == ["out@elsewhere.example"]
        assert "example.net=y" in sender
        assert len(server.messages("bob")) == 1 and server.messages("alice") == []
        server.log.wait(r"event=queue\.recipient_left_out .*rcpt=x@elsewhere\.example")
        server.log.wait(rf"event=queue\.recipient_left_out .*rcpt=nobody@{DOMAIN}")
        server.log.wait(r"event=milter\.ignored .*a recipient that is no address")
        server.log.wait(rf"event=milter\.envelope .*what=removed address=<?.*{at('alice')}")
        server.log.wait(r"event=queue\.envelope .*from=y@example\.net sender_changed=1 removed=1 added=5")
        assert "rcpts=2" in server.log.wait(r"event=queue\.accepted")


def test_anywhere(serve, sink):
    packets = [add_rcpt("archive@elsewhere.example", "NOTIFY=NEVER ORCPT=rfc822;bob@example.org"), b"c"]
    with Milter({"E": packets}) as milter:
        server = serve(milter.settings('envelope = "anywhere";'))
        send(server)
        assert sink.wait(1)[0][1] == ["archive@elsewhere.example"]
        assert "NOTIFY=NEVER ORCPT=rfc822;bob@example.org" in " ".join(sink.commands)
        server.wait_for_messages(1, "alice")


def test_users_keep_their_sender_here(serve, sink):
    """Only "anywhere" is further than a user himself may go."""
    with Milter({"E": [change_from("y@example.net"), add_rcpt("x@elsewhere.example"), b"c"]}) as milter:
        server = serve(milter.settings('envelope = "here";'))
        submit(server, [at("bob")])
        assert return_path(server, "bob") == f"Return-Path: <{at('alice')}>".encode()
        server.log.wait(r"event=milter\.ignored .*it may not change the sender")
        server.log.wait(r"event=queue\.recipient_left_out .*rcpt=x@elsewhere\.example")
    with Milter({"E": [change_from("y@example.net"), add_rcpt("x@elsewhere.example"), b"c"]}) as milter:
        server = serve(milter.settings('envelope = "anywhere";'))
        submit(server, [at("bob")])
        assert sink.wait(1)[0][:2] == ("y@example.net", ["x@elsewhere.example"])


def test_who_removes_an_alias_removes_what_it_leads_to(serve, sink):
    with Milter({"E": [del_rcpt(at("TEAM")), b"c"]}) as milter:
        server = serve(milter.settings('envelope = "here";'))
        send(server, [at("team"), at("alice"), at("out")])
        server.wait_for_messages(1, "alice")
        assert sink.wait(1)[0][1] == ["out@elsewhere.example"]
        assert "rcpts=2" in server.log.wait(r"event=queue\.accepted")


def test_who_is_kept_has_the_reports_that_were_asked_for(serve, sink):
    """Not those of one who led to the same mailbox, and was removed."""
    with Milter({"E": [del_rcpt(at("out")), b"c"]}) as milter:
        server = serve(milter.settings('envelope = "here";'))
        with server.submission() as client:
            client.ehlo()
            client.mail(at("alice"))
            client.rcpt("out@elsewhere.example", ["NOTIFY=FAILURE"])
            client.rcpt(at("out"), ["NOTIFY=SUCCESS,FAILURE"])
            assert client.data(MAIL.replace(b"x@example.net", at("alice").encode()))[0] == 250
        assert sink.wait(1)[0][1] == ["out@elsewhere.example"]
        commands = " ".join(sink.commands)
        assert "NOTIFY=FAILURE" in commands and "SUCCESS" not in commands


def test_each_sees_what_those_before_have_made(serve):
    one = {"E": [del_rcpt(at("alice")), add_rcpt(at("bob")), add_rcpt(at("alice+x")), change_from(""), b"c"]}
    two = {"E": [del_rcpt(at("alice+x")), b"c"]}
    with Milter(one) as first, Milter(two) as second, Milter() as third:
        server = serve(first.settings('envelope = "here";'), second.settings('envelope = "here";'), third.settings())
        send(server)
        assert return_path(server, "bob") == b"Return-Path: <>"
        assert server.messages("alice") == []
        assert first.data("R") == [f"<{at('alice')}>".encode() + b"\0"]
        assert second.data("M") == [b"<>\0"]
        assert second.data("R") == [f"<{at(name)}>".encode() + b"\0" for name in ("bob", "alice+x")]
        assert third.data("R") == [f"<{at('bob')}>".encode() + b"\0"]
        assert third.macros[b"{rcpt_addr}"] == at("bob").encode()


def test_without_recipients_it_is_thrown_away(serve):
    """The client is told that it was taken; later milters are not asked."""
    with Milter({"E": [del_rcpt(at("alice")), del_rcpt(at("bob")), b"c"]}) as milter, Milter() as later:
        server = serve(milter.settings('envelope = "here";'), later.settings())
        send(server, [at("alice"), at("bob")])
        server.log.wait(r"event=filter\.verdict .*why=\"milters have removed all recipients\"")
        server.log.wait(r"event=queue\.checked .*verdict=discard")
        assert later.mails == 0
        assert "event=queue.accepted" not in server.log.text()
        # In the place of all, nobody who is there: nothing is lost, it comes again.
        milter.answers = {"E": [del_rcpt(at("alice")), add_rcpt(at("nobody")), b"c"]}
        with pytest.raises(smtplib.SMTPDataError) as refused:
            send(server)
        assert refused.value.smtp_code == 451
        server.log.wait(r"event=queue\.no_recipient_left")


@pytest.mark.parametrize(
    "many",
    [
        [add_rcpt(at(f"{i}")) for i in range(1001)],
        [add_rcpt(at(f"{i:064}")) for i in range(900)],
        [add_rcpt(at(f"{i}"), f"ORCPT=rfc822;{i:0400}@example.net") for i in range(200)],
    ],
    ids=["recipients", "octets", "octets of ORCPT"],
)
def test_a_milter_that_wants_too_much(serve, many):
    """More than there may be: it has failed, and all of it is left out, or the mail comes again."""
    with Milter({"E": [*many, b"c"]}) as milter:
        server = serve(milter.settings('envelope = "here";'))
        with pytest.raises(smtplib.SMTPDataError) as refused:
            send(server)
        assert refused.value.smtp_code == 451
        server.log.wait(r"event=milter\.failed .*it changes too much of the envelope")
        assert len(server.log.text().split("event=milter.envelope")) <= 21
    with Milter({"E": [*many, del_rcpt(at("alice")), b"c"]}) as milter:
        server = serve(milter.settings('envelope = "here"; failure = "accept";'))
        send(server)
        server.wait_for_messages(1, "alice")


def test_a_milter_that_ends_in_its_wishes(serve):
    """It says whom to add, and then no more: that is nothing."""
    with Milter({"E": [add_rcpt(at("bob"))]}) as milter:
        server = serve(milter.settings('envelope = "here"; failure = "accept"; timeout = 1;'))
        send(server)
        server.wait_for_messages(1, "alice")
        assert server.messages("bob") == []


def test_a_large_mail_that_is_held(serve):
    """With a new body, in a file, and with a new envelope; it waits for an administrator."""
    packets = [b"q" + string("looks odd"), add_rcpt(at("bob")), del_rcpt(at("alice")), add("X-Is", "done"), b"c"]
    with Milter({"E": packets}) as milter:
        server = serve(milter.settings('envelope = "here";'))
        send(server, message=MAIL + b"0123456789abcde\r\n" * 12_000)
        server.log.wait(r"event=queue\.checked .*verdict=hold")
        server.log.wait(r"event=queue\.accepted")
        listed = server.posternctl("queue", "list").stdout
        assert at("bob") in listed and at("alice") not in listed
        server.posternctl("queue", "release", "--all")
        assert b"X-Is: done" in server.wait_for_messages(1, "bob")[0]


def test_what_leaves_then_is_signed_so_that_it_can(serve, sink):
    """8-bit mail that stays here stays as it is; what a milter sends out is converted before it is signed."""
    letter = (b"From: x@example.net\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
              b"Content-Transfer-Encoding: 8bit\r\n\r\n" + "grün\r\n".encode())
    with Milter({"E": [b"c"]}) as milter:
        server = serve(milter.settings('envelope = "anywhere";'))
        server.posternctl("dkim", "create", DOMAIN)
        submit(server, [at("bob")], letter, ["BODY=8BITMIME"])
        assert "grün".encode() in server.wait_for_messages(1, "bob")[0]
        milter.answers = {"E": [add_rcpt("x@elsewhere.example"), b"c"]}
        submit(server, [at("bob")], letter, ["BODY=8BITMIME"])
        message = sink.wait(1)[0][2]
        assert b"DKIM-Signature: " in message and "grün".encode() not in message


def test_how_a_user_has_logged_in(serve):
    """{auth_type} is the mechanism's name, as with Sendmail and Postfix."""

    def mail(client):
        client.sendmail(at("alice"), [at("bob")], MAIL.replace(b"x@example.net", at("alice").encode()))

    with Milter() as milter:
        server = serve(milter.settings())
        for index, mechanism in enumerate(("PLAIN", "LOGIN", "SCRAM-SHA-256")):
            with smtplib.SMTP_SSL(HOST, server.ports["submissions"], context=server.context()) as client:
                client.ehlo()
                if mechanism == "PLAIN":
                    assert client.docmd("AUTH", "PLAIN " + encode(f"\0{at('alice')}\0{PASSWORD}".encode()))[0] == 235
                elif mechanism == "LOGIN":
                    assert client.docmd("AUTH", "LOGIN " + encode(at("alice").encode()))[0] == 334
                    assert client.docmd(encode(PASSWORD.encode()))[0] == 235
                else:
                    scram = Scram(at("alice"), PASSWORD)
                    code, challenge = client.docmd("AUTH", "SCRAM-SHA-256 " + encode(scram.first().encode()))
                    assert code == 334
                    code, challenge = client.docmd(encode(scram.final(base64.b64decode(challenge).decode()).encode()))
                    assert code == 334
                    assert client.docmd("")[0] == 235
                mail(client)
            server.wait_for_messages(index + 1, "bob")
            assert milter.macros[b"{auth_type}"] == mechanism.encode()
            assert milter.macros[b"{auth_authen}"] == at("alice").encode()
        send(server)
        server.wait_for_messages(1, "alice")
        assert b"{auth_type}" not in milter.macros
