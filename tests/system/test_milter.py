# SPDX-License-Identifier: ISC
"""Milters: what they are told, and what becomes of a mail by what they answer."""

import imaplib
import os
import smtplib
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import DOMAIN, HOST, PASSWORD, wait_for
from milter import Milter, add, change, insert, string

ALICE = f"alice@{DOMAIN}"
STRANGER = "x@example.net"
MAIL = (b"From: x@example.net\r\nSubject: first\r\nX-Old: one\r\nX-Old: two\r\n"
        b"References: <a@b>\r\n <c@d>\r\n\r\nbody\r\n")


def with_milters(server, *settings):
    server.settings["filter"] = f'{{ check = "all"; milters = ( {", ".join(settings)} ); }}'
    return server.set_up("alice")


def send(server, message=MAIL):
    with server.smtp() as client:
        client.sendmail(STRANGER, [ALICE], message)


def arrived(server):
    """Header fields without ours and the results, and the body."""
    header, _, body = server.wait_for_messages(1)[-1].partition(b"\r\n\r\n")
    fields = header.replace(b"\r\n\t", b" ").replace(b"\r\n ", b" ").split(b"\r\n")
    ours = (b"Return-Path:", b"Received:", b"Authentication-Results:")
    return [field for field in fields if not field.startswith(ours)], body


def count(server, folder):
    client = imaplib.IMAP4_SSL(HOST, server.ports["imaps"], ssl_context=server.context())
    client.login(ALICE, PASSWORD)
    selected, messages = client.select(folder, readonly=True)
    client.logout()
    return int(messages[0]) if selected == "OK" else 0


def test_it_hears_the_whole_mail(make_server):
    with Milter() as milter:
        server = with_milters(make_server(), milter.settings())
        send(server)
        assert arrived(server)[0][0] == b"From: x@example.net"
        wait_for(lambda: milter.data("Q"), "goodbye")
        assert [command for command, _ in milter.heard if command != "L"] == list("OCHMRTNBEQ")
        assert milter.data("M") == [b"<x@example.net>\0"]
        assert milter.data("R") == [f"<{ALICE}>".encode() + b"\0"]
        assert milter.data("B") == [b"body\r\n"]
        fields = milter.data("L")
        assert fields[0].startswith(b"Authentication-Results\0")
        assert fields[1:] == [b"From\0x@example.net\0", b"Subject\0first\0", b"X-Old\0one\0",
                              b"X-Old\0two\0", b"References\0<a@b>\n <c@d>\0"]
        assert milter.data("C")[0].startswith(b"localhost\0004")
        assert milter.data("C")[0].endswith(b"127.0.0.1\0")
        assert milter.macros[b"{client_addr}"] == b"127.0.0.1"
        assert milter.macros[b"j"] == b"localhost"
        assert len(milter.macros[b"i"]) == 16
        assert b"{auth_authen}" not in milter.macros
        assert milter.macros[b"{tls_version}"] == b"TLSv1.3"
        assert milter.macros[b"{cipher}"].startswith(b"TLS_")
        with server.smtp(tls=False) as client:
            client.sendmail(STRANGER, [ALICE], MAIL)
        server.wait_for_messages(2)
        assert b"{tls_version}" not in milter.macros


def test_who_has_logged_in(make_server):
    with Milter() as milter, Milter() as other:
        server = with_milters(make_server(), milter.settings('services = "submission";'),
                              other.settings('services = "smtp";'))
        with server.submission() as client:
            client.sendmail(ALICE, [ALICE], MAIL.replace(b"x@example.net", ALICE.encode()))
        server.wait_for_messages(1)
        assert milter.macros[b"{auth_authen}"] == ALICE.encode()
        assert (milter.mails, other.mails) == (1, 0)


