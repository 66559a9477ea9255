# SPDX-License-Identifier: ISC
"""Aliases that lead to other hosts: what leaves, as whose mail, how its bounces come back, and that loops end."""

import base64
import email
import hashlib
import hmac
import os
import smtplib
import stat
import time

import pytest

from conftest import DOMAIN, HOST, wait_for
from mail_sink import Sink

SENDER = "Someone@origin.example"
BODY = b"From: someone@origin.example\r\nSubject: on\r\nDKIM-Signature: v=1; b=untouched\r\n\r\n.one\r\nlast\r\n"
DSN = ("PIPELINING", "8BITMIME", "SIZE 1000000", "DSN")


@pytest.fixture
def sink():
    made = Sink(extensions=DSN)
    yield made
    made.close()


@pytest.fixture
def forwarder(make_server, sink):
    """A server with alice and these aliases, whose mail to other hosts goes to the sink."""

    def make(aliases, addresses="", domains=(DOMAIN,)):
        server = make_server()
        server.domains = list(domains)
        server.settings["relay"] = f'{{ port = {sink.port}; host = "127.0.0.1"; tls = "none"; }}'
        server.settings["limits"] = "{ retry = 1; restart_delay = 0; }"
        server.settings["addresses"] = f"{{ {addresses} }}"
        server.write_configuration()
        server.create_certificate()
        server.add_account("alice")
        for alias, *targets in aliases:
            server.posternctl("alias", "add", alias, *targets)
        server.start()
        return server

    return make


def at(local):
    return f"{local}@{DOMAIN}"


def send(server, recipients, sender=SENDER, body=BODY, options=()):
    """From a stranger, who has not logged in."""
    with server.smtp() as client:
        assert client.sendmail(sender, recipients, body, rcpt_options=list(options)) == {}


def rcpt(server, recipient, sender=""):
    with server.smtp() as client:
        client.ehlo("client.example")
        client.mail(sender)
        return client.rcpt(recipient)


def secrets(server):
    with open(os.path.join(server.state, "srs.secret"), encoding="ascii") as file:
        return [bytes.fromhex(line) for line in file.read().split()]


def srs(secret, tag, text):
    """As worker/accounts/srs.c makes it."""
    mac = hmac.new(secret, tag.encode() + text.lower().encode(), hashlib.sha256).digest()[:5]
    return f"SRS{tag}={base64.b32encode(mac).decode()}={text}"


