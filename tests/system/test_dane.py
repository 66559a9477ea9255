# SPDX-License-Identifier: ISC
"""Who relay talks to: DANE (RFC 7672) against signed zones, and certificates of authorities."""

import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from authority import Authority
from mail_sink import A, CNAME, MX, TLSA
from signed_names import SignedNames
from test_relay import make_sink, send, send_out  # noqa: F401 (fixtures)

DOMAIN = "dane.example"
MX_HOST = "mx.dane.example"


@pytest.fixture
def authority(tmp_path):
    folder = tmp_path / "authority"
    folder.mkdir()
    return Authority(str(folder))


def der(path, public_key=False):
    with open(path, "rb") as file:
        certificate = x509.load_pem_x509_certificate(file.read())
    if public_key:
        return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return certificate.public_bytes(Encoding.DER)


def tlsa(usage, selector, matching, path):
    data = der(path, public_key=selector == 1)
    return bytes([usage, selector, matching]) + {0: lambda: data, 1: hashlib.sha256(data).digest,
                                                 2: hashlib.sha512(data).digest}[matching]()


class World:
    """A mail server with TLS, a name server that says what its certificate is, and ours."""

    def __init__(self, make_sink, send_out, tmp_path, authority):
        self.authority = authority
        self.make_sink, self.send_out, self.tmp_path = make_sink, send_out, tmp_path
        self.records = {(DOMAIN, MX): [(10, MX_HOST)], (MX_HOST, A): ["127.0.0.1"]}
        self.signed = [DOMAIN]
        self.options = {}

    def certificate(self, name, **options):
        """With its chain, as servers have it."""
        key, certificate = self.authority.pair(f"for-{name}", name, **options)
        with open(certificate, "ab") as file:
            file.write(self.authority.read("inter.crt") + self.authority.read("root.crt"))
        return certificate, key

    def start(self, pair, records=None, port=None, keys="", tls="opportunistic"):
        self.sink = self.make_sink(**({"tls": pair} if pair else {}))
        if records is not None:
            self.records[(f"_{port or self.sink.port}._tcp.{MX_HOST}", TLSA)] = records
        names = self.make_sink(SignedNames, records=self.records, signed=self.signed, **self.options)
        self.server = self.send_out(
            self.sink.port, f'resolver = "127.0.0.1@{names.port}"; trust_anchor = "{names.anchors(self.tmp_path)}"; '
            f'authorities = "{self.authority.path("root.crt")}"; {keys}', tls=tls)
        send(self.server, [f"bob@{DOMAIN}"])

    def delivered(self, verified, version="TLSv1.3"):
        self.sink.wait(1)
        self.server.log.wait(rf"event=relay\.answered .*tls=\"?{version}\"? verified={verified}( |$)")

    def deferred(self, words, count=1):
        self.server.log.wait(rf"event=queue\.deferred .*{words}", count=count)
        assert not self.sink.mails
        assert not any(command.startswith("MAIL") for command in self.sink.commands)


@pytest.fixture
def world(make_sink, send_out, tmp_path, authority):  # noqa: F811
    return World(make_sink, send_out, tmp_path, authority)


@pytest.mark.parametrize("selector,matching", [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)])
def test_dane_ee(world, selector, matching):
    """The certificate may be anybody's: neither its name nor its authority matter (RFC 7672 3.1.1)."""
    pair = world.certificate("somebody.example")
    world.start(pair, [tlsa(3, selector, matching, pair[0])])
    world.delivered("dane")
    assert world.sink.called == [MX_HOST]


@pytest.mark.parametrize("name", [MX_HOST, DOMAIN])
def test_dane_ta(world, name):
    """An authority, and a name: the server's or the domain's (3.1.2, 3.2.2)."""
    pair = world.certificate(name)
    world.start(pair, [tlsa(2, 0, 1, world.authority.path("root.crt"))])
    world.delivered("dane")


def test_dane_ta_with_another_name(world):
    pair = world.certificate("somebody.example")
    world.start(pair, [tlsa(2, 0, 1, world.authority.path("root.crt"))])
    world.deferred("certificate is not the one .*ostname mismatch")


def test_another_certificate_than_published(world, authority):
    pair = world.certificate(MX_HOST)
    world.start(pair, [tlsa(3, 1, 1, authority.path("root.crt"))])
    world.deferred("certificate is not the one")


