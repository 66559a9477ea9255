# SPDX-License-Identifier: ISC
"""REQUIRETLS (RFC 8689) on the way out: a verified server that something vouches for, or none."""

import pytest

from mail_sink import A, TXT
from test_relay import ALICE, BODY, make_sink, report, send_out  # noqa: F401 (fixtures)
from test_sts import DOMAIN, MX_HOST, World, policy, response


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
        with self.server.submission() as client:
            client.sendmail(ALICE, [f"bob@{DOMAIN}"], BODY, mail_options=["REQUIRETLS"])


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
    strict.records[(f"_mta-sts.{DOMAIN}", TXT)] = []
    strict.start(b"")
    strict.deferred("nothing proves whose server this is: mx.sts.example")


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