def day(offset=0):
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    number = (int(time.time()) // 86400 + offset) % 1024
    return digits[number >> 5] + digits[number & 31]


def days():
    """Today, and yesterday: midnight may have come meanwhile."""
    return (day(), day(-1))


def test_a_strangers_mail_leaves_where_an_alias_leads_it_and_nowhere_else(sink, forwarder):
    server = forwarder([(at("team"), at("alice"), "Out@Elsewhere.example"),
                        (at("all"), at("team"), at("alice"), "Out@elsewhere.example", "more@elsewhere.example"),
                        (at("third"), "third@elsewhere.example")])
    # Each once, over however many ways; those of one alias together.
    send(server, [at("all"), at("Team"), at("alice"), at("Third+tag")])
    mails = sorted(sink.wait(2), key=lambda mail: -len(mail[1]))
    assert len(server.wait_for_messages(1)) == 1
    assert [mail[1] for mail in mails] == [["Out@elsewhere.example", "more@elsewhere.example"],
                                           ["third@elsewhere.example"]]
    for (sender, _, message), alias in zip(mails, (b"all", b"third+tag")):
        assert sender in [srs(secrets(server)[0], "0", f"{date}=origin.example=Someone") + f"@{DOMAIN}"
                          for date in days()]
        # Whom it came to first; below that it is what it was, with our Received.
        assert message.startswith(b"Delivered-To: " + alias + b"@example.org\r\nReceived: "), message
        assert message.endswith(BODY)
    with server.smtp() as client:
        client.ehlo("client.example")
        client.mail(SENDER)
        assert client.rcpt("out@elsewhere.example")[0] == 550
        assert client.rcpt(f"x@elsewhere.example@{DOMAIN}")[0] >= 500


def test_a_bounce_finds_its_way_back(sink, forwarder):
    server = forwarder([(at("out"), "out@elsewhere.example")])
    send(server, [at("out")])
    (sender, *_), = sink.wait(1)
    for address in (sender, sender.lower(), sender.upper()):
        send(server, [address], sender="")
    mails = sink.wait(4)[1:]
    assert [mail[0] for mail in mails] == ["", "", ""]
    assert sorted(mail[1][0] for mail in mails) == [
        "SOMEONE@origin.example", "Someone@origin.example", "someone@origin.example"]
    # Who has seen one cannot make another of it, nor use it when it is old.
    local = sender.split("@")[0]
    for bad in (local.replace("origin", "victim"), local[:-1] + "x", local.replace("SRS0=", "SRS0=A"), "SRS0=x",
                "SRS1=" + local[5:], local.replace("SRS0", "SRS1")):
        code, text = rcpt(server, at(bad))
        assert code == 550 and text.startswith(b"5.1.1 ") and b"not made here" in text, (bad, text)
    secret = secrets(server)[0]
    for age, code in ((0, 250), (-20, 250), (-23, 550), (3, 550)):  # midnight may come
        made = srs(secret, "0", f"{day(age)}=origin.example=someone")
        answer = rcpt(server, at(made))
        assert answer[0] == code, (age, answer)
        assert code == 250 or b"5.1.1" in answer[1] and b"too old" in answer[1]
    assert rcpt(server, f"{local}@elsewhere.example")[0] == 550
    assert b"7.1 relaying denied" in rcpt(server, f"{local}@elsewhere.example")[1]


def test_a_rewritten_sender_is_rewritten_but_once(sink, forwarder):
    server = forwarder([(at("out"), "out@elsewhere.example")])
    theirs = "SRS0=HHH=TT=origin.example=someone@first.example"
    again = "SRS1=XXX=first.example==HHH=TT=origin.example=someone@second.example"
    for number, sender in enumerate((theirs, again)):
        send(server, [at("out")], sender=sender)
        mail = sink.wait(number + 1)[number]
        ours = srs(secrets(server)[0], "1", "first.example==HHH=TT=origin.example=someone") + f"@{DOMAIN}"
        assert mail[0] == ours
    send(server, [ours], sender="")
    mail = sink.wait(3)[2]
    assert mail[:2] == ("", [theirs])
    # One that is longer than a local part may be, as forwarders make them.
    long = "bounces+1234567-abcd-someone=" + "x" * 35 + "@" + "mailing." * 8 + "example"
    send(server, [at("out")], sender=long)
    ours = sink.wait(4)[3][0]
    assert len(ours.split("@")[0]) > 64
    send(server, [ours], sender="")
    assert sink.wait(5)[4][:2] == ("", [long])


def test_whose_sender_stays(sink, forwarder):
    server = forwarder([(at("out"), "out@elsewhere.example")])
    send(server, [at("out")], sender="")
    assert sink.wait(1)[0][0] == ""
    with server.submission() as client:
        client.sendmail(at("alice"), [at("out")], b"From: " + at("alice").encode() + b"\r\n\r\nmine\r\n")
    assert sink.wait(2)[1][0] == at("alice")


def test_a_stranger_is_not_sent_on_as_one_of_ours(sink, forwarder):
    """Where srs_domain is one that no user writes as, SPF says nothing for who only says that he is alice."""
    server = forwarder([(at("out"), "out@elsewhere.example")], 'srs_domain = "bounces.example.org";')
    send(server, [at("out")], sender=at("alice"))
    sender = sink.wait(1)[0][0]
    assert sender.startswith("SRS0=") and sender.endswith(f"={DOMAIN}=alice@bounces.example.org"), sender


def test_the_secret_is_the_masters_and_can_be_changed(sink, forwarder):
    server = forwarder([(at("out"), "out@elsewhere.example")])
    path = os.path.join(server.state, "srs.secret")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert os.stat(path).st_uid == os.geteuid()
    send(server, [at("out")])
    old = sink.wait(1)[0][0]
    # A new one in front; the old one is good as long as it is there.
    with open(path, "r+", encoding="ascii") as file:
        kept = file.read()
        file.seek(0)
        file.write("# from now on\n" + "5a" * 32 + "\n" + kept)
    server.posternctl("reload")
    send(server, [at("out")])
    new = sink.wait(2)[1][0]
    assert new != old
    assert rcpt(server, old)[0] == rcpt(server, new)[0] == 250
    with open(path, "w", encoding="ascii") as file:
        file.write("5a" * 32 + "\n")
    server.posternctl("reload")
    assert rcpt(server, old)[0] == 550
    assert rcpt(server, new)[0] == 250
    # One that can't be read: mail goes on, and the log says so.
    os.chmod(path, 0o644)
    server.posternctl("reload")
    server.log.wait(r"event=accounts\.srs .*chmod 0600")
    send(server, [at("out")])
    assert sink.wait(3)[2][0] == SENDER
    assert "5a5a" not in server.log.text() and kept.strip() not in server.log.text()


def test_what_is_reported_of_it(sink, forwarder):
    """RFC 3461 5.2.7: one alone takes over all that was asked for, of several one."""
    server = forwarder([(at("one"), "one@elsewhere.example"),
                        (at("two"), "first@elsewhere.example", "second@other.example")])
    send(server, [at("one")], options=["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;Other@first.example"])
    sink.wait(1)
    assert "RCPT TO:<one@elsewhere.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Other@first.example" in sink.commands
    send(server, [at("two")], options=["NOTIFY=SUCCESS,DELAY"])
    sink.wait(3)
    assert f"RCPT TO:<first@elsewhere.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;two@{DOMAIN}" in sink.commands
    assert f"RCPT TO:<second@other.example> NOTIFY=DELAY ORCPT=rfc822;two@{DOMAIN}" in sink.commands


def test_what_is_refused_there_comes_back_to_its_sender(sink, forwarder):
    server = forwarder([(at("out"), "out@elsewhere.example")])
    sink.answers["RCPT"] = ["550 5.1.1 nobody", "250 2.1.5 Ok"]
    send(server, [at("out")])
    sender, recipients, message = sink.wait(1)[0]
    assert (sender, recipients) == ("", [SENDER])
    status = email.message_from_bytes(message).get_payload()[1].get_payload()[1]
    assert status["Final-Recipient"] == "rfc822; out@elsewhere.example"
    assert status["Original-Recipient"] == f"rfc822; {at('out')}"
    assert status["Status"] == "5.1.1"


def test_settings_of_domains(sink, forwarder):
    domains = (DOMAIN, "strict.example", "dash.example")
    server = forwarder([(at("out"), "out@elsewhere.example"), ("out@strict.example", "out@elsewhere.example"),
                        ("both@strict.example", at("alice"), "out@elsewhere.example"),
                        ("out@dash.example", "out@elsewhere.example"),
                        ("@dash.example", "all@elsewhere.example")],
                       'srs_domain = "bounce.example"; domains = ( { name = "strict.example"; forward = false; },'
                       ' { name = "dash.example"; separator = "-"; } );', domains)
    assert rcpt(server, "out@strict.example")[0] == 550
    send(server, ["both@strict.example"])
    assert len(server.wait_for_messages(1)) == 1
    assert not sink.mails
    for number, (recipient, target) in enumerate((
            (at("out+tag"), "out@elsewhere.example"), ("out-tag@dash.example", "out@elsewhere.example"),
            ("out+tag@dash.example", "all@elsewhere.example"))):
        send(server, [recipient])
        sender, recipients, message = sink.wait(number + 1)[number]
        assert recipients == [target]
        assert sender.endswith("=Someone@bounce.example")
        assert message.startswith(f"Delivered-To: {recipient}\r\n".encode())
    # A domain of its own for these, which has nothing else.
    send(server, [sender], sender="")
    assert sink.wait(4)[3][1] == [SENDER]
    assert rcpt(server, "alice@bounce.example")[0] == 550


def test_without_relay_and_with_forward_off_no_alias_leads_out(make_server, sink):
    for setting in ("relay", "addresses"):
        server = make_server()
        server.settings["relay"] = "{ enabled = false; }" if setting == "relay" else \
            f'{{ port = {sink.port}; host = "127.0.0.1"; tls = "none"; }}'
        server.settings["addresses"] = "{ forward = %s; }" % ("true" if setting == "relay" else "false")
        server.write_configuration()
        server.create_certificate()
        server.add_account("alice")
        server.posternctl("alias", "add", at("out"), "out@elsewhere.example")
        server.posternctl("alias", "add", at("both"), "out@elsewhere.example", at("alice"))
        server.start()
        assert rcpt(server, at("out"))[0] == 550
        send(server, [at("both")])
        assert len(server.wait_for_messages(1)) == 1
    assert sink.connections == 0


def test_posternctl_knows_where_they_lead(forwarder):
    server = forwarder([(at("out"), "Out/x@Elsewhere.example"), (at("all"), at("out"), at("alice"))])
    shown = server.posternctl("alias", "show", at("all")).stdout.splitlines()
    assert shown == [f"{at('alice')}\tenabled", "Out/x@elsewhere.example\telsewhere"]
    assert f"{at('out')}\tOut/x@elsewhere.example\n" in server.posternctl("alias", "list").stdout
    result = server.posternctl("alias", "add", at("bad"), at("nobody"), check=False)
    assert result.returncode != 0 and "no account and no alias of this file" in result.stderr
    server.posternctl("alias", "remove", at("out"), "out/x@elsewhere.example", check=False)
    server.posternctl("alias", "add", at("out"), "second@elsewhere.example")
    server.posternctl("alias", "remove", at("out"), "Out/x@elsewhere.example")
    assert server.posternctl("alias", "list").stdout.count("second@elsewhere.example") == 1


def test_two_servers_that_forward_to_each_other_end_in_one_bounce(make_server, sink):
    """first.example leads to second.example, and back: the mail goes once around, and its sender hears of it."""
    servers = [make_server(), make_server()]
    names = ["first.example", "second.example"]
    for me, server in enumerate(servers):
        other = names[1 - me]
        server.domains = [names[me], DOMAIN]
        server.settings["limits"] = "{ retry = 1; restart_delay = 0; }"
        server.settings["relay"] = (
            f'{{ host = "127.0.0.1"; port = {sink.port}; tls = "none"; routes = ( {{ domain = "{other}";'
            f' host = "127.0.0.1"; port = {servers[1 - me].ports["smtp"]}; tls = "none"; }} ); }}')
        server.write_configuration(server.configuration_text().replace(
            f'hostname = "{HOST}"', f'hostname = "mx.{names[me]}"'))
        server.posternctl("cert", "create", f"mx.{names[me]}", "--name", f"mx.{names[me]}", "--key", "p256")
        server.add_account("alice")
        server.posternctl("alias", "add", f"round@{names[me]}", f"round@{other}")
        server.start()
    with smtplib.SMTP("127.0.0.1", servers[0].ports["smtp"]) as client:
        client.sendmail(SENDER, ["round@first.example"], BODY)
    sender, recipients, message = sink.wait(1)[0]
    assert (sender, recipients) == ("", [SENDER])
    # Who has had it twice says so, and the bounce goes back over both.
    status = email.message_from_bytes(message).get_payload()[1].get_payload()[1]
    assert status["Status"] == "5.4.6"
    assert "loop" in status["Diagnostic-Code"]
    for server in servers:
        wait_for(lambda server=server: server.posternctl("queue", "list").stdout == "", "empty queues")
    assert len(sink.mails) == 1
    servers[0].log.wait(r"event=queue\.bounced")
    assert len(servers[0].log.find(r"event=queue\.bounced")) == 1
    assert not servers[1].log.find(r"event=queue\.bounced")
