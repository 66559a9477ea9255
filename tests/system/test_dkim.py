# SPDX-License-Identifier: ISC
"""DKIM: signatures that others made (python3-dkim) are verified, ours are verified by others."""

import base64
import json
import os
import re
import signal
import subprocess
import time

import dkim
import pytest

from conftest import DOMAIN, wait_for
from mail_sink import Names, Sink
from test_relay import report
from test_seven_bit import LATIN, MIXED, contents, is_seven_bit

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


# -- What this server signs --------------------------------------------------------------------------


def zone_of(text):
    """What posternctl printed, as DNS has it: name -> the TXT record."""
    zone = {}
    for line in text.splitlines():
        name, data = re.fullmatch(r"(\S+) IN TXT \((.*) \)", line).groups()
        strings = re.findall(r'"([^"]*)"', data)
        assert all(len(string) <= 255 for string in strings)
        zone[name.encode()] = "".join(strings).encode()
    return zone


def signatures(message):
    header = message.partition(b"\r\n\r\n")[0]
    return [re.sub(rb"\s+", b" ", field) for field in re.findall(
        rb"^DKIM-Signature: (?:[^\r\n]|\r\n[ \t])*", header, re.MULTILINE)]


def tags(signature):
    return dict(part.strip().split(b"=", 1) for part in signature.split(b":", 1)[1].split(b";"))


def verify_all(message, zone):
    """python3-dkim's word on each signature."""
    def verify(n):
        try:
            return dkim.DKIM(message).verify(idx=n, dnsfunc=lambda name, timeout=5: zone.get(name))
        except dkim.ValidationError:  # what is wrong with the body is told so
            return False

    return [verify(n) for n in range(len(signatures(message)))]


@pytest.fixture
def signing(make_server):
    """A server that sends out to a sink, with keys for its domain; what the sink gets, and the zone."""
    sink = Sink()
    server = make_server()
    server.settings["relay"] = f'{{ host = "127.0.0.1"; port = {sink.port}; }}'
    server.settings["limits"] = "{ retry = 1; restart_delay = 0; }"
    server.settings["submission"] = '{ sender_check = "envelope"; }'
    server.set_up("alice")

    def send(message, recipient="bob@elsewhere.example", sender=ALICE):
        count = len(sink.mails)
        with server.submission() as client:
            client.sendmail(sender, [recipient], message)
        return sink.wait(count + 1)[-1][2]

    server.sink, server.send = sink, send
    yield server
    sink.close()


OUT = (b"From: Alice <alice@example.org>\r\nTo: bob@elsewhere.example,\r\n  carol@elsewhere.example\r\n"
       b"Subject:  folded \r\n\tsubject\r\nDate: Sun, 29 Nov 2026 10:00:00 +0000\r\n"
       b"Message-ID: <1@example.org>\r\n\r\nHello  there \r\n\r\n.dot\r\n\r\n")


def test_what_users_send_is_signed_twice(signing):
    zone = zone_of(signing.posternctl("dkim", "create", DOMAIN, "--selector", "one").stdout)
    assert sorted(zone) == [b"one-ed25519._domainkey.example.org.", b"one-rsa._domainkey.example.org."]
    arrived = signing.send(OUT)
    assert arrived.endswith(OUT)
    assert arrived.startswith(b"DKIM-Signature: ")
    assert max(len(line) for line in arrived.split(b"\r\n")) <= 998
    assert verify_all(arrived, zone) == [True, True]
    rsa, ed25519 = sorted((tags(text) for text in signatures(arrived)), key=lambda tag: tag[b"a"], reverse=True)
    assert (rsa[b"a"], rsa[b"s"], rsa[b"d"]) == (b"rsa-sha256", b"one-rsa", b"example.org")
    assert (ed25519[b"a"], ed25519[b"s"]) == (b"ed25519-sha256", b"one-ed25519")
    assert rsa[b"c"] == b"relaxed/relaxed" and b"l" not in rsa
    # Nobody can add what would be shown instead (oversigned).
    for field in (b"From: eve@example.com", b"To: x@example.com", b"Subject: other", b"Date: now",
                  b"Reply-To: eve@example.com", b"Cc: x@example.com", b"Content-Type: text/html"):
        assert verify_all(field + b"\r\n" + arrived, zone) == [False, False], field
    assert verify_all(arrived.replace(b"there", b"where"), zone) == [False, False]
    # What is on the way may do no harm.
    assert verify_all(b"Received: from x\r\n" + arrived, zone) == [True, True]