def test_one_of_several_records_is_enough(world, authority):
    pair = world.certificate("somebody.example")
    world.start(pair, [tlsa(3, 1, 1, authority.path("root.crt")), tlsa(3, 1, 1, pair[0]), tlsa(1, 1, 1, pair[0])])
    world.delivered("dane")


def test_the_strongest_digest_counts(world, authority):
    """RFC 7671 9: next to SHA-512 records, SHA-256 ones of the same kind are not looked at."""
    pair = world.certificate("somebody.example")
    world.start(pair, [tlsa(3, 1, 1, pair[0]), tlsa(3, 1, 2, authority.path("root.crt"))])
    world.deferred("certificate is not the one")


def test_records_without_starttls(world, authority):
    world.start(None, [tlsa(3, 1, 1, authority.path("root.crt"))])
    world.deferred("offers no TLS")


@pytest.mark.parametrize("record", [
    b"\x01\x01\x01" + bytes(32), b"\x00\x00\x01" + bytes(32), b"\x03\x01\x01" + bytes(31), b"\x03\x01\x07" + bytes(32),
    b"\x03\x01\x01", b"\x03\x00\x00garbage"])
def test_unusable_records_want_tls_with_anybody(world, record):
    pair = world.certificate("somebody.example")
    world.start(pair, [record])
    world.delivered("none")


@pytest.mark.parametrize("record", [b"\x01\x01\x01" + bytes(32), b"\x02\x00\x00garbage"])
def test_unusable_records_switch_nothing_off(world, record):
    world.start(world.certificate("somebody.example"), [record], tls="verify")
    world.deferred("certificate is not the one .*ostname mismatch")


def test_a_record_without_data_spoils_no_other(world):
    pair = world.certificate("somebody.example")
    world.start(pair, [b"\x03\x01\x01", tlsa(3, 1, 1, pair[0])])
    world.delivered("dane")


def test_unusable_records_without_starttls(world):
    world.start(None, [b"\x01\x01\x01" + bytes(32)])
    world.deferred("offers no TLS")


def test_records_that_are_not_signed_say_nothing(world, authority):
    pair = world.certificate("somebody.example")
    world.signed = ["other.example"]
    world.start(pair, [tlsa(3, 1, 1, authority.path("root.crt"))])
    world.delivered("none")


def test_an_unsigned_domain_on_a_signed_server(world, authority):
    """What leads there could be forged: its certificate proves nothing (2.2.1)."""
    pair = world.certificate("somebody.example")
    world.signed = [MX_HOST]
    world.start(pair, [tlsa(3, 1, 1, authority.path("root.crt"))])
    world.delivered("none")


@pytest.mark.parametrize("how", ["failing", "broken"])
def test_records_that_dns_does_not_give(world, authority, how):
    """2.1.3: a server whose records can't be had is not used; nor while libunbound remembers that they could not."""
    pair = world.certificate(MX_HOST)
    sink = world.make_sink(tls=pair)
    world.make_sink = lambda *args, made=world.make_sink, **options: made(*args, **options) if args else sink
    world.options[how] = [(f"_{sink.port}._tcp.{MX_HOST}", TLSA)]
    world.start(pair, [tlsa(3, 1, 1, pair[0])])
    world.deferred("TLSA", count=3)


@pytest.mark.parametrize("owner", ["real", "alias"])
def test_a_server_that_is_an_alias(world, owner):
    """2.2.2: the records of the name behind the alias count, else those of the alias."""
    pair = world.certificate("somebody.example")
    world.records = {(DOMAIN, MX): [(10, MX_HOST)], (MX_HOST, CNAME): ["real.signed.example"],
                     ("real.signed.example", A): ["127.0.0.1"]}
    world.signed.append("signed.example")
    sink = world.make_sink(tls=pair)
    world.make_sink = lambda *args, made=world.make_sink, **options: made(*args, **options) if args else sink
    name = "real.signed.example" if owner == "real" else MX_HOST
    world.records[(f"_{sink.port}._tcp.{name}", TLSA)] = [tlsa(3, 1, 1, pair[0])]
    world.start(pair)
    world.delivered("dane")
    assert sink.called == [name]