def test_macros_of_what_it_declines(make_server):
    with Milter(steps=0x4f) as milter:  # but for header fields, the body and DATA
        server = with_milters(make_server(), milter.settings())
        with server.submission() as client:
            client.sendmail(ALICE, [ALICE], MAIL.replace(b"x@example.net", ALICE.encode()))
        server.wait_for_messages(1)
        wait_for(lambda: milter.data("Q"), "goodbye")
        assert [command for command, _ in milter.heard if command != "L"] == list("OTBEQ")
        assert milter.macros[b"{auth_authen}"] == ALICE.encode()
        assert milter.macros[b"{tls_version}"] == b"TLSv1.3"
        assert milter.macros[b"{client_addr}"] == b"127.0.0.1"


def test_changes(make_server):
    """Numbers are as the milter was shown the fields, whatever it has deleted meanwhile."""
    changes = [add("X-Added", "last"), insert(0, "X-Top", "a\n\tb"), change(1, "X-Old", ""),
               change(2, "X-Old", "new"), change(1, "Subject", "second"), change(3, "X-Old", "more"),
               add("bad name", "x"), b"bnew ", b"bbody\r\n", b"c"]
    with Milter({"E": changes}) as milter:
        server = with_milters(make_server(), milter.settings())
        send(server)
        fields, body = arrived(server)
        assert fields == [b"X-Top: a b", b"From: x@example.net", b"Subject: second", b"X-Old: new",
                          b"References: <a@b> <c@d>", b"X-Added: last", b"X-Old: more"]
        assert body == b"new body\r\n"
        server.log.wait(r"event=milter\.ignored .*no header field")


def test_each_sees_the_changes_of_those_before(make_server):
    with Milter({"E": [add("X-One", "1"), b"bother\r\n", b"c"]}) as one, Milter() as two:
        server = with_milters(make_server(), one.settings(), two.settings())
        send(server, MAIL + b"0123456789abcde\r\n" * 12_000)
        fields, body = arrived(server)
        assert fields[-1] == b"X-One: 1" and body == b"other\r\n"
        assert two.data("L")[-1] == b"X-One\0001\0"
        assert two.data("B") == [b"other\r\n"]
        assert len(one.data("B")) == 4


@pytest.mark.matrix
@pytest.mark.parametrize("command, packets, code, text", [
    ("E", [b"r"], 550, b"5.7.1 Command rejected"),
    ("C", [b"r"], 550, b"5.7.1 Command rejected"),
    ("E", [b"t"], 451, b"4.7.1 Service unavailable, try again later"),
    ("R", [b"y554 5.7.9 No spam, please\0"], 554, b"5.7.9 No spam, please"),
    ("B", [b"y450 later\0"], 450, b"4.7.1 later"),
    ("E", None, 451, b"4.7.1 A filter is not available, try again later"),
    ("nobody", None, 451, b"4.7.1 A filter is not available, try again later"),
    ("O", None, 451, b"4.7.1 A filter is not available, try again later"),
    ("M", [b"z"], 451, b"4.7.1 A filter is not available, try again later"),
    ("L", [add("X", "too early")], 451, b"4.7.1 A filter is not available, try again later"),
    ("E", [], 451, b"4.7.1 A filter is not available, try again later"),  # says nothing
])
def test_refusals(make_server, command, packets, code, text):
    answers = {command: packets}
    with Milter(answers, serves=command != "nobody") as milter:
        server = with_milters(make_server(), milter.settings("timeout = 1;" if packets == [] else ""))
        with pytest.raises(smtplib.SMTPDataError) as refused:
            send(server)
        assert (refused.value.smtp_code, refused.value.smtp_error) == (code, text)


def test_all_lines_of_a_refusal(make_server):
    words = [f"line {n}: {'x' * 50}" for n in range(31)]
    lines = [f"554-5.7.9 {line}" for line in words] + ["554 5.7.9 100%% sure"]
    with Milter({"E": [b"y" + string("\r\n".join(lines))]}) as milter:
        server = with_milters(make_server(), milter.settings())
        with pytest.raises(smtplib.SMTPDataError) as refused:
            send(server)
        assert refused.value.smtp_code == 554
        assert refused.value.smtp_error.decode().split("\n") == [f"5.7.9 {line}" for line in [*words, "100% sure"]]


