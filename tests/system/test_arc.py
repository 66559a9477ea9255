# SPDX-License-Identifier: ISC
"""ARC: chains that another program (python3-dkim) has sealed."""

import base64
import smtplib
import subprocess

import dkim
import pytest

from conftest import DOMAIN
from mail_sink import TXT, Names

ALICE = f"alice@{DOMAIN}"
MESSAGE = (b"From: Bob <bob@reject.org>\r\n"
           b"To: list@one.org\r\n"
           b"Subject: [list] hello\r\n"
           b"Date: Sun, 29 Nov 2026 10:00:00 +0000\r\n"
           b"Message-ID: <1@reject.org>\r\n"
           b"\r\n"
           b"first line\r\n"
           b"-- \r\nsent by the list\r\n")


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    """(private key for python3-dkim, the TXT record)."""
    path = str(tmp_path_factory.mktemp("keys") / "rsa.pem")
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", path, "2048"], check=True,
                   capture_output=True)
    der = subprocess.run(["openssl", "rsa", "-in", path, "-pubout", "-outform", "DER"], check=True,
                         capture_output=True).stdout
    with open(path, "rb") as file:
        return file.read(), "v=DKIM1; k=rsa; p=" + base64.b64encode(der).decode()


@pytest.fixture
def names(key):
    records = {(f"s._domainkey.{domain}", TXT): [key[1]] for domain in ("one.org", "two.org")}
    records["_dmarc.reject.org", TXT] = records["_dmarc.bank.org", TXT] = ["v=DMARC1; p=reject"]
    server = Names(records, failing=("s._domainkey.down.org",))
    yield server
    server.close()


@pytest.fixture
def trusting(make_server, names):
    """A server that trusts the seals of DOMAINS."""

    def make(*domains, more=""):
        server = make_server()
        trusted = ", ".join(f'"{domain}"' for domain in domains)
        server.settings["filter"] = f'{{ check = "all"; arc_trusted = ( {trusted} ); {more} }}'
        server.settings["relay"] = f'{{ host = "127.0.0.1"; resolver = "127.0.0.1@{names.port}"; }}'
        return server.set_up("alice")

    return make


def seal(key, message, domain, results, **more):
    """As DOMAIN's server seals what it forwards; RESULTS is what it found."""
    field = f"Authentication-Results: {domain}; {results}\r\n".encode()
    fields = dkim.arc_sign(field + message, b"s", domain.encode(), key[0], domain.encode(),
                           **more)
    assert fields
    return b"".join(fields) + message


def send(server, message):
    with server.smtp() as client:
        client.sendmail("list-bounces@one.org", [ALICE], message)
    (arrived,) = server.wait_for_messages(1)
    header = arrived.partition(b"\r\n\r\n")[0].replace(b"\r\n\t", b" ").decode()
    (field,) = [line for line in header.split("\r\n") if line.startswith("Authentication-Results:")]
    return {part.strip().partition("=")[0]: part.strip() for part in field.split(";")[1:]}


PASSED = "spf=pass smtp.mailfrom=bob@reject.org; dmarc=pass header.from=reject.org; arc=none"
FAILED = "spf=fail smtp.mailfrom=bob@reject.org; dmarc=fail header.from=reject.org; arc=none"
OTHER = "dmarc=pass header.from=other.org; arc=none"


def test_a_trusted_forwarder_is_believed(trusting, key):
    found = send(trusting("two.org", "one.org"), seal(key, MESSAGE, "one.org", PASSED))
    assert found["arc"] == "arc=pass header.d=one.org"
    assert found["dmarc"] == ('dmarc=fail reason="a trusted forwarder has vouched for it (ARC)" '
                              "header.from=reject.org policy.dmarc=none")


@pytest.mark.parametrize("trusted, results", [
    ("two.org", PASSED), ("sub.one.org", PASSED), ("one.org", FAILED), ("one.org", OTHER),
    ("one.org", "x=y (; dmarc=pass header.from=reject.org); arc=none"),
    ("one.org", 'x=y reason="; dmarc=pass header.from=reject.org"; arc=none'),
    ("one.org", 'spf=pass smtp.mailfrom="a\\";dmarc=pass header.from=reject.org "@evil.org; arc=none'),
])
def test_others_are_not(trusting, key, trusted, results):
    server = trusting(trusted)
    with pytest.raises(smtplib.SMTPDataError) as refused:
        send(server, seal(key, MESSAGE, "one.org", results))
    assert refused.value.smtp_code == 550
    server.log.wait(r"event=filter\.arc .*sealer=one\.org .*result=pass")


