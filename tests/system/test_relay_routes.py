# SPDX-License-Identifier: ISC
"""Routes: which host a domain's mail goes to, how it is spoken to, and who logs in there."""

import json
import os
import smtplib
import subprocess
import time

import pytest

from authority import Authority
from conftest import DEADLINE, DOMAIN, HOST, PASSWORD, build, program, wait_for
from mail_sink import A, MX, Names, Sink
from test_relay import ALICE, BODY, IDLE, make_sink, report, send, send_out  # noqa: F401: fixtures

OTHER = "elsewhere.example"


def route(domain, port, **keys):
    words = "".join(f'{key} = {value}; ' for key, value in keys.items())
    return f'{{ domain = "{domain}"; host = "127.0.0.1"; port = {port}; {words}}}'


def routes(*each):
    return f'host = "127.0.0.1"; routes = ( {", ".join(each)} );'


def pid_of_relay(server):
    (pid,) = server.children("postern-relay relay")
    return pid


def test_the_most_specific_route_wins(make_sink, send_out):  # noqa: F811
    standard, exact, below = make_sink(), make_sink(), make_sink()
    server = send_out(standard.port, routes(route("a.example", exact.port), route(".a.example", below.port)))
    for domain, sink in (("a.example", exact), ("x.a.example", below), ("b.example", standard)):
        send(server, [f"bob@{domain}"])
        assert sink.wait(1)[0][1] == [f"bob@{domain}"]
    assert [sink.connections for sink in (standard, exact, below)] == [1, 1, 1]


def test_a_route_makes_no_domain_ours_nor_anybody_elses(make_sink, send_out):  # noqa: F811
    """What strangers may send, and what stays here, is said by domains alone; who names one of these is warned."""
    sink = make_sink()
    server = send_out(1, routes(route("lists.example", sink.port), route(DOMAIN, sink.port)))
    with server.smtp() as client:
        client.ehlo()
        client.mail("eve@stranger.example")
        code, said = client.rcpt("users@lists.example")
        assert code == 550 and b"5.7.1" in said
    send(server, ["users@lists.example", ALICE])
    assert sink.wait(1)[0][1] == ["users@lists.example"]
    server.wait_for_messages(1)
    warning = f'warning: the route "{DOMAIN}" is never used'
    checked = subprocess.run([program("postern"), "-t", "-f", server.configuration], capture_output=True, text=True,
                             check=True, timeout=DEADLINE)
    assert checked.stderr.count("warning:") == 1 and warning in checked.stderr
    assert warning in server.posternctl("reload").stdout
    assert sink.connections == 1


def test_helo_and_source_of_a_route(make_sink, send_out):  # noqa: F811
    sink = make_sink()
    server = send_out(1, routes(route(OTHER, sink.port, helo='"out.example.org"', source='"127.0.0.3"')))
    send(server, [f"bob@{OTHER}"])
    sink.wait(1)
    assert "EHLO out.example.org" in sink.commands
    assert sink.peers == ["127.0.0.3"]


def test_lmtp_answers_for_each_recipient(make_sink, send_out):  # noqa: F811
    sink = make_sink(lmtp=True, answers={"body": ["250 2.0.0 Stored", "550 5.2.1 Closed", "250 2.0.0 Stored"]})
    server = send_out(1, routes(route(OTHER, sink.port, protocol='"lmtp"')))
    send(server, [f"{user}@{OTHER}" for user in ("bob", "carol", "dan")])
    assert sink.wait(1)[0][1] == [f"bob@{OTHER}", f"dan@{OTHER}"]
    server.log.wait(r"event=queue\.relayed", count=2)
    _, recipient = report(server)
    assert recipient["Final-Recipient"] == f"rfc822; carol@{OTHER}"
    assert recipient["Status"] == "5.2.1"
    assert sink.commands[0] == f"LHLO {HOST}"