@pytest.mark.parametrize("published,signed", [("its own", True), ("another's", True), ("another's", False)])
def test_an_alias_of_what_is_not_signed(world, authority, published, signed):
    """2.2.2: that it is an alias is proved, so its own records count, if they are signed."""
    pair = world.certificate("somebody.example")
    world.records = {(DOMAIN, MX): [(10, MX_HOST)], (MX_HOST, CNAME): ["real.unsigned.example"],
                     ("real.unsigned.example", A): ["127.0.0.1"]}
    world.signed = world.signed if signed else ["other.example"]
    world.start(pair, [tlsa(3, 1, 1, pair[0] if published == "its own" else authority.path("root.crt"))])
    if signed and published != "its own":
        world.deferred("certificate is not the one")
    else:
        world.delivered("dane" if signed else "none")


def test_a_domain_without_mx(world):
    pair = world.certificate("somebody.example")
    sink = world.make_sink(tls=pair)
    world.make_sink = lambda *args, made=world.make_sink, **options: made(*args, **options) if args else sink
    world.records = {(DOMAIN, A): ["127.0.0.1"], (f"_{sink.port}._tcp.{DOMAIN}", TLSA): [tlsa(3, 0, 2, pair[0])]}
    world.start(pair)
    world.delivered("dane")


def test_another_server_of_the_domain_is_tried(world, authority):
    """The first has not the certificate that it should have; the second has no records."""
    pair = world.certificate("somebody.example")
    world.records = {(DOMAIN, MX): [(10, MX_HOST), (20, "mx.plain.example")], (MX_HOST, A): ["127.0.0.1"],
                     ("mx.plain.example", A): ["127.0.0.1"]}
    world.start(pair, [tlsa(3, 1, 1, authority.path("root.crt"))])
    world.delivered("none")
    world.server.log.wait(r"event=relay\.answered .*host=mx\.plain\.example")
    assert world.sink.connections >= 2


# -- Certificates of authorities ------------------------------------------------------------------


def test_a_verified_certificate(world):
    world.signed = []
    world.start(world.certificate(MX_HOST), tls="verify")
    world.delivered("pkix")


def test_a_wildcard_is_a_label(world):
    world.signed = []
    world.start(world.certificate("*.dane.example"), tls="verify")
    world.delivered("pkix")


@pytest.mark.parametrize("options,words", [
    ({"name": "somebody.example"}, "ostname mismatch"),
    ({"name": "m*.dane.example"}, "ostname mismatch"),
    ({"name": MX_HOST, "options": ("-days", "-1")}, "expired"),
    ({"name": MX_HOST, "extensions": f"subjectAltName=DNS:{MX_HOST}\nextendedKeyUsage=clientAuth\n"}, "purpose"),
])
def test_certificates_that_are_not_good_enough(world, options, words):
    world.signed = []
    world.start(world.certificate(options.pop("name"), **options), tls="verify")
    world.deferred(f"certificate is not the one .*{words}")


def test_an_authority_that_nobody_trusts(world, tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    pair = world.certificate(MX_HOST)
    world.authority = Authority(str(folder))
    world.signed = []
    world.start(pair, tls="verify")
    world.deferred("certificate is not the one .*self.signed certificate in certificate chain")


def test_verify_without_starttls(world):
    world.signed = []
    world.start(None, tls="verify")
    world.deferred("offers no TLS")


@pytest.mark.parametrize("host", ["127.0.0.1", MX_HOST])
def test_a_named_host_is_verified_by_its_name(world, host):
    world.signed = []
    extensions = f"subjectAltName={'IP' if host[0] == '1' else 'DNS'}:{host}\nextendedKeyUsage=serverAuth\n"
    world.start(world.certificate("somebody.example", extensions=extensions), keys=f'host = "{host}";', tls="verify")
    world.delivered("pkix")


def test_authorities_that_change_count_after_a_reload(world, tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    pair, mine = world.certificate(MX_HOST), world.authority
    world.authority = Authority(str(folder))
    world.signed = []
    world.start(pair, tls="verify")
    world.deferred("certificate is not the one")
    with open(world.authority.path("root.crt"), "ab") as file:
        file.write(mine.read("root.crt"))
    world.server.posternctl("reload")
    world.delivered("pkix")
