# SPDX-License-Identifier: ISC
"""SPF and DMARC of mail that strangers bring: what is recorded, and what becomes of it."""

import imaplib
import smtplib

import pytest

from conftest import DEADLINE, DOMAIN, HOST, PASSWORD, wait_for
from mail_sink import A, MX, TXT, Names

ABSENT = ("dkim=none", "arc=none")
ALICE = f"alice@{DOMAIN}"

RECORDS = {
    # Sends from here, and says so.
    ("good.org", TXT): ["v=spf1 ip4:127.0.0.1 -all"],
    ("_dmarc.good.org", TXT): ["v=DMARC1; p=reject"],
    # Never sends from here.
    ("reject.org", TXT): ["v=spf1 -all exp=why.reject.org"],
    ("why.reject.org", TXT): ["%{i} is none of %{d}'s"],
    ("_dmarc.reject.org", TXT): ["v=DMARC1; p=reject"],
    ("quarantine.org", TXT): ["v=spf1 ~all"],
    ("_dmarc.quarantine.org", TXT): ["v=DMARC1; p=quarantine"],
    ("watched.org", TXT): ["v=spf1 -all"],
    ("_dmarc.watched.org", TXT): ["v=DMARC1; p=none; rua=mailto:d@watched.org"],
    ("broken.org", TXT): ["v=spf1 ip4:1.2.3 -all"],
    ("mx.org", TXT): ["v=spf1 mx -all"],
    ("mx.org", MX): [(10, "m.mx.org")],
    ("m.mx.org", A): ["127.0.0.1"],
    # More hosts than one would think.
    ("many.org", TXT): ["v=spf1 a -all"],
    ("many.org", A): [f"192.0.2.{n}" for n in range(200)] + ["127.0.0.1"],
    # A mailing list of its own, which sends from here.
    ("list.org", TXT): ["v=spf1 a:m.mx.org -all"],
    ("helo.org", TXT): ["v=spf1 -all"],
}


@pytest.fixture
def names():
    server = Names(RECORDS, failing=("down.org", "_dmarc.down.org", "down.reject.org"))
    yield server
    server.close()


@pytest.fixture
def checked(make_server, names):
    """A server that takes this host's clients for strangers, and asks NAMES."""

    def make(more="", check="all"):
        server = make_server()
        server.settings["filter"] = f'{{ check = "{check}"; {more} }}'
        server.settings["relay"] = f'{{ host = "127.0.0.1"; resolver = "127.0.0.1@{names.port}"; }}'
        return server.set_up("alice")

    return make


def send(server, sender, author, helo=None, more=""):
    with server.smtp(local_hostname=helo or "helo.invalid") as client:
        client.sendmail(sender, [ALICE], f"From: {author}\r\n{more}Subject: s\r\n\r\nb\r\n")


def refused(server, *arguments, **options):
    with pytest.raises(smtplib.SMTPDataError) as error:
        send(server, *arguments, **options)
    return error.value.smtp_code, error.value.smtp_error.decode()


def results(message):
    """The field's results, each as its words; without signatures and the address's name, for which there are other
    tests."""
    header = message.partition(b"\r\n\r\n")[0].replace(b"\r\n\t", b" ").decode()
    (field,) = [line for line in header.split("\r\n") if line.startswith("Authentication-Results:")]
    parts = [part.strip() for part in field.split(";")[1:]]
    return [part for part in parts if part not in ABSENT and not part.startswith("iprev=")]


def in_folder(server, folder):
    with imaplib.IMAP4_SSL(HOST, server.ports["imaps"], ssl_context=server.context(),
                           timeout=DEADLINE) as client:
        client.login(ALICE, PASSWORD)
        status, (count,) = client.select(folder, readonly=True)
        return int(count) if status == "OK" else 0


def test_what_is_aligned_passes(checked):
    server = checked()
    send(server, "x@good.org", "X <x@good.org>")
    (message,) = server.wait_for_messages(1)
    assert results(message) == [
        "spf=none smtp.helo=helo.invalid", "spf=pass smtp.mailfrom=x@good.org",
        "dmarc=pass header.from=good.org policy.dmarc=none"]


@pytest.mark.parametrize("sender, author", [
    ("x@reject.org", "x@reject.org"),
    ("x@good.org", "Bank <x@reject.org>"),
    ("x@good.org", "x@sub.reject.org"),
    ("", "x@reject.org"),
    ("x@good.org", "x@good.org, y@reject.org"),
    ("x@good.org", "x@good.org\r\nFrom: y@reject.org"),
    ("x@good.org", "x@good.org <y@reject.org>"),
    ("x@good.org", "<x@good.org> <y@reject.org>"),
])
def test_a_forged_author_is_refused(checked, sender, author):
    server = checked()
    code, text = refused(server, sender, author)
    assert code == 550 and text.startswith("5.7.1 ") and "reject.org" in text
    send(server, "x@good.org", "x@good.org")
    assert len(server.wait_for_messages(1)) == 1


@pytest.mark.parametrize("sender, author", [
    ("x@list.org", "x@quarantine.org"),
    # Nobody can be asked whose it is.
    ("x@good.org", "<y@reject.org\x01>"),
    ("x@good.org", "x@good.org <y@nowhere.org>"),
    # Some mail programs see another author.
    ("x@good.org", "=?utf-8?q?ceo=40reject.org:?=, x@good.org"),
    ("x@good.org", "=?utf-8?q?ceo=40reject.org?= x@good.org"),
    ("x@good.org", "(ceo@reject.org), x@good.org"),
    # SPF stands behind both; a signature would behind one.
    ("x@good.org", "The Boss <ceo@good.org>\r\nFrom: x@good.org"),
])
def test_quarantine_is_the_junk_folder(checked, sender, author):
    server = checked()
    send(server, sender, author)
    wait_for(lambda: in_folder(server, "Junk") == 1, "a message in Junk")
    assert server.messages() == []