def test_a_mail_to_a_thousand_is_signed(signing):
    """Its To: is longer than what certd takes: that is left out."""
    zone = zone_of(signing.posternctl("dkim", "create", DOMAIN).stdout)
    to = b",\r\n ".join(b'"Firstname Lastname-%04d" <firstname.lastname-%04d@example.net>' % (n, n) for n in range(1000))
    message = OUT.replace(b"bob@elsewhere.example,", to + b",")
    arrived = signing.send(message)
    assert arrived.endswith(message)
    assert verify_all(arrived, zone) == [True, True]
    # The others can still not be changed, nor added to.
    for field in (b"From: eve@example.com", b"Subject: other", b"Cc: x@example.com"):
        assert verify_all(field + b"\r\n" + arrived, zone) == [False, False], field
    assert verify_all(arrived.replace(b"Alice <", b"Eve <"), zone) == [False, False]


@pytest.mark.parametrize("extensions", [("PIPELINING", "SIZE 1000000"), ("PIPELINING", "8BITMIME", "SIZE 1000000")],
                         ids=["7bit", "8bit"])
@pytest.mark.parametrize("lines", [1, 10_000])
def test_it_is_converted_before_it_is_signed(signing, extensions, lines):
    """A host that takes 7 bits only can't do it afterwards, wherever on the way it stands (RFC 6376 5.3)."""
    signing.sink.extensions = extensions
    zone = zone_of(signing.posternctl("dkim", "create", DOMAIN).stdout)
    message = MIXED.replace(b"--outer--\r\n", b"--outer\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
                            + "ü und viel Text\r\n".encode() * lines + b"--outer--\r\n")
    with signing.submission() as client:
        client.sendmail(ALICE, ["bob@elsewhere.example", ALICE], message, mail_options=["BODY=8BITMIME"])
    ((_, _, arrived),) = signing.sink.wait(1)
    assert is_seven_bit(arrived)
    assert verify_all(arrived, zone) == [True, True]
    assert contents(arrived) == contents(message)
    assert not any("BODY=8BITMIME" in command for command in signing.sink.commands)
    (local,) = signing.wait_for_messages(1)
    assert contents(local) == contents(message)


@pytest.mark.parametrize("options", [[], ["BODY=7BIT"], ["SMTPUTF8"]], ids=["none", "7BIT", "SMTPUTF8"])
def test_it_is_converted_whatever_its_client_said(signing, options):
    """Many send 8 bits without BODY=8BITMIME."""
    signing.sink.extensions = ("PIPELINING", "SIZE 1000000")
    zone = zone_of(signing.posternctl("dkim", "create", DOMAIN).stdout)
    with signing.submission() as client:
        client.sendmail(ALICE, ["bob@elsewhere.example"], MIXED, mail_options=options)
    ((_, _, arrived),) = signing.sink.wait(1)
    assert is_seven_bit(arrived)
    assert verify_all(arrived, zone) == [True, True]
    assert contents(arrived) == contents(MIXED)


def test_what_has_nothing_to_convert_is_left_alone(signing):
    zone = zone_of(signing.posternctl("dkim", "create", DOMAIN).stdout)
    message = (b"Content-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n" + OUT
               + b"0123456789 line\r\n" * 50_000)
    with signing.submission() as client:
        client.sendmail(ALICE, ["bob@elsewhere.example"], message, mail_options=["BODY=8BITMIME"])
    ((_, _, arrived),) = signing.sink.wait(1)
    assert arrived.endswith(message)
    assert verify_all(arrived, zone) == [True, True]
    assert signing.log.find(r"event=filter\.not_converted") == []


