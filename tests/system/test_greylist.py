# SPDX-License-Identifier: ISC
"""Greylisting, as clients see it."""

import os
import signal
import struct
import smtplib

import pytest
from conftest import PASSWORD, wait_for
from faults import Faults

NOBODY = "exempt = ();"
MESSAGE = "From: a@b.example\r\nSubject: grey\r\n\r\nText.\r\n"
SOON = b"4.7.1 <alice@example.org>: greylisted, please try again in "


def settings(greylisting, exempt=NOBODY):
    return f"{{ greeting_pause = 0; {exempt} greylisting = {{ enabled = true; {greylisting} }}; }}"


@pytest.fixture(name="make_grey")
def make_grey_fixture(make_server):
    def make(greylisting="", exempt=NOBODY, **options):
        server = make_server(**options)
        server.settings["defences"] = settings(greylisting, exempt)
        return server.set_up("alice", "bob")

    return make


def send(server, sender="a@b.example", to="alice@example.org"):
    """The replies to RCPT of a client that sends one mail, and the mail if it may."""
    with server.smtp(tls=False) as client:
        client.ehlo("client.example")
        client.mail(sender)
        reply = client.rcpt(to)
        if reply[0] == 250:
            assert client.data(MESSAGE)[0] == 250
        return reply


def test_comes_again(make_grey):
    server = make_grey("delay = 1;")
    code, text = send(server)
    assert code == 451 and text == SOON + b"1 second"
    server.log.wait(r"event=smtp\.refused .*why=greylisted .*from=a@b\.example to=alice@example\.org .*wait=1")
    wait_for(lambda: send(server)[0] == 250, "the mail to be taken")
    server.log.wait(r"event=queue\.greylist_passed .*from=a@b\.example to=alice@example\.org waited=[1-9]")
    server.wait_for_messages(1)
    # From now on at once; and others as before.
    assert send(server)[0] == 250
    assert send(server, "A@b.Example")[0] == 250
    assert send(server, "", "alice@example.org")[0] == 451
    server.wait_for_messages(3)


def test_each_recipient_for_itself(make_grey):
    server = make_grey("delay = 1;")
    send(server)
    wait_for(lambda: send(server)[0] == 250, "the mail to be taken")
    with server.smtp(tls=False) as client:
        refused = client.sendmail("a@b.example", ["alice@example.org", "bob@example.org"], MESSAGE)
    assert list(refused) == ["bob@example.org"] and refused["bob@example.org"][0] == 451
    server.wait_for_messages(2)
    with server.smtp(tls=False) as client, pytest.raises(smtplib.SMTPRecipientsRefused) as error:
        client.sendmail("x@y.example", ["bob@example.org", "nobody@example.org"], MESSAGE)
    codes = {to: reply[0] for to, reply in error.value.recipients.items()}
    assert codes == {"bob@example.org": 451, "nobody@example.org": 550}


def commits(path):
    """How many commits are whole in a write-ahead log of SQLite: frames that say how large the database is then."""
    with open(path, "rb") as file:
        log = file.read()
    if len(log) < 32:
        return 0
    frame = 24 + struct.unpack(">I", log[8:12])[0]
    headers = (log[at:at + 24] for at in range(32, len(log) - frame + 1, frame))
    return sum(header[8:16] == log[16:24] and header[4:8] != bytes(4) for header in headers)


def test_is_kept(make_grey, folder):
    """Over a restart of the server, and over a crash of queue; the clock is queue's, and the test's."""
    faults = Faults(folder, ["queue"])
    server = make_grey("delay = 300;", libexec=faults.libexec)
    assert send(server)[0] == 451
    server.stop()
    faults.set_clock(400)
    server.start()

    def learned(sender, code):
        """What queue learned of this mail is written, and nothing is left to be."""
        written = os.path.join(server.state, "queue", "greylist.db-wal")
        before = commits(written)
        assert send(server, sender)[0] == code
        wait_for(lambda: commits(written) > before, "what it has learned to be written")

    learned("a@b.example", 250)
    learned("new@b.example", 451)
    faults.set_clock(1000)
    os.kill(server.children("queue")[0], signal.SIGKILL)
    wait_for(lambda: send(server, "new@b.example")[0] == 250, "the mail to be taken")
    assert send(server)[0] == 250
    server.wait_for_messages(3)


def test_a_network_that_passed_often_is_known(make_grey):
    server = make_grey("delay = 1; passes = 2;")
    number = 0

    def known():
        nonlocal number
        number += 1
        sender = f"{number}@b.example"
        if send(server, sender)[0] == 250:
            return True
        wait_for(lambda: send(server, sender)[0] == 250, "the mail to be taken")
        return False

    wait_for(known, "the network to be known")
    server.log.wait(r"event=queue\.greylist_known .*network=127\.0\.0\.0 passes=2")
    assert send(server, "never.seen@x.example", "bob@example.org")[0] == 250


@pytest.mark.parametrize("exempt", ["", 'exempt = (); greylisting = { exempt = "127.0.0.0/8"; enabled = true; };'])
def test_who_is_exempt(make_server, exempt):
    """This host is by default; and who the administrator says."""
    server = make_server()
    server.settings["defences"] = f"{{ greeting_pause = 0; {exempt or 'greylisting = { enabled = true; };'} }}"
    server.set_up("alice")
    assert send(server)[0] == 250
    server.wait_for_messages(1)


def test_who_logs_in_is_no_stranger(make_grey):
    server = make_grey()
    assert send(server, "alice@example.org")[0] == 451
    with server.submission("alice", PASSWORD) as client:
        client.sendmail("alice@example.org", ["bob@example.org"], MESSAGE.replace("a@b.example", "alice@example.org"))
    server.wait_for_messages(1, "bob")


def test_is_off_by_default_and_comes_with_a_reload(make_server):
    server = make_server()
    server.settings["defences"] = f"{{ greeting_pause = 0; {NOBODY} }}"
    server.set_up("alice")
    assert send(server)[0] == 250
    server.settings["defences"] = settings("")
    server.write_configuration()
    server.posternctl("reload")
    wait_for(lambda: send(server)[0] == 451, "greylisting")
    server.settings["defences"] = settings("delay = 700; retry_window = 700;")
    server.write_configuration()
    refused = server.posternctl("reload", check=False)
    assert refused.returncode != 0
    assert "defences.greylisting must have a retry_window that is longer than its delay" in refused.stderr + refused.stdout
