# SPDX-License-Identifier: ISC
"""RFC 8689 on the way out: REQUIRETLS, a verified server that something vouches for, or none; and TLS-Required: No."""

import pytest

from mail_sink import A, MX, TLSA, TXT, Names
from test_dane import tlsa
from test_relay import ALICE, BODY, make_sink, report, send_out  # noqa: F401 (fixtures)
from test_sts import DOMAIN, MX_HOST, World, policy, response


def send_strictly(server):
    with server.submission() as client:
        client.sendmail(ALICE, [f"bob@{DOMAIN}"], BODY, mail_options=["REQUIRETLS"])


class Strict(World):
    """Its mails require TLS up to the end."""

    extensions = ("PIPELINING", "REQUIRETLS")
    twin = None  # true: another server, at 127.0.0.2, without REQUIRETLS

    def start(self, *arguments, **options):
        make = self.make_sink
        def make_strict(*args, **more):
            if args:
                return make(*args, **more)
            sink = make(**more, extensions=self.extensions)
            if self.twin:
                self.twin = make(**more, extensions=("PIPELINING",), address=("127.0.0.2", sink.port))
            return sink

        self.make_sink = make_strict
        super().start(*arguments, **options)

    def send(self):
        send_strictly(self.server)

    def returned(self, status):
        assert report(self.server)[1]["Status"] == status
        assert not any(command.startswith("MAIL") for command in self.sink.commands)


@pytest.fixture
def strict(make_sink, send_out, tmp_path):  # noqa: F811
    return Strict(make_sink, send_out, tmp_path)


@pytest.mark.parametrize("mode,verified", [("enforce", "sts"), ("testing", "pkix")])
def test_a_policy_vouches_for_the_server(strict, mode, verified):
    strict.start(response(policy(mode=mode)))
    strict.delivered(verified)
    assert any(command.startswith("MAIL") and "REQUIRETLS" in command for command in strict.sink.commands)


def test_dane_vouches_for_the_server(strict):
    strict.signed.append(DOMAIN)
    strict.records[(f"_mta-sts.{DOMAIN}", TXT)] = []
    strict.start(b"", records=[(MX_HOST, 1)])
    strict.delivered("dane")


def test_signed_mx_records_vouch_for_the_server(strict):
    """4.2.1: with them, a certificate of an authority is enough."""
    strict.signed.append(DOMAIN)
    strict.records[(f"_mta-sts.{DOMAIN}", TXT)] = []
    strict.start(b"")
    strict.delivered("pkix")


def test_nothing_vouches_for_the_server(strict):
    """4.2.1: whoever runs the domain would have to publish something first; the sender hears so at once."""
    strict.records[(f"_mta-sts.{DOMAIN}", TXT)] = []
    strict.start(b"")
    strict.returned("5.7.30")


def test_a_policy_that_names_another_server(strict):
    strict.start(response(policy(mode="testing", mx=("other.sts.example",))))
    strict.returned("5.7.30")


def test_tls_is_switched_off(make_sink, send_out):  # noqa: F811
    sink = make_sink()
    server = send_out(sink.port, tls="none")
    send_strictly(server)
    assert report(server)[1]["Status"] == "5.7.10"
    assert sink.connections == 0


def test_a_policy_that_can_not_be_had_for_now(strict):
    strict.start(b"")
    strict.deferred("nothing proves by now whose server this is: mx.sts.example")


@pytest.mark.parametrize("failing", [(), (f"_mta-sts.{DOMAIN}",)])
def test_dns_that_can_not_be_had_for_now(make_sink, send_out, failing):  # noqa: F811
    """Nor whether there is a policy; nor, from resolvers without signatures, whose the servers are."""
    sink = make_sink()
    names = make_sink(Names, failing=failing, records={(DOMAIN, MX): [(10, MX_HOST)], (MX_HOST, A): ["127.0.0.1"]})
    anchor = ' trust_anchor = "none";' if failing else ""
    server = send_out(sink.port, f'resolver = "127.0.0.1@{names.port}";{anchor}')
    send_strictly(server)
    server.log.wait(r"event=queue\.deferred .*nothing proves by now whose server this is: mx\.sts\.example")
    assert sink.connections == 0


def test_another_certificate(strict):
    strict.start(response(policy(mode="testing")), mx="other.example")
    strict.deferred("certificate is not the one")


def test_a_server_without_requiretls(strict):
    strict.extensions = ("PIPELINING",)
    strict.start(response(policy()))
    _, recipient = report(strict.server)
    assert recipient["Status"] == "5.7.30"
    assert not any(command.startswith("MAIL") for command in strict.sink.commands)


def test_another_server_may_have_it(strict):
    """4.2.1: each one of the domain is tried before the mail comes back."""
    strict.twin = True
    strict.records[(MX_HOST, A)] = ["127.0.0.2", "127.0.0.1"]
    strict.start(response(policy()))
    strict.delivered("sts")
    assert not any(command.startswith("MAIL") for command in strict.twin.commands)
    strict.server.log.wait(r"event=queue\.relayed")


# -- TLS-Required: No: in spite of what the domain publishes, as who runs it may have to be told ---------------------

FIELD = b"TLS-Required: No\r\n"


class Optional(World):
    field, options = FIELD, ()

    def send(self):
        with self.server.submission() as client:
            client.sendmail(ALICE, [f"bob@{DOMAIN}"], self.field + BODY, mail_options=self.options)


@pytest.fixture
def optional(make_sink, send_out, tmp_path):  # noqa: F811
    return Optional(make_sink, send_out, tmp_path)


@pytest.mark.parametrize("mx,tls", [("other.example", "TLSv1.3"), (None, '""')])
def test_tls_is_optional_in_spite_of_a_policy(optional, mx, tls):
    """Over TLS where there is any."""
    optional.start(response(policy()), mx=mx)
    assert FIELD in optional.sink.wait(1)[0][2]
    optional.server.log.wait(rf"event=relay\.answered .*tls={tls} verified=none")


def test_tls_is_optional_in_spite_of_dane(optional):
    optional.signed.append(DOMAIN)
    optional.records[(f"_mta-sts.{DOMAIN}", TXT)] = []
    other = optional.certificate("other.example")[0]
    make = optional.make_sink

    def make_with_records(*arguments, **more):
        made = make(*arguments, **more)
        if not arguments:
            optional.records[(f"_{made.port}._tcp.{MX_HOST}", TLSA)] = [tlsa(3, 1, 1, other)]
        return made

    optional.make_sink = make_with_records
    optional.start(b"")
    optional.delivered("none")


@pytest.mark.parametrize("field,options", [
    (FIELD, ["REQUIRETLS"]), (b"TLS-Required: Never\r\n", ()), (b"X-TLS-Required: No\r\n", ())])
def test_tls_is_not_optional(optional, field, options):
    optional.field, optional.options = field, options
    optional.start(response(policy()), mx="other.example")
    optional.deferred("certificate is not the one")


def test_tls_is_not_optional_where_it_is_configured(make_sink, send_out):  # noqa: F811
    sink = make_sink()
    server = send_out(sink.port, tls="require")
    with server.submission() as client:
        client.sendmail(ALICE, [f"bob@{DOMAIN}"], FIELD + BODY)
    server.log.wait(r"event=queue\.deferred .*this server offers no TLS, and it is required")
    assert not sink.mails