def test_what_stays_here_is_not_converted(signing):
    message = OUT.replace(b"Hello", "Grüße".encode())
    zone = zone_of(signing.posternctl("dkim", "create", DOMAIN).stdout)
    with signing.submission() as client:
        client.sendmail(ALICE, [ALICE], message, mail_options=["BODY=8BITMIME"])
    (local,) = signing.wait_for_messages(1)
    assert local.endswith(message)
    signed = local[local.index(b"DKIM-Signature"):]
    assert verify_all(signed, zone) == [True, True]


def test_what_can_not_be_converted_is_signed_as_it_is(signing):
    zone = zone_of(signing.posternctl("dkim", "create", DOMAIN).stdout)
    message = LATIN.replace(b"Subject: out", b"Subject: out\r\nX-Raw: \xe9")
    with signing.submission() as client:
        client.sendmail(ALICE, ["bob@elsewhere.example"], message, mail_options=["BODY=8BITMIME"])
    ((_, _, arrived),) = signing.sink.wait(1)
    assert arrived.endswith(message.partition(b"\r\n\r\n")[2])
    assert verify_all(arrived, zone) == [True, True]
    signing.log.wait(r"event=filter\.not_converted")


@pytest.mark.parametrize("options", [[], ["BODY=8BITMIME"]], ids=["undeclared", "declared"])
def test_our_signature_is_not_to_blame(signing, options):
    """Without it the mail could not be converted either."""
    signing.sink.extensions = ("PIPELINING", "SIZE 1000000")
    signing.posternctl("dkim", "create", DOMAIN)
    message = LATIN.replace(b"Subject: out", b"Subject: out\r\nX-Raw: \xe9")
    with signing.submission() as client:
        client.sendmail(ALICE, ["bob@elsewhere.example"], message, mail_options=options)
    words, recipient = report(signing)
    assert recipient["Status"] == "5.6.9"
    assert "header" in words and "DKIM" not in words


