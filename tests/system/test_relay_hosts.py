# SPDX-License-Identifier: ISC
"""Mail that a domain's host puts off goes to its next one at once (RFC 5321 5.1); each is asked once."""

import pytest

from mail_sink import A, MX, Names
from test_relay import BODY, Nobody, make_sink, report, send, send_out  # noqa: F401 (fixtures)

BOB, CAROL = "bob@elsewhere.example", "carol@elsewhere.example"
GREY = "450 4.2.0 First is grey"


class Hosts:
    """A domain with two of them; the first has two addresses."""

    def __init__(self, make_sink, send_out, answers, second=None, extensions=("PIPELINING",), expire=86400):
        self.first = make_sink(answers=answers, extensions=extensions)
        self.first_too = make_sink(answers=answers, extensions=extensions, address=("127.0.0.3", self.first.port))
        address = ("127.0.0.2", self.first.port)
        self.second = (make_sink(Nobody, address=address) if second == "down"
                       else make_sink(answers=second, extensions=extensions, address=address))
        names = make_sink(Names, records={
            ("elsewhere.example", MX): [(10, "first.example"), (20, "second.example")],
            ("first.example", A): ["127.0.0.1", "127.0.0.3"], ("second.example", A): ["127.0.0.2"]})
        self.server = send_out(self.first.port, f'resolver = "127.0.0.1@{names.port}";', expire=expire)

    def asked(self, verb):
        """How often the first and the second were."""
        return tuple(sum(command.startswith(verb) for sink in sinks for command in sink.commands)
                     for sinks in ((self.first, self.first_too), (self.second,)))


@pytest.fixture
def hosts(make_sink, send_out):  # noqa: F811
    return lambda *arguments, **options: Hosts(make_sink, send_out, *arguments, **options)


@pytest.mark.parametrize("answers", [{"MAIL": ["451 4.3.1 Disk full"]}, {"RCPT": [GREY]}, {"DATA": ["451 4.3.0 Not now"]}])
@pytest.mark.parametrize("extensions", [("PIPELINING",), ()])
def test_the_next_host_takes_what_is_put_off(hosts, answers, extensions):
    world = hosts(answers, extensions=extensions)
    send(world.server, [BOB])
    assert world.second.wait(1)[0][1:] == ([BOB], world.second.mails[0][2])
    assert world.second.mails[0][2].endswith(BODY)
    world.server.log.wait(r"event=queue\.relayed .*host=second\.example")
    assert world.asked("MAIL") == (1, 1)
    # Over connections that wait, too.
    send(world.server, [BOB])
    world.second.wait(2)
    world.server.log.wait(r"event=queue\.relayed .*host=second\.example", count=2)
    assert not world.server.log.find(r"event=queue\.deferred")


def test_one_of_two_is_put_off(hosts):
    """Who has taken one is not asked again, and each report and line is about its own host."""
    world = hosts({"RCPT": [GREY, "250 Ok"]})
    send(world.server, [BOB, CAROL])
    assert world.second.wait(1)[0][1] == [BOB]
    world.server.log.wait(r"event=queue\.relayed .*to=carol@elsewhere\.example host=first\.example")
    world.server.log.wait(r"event=queue\.relayed .*to=bob@elsewhere\.example host=second\.example")
    assert [mail[1] for mail in world.first.mails + world.first_too.mails] == [[CAROL]]
    assert world.asked("RCPT") == (2, 1)


def test_what_a_host_has_heard_whole_is_not_offered_to_another(hosts):
    world = hosts({"body": ["452 4.3.1 Full"]})
    send(world.server, [BOB])
    world.server.log.wait(r"event=queue\.not_now .*host=first\.example .*Full", count=2)
    assert world.second.connections == 0


def test_the_last_host_counts(hosts):
    """And each is asked once an attempt, whatever addresses it has."""
    world = hosts({"RCPT": [GREY]}, {"MAIL": ["451 4.3.2 Second is busy"]}, expire=4)
    send(world.server, [BOB])
    words, recipient = report(world.server)
    assert recipient["Status"] == "4.3.2"
    assert recipient["Remote-MTA"] == "dns; second.example"
    assert "the mail server second.example said:\n\n  451 4.3.2 Second is busy" in words.replace("\r\n", "\n")
    attempts = len(world.server.log.find(r"event=queue\.not_now .*host=second\.example"))
    assert world.asked("MAIL") == (attempts, attempts)


def test_a_refusal_of_the_last_host_is_final(hosts):
    world = hosts({"RCPT": [GREY]}, {"RCPT": ["550 5.7.1 Not here"]})
    send(world.server, [BOB])
    _, recipient = report(world.server)
    assert recipient["Status"] == "5.7.1"
    assert recipient["Remote-MTA"] == "dns; second.example"
    assert world.asked("MAIL") == (1, 1)


@pytest.mark.parametrize("second", ["down", {"connect": ["421 Busy"]}, {"connect": ["521 5.3.2 No mail here"]}])
def test_a_host_that_says_nothing_changes_nothing(hosts, second):
    """What is known of the recipient is what the first has said: also that it is for later."""
    world = hosts({"RCPT": [GREY]}, second)
    send(world.server, [BOB])
    world.server.log.wait(r"event=queue\.not_now .*host=first\.example .*First is grey", count=2)
    assert not world.server.messages()


def test_hosts_that_hang_up_are_left(hosts):
    """They put one off, and break off before they say anything of the other: each address once, and it ends."""
    world = hosts({"RCPT": [GREY, None]}, {"RCPT": ["451 4.3.0 Second puts off", None]}, extensions=())
    send(world.server, [BOB, CAROL])
    world.server.log.wait(r"event=queue\.not_now .*to=bob@", count=2)
    world.server.log.wait(r"event=queue\.not_now .*to=carol@", count=2)
    assert world.first.mails + world.first_too.mails + world.second.mails == []