def test_a_route_for_everybody(make_sink, send_out):  # noqa: F811
    """A domain that another store, or a program for lists, has the mail of: strangers send there as to our own."""
    sink = make_sink(lmtp=True, answers={"body": ["250 2.0.0 Stored", "550 5.1.1 Nobody", "250 2.0.0 Stored"]})
    server = send_out(sink.port, routes(route(OTHER, sink.port, protocol='"lmtp"', inbound="true"), route("closed.example", sink.port)))
    with server.smtp() as client:
        client.ehlo()
        assert client.mail("stranger@origin.example")[0] == 250
        assert client.rcpt(f"Dev@{OTHER}")[0] == 250
        for refused in (f"dev@below.{OTHER}", "dev@closed.example", "dev@other.example"):
            assert client.rcpt(refused) == (550, f"5.7.1 relaying denied: <{refused}> is not served here".encode())
        assert client.data(BODY)[0] == 250
        sink.wait(1)
        assert sink.mails[0][:2] == ("stranger@origin.example", [f"Dev@{OTHER}"])
        # What the host refuses comes back, here to one of ours; and users send there as ever.
        client.sendmail(ALICE, [f"nobody@{OTHER}"], BODY)
    assert report(server)[1]["Final-Recipient"] == f"rfc822; nobody@{OTHER}"
    send(server, [f"carol@{OTHER}"])
    wait_for(lambda: [f"carol@{OTHER}"] in [mail[1] for mail in sink.mails], "carol's mail")
    # A reload takes it back.
    server.settings["relay"] = server.settings["relay"].replace("inbound = true", "inbound = false")
    server.write_configuration()
    server.posternctl("reload")
    with server.smtp() as client:
        client.ehlo()
        client.mail("stranger@origin.example")
        assert client.rcpt(f"dev@{OTHER}")[0] == 550


def test_a_route_for_everybody_that_leads_back(make_sink, send_out):  # noqa: F811
    """Its host was forgotten, and the domain's MX is this server: nothing is returned for that."""
    names = make_sink(Names, records={(OTHER, MX): [(10, HOST)], (HOST, A): ["127.0.0.1"]})
    server = send_out(1, f'resolver = "127.0.0.1@{names.port}"; routes = ( {{ domain = "{OTHER}"; inbound = true; }} );')
    with server.smtp() as client:
        client.sendmail(ALICE, [f"dev@{OTHER}"], BODY)
    server.log.wait(r"warning: event=relay\.misconfigured .*leads back")
    server.log.wait(r"event=queue\.deferred")
    assert not server.messages()


def test_a_reload_changes_routes_in_place(make_sink, send_out):  # noqa: F811
    first, second = make_sink(), make_sink()
    server = send_out(1, routes(route(OTHER, first.port)))
    send(server, [f"bob@{OTHER}"])
    first.wait(1)
    server.log.wait(r"event=queue\.relayed")
    pid = pid_of_relay(server)
    server.settings["relay"] = f'{{ port = 1; {routes(route(OTHER, second.port))} }}'
    server.write_configuration()
    server.posternctl("reload")
    send(server, [f"carol@{OTHER}"])
    assert second.wait(1)[0][1] == [f"carol@{OTHER}"]
    assert pid_of_relay(server) == pid
    # Without relay its process goes; with it there is one again.
    server.settings["relay"] = "{ enabled = false; }"
    server.write_configuration()
    server.posternctl("reload")
    server.log.wait(r"event=child\.ended .*child=relay")
    assert not server.children("postern-relay relay")
    server.settings["relay"] = f'{{ port = 1; {routes(route(OTHER, second.port))} }}'
    server.write_configuration()
    server.posternctl("reload")
    send(server, [f"dan@{OTHER}"])
    assert second.wait(2)[1][1] == [f"dan@{OTHER}"]


@pytest.fixture
def smart_host(make_server):
    """Another Postern, where alice may submit."""
    other = make_server()
    other.settings["submission"] = '{ sender_check = "off"; }'
    return other.set_up("alice")


def password_file(server, password, mode=0o600):
    path = os.path.join(os.path.dirname(server.state), "password")
    with open(path, "w", encoding="utf-8") as file:
        file.write(password + "\n")
    os.chmod(path, mode)
    return path


def through(server, smart, path, **keys):
    """Mail for all domains goes through SMART."""
    words = "".join(f"{key} = {value}; " for key, value in keys.items())
    server.settings["relay"] = (
        f'{{ host = "127.0.0.1"; port = {smart.ports["submission"]}; tls = "require"; user = "alice@{DOMAIN}"; '
        f'password_file = "{path}"; {words}}}')
    server.settings["limits"] = "{ retry = 1; restart_delay = 0; }"


def bob_sends(server):
    with smtplib.SMTP_SSL(HOST, server.ports["submissions"], timeout=DEADLINE, context=server.context()) as client:
        client.login(f"bob@{OTHER}", PASSWORD)
        client.sendmail(f"bob@{OTHER}", [f"alice@{DOMAIN}"], BODY.replace(b"alice@example.org", b"bob@" + OTHER.encode()))


def test_a_login_at_a_smart_host(make_server, smart_host):
    """SCRAM, as the smart host offers it; its own mailbox is where the mail ends."""
    server = make_server()
    server.domains = [OTHER]
    through(server, smart_host, password_file(server, PASSWORD))
    server.write_configuration()
    server.create_certificate()
    server.add_account(f"bob@{OTHER}")
    server.start()
    bob_sends(server)
    server.log.wait(r"event=queue\.relayed")
    (mail,) = smart_host.wait_for_messages(1)
    assert b"Subject: out" in mail
    assert PASSWORD not in server.log.text() and PASSWORD not in smart_host.log.text()