@pytest.mark.parametrize("size", [10, 30_000, 300_000])
def test_mails_of_any_size_are_signed(signing, size):
    zone = zone_of(signing.posternctl("dkim", "create", DOMAIN).stdout)
    message = OUT + b"0123456789 line\r\n" * (size // 17)
    arrived = signing.send(message)
    assert arrived.endswith(message)
    assert verify_all(arrived, zone) == [True, True]


def test_what_is_not_signed(signing):
    # Without a key nothing goes through filter.
    mark = signing.log.mark()
    assert signatures(signing.send(OUT)) == []
    assert signing.log.find(r"event=queue\.checked", mark) == []
    signing.posternctl("dkim", "create", DOMAIN)
    assert len(signatures(signing.send(OUT))) == 2
    other = OUT.replace(b"alice@example.org>", b"alice@example.com>", 1)
    assert signatures(signing.send(other)) == []
    assert signatures(signing.send(b"From: a@example.org, b@example.com\r\n" + OUT.split(b"\r\n", 1)[1])) == []
    # A stranger's mail is never signed.
    with signing.smtp() as client:
        client.sendmail("x@example.net", [ALICE], OUT)
    (message,) = signing.wait_for_messages(1)
    assert signatures(message) == []


def test_a_subdomain_signs_as_the_domain_above(signing):
    zone = zone_of(signing.posternctl("dkim", "create", DOMAIN, "--algorithm", "rsa", "--selector", "s").stdout)
    arrived = signing.send(OUT.replace(b"<alice@example.org>", b"<alice@news.example.org>"))
    assert verify_all(arrived, zone) == [True]
    assert tags(signatures(arrived)[0])[b"d"] == b"example.org"


def selectors(message):
    return sorted(tags(text)[b"s"].decode() for text in signatures(message))


def test_selectors_are_rotated(signing):
    ctl = signing.posternctl
    ctl("dkim", "create", DOMAIN, "--selector", "old")
    ctl("dkim", "rotate", DOMAIN, "--selector", "new", "--after", "2d")
    assert selectors(signing.send(OUT)) == ["old-ed25519", "old-rsa"]
    states = {line.split()[1]: line.split()[3] for line in ctl("dkim", "list").stdout.splitlines()}
    assert states == {"old-rsa": "signing", "old-ed25519": "signing",
                      "new-rsa": "waiting", "new-ed25519": "waiting"}
    ctl("dkim", "activate", DOMAIN, "--selector", "new-rsa")
    assert selectors(signing.send(OUT)) == ["new-rsa", "old-ed25519"]
    ctl("dkim", "rotate", DOMAIN, "--selector", "newest", "--after", "0")
    assert selectors(signing.send(OUT)) == ["newest-ed25519", "newest-rsa"]
    # The old ones' records are still to be had, for mail that is on its way.
    assert len(zone_of(ctl("dkim", "show", DOMAIN).stdout)) == 6
    for selector in ("old-rsa", "old-ed25519", "new-rsa", "new-ed25519"):
        ctl("dkim", "remove", DOMAIN, "--selector", selector)
    assert len(zone_of(ctl("dkim", "show", DOMAIN).stdout)) == 2
    # They are there after a restart.
    signing.stop()
    signing.start()
    assert selectors(signing.send(OUT)) == ["newest-ed25519", "newest-rsa"]


def test_keys_as_json(make_server):
    """Times as in the other lists (RFC 3339); what there is not is null."""
    server = make_server()
    server.write_configuration()
    ctl = server.posternctl
    ctl("dkim", "create", DOMAIN, "--selector", "old")
    began = {key["selector"]: key["from"] for key in json.loads(ctl("dkim", "list", "--json").stdout)}
    ctl("dkim", "rotate", DOMAIN, "--selector", "new", "--after", "2d")
    keys = {key["selector"]: key for key in json.loads(ctl("dkim", "list", DOMAIN, "--json").stdout)}
    assert {name: (key["algorithm"], key["bits"], key["state"]) for name, key in keys.items()} == {
        "old-rsa": ("rsa", 2048, "signing"), "old-ed25519": ("ed25519", None, "signing"),
        "new-rsa": ("rsa", 2048, "waiting"), "new-ed25519": ("ed25519", None, "waiting")}
    for key in keys.values():
        assert key["domain"] == DOMAIN and key["record"].startswith("v=DKIM1; k=")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", key["from"]), key
    for algorithm in ("rsa", "ed25519"):
        old, new = keys[f"old-{algorithm}"], keys[f"new-{algorithm}"]
        assert old["from"] == began[old["selector"]]
        assert (old["until"], new["until"]) == (new["from"], None)


@pytest.mark.parametrize("after,words", [("2s", "2 seconds"), ("1m", "1 minute"), ("90m", "1 hour 30 minutes"),
                                         ("1h", "1 hour"), ("2d", "2 days"), (None, "2 days")])
def test_when_it_signs_is_told(make_server, after, words):
    server = make_server()
    server.write_configuration()
    server.posternctl("dkim", "create", DOMAIN, "--selector", "old", "--algorithm", "ed25519")
    arguments = [] if after is None else ["--after", after]
    said = server.posternctl("dkim", "rotate", DOMAIN, "--selector", "new", *arguments).stderr
    assert f"it signs in {words}, and the old ones until then.\n" in said


def test_the_only_key_is_not_removed_by_mistake(make_server):
    server = make_server()
    server.write_configuration()

    def remove(selector, *arguments):
        result = server.posternctl("dkim", "remove", DOMAIN, "--selector", selector, *arguments, check=False)
        assert (result.returncode == 0) == (result.stderr == "") and result.returncode in (0, 1)
        return result.stderr

    server.posternctl("dkim", "create", DOMAIN, "--selector", "old")
    refused = remove("old-rsa")
    assert f"old-rsa is the only RSA key that signs the mail of {DOMAIN}: " in refused and "--force" in refused
    assert "old-rsa" in server.posternctl("dkim", "list").stdout
    # One that waits signs nothing yet, and nothing is lost with it; nor with one whose place another has taken.
    server.posternctl("dkim", "rotate", DOMAIN, "--selector", "new", "--after", "2d")
    assert "the only RSA key" in remove("old-rsa")
    assert remove("new-ed25519") == ""
    server.posternctl("dkim", "activate", DOMAIN, "--selector", "new-rsa")
    assert remove("old-rsa") == ""
    # Everybody verifies RSA, so that is enough; another domain's key is of no use here.
    assert remove("old-ed25519") == ""
    server.posternctl("dkim", "create", "example.com", "--selector", "other")
    assert f"new-rsa is the only key that signs the mail of {DOMAIN}: " in remove("new-rsa")
    assert remove("new-rsa", "--force") == ""
    assert "has no selector new-rsa" in remove("new-rsa")
    assert DOMAIN not in server.posternctl("dkim", "list").stdout


def test_mistakes_with_keys(signing):
    def fails(*arguments):
        result = signing.posternctl("dkim", *arguments, check=False)
        assert result.returncode != 0
        return result.stderr

    signing.posternctl("dkim", "create", DOMAIN, "--selector", "s", "--algorithm", "ed25519")
    assert "has a selector s already" in fails("create", DOMAIN, "--selector", "s", "--algorithm", "rsa")
    # None of the two is made then: the other would sign, unpublished.
    for command in ("create", "rotate"):
        signing.posternctl("dkim", "create", DOMAIN, "--selector", f"{command}-ed25519", "--algorithm", "ed25519")
        signing.posternctl("dkim", "create", DOMAIN, "--selector", f"{command}-other", "--algorithm", "rsa")
        before = signing.posternctl("dkim", "list").stdout
        assert f"has a selector {command}-ed25519 already" in fails(command, DOMAIN, "--selector", command)
        assert signing.posternctl("dkim", "list").stdout == before
    # The same where the second fails: "-ed25519" makes a label of more than 63 octets of it, "-rsa" doesn't.
    before = signing.posternctl("dkim", "list").stdout
    assert "no selector and domain" in fails("create", DOMAIN, "--selector", 57 * "a")
    assert signing.posternctl("dkim", "list").stdout == before
    assert "has no selector t" in fails("remove", DOMAIN, "--selector", "t")
    assert "has no key" in fails("rotate", "example.com")
    assert "xn--bcher-kva.example has no key" in fails("rotate", "B\u00fccher.example")
    assert "is no domain" in fails("create", "exa mple")
    assert "no selector and domain" in fails("create", DOMAIN, "--selector", "../../x", "--algorithm", "rsa")
    assert "rsa, ed25519 or both" in fails("create", DOMAIN, "--algorithm", "dsa")
    assert "--after" in fails("rotate", DOMAIN, "--after", "soon")


def test_keys_of_dkim_are_good_for_nothing_else(signing):
    """No certificate has them, no request exports them, and their folder is certd's alone."""
    signing.posternctl("dkim", "create", DOMAIN, "--selector", "s", "--algorithm", "rsa")
    folder = os.path.join(signing.state, "certs", "dkim")
    name = "s._domainkey.example.org"
    assert os.listdir(folder) == [name]
    assert os.stat(folder).st_mode & 0o7777 == 0o700
    assert os.stat(os.path.join(folder, name)).st_mode & 0o7777 == 0o600
    for wrong in (f"dkim/{name}", name, "dkim", f"../certs/dkim/{name}"):
        result = signing.posternctl("cert", "export", wrong, "--private-key", "--no-passphrase", check=False)
        assert result.returncode != 0 and "PRIVATE KEY" not in result.stdout
    assert name not in signing.posternctl("cert", "list").stdout


def test_certd_is_away_for_a_while(signing):
    """Nothing goes out unsigned: the client is to try again."""
    zone = zone_of(signing.posternctl("dkim", "create", DOMAIN).stdout)
    with signing.submission() as client:
        client.mail(ALICE)
        client.rcpt("bob@elsewhere.example")
        (pid,) = signing.children("postern-certd")[:1]
        for pid in signing.children("postern-certd"):
            os.kill(pid, signal.SIGKILL)
        code, _ = client.data(OUT)
    if code == 250:  # it was back in time
        arrived = signing.sink.wait(1)[-1][2]
    else:
        assert code == 451
        wait_for(lambda: signing.children("postern-certd"), "certd")
        signing.log.wait(r"event=key\.loaded", count=2)
        arrived = signing.send(OUT)
    assert verify_all(arrived, zone) == [True, True]
