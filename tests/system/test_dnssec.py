# SPDX-License-Identifier: ISC
"""What DNS says is validated: bogus answers stop a mail, unsigned ones do not."""

import pytest

from mail_sink import A, CNAME, MX, Names
from signed_names import SignedNames
from test_bad_input import check
from test_relay import make_sink, send, send_out  # noqa: F401 (fixtures)

RECORDS = {
    ("signed.example", MX): [(10, "mx.signed.example")],
    ("mx.signed.example", A): ["127.0.0.1"],
    ("bad.example", MX): [(10, "mx.plain.example")],
    ("badhost.example", MX): [(10, "mx.badhost.example")],
    ("mx.badhost.example", A): ["127.0.0.1"],
    ("second.example", MX): [(10, "mx.badhost.example"), (20, "mx.plain.example")],
    ("plain.example", MX): [(10, "mx.plain.example")],
    ("mx.plain.example", A): ["127.0.0.1"],
    ("alias.example", CNAME): ["plain.example"],
}
SIGNED = ("signed.example", "bad.example", "badhost.example")
BROKEN = (("bad.example", MX), ("mx.badhost.example", A))


@pytest.fixture
def signed_out(make_sink, send_out, tmp_path):  # noqa: F811
    """A server that trusts the keys of SIGNED, and its sink."""

    def make(trust=None, **options):
        sink = make_sink()
        names = make_sink(SignedNames, records=RECORDS, signed=SIGNED, broken=BROKEN)
        anchor = names.anchors(tmp_path) if trust is None else trust
        keys = f'resolver = "127.0.0.1@{names.port}"; trust_anchor = "{anchor}";'
        return send_out(sink.port, keys, **options), sink

    return make


@pytest.mark.parametrize("domain", ["bad.example", "badhost.example"])
def test_bogus_answers_stop_a_mail(signed_out, domain):
    server, sink = signed_out()
    send(server, [f"bob@{domain}"])
    server.log.wait(r"event=queue\.deferred .*without valid signatures for: " + domain)
    assert not sink.mails


@pytest.mark.parametrize("domain", ["signed.example", "plain.example", "alias.example", "second.example"])
def test_what_is_signed_or_not_is_delivered(signed_out, domain):
    server, sink = signed_out()
    send(server, [f"bob@{domain}"])
    sink.wait(1)
    assert "dns.unvalidated" not in server.log.text()


def test_without_validation_everything_is_believed(signed_out):
    server, sink = signed_out(trust="none")
    send(server, ["bob@bad.example"])
    sink.wait(1)


def test_resolvers_without_signatures(make_sink, send_out):  # noqa: F811
    """Nobody configured keys, and the resolver knows no signatures: mail goes, and the log tells."""
    sink = make_sink()
    names = make_sink(Names, records=RECORDS)
    server = send_out(sink.port, f'resolver = "127.0.0.1@{names.port}";')
    send(server, ["bob@plain.example"])
    sink.wait(1)
    server.log.wait(r"event=dns\.unvalidated")


def test_configured_keys_want_signatures(make_sink, send_out, tmp_path):  # noqa: F811
    sink = make_sink()
    names = make_sink(Names, records=RECORDS)
    anchor = make_sink(SignedNames, records={}, signed=["plain.example"]).anchors(tmp_path)
    server = send_out(sink.port, f'resolver = "127.0.0.1@{names.port}"; trust_anchor = "{anchor}";')
    send(server, ["bob@plain.example"])
    server.log.wait(r"event=queue\.deferred .*without valid signatures for: plain\.example")
    assert not sink.mails


@pytest.mark.parametrize("key", ["trust_anchor", "authorities"])
def test_files_that_are_not_there_are_told_at_once(make_server, tmp_path, key):
    server = make_server()
    server.settings["relay"] = f'{{ {key} = "{tmp_path}/missing"; }}'
    server.write_configuration()
    result = check(server)
    assert result.returncode != 0
    assert f"{tmp_path}/missing" in result.stdout + result.stderr


def test_keys_that_are_none(make_server, tmp_path):
    anchor = tmp_path / "anchor"
    anchor.write_text("; a comment\n\nexample. IN A 192.0.2.1\n")
    server = make_server().set_up("alice")
    server.settings["relay"] = f'{{ trust_anchor = "{anchor}"; }}'
    server.write_configuration()
    server.posternctl("reload", check=False)
    server.log.wait(r"its trust anchors are no DS or DNSKEY")