def test_there_is_room_for_signatures_too(make_server):
    with Milter({"E": [add("X-Big", "\n".join(["v" * 997] * 65)), b"c"]}) as milter:
        server = with_milters(make_server(), milter.settings())
        server.posternctl("dkim", "create", DOMAIN)
        with server.submission() as client:
            client.sendmail(ALICE, [ALICE], MAIL.replace(b"x@example.net", ALICE.encode()))
        (message,) = server.wait_for_messages(1)
        assert message.count(b"\r\nDKIM-Signature: ") == 2
        assert message.count(b"v" * 997) == 65


TOO_MUCH = {"one": [add("X-Big", "v" * 70_000)],
            "many": [add("X-Big", "v" * 6500)] * 10 + [add("X-Big", "v" * 600)],
            "body": [b"b" + b"0123456789abcd\r\n" * 3000]}


@pytest.mark.parametrize("packets", TOO_MUCH.values(), ids=TOO_MUCH)
def test_too_much_is_refused_for_good(make_server, packets):
    """It would be as much again."""
    with Milter({"E": [*packets, b"c"]}) as milter:
        server = with_milters(make_server(), milter.settings())
        with pytest.raises(smtplib.SMTPDataError) as refused:
            send(server)
        assert (refused.value.smtp_code, refused.value.smtp_error) == (
            552, b"5.3.4 A filter adds more to the message than this server keeps")
        server.log.wait(rf"event=milter\.failed .*milter={milter.address} .*adds.more.to.the.message")


@pytest.mark.parametrize("packets", TOO_MUCH.values(), ids=TOO_MUCH)
def test_too_much_is_left_out_where_its_failure_says_so(make_server, packets):
    """All of it, also what else this one wants; the other milters' is done."""
    most = [insert(1, "X-Most", "\n".join(["v" * 500] * 80)), b"c"]
    with Milter({"E": [add("X-Spam", "Yes"), b"qwhy\0", *packets, b"c"]}) as one, Milter({"E": most}) as two:
        server = with_milters(make_server(), one.settings('failure = "accept";'), two.settings())
        send(server)
        fields, body = arrived(server)
        assert [field[:10] for field in fields if field.startswith(b"X-")] == [b"X-Most: vv", b"X-Old: one", b"X-Old: two"]
        assert body == b"body\r\n"
        assert count(server, "Junk") == 0
        server.log.wait(rf"event=milter\.failed .*milter={one.address} .*adds.more.to.the.message")


@pytest.mark.parametrize("packets", [[b"a"], [b"p", b"p", b"c"], None])
def test_accepted(make_server, packets):
    """The last one has died in the middle of changes: none of them is made."""
    answers = {"E": packets if packets is not None else [add("X-Half", "1")]}
    with Milter(answers) as milter:
        server = with_milters(make_server(), milter.settings('timeout = 1; failure = "accept";'))
        send(server)
        assert b"X-Half: 1" not in arrived(server)[0]


def test_discarded_held_and_junk(make_server):
    with Milter({"E": [b"d"]}) as milter:
        server = with_milters(make_server(), milter.settings())
        send(server)
        server.log.wait(r"event=queue\.checked .*verdict=discard")
        milter.answers = {"E": [b"q" + string("looks like a virus"), b"c"]}
        send(server)
        server.log.wait(r"event=queue\.checked .*verdict=hold")
        assert "(held by a milter: looks like a virus)" in server.posternctl("queue", "list").stdout
        milter.answers = {"E": [add("X-Spam", "Yes"), b"c"]}
        send(server)
        server.log.wait(r"event=queue\.checked .*junk=1")
        wait_for(lambda: count(server, "Junk") == 1, "the mail in Junk")
        assert count(server, "INBOX") == 0


