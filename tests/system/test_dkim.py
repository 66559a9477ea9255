# SPDX-License-Identifier: ISC
"""DKIM: signatures that others made (python3-dkim) are verified, ours are verified by others."""

import base64
import re
import subprocess
import time

import dkim
import pytest

from conftest import DOMAIN
from mail_sink import Names

ALICE = f"alice@{DOMAIN}"
TXT = 16

MESSAGE = (b"Received: from somewhere\r\n"
           b"From: Bob <bob@example.net>\r\n"
           b"To: alice@example.org,\r\n\tcarol@example.org\r\n"
           b"Subject:   two  words \t and\r\n  a fold\r\n"
           b"Date: Sun, 29 Nov 2026 10:00:00 +0000\r\n"
           b"\r\n"
           b"first  line \t \r\n"
           b"\r\n"
           b" second\tline\r\n"
           b".dot\r\n"
           b"\r\n\r\n")


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """(private key for python3-dkim, the TXT record) by name."""
    folder = tmp_path_factory.mktemp("keys")

    def rsa(bits):
        path = str(folder / f"rsa{bits}.pem")
        subprocess.run(["openssl", "genrsa", "-traditional", "-out", path, str(bits)], check=True,
                       capture_output=True)
        der = subprocess.run(["openssl", "rsa", "-in", path, "-pubout", "-outform", "DER"], check=True,
                             capture_output=True).stdout
        with open(path, "rb") as file:
            return file.read(), b"v=DKIM1; k=rsa; p=" + base64.b64encode(der)

    path = str(folder / "ed25519.pem")
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", path], check=True)
    private = subprocess.run(["openssl", "pkey", "-in", path, "-outform", "DER"], check=True,
                             capture_output=True).stdout[-32:]
    public = subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"], check=True,
                            capture_output=True).stdout[-32:]
    return {"rsa": rsa(2048), "weak": rsa(768),
            "ed25519": (base64.b64encode(private), b"v=DKIM1; k=ed25519; p=" + base64.b64encode(public))}


def sign(keys, message=MESSAGE, key="rsa", selector=None, canon=(b"relaxed", b"relaxed"), **more):
    algorithm = b"ed25519-sha256" if key == "ed25519" else b"rsa-sha256"
    return dkim.sign(message, selector or key.encode(), more.pop("domain", b"example.net"), keys[key][0],
                     canonicalize=canon, signature_algorithm=algorithm, **more)


@pytest.fixture
def check(make_server, keys):
    """Has a mail checked by a server; what its results say of DKIM."""
    made = []

    def run(message, records=None, failing=()):
        if not made:
            everything = {(f"{name}._domainkey.example.net", TXT): [record.decode()]
                          for name, (_, record) in keys.items()}
            everything.update(records or {})
            names = Names(everything, failing)
            server = make_server()
            server.settings["filter"] = '{ check = "all"; }'
            server.settings["relay"] = f'{{ resolver = "127.0.0.1@{names.port}"; }}'
            made.extend([names, server.set_up("alice"), 0])
        _, server, count = made
        made[2] = count + 1
        with server.smtp() as client:
            client.sendmail("bob@example.net", [ALICE], message)
        server.wait_for_messages(count + 1)
        found = [arrived for arrived in server.messages()]
        header = found[-1].partition(b"\r\n\r\n")[0].replace(b"\r\n\t", b" ").decode("latin-1")
        (field,) = [line for line in header.split("\r\n") if line.startswith("Authentication-Results: ")]
        return [part.strip() for part in field.split(";") if part.strip().startswith("dkim=")]

    yield run
    if made:
        made[0].close()


SIMPLE, RELAXED = b"simple", b"relaxed"


@pytest.mark.parametrize("key", ["rsa", "ed25519"])
@pytest.mark.parametrize("canon", [(a, b) for a in (SIMPLE, RELAXED) for b in (SIMPLE, RELAXED)],
                         ids=lambda canon: b"-".join(canon).decode())
def test_signatures_of_another_program(check, keys, key, canon):
    signature = sign(keys, key=key, canon=canon)
    (result,) = check(signature + MESSAGE)
    assert result.startswith(f"dkim=pass header.d=example.net header.s={key} header.a={key}-sha256 header.b=")
    (result,) = check(signature + MESSAGE.replace(b"second", b"2nd"))
    assert result.startswith('dkim=fail reason="the body has changed" ')
    (result,) = check(signature + MESSAGE.replace(b"Bob", b"Eve"))
    assert result.startswith('dkim=fail reason="the signature does not match" ')
    # What the canonical forms leave out.
    spaced = MESSAGE.replace(b"two  words", b"two words").replace(b"Subject:", b"SUBJECT :")
    (result,) = check(signature + spaced)
    assert result.startswith("dkim=pass" if canon[0] == RELAXED else "dkim=fail")
    (result,) = check(signature + MESSAGE.replace(b"first  line \t \r\n", b"first line\r\n"))
    assert result.startswith("dkim=pass" if canon[1] == RELAXED else "dkim=fail")
    (result,) = check(signature + MESSAGE + b"\r\n\r\n\r\n")
    assert result.startswith("dkim=pass")


