# SPDX-License-Identifier: ISC
"""What is known of the host that brings a mail: its name (iprev), its HELO name, lists in DNS."""

import smtplib

import pytest

from conftest import DEADLINE, DOMAIN, HOST
from mail_sink import Names
from milter import Milter

ALICE = f"alice@{DOMAIN}"
A = 1


@pytest.fixture
def judging(make_server):
    made = []

    def make(more, lists=None):
        names = Names({(f"2.0.0.127.{zone}", A): codes.split() for zone, codes in (lists or {}).items()})
        made.append(names)
        server = make_server()
        server.settings["relay"] = f'{{ resolver = "127.0.0.1@{names.port}"; }}'
        server.settings["filter"] = f'{{ check = "all"; {more} }}'
        return server.set_up("alice")

    yield make
    for names in made:
        names.close()


def send(server, source="127.0.0.1", helo="client.example"):
    with smtplib.SMTP(HOST, server.ports["smtp"], helo, DEADLINE, (source, 0)) as client:
        client.sendmail("x@example.net", [ALICE], b"From: x@example.net\r\n\r\nb\r\n")


def refused(server, **how):
    with pytest.raises(smtplib.SMTPDataError) as error:
        send(server, **how)
    return error.value.smtp_code, error.value.smtp_error.decode()


def test_lists(judging):
    server = judging('dnsbl = ( "quiet.example", "bl.example" );', {"bl.example": "127.0.0.4"})
    send(server)
    assert refused(server, source="127.0.0.2") == (
        550, "5.7.1 Mail from your address is refused: 127.0.0.2 is listed by bl.example")
    server.wait_for_messages(1)


@pytest.mark.parametrize("lists, code, counts", [
    ("bl.example=127.0.0.2-3", "127.0.0.4", False),
    ("bl.example=127.0.0.2-4", "127.0.0.4", True),
    ("bl.example=127.0.0.4", "127.0.0.4", True),
    ("bl.example", "127.255.255.254", False),  # "ask me no more"
    ("bl.example", "192.0.2.1", False),  # the answer of a resolver that lies
])
def test_answers_of_lists(judging, lists, code, counts):
    server = judging(f'dnsbl = "{lists}"; dnsbl_action = "junk";', {"bl.example": code})
    send(server, source="127.0.0.2")
    server.log.wait(rf"event=queue\.checked .*junk={int(counts)}")


def test_a_list_with_many_answers(judging):
    """Each counts; which comes first is the resolver's."""
    many = " ".join(f"127.0.0.{n}" for n in range(4, 200))
    server = judging('dnsbl = "bl.example=127.0.0.100"; dnsbl_action = "junk";', {"bl.example": many})
    send(server, source="127.0.0.2")
    server.log.wait(r"event=queue\.checked .*junk=1")


def test_a_helo_name(judging):
    server = judging('helo = "reject";')
    send(server)
    assert refused(server, helo="localhost")[1].startswith(
        "5.7.1 What you call yourself is not your name: it is this server's own name")
    assert refused(server, helo="[192.0.2.1]")[0] == 550
    send(server, helo="[127.0.0.1]")


def test_the_name_of_an_address(judging):
    """This host's addresses are known without DNS: 127.0.0.1 is localhost, and 127.0.0.2 nobody."""
    with Milter() as milter:
        server = judging(f'iprev = "reject"; milters = ( {milter.settings()} );')
        send(server)
        (message,) = server.wait_for_messages(1)
        assert b"iprev=pass policy.iprev=127.0.0.1" in message
        assert milter.macros[b"{client_name}"] == b"localhost"
        assert refused(server, source="127.0.0.2") == (
            550, "5.7.25 Your address has no name that has it: 127.0.0.2")


def test_an_exempt_host(judging):
    """A backup MX calls itself what it likes, may be listed, and brings others' mail; milters hear of that."""
    with Milter() as milter:
        server = judging('dnsbl = "bl.example"; helo = "reject"; iprev = "reject"; exempt = "127.0.0.2"; '
                         f'milters = ( {milter.settings()} );', {"bl.example": "127.0.0.4"})
        send(server, source="127.0.0.2", helo="localhost")
        (message,) = server.wait_for_messages(1)
        assert b"policy.iprev=127.0.0.2" in message and b"iprev=pass" not in message
        assert milter.data("M") == [b"<x@example.net>\0"]
        for why in ("it is this server's own name", "127.0.0.2", "127.0.0.2 is listed by bl.example"):
            server.log.wait(rf'event=filter\.exempt .*why="?{why}')
        assert refused(server, helo="localhost")[0] == 550
        assert refused(server, source="127.0.0.3")[0] == 550