def test_a_socket_in_the_file_system(make_server):
    """The master connects to it: who asks has no files."""
    server = make_server()
    path = os.path.join(server.folder, "milter.sock")
    with Milter({"E": [add("X-By", "unix"), b"c"]}, path=path) as milter:
        with_milters(server, milter.settings())
        send(server)
        assert arrived(server)[0][-1] == b"X-By: unix"
    with pytest.raises(smtplib.SMTPDataError) as refused:
        send(server)
    assert refused.value.smtp_code == 451
    server.log.wait(r"event=milter\.failed .*milter=unix why=\"connecting: Connection refused")


def fill(path):
    """Connects until nobody takes more; these connections."""
    waiting = []
    while True:
        client = socket.socket(socket.AF_UNIX)
        client.setblocking(False)
        try:
            client.connect(path)
        except BlockingIOError:
            client.close()
            return waiting
        waiting.append(client)


def test_a_socket_with_no_room_for_a_while(make_server):
    server = make_server()
    path = os.path.join(server.folder, "milter.sock")
    with Milter({"E": [add("X-By", "unix"), b"c"]}, path=path, serves=False) as milter, ThreadPoolExecutor(1) as other:
        with_milters(server, milter.settings("timeout = 50;"), milter.settings())
        waiting = fill(path)
        sent = other.submit(send, server)
        server.log.wait(r"event=milter\.busy .*milter=unix")
        milter.serve()
        sent.result()
        assert arrived(server)[0][-2:] == [b"X-By: unix"] * 2
        for client in waiting:
            client.close()


def test_a_socket_with_no_room(make_server):
    server = make_server()
    path = os.path.join(server.folder, "milter.sock")
    with Milter(path=path, serves=False) as milter:
        with_milters(server, milter.settings("timeout = 1;"))
        waiting = fill(path)
        with pytest.raises(smtplib.SMTPDataError) as refused:
            send(server)
        assert refused.value.smtp_code == 451
        server.log.wait(r"event=milter\.failed .*milter=unix why=\"connecting: Resource temporarily unavailable")
        for client in waiting:
            client.close()


def test_reloads_while_it_thinks(make_server):
    """Each new filter asks it again: none has died of the mail, which would be taken as it is."""
    with Milter({"E": [b"r"]}) as milter, ThreadPoolExecutor(1) as other:
        server = make_server()
        settings = (f'{{ check = "all"; failure = "accept"; helo = "%s"; '
                    f'milters = ( {milter.settings()} ); }}')
        server.settings["filter"] = settings % "nothing"
        server.settings["limits"] = "{ restart_delay = 0; }"
        server.set_up("alice")
        milter.may_answer.clear()
        sent = other.submit(send, server)
        for mails, helo in enumerate(["junk", "nothing"], start=1):
            wait_for(lambda: milter.mails == mails, "the milter is asked")
            server.settings["filter"] = settings % helo
            server.write_configuration()
            server.posternctl("reload")
        wait_for(lambda: milter.mails == 3, "the milter is asked")
        milter.may_answer.set()
        with pytest.raises(smtplib.SMTPDataError) as refused:
            sent.result()
        assert refused.value.smtp_code == 550


def test_reloads_without_it(make_server):
    """Without anything to filter there is no filter, and the next one knows no milter of before."""
    with Milter() as milter:
        server = make_server()
        for settings, mails, filters in ((f'check = "all"; milters = ( {milter.settings()} );', 1, 1),
                                         ('check = "none";', 1, 0), ('check = "all";', 1, 1)):
            server.settings["filter"] = f'{{ sign = "off"; {settings} }}'
            if server.process is None:
                server.set_up("alice")
            else:
                server.write_configuration()
                server.posternctl("reload")
            wait_for(lambda: len(server.children("postern-filter")) == filters, "filter, or none")
            send(server)
            assert milter.mails == mails