@pytest.mark.parametrize("canon", [SIMPLE, RELAXED])
@pytest.mark.parametrize("body", [b"", b"\r\n", b"\r\n\r\n", b" \r\n", b"x\r\n", b"x \r\n\r\n \r\n",
                                  b"\r\n\r\nx\r\n"], ids=repr)
def test_bodies(check, keys, canon, body):
    message = MESSAGE.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body
    (result,) = check(sign(keys, message, canon=(SIMPLE, canon)) + message)
    assert result.startswith("dkim=pass")


def test_several_signatures(check, keys):
    message = sign(keys) + MESSAGE
    message = sign(keys, message, key="ed25519") + message
    message = sign(keys, message, key="weak") + message
    results = check(message)
    assert [result.split()[0] for result in results] == ["dkim=policy", "dkim=pass", "dkim=pass"]
    assert "less than 1024 bits" in results[0]


def test_a_body_longer_than_l(check, keys):
    signature = sign(keys, length=True)
    (result,) = check(signature + MESSAGE)
    assert result.startswith("dkim=pass")
    (result,) = check(signature + MESSAGE + b"more\r\n")
    assert result.startswith('dkim=policy reason="there is more than l= has signed"')


def test_no_signature(check):
    assert check(MESSAGE) == ["dkim=none"]


def records_of(keys, **changes):
    _, record = keys["rsa"]
    key = record.split(b"p=")[1].decode()
    return {(f"{name}._domainkey.example.net", TXT): [text.replace("KEY", key)]
            for name, text in changes.items()}


def test_keys_that_do_not_count(check, keys):
    records = records_of(
        keys, revoked="v=DKIM1; p=", notmail="v=DKIM1; s=tlsrpt; p=KEY", sha1="v=DKIM1; h=sha1; p=KEY",
        other="v=DKIM1; k=ed25519; p=KEY", version="v=DKIM2; p=KEY", order="p=KEY; v=DKIM1",
        bare="p=KEY", testing="v=DKIM1; t=y; p=KEY", noise="hello", twice="p=KEY; p=KEY",
        spaced="v = DKIM1 ;\tp= KEY ;", strict="v=DKIM1; t=s; p=KEY", damaged="p=" + "A" * 40)
    expected = {
        "revoked": "permerror", "notmail": "permerror", "sha1": "permerror", "other": "permerror",
        "version": "permerror", "order": "permerror", "bare": "pass", "testing": "pass",
        "noise": "permerror", "twice": "permerror", "spaced": "pass", "strict": "pass",
        "damaged": "permerror", "missing": "permerror", "silent": "temperror"}
    failing = ["silent._domainkey.example.net"]
    for selector, wanted in expected.items():
        (result,) = check(sign(keys, selector=selector.encode()) + MESSAGE, records, failing)
        assert result.split()[0] == f"dkim={wanted}", (selector, result)
    strict = sign(keys, selector=b"strict", identity=b"@sub.example.net")
    (result,) = check(strict + MESSAGE)
    assert result.startswith('dkim=permerror reason="the key is not for subdomains"')
    below = sign(keys, identity=b"bob@sub.example.net")
    (result,) = check(below + MESSAGE)
    assert result.startswith("dkim=pass")
    failed = sign(keys, selector=b"testing") + MESSAGE.replace(b"Bob", b"Eve")
    (result,) = check(failed)
    assert result.startswith("dkim=neutral")


def changed(signature, old, new):
    assert old in signature
    return signature.replace(old, new)


def test_signatures_that_are_none(check, keys):
    signature = sign(keys)
    past = str(int(time.time()) - 10).encode()
    old = re.sub(rb"t=\d+", b"t=1000000000; x=" + past, signature)
    cases = [
        (changed(signature, b"v=1;", b"v=2;"), "neutral"),
        (changed(signature, b"v=1;", b""), "neutral"),
        (changed(signature, b"v=1;", b"v=1; v=1;"), "neutral"),
        (old, "policy"),
        (changed(signature, b"v=1;", b"v=1; x=" + past + b";"), "neutral"),
        (changed(signature, b"v=1;", b"v=1; x=soon;"), "neutral"),
        (changed(signature, b"v=1;", b"v=1; l=9999999;"), "neutral"),
        (changed(signature, b"v=1;", b"v=1; l=-1;"), "neutral"),
        (changed(signature, b"v=1;", b"v=1; q=dns/other;"), "neutral"),
        (changed(signature, b"a=rsa-sha256", b"a=rsa-sha1"), "policy"),
        (changed(signature, b"a=rsa-sha256", b"a=rot13"), "neutral"),
        (changed(signature, b"c=relaxed/relaxed", b"c=relaxed/relaxed/relaxed"), "neutral"),
        (changed(signature, b"i=@example.net", b"i=@example.org"), "neutral"),
        (changed(signature, b"i=@example.net", b"i=@notexample.net"), "neutral"),
        (changed(signature, b"d=example.net", b"d=-"), "neutral"),
        (changed(signature, b"h=", b"hh="), "neutral"),
        (b"DKIM-Signature: \r\n", "neutral"),
        (b"DKIM-Signature: v=1; a=rsa-sha256; b=\xff;\r\n", "neutral"),
    ]
    for text, wanted in cases:
        results = check(text + MESSAGE)
        assert [result.split()[0] for result in results] == [f"dkim={wanted}"], text
    # No more than some are looked at.
    assert len(check(signature * 20 + MESSAGE)) == 8
