# SPDX-License-Identifier: ISC
"""REQUIRETLS (RFC 8689) on the way out: a verified server that something vouches for, or none."""

import pytest

from mail_sink import TXT
from test_relay import ALICE, BODY, make_sink, report, send_out  # noqa: F401 (fixtures)
from test_sts import DOMAIN, MX_HOST, World, policy, response


class Strict(World):
    """Its mails require TLS up to the end."""

    extensions = ("PIPELINING", "REQUIRETLS")

    def start(self, *arguments, **options):
        make = self.make_sink
        self.make_sink = lambda *args, **more: make(*args, **more, **({} if args else {"extensions": self.extensions}))
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