@pytest.mark.parametrize("author", [b"bob@reject.org, ceo@bank.org", b"bob@reject.org <ceo@bank.org>"])
def test_of_several_authors_it_vouches_for_one(trusting, key, author):
    message = MESSAGE.replace(b"Bob <bob@reject.org>", author)
    with pytest.raises(smtplib.SMTPDataError) as refused:
        send(trusting("one.org"), seal(key, message, "one.org", PASSED))
    assert refused.value.smtp_code == 550


def test_a_chain_of_two(trusting, key):
    once = seal(key, MESSAGE, "one.org", PASSED)
    twice = seal(key, once, "two.org", "dmarc=fail header.from=reject.org; arc=pass header.d=one.org")
    found = send(trusting("one.org", "two.org"), twice)
    assert found["arc"] == "arc=pass header.d=two.org"
    assert found["dmarc"].endswith(" policy.dmarc=none")


def test_all_that_came_after_must_be_trusted(trusting, key):
    once = seal(key, MESSAGE, "one.org", PASSED)
    twice = seal(key, once, "two.org", "dmarc=fail header.from=reject.org; arc=pass header.d=one.org")
    server = trusting("one.org")
    with pytest.raises(smtplib.SMTPDataError):
        send(server, twice)
    server.log.wait(r"event=filter\.arc .*sets=2 .*trusted=0 result=pass")


@pytest.mark.parametrize("old, new, why", [
    (b"first line", b"other line", "the body has changed"),
    (b"Subject: [list] hello", b"Subject: buy", "the signature does not match"),
    (b"dmarc=pass header.from=reject", b"dmarc=pass header.from=eject", "the signature does not match"),
    (b"cv=none", b"cv=pass", "a seal's cv= can't be"),
    (b"cv=none", b"cv=fail", "it had failed before"),
    (b"ARC-Seal:", b"X-Seal:", "a field of the chain is missing"),
    (b"ARC-Seal: i=1", b"ARC-Seal: i=2", "a field of the chain is missing"),
    (b"ARC-Seal: i=1", b"ARC-Seal: i=0", "a field of the chain has no i= from 1 to 50"),
    (b"ARC-Seal: i=1", b"ARC-Seal: h=from; i=1", "a seal has h="),
])
def test_a_broken_chain(trusting, key, old, new, why):
    sealed = seal(key, MESSAGE, "one.org", PASSED)
    assert old in sealed
    found = send(trusting("one.org", more='dmarc = { reject = "nothing"; };'),
                 sealed.replace(old, new, 1))
    assert found["arc"].startswith(f'arc=fail reason="{why}"')
    assert found["dmarc"] == "dmarc=fail header.from=reject.org policy.dmarc=reject"


@pytest.mark.parametrize("more, why", [
    ({"timestamp": "1; x=5"}, "the signature has expired"),
    ({"include_headers": [b"from", b"arc-seal"]}, "h= has ARC-Seal"),
])
def test_a_chain_that_matches_and_does_not_count(trusting, key, more, why):
    once = seal(key, MESSAGE, "one.org", PASSED)
    twice = seal(key, once, "two.org", "dmarc=fail header.from=reject.org; arc=pass header.d=one.org",
                 **more)
    found = send(trusting("one.org", "two.org", more='dmarc = { reject = "nothing"; };'), twice)
    assert found["arc"].startswith(f'arc=fail reason="{why}"')
    assert found["dmarc"] == "dmarc=fail header.from=reject.org policy.dmarc=reject"


def test_without_a_chain_and_without_keys(trusting, key):
    server = trusting("one.org", more='dmarc = { reject = "nothing"; };')
    assert send(server, MESSAGE)["arc"] == "arc=none"


@pytest.mark.parametrize("domain, result", [
    ("down.org", 'arc=temperror reason="DNS does not answer"'),
    ("nowhere.org", 'arc=fail reason="there is no key in DNS"'),
])
def test_keys_that_cannot_be_had(trusting, key, domain, result):
    server = trusting(domain, more='dmarc = { reject = "nothing"; };')
    assert send(server, seal(key, MESSAGE, domain, PASSED))["arc"] == result


def test_only_domains_are_trusted(make_server):
    server = make_server()
    server.settings["filter"] = '{ arc_trusted = ( "not a domain" ); }'
    server.write_configuration()
    result = server.posternctl("status", check=False)
    assert result.returncode != 0 and 'has "not a domain", which is no domain' in result.stderr