def test_fail_alone_is_only_recorded(checked):
    server = checked()
    send(server, "x@watched.org", "x@watched.org")
    (message,) = server.wait_for_messages(1)
    assert results(message)[1:] == [
        "spf=fail smtp.mailfrom=x@watched.org",
        "dmarc=fail header.from=watched.org policy.dmarc=none"]
    send(server, "x@list.org", "someone@nowhere.org")
    assert results(server.wait_for_messages(2)[1])[1:] == [
        "spf=pass smtp.mailfrom=x@list.org", "dmarc=none header.from=nowhere.org policy.dmarc=none"]


@pytest.mark.parametrize("sender, result", [
    ("x@mx.org", "spf=pass"),
    ("x@many.org", "spf=pass"),
    ("x@down.org", 'spf=temperror reason="DNS does not answer: down.org"'),
    ("x@broken.org", 'spf=permerror reason="malformed record: ip4:1.2.3"'),
])
def test_spf(checked, sender, result):
    server = checked()
    send(server, sender, "a@nowhere.org")
    (message,) = server.wait_for_messages(1)
    assert results(message)[1] == f"{result} smtp.mailfrom={sender}"


def test_the_null_sender_is_its_host(checked):
    server = checked()
    send(server, "", "a@nowhere.org", helo="m.mx.org")
    (message,) = server.wait_for_messages(1)
    assert results(message)[0] == "spf=none smtp.helo=m.mx.org"
    send(server, "", "a@nowhere.org", helo="helo.org")
    assert results(server.wait_for_messages(2)[1])[0] == "spf=fail smtp.helo=helo.org"


def test_without_an_answer_it_is_taken(checked):
    server = checked()
    send(server, "x@good.org", "x@down.org")
    (message,) = server.wait_for_messages(1)
    assert results(message)[2] == "dmarc=temperror header.from=down.org policy.dmarc=none"


def test_what_might_pass_later_is_not_refused_for_good(checked):
    """Nor where libunbound remembers for a while that there was no answer."""
    server = checked()
    for _ in range(3):
        code, text = refused(server, "x@down.reject.org", "x@reject.org")
        assert code == 451 and text.startswith("4.7.1 "), text
    code, text = refused(server, "x@down.org", "x@reject.org")
    assert code == 550 and text.startswith("5.7.1 "), text


def test_the_configuration_decides(checked):
    server = checked('spf = { fail = "reject"; softfail = "hold"; temperror = "reject"; }; '
                     'dmarc = { reject = "nothing"; temperror = "reject"; };')
    assert refused(server, "x@reject.org", "a@nowhere.org") == (
        550, "5.7.23 SPF validation failed: 127.0.0.1 is none of reject.org's")
    code, text = refused(server, "x@down.org", "a@nowhere.org")
    assert code == 451 and text.startswith("4.7.24 ")
    code, text = refused(server, "x@good.org", "a@down.org")
    assert code == 451 and text.startswith("4.7.1 ")
    send(server, "x@good.org", "x@reject.org")
    (message,) = server.wait_for_messages(1)
    assert results(message)[2] == "dmarc=fail header.from=reject.org policy.dmarc=reject"
    send(server, "x@quarantine.org", "a@nowhere.org")
    server.log.wait(r"event=filter\.verdict .*why=~all")


@pytest.mark.parametrize("sender, author, found", [
    ("x@reject.org", "x@reject.org", ["spf=fail", "dmarc=fail header.from=reject.org policy.dmarc=reject"]),
    ("x@good.org", "x@quarantine.org", ["spf=pass", "dmarc=fail header.from=quarantine.org policy.dmarc=quarantine"]),
    ("x@down.reject.org", "x@reject.org", ["spf=temperror", "dmarc=fail header.from=reject.org policy.dmarc=reject"]),
    ("x@good.org", "a@down.org", ["spf=pass", "dmarc=temperror header.from=down.org policy.dmarc=none"]),
])
def test_of_an_exempt_host_all_is_recorded_and_nothing_done(checked, sender, author, found):
    server = checked('exempt = ( "192.0.2.0/24", "127.0.0.0/24" ); dmarc = { temperror = "reject"; }; '
                     'spf = { fail = "reject"; temperror = "reject"; };')
    send(server, sender, author)
    (message,) = server.wait_for_messages(1)
    spf, dmarc = results(message)[1:]
    assert spf.startswith(found[0]) and dmarc == found[1]
    server.log.wait(r"event=filter\.exempt ")


def test_who_is_exempt_a_reload_may_change(checked):
    server = checked('exempt = "127.0.0.2"; dmarc = { reject = "reject"; };')
    assert refused(server, "x@reject.org", "x@reject.org")[0] == 550
    server.settings["filter"] = '{ check = "all"; exempt = "127.0.0.1"; }'
    server.write_configuration()
    server.posternctl("reload")
    send(server, "x@reject.org", "x@reject.org")
    server.wait_for_messages(1)
    server.settings["filter"] = '{ check = "all"; exempt = (); }'
    server.write_configuration()
    server.posternctl("reload")
    assert refused(server, "x@reject.org", "x@reject.org")[0] == 550


def test_mail_of_this_host_is_not_checked_by_default(checked):
    server = checked(check="strangers")
    send(server, "x@reject.org", "x@reject.org")
    (message,) = server.wait_for_messages(1)
    assert b"Authentication-Results" not in message