def test_a_wrong_password_waits_for_a_right_one(make_server, smart_host):
    server = make_server()
    server.domains = [OTHER]
    path = password_file(server, "wrong")
    through(server, smart_host, path)
    server.write_configuration()
    server.create_certificate()
    server.add_account(f"bob@{OTHER}")
    server.start()
    bob_sends(server)
    server.log.wait(r"event=relay\.login_refused .*code=535")
    server.log.wait(r"event=queue\.deferred")
    # Others may read it: then nobody logs in with it.
    password_file(server, PASSWORD, 0o644)
    server.posternctl("reload")
    server.log.wait(r"event=relay\.no_password .*can be read by others")
    os.chmod(path, 0o600)
    server.posternctl("reload")
    server.log.wait(r"event=queue\.relayed")
    (mail,) = smart_host.wait_for_messages(1)
    assert b"Subject: out" in mail


def test_a_refused_login_is_not_repeated(make_sink, send_out, folder):  # noqa: F811
    """Some count them, and lock the account: mails wait, and say why, until a reload or for some minutes."""
    os.mkdir(os.path.join(folder, "authority"))
    authority = Authority(os.path.join(folder, "authority"))
    key, certificate = authority.pair("sink", "sink.example")
    sink = make_sink(tls=(certificate, key), extensions=("PIPELINING", "AUTH PLAIN"),
                     answers={"AUTH": ["535 5.7.8 Wrong"]})
    server = send_out(sink.port)
    path = password_file(server, "secret")
    server.settings["relay"] = (f'{{ host = "127.0.0.1"; port = {sink.port}; tls = "require"; user = "alice"; '
                                f'password_file = "{path}"; }}')
    server.write_configuration()
    server.posternctl("reload")
    send(server, ["bob@a.example"])
    server.log.wait(r"event=relay\.login_refused .*code=535")
    for number in range(5):
        send(server, [f"bob{number}@b.example"])
    server.log.wait(r"event=queue\.deferred .*login at 127\.0\.0\.1 was refused", count=7)
    assert len([command for command in sink.commands if command.startswith("AUTH")]) == 1

    def reason():
        (entry, *_) = json.loads(server.posternctl("queue", "list", "--json", "--to", "bob1@b.example").stdout)
        return entry.get("reason", "")

    wait_for(lambda: "was refused" in reason() and "Wrong" in reason(), "bob1's reason")
    with sink.changed:
        sink.answers["AUTH"] = ["235 2.7.0 Ok"]
    server.posternctl("reload")
    sink.wait(6)


def test_the_check_reads_password_files(make_server):
    server = make_server()
    path = os.path.join(server.folder, "password")
    server.settings["relay"] = (
        f'{{ routes = ( {{ domain = "{OTHER}"; host = "a.example"; user = "u"; password_file = "{path}"; }} ); }}')
    server.write_configuration()
    server.create_certificate()
    command = [program("postern"), "-t", "-f", server.configuration, "-L", build()]
    for mode, words in ((None, "No such file"), (0o644, "can be read by others"), (0o600, None)):
        if mode:
            with open(path, "w", encoding="utf-8") as file:
                file.write("secret\n")
            os.chmod(path, mode)
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=DEADLINE)
        # It is no error: other mail goes out.
        assert result.returncode == 0, result.stderr
        assert (f'mail of the route "{OTHER}" waits' in result.stderr) == bool(words)
        assert not words or words in result.stderr


# -- Connections that are used again -----------------------------------------------------------------


def relayed(server, count):
    server.log.wait(r"event=queue\.relayed", count=count)


def test_a_connection_carries_many_mails(make_sink, send_out):  # noqa: F811
    sink = make_sink()
    server = send_out(sink.port)
    with server.submission() as client:
        begun = time.monotonic()
        # Another domain of the same host, too.
        for number, domain in enumerate([OTHER] * 5 + ["third.example"]):
            client.sendmail(ALICE, [f"bob{number}@{domain}"], BODY)
            relayed(server, number + 1)
        assert len(sink.wait(6)) == 6
        # A refused envelope is cleared before the next.
        with sink.changed:
            sink.answers["RCPT"] = ["550 5.1.1 No", "250 Ok"]
        client.sendmail(ALICE, [f"nobody@{OTHER}"], BODY)
        server.log.wait(r"event=queue\.bounced")
        client.sendmail(ALICE, [f"dan@{OTHER}"], BODY)
        relayed(server, 7)
    if time.monotonic() - begun < IDLE:
        assert sink.connections == 1
        assert "RSET" in sink.commands
    # After a while it is told that no more come.
    wait_for(lambda: sink.commands[-1] == "QUIT", "QUIT")


class Mortal(Sink):
    """Answers VERB with REPLY in the second mail of a connection; the next one is as any other."""

    def __init__(self, verb, reply, **options):
        self.verb, self.reply = verb, reply
        self.died = False
        super().__init__(**options)

    def answer(self, handler, verb, usual):
        if verb == "MAIL":
            handler.mails = getattr(handler, "mails", 0) + 1
        if verb == self.verb and handler.mails == 2 and not self.died:
            self.died = True
            self.answers[verb] = [self.reply, usual]
        return super().answer(handler, verb, usual)


@pytest.mark.parametrize("verb,reply", [("MAIL", None), ("MAIL", "421 4.3.2 Enough"), ("RCPT", None), ("DATA", None)])
def test_one_that_died_meanwhile_is_no_failure(make_sink, send_out, verb, reply):  # noqa: F811
    sink = make_sink(Mortal, verb=verb, reply=reply)
    server = send_out(sink.port)
    with server.submission() as client:
        # In the second mail; in a later one, if the connection had its QUIT before relay had that.
        for number in range(9):
            before = sink.connections
            client.sendmail(ALICE, [f"bob{number}@{OTHER}"], BODY)
            relayed(server, number + 1)
            if sink.died:
                break
    assert sink.died and sink.connections == before + 1
    assert "event=queue.deferred" not in server.log.text()


def test_no_more_connections_than_the_route_has(make_sink, send_out):  # noqa: F811
    sink = make_sink()
    server = send_out(sink.port, 'host = "127.0.0.1"; connections = 2;')
    with server.submission() as client:
        for number in range(12):
            client.sendmail(ALICE, [f"bob@d{number}.example"], BODY)
    relayed(server, 12)
    assert len(sink.wait(12)) == 12
    assert sink.most_open <= 2


def test_what_a_host_has_said_stays_its_own(make_sink, send_out):  # noqa: F811
    """It refuses one recipient and hangs up; the next host takes the other."""
    first = make_sink(answers={"RCPT": ["550 5.1.1 First says no", None]}, extensions=())
    second = make_sink(address=("127.0.0.2", first.port))
    names = make_sink(Names, records={
        ("elsewhere.example", MX): [(10, "first.example"), (20, "second.example")],
        ("first.example", A): ["127.0.0.1"],
        ("second.example", A): ["127.0.0.2"],
    })
    server = send_out(first.port, f'resolver = "127.0.0.1@{names.port}";')
    send(server, ["bob@elsewhere.example", "carol@elsewhere.example"])
    words, recipient = report(server)
    assert second.wait(1)[0][1] == ["carol@elsewhere.example"]
    assert recipient["Final-Recipient"] == "rfc822; bob@elsewhere.example"
    assert recipient["Remote-MTA"] == "dns; first.example"
    assert "the mail server first.example said:" in words
    server.log.wait(r"event=queue\.refused .*to=bob@elsewhere\.example host=first\.example")
    server.log.wait(r"event=queue\.relayed .*to=carol@elsewhere\.example host=second\.example")


def test_a_connection_that_waited_is_to_its_own_host(make_sink, send_out):  # noqa: F811
    """Though another host is preferred, who is not asked."""
    first = make_sink(answers={"RCPT": ["550 5.1.1 First says no"]})
    second = make_sink(address=("127.0.0.2", first.port), answers={"RCPT": ["250 Ok", "550 5.1.1 Second says no"]})
    names = make_sink(Names, records={
        ("elsewhere.example", MX): [(10, "second.example")],
        ("other.example", MX): [(10, "first.example"), (20, "second.example")],
        ("first.example", A): ["127.0.0.1"],
        ("second.example", A): ["127.0.0.2"],
    })
    server = send_out(first.port, f'resolver = "127.0.0.1@{names.port}";')
    begun = time.monotonic()
    send(server, ["bob@elsewhere.example"])
    relayed(server, 1)
    send(server, ["carol@other.example"])
    words, recipient = report(server)
    if time.monotonic() - begun < IDLE:
        assert first.commands == []
    name = "first" if first.commands else "second"
    assert recipient["Remote-MTA"] == f"dns; {name}.example"
    assert recipient["Diagnostic-Code"] == f"smtp; 550 5.1.1 {name.capitalize()} says no"
    assert f"the mail server {name}.example said:" in words
    server.log.wait(rf"event=queue\.refused .*to=carol@other\.example host={name}\.example")
