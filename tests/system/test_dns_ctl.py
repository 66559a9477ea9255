# SPDX-License-Identifier: ISC
"""posternctl dns: what it tells to publish, and what it finds published."""

import hashlib
import json
import struct
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from conftest import DOMAIN, HOST
from mail_sink import A, MX, TXT, Names, name

PTR, SRV, TLSA = 12, 33, 52
KINDS = {"A": A, "MX": MX, "TXT": TXT, "PTR": PTR, "SRV": SRV, "TLSA": TLSA}
NAME = f"mail.{DOMAIN}"
ADDRESS = "198.51.100.7"


def key_hash(command, pem):
    """SHA-256 of the SubjectPublicKeyInfo, by openssl."""
    key = subprocess.run(["openssl", command, "-noout", "-pubkey"], input=pem.encode(), check=True,
                         capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, check=True,
                         capture_output=True).stdout
    return hashlib.sha256(der).hexdigest()


def records(server, *options):
    found = json.loads(server.posternctl("dns", "--json", *options, DOMAIN).stdout)
    return found, {(one["name"], one["type"]): one["value"] for one in found["records"]}


@pytest.mark.parametrize("running", [True, False])
def test_what_to_publish(make_server, running):
    server = make_server()
    if running:
        server.set_up("alice")
    else:
        server.write_configuration()
        server.create_certificate()
    found, values = records(server, "--address", "192.0.2.7", "--address", "2001:db8::7")
    assert found["domain"] == DOMAIN and found["hostname"] == HOST
    assert values[DOMAIN, "MX"] == f"10 {HOST}."
    assert values[HOST, "A"] == "192.0.2.7" and values[HOST, "AAAA"] == "2001:db8::7"
    assert values["7.2.0.192.in-addr.arpa", "PTR"] == f"{HOST}."
    assert values[DOMAIN, "TXT"] == "v=spf1 mx -all"
    certificate = server.posternctl("cert", "export", HOST).stdout
    assert values[f"_25._tcp.{HOST}", "TLSA"] == "3 1 1 " + key_hash("x509", certificate)
    assert values[f"_imaps._tcp.{DOMAIN}", "SRV"] == f"0 1 {server.ports['imaps']} {HOST}."
    assert f"mx: {HOST}\r\n" in found["files"]["mta-sts"]


def test_a_key_that_waits_is_published_in_time(make_server):
    """Who looks up TLSA records keeps them for a while: the next key's must be there before it is used."""
    server = make_server().set_up("alice")
    server.posternctl("cert", "request", HOST, "--new-key")
    request = server.posternctl("cert", "request", f"{HOST}.next").stdout
    zone = server.posternctl("dns", DOMAIN).stdout
    lines = [line.split() for line in zone.splitlines() if " TLSA " in line]
    assert [line[-1] for line in lines] == [
        key_hash("x509", server.posternctl("cert", "export", HOST).stdout), key_hash("req", request)]
    assert lines[0][:6] == [f"_25._tcp.{HOST}.", "IN", "TLSA", "3", "1", "1"]


def test_files_for_web_servers(make_server):
    server = make_server().set_up("alice")
    for name in ("autoconfig", "autodiscover"):
        text = server.posternctl("dns", "--file", name, DOMAIN).stdout
        ports = {element.text for element in ElementTree.fromstring(text).iter()
                 if element.tag.lower().endswith("port")}
        assert ports == {str(server.ports[name]) for name in
                         ("submissions", "imaps", "pop3s", "submission", "imap", "pop3")
                         if name in server.ports}
    assert server.posternctl("dns", "--file", "mta-sts", DOMAIN).stdout.startswith("version: STSv1\n")


@pytest.mark.parametrize("arguments, text", [
    (["other.example"], "not one of the domains"),
    (["--address", "somewhere", DOMAIN], "not an address"),
    (["--file", "passwd", DOMAIN], "not a file, these are"),
    ([], "usage:"),
    (["--address"], "usage:"),
])
def test_mistakes(make_server, arguments, text):
    server = make_server()
    server.write_configuration()
    result = server.posternctl("dns", *arguments, check=False)
    assert result.returncode != 0 and text in result.stderr


def encoded(kind, value):
    """A record's data as Names takes it, from a zone file's."""
    words = value.rstrip(".").split(" ")
    if kind == "MX":
        return int(words[0]), words[1]
    if kind == "PTR":
        return name(words[0])
    if kind == "SRV":
        return struct.pack("!HHH", *map(int, words[:3])) + (name(words[3]) if len(words) > 3 and words[3] else b"\0")
    if kind == "TLSA":
        return bytes(map(int, words[:3])) + bytes.fromhex(words[3])
    return value


@pytest.fixture
def published(make_server):
    """A server, its records by (name, kind), each with its values, and a check of what is published."""
    server = make_server()
    # Libunbound knows by itself what localhost is.
    server.write_configuration(server.configuration_text().replace(f'"{HOST}"', f'"{NAME}"', 1))
    server.posternctl("cert", "create", NAME, "--yes")
    server.posternctl("dkim", "create", DOMAIN, "--algorithm", "both", "--selector", "s")
    found = json.loads(server.posternctl("dns", "--json", "--address", ADDRESS, DOMAIN).stdout)
    zone = {}
    for one in found["records"]:
        zone.setdefault((one["name"], one["type"]), []).append(one["value"])
    made = []

    def check(*options, failing=()):
        records = {(owner, KINDS[kind]): [encoded(kind, value) for value in values]
                   for (owner, kind), values in zone.items()}
        made.append(Names(records, failing))
        result = server.posternctl("dns", "check", "--address", ADDRESS, "--resolver",
                                   f"127.0.0.1@{made[-1].port}", "--json", *options, DOMAIN, check=False)
        found = json.loads(result.stdout)
        assert result.returncode == (1 if found["wrong"] else 0), result.stderr
        return found["wrong"], [(one["finding"], one["name"], one["type"], one["found"])
                                for one in found["findings"] if one["finding"] != "ok" or one["found"] != one["wanted"]]

    yield server, zone, check
    for names in made:
        names.close()


def test_all_is_published(published):
    _, zone, check = published
    assert check() == (0, [])
    signing = {owner: texts for (owner, kind), texts in zone.items() if "._domainkey." in owner}
    assert sorted(signing) == [f"s-ed25519._domainkey.{DOMAIN}", f"s-rsa._domainkey.{DOMAIN}"]
    # Another key is another key, if only the case of a letter differs.
    (text,) = zone[f"s-rsa._domainkey.{DOMAIN}", "TXT"]
    zone[f"s-rsa._domainkey.{DOMAIN}", "TXT"] = [text[:-9] + text[-9:].swapcase()]
    wrong, found = check()
    assert wrong == 1 and [one[:3] for one in found] == [("different", f"s-rsa._domainkey.{DOMAIN}", "TXT")]


def test_what_is_missing_and_what_is_not_ours(published):
    _, zone, check = published
    del zone[DOMAIN, "TXT"]
    del zone["_mta-sts." + DOMAIN, "TXT"]
    zone[DOMAIN, "MX"].append("20 backup.example.net.")
    zone[f"_25._tcp.{NAME}", "TLSA"].append("3 1 1 " + 32 * "ab")
    zone[NAME, "A"] = ["198.51.100.8"]
    assert check() == (2, [
        ("surplus", DOMAIN, "MX", "20 backup.example.net."),
        ("missing", NAME, "A", None),
        ("surplus", NAME, "A", "198.51.100.8"),
        ("missing", DOMAIN, "TXT", None),
        ("surplus", f"_25._tcp.{NAME}", "TLSA", "3 1 1 " + 32 * "ab"),
        ("missing", "_mta-sts." + DOMAIN, "TXT", None)])


def test_what_is_different(published):
    """Other words are fine if they say as much."""
    _, zone, check = published
    zone[DOMAIN, "TXT"] = ["v=spf1 include:spf.example.net -all", "unrelated"]
    zone["spf.example.net", "TXT"] = [f"v=spf1 ip4:{ADDRESS} ?all"]
    zone["_dmarc." + DOMAIN, "TXT"] = ["v=DMARC1; p=reject; rua=mailto:d@example.net"]
    zone[DOMAIN, "MX"] = [f"5 {NAME.upper()}."]
    wrong, found = check()
    assert wrong == 0 and [one[0] for one in found] == ["ok", "ok", "ok"]
    zone["spf.example.net", "TXT"] = ["v=spf1 ip4:203.0.113.1 ?all"]
    zone["_dmarc." + DOMAIN, "TXT"].append("v=DMARC1; p=none")
    zone[f"_imaps._tcp.{DOMAIN}", "SRV"] = [f"0 1 1 {NAME}."]
    zone[f"_25._tcp.{NAME}", "TLSA"] = ["3 1 1 " + 32 * "ab"]
    wrong, found = check()
    assert wrong == 4
    assert {one[1:3] for one in found if one[0] == "different"} == {
        (DOMAIN, "TXT"), ("_dmarc." + DOMAIN, "TXT"), (f"_imaps._tcp.{DOMAIN}", "SRV"),
        (f"_25._tcp.{NAME}", "TLSA")}


@pytest.mark.parametrize("text, good", [
    ("v=spf1 include:spf.example.net ~all", True),
    ("v=spf1 redirect=spf.example.net", True),
    ("v=spf1 include:gone.example.net ~all", False),  # a permerror
    ("v=spf1 ip4:192.0.2.9 -all", True),
    ("v=spf1 mx -all", False),
    ("v=spf1 include:hosts.example.net ~all", True),  # hosts without IPv6
])
def test_behind_a_smart_host_its_owner_says_who_sends(published, text, good):
    server, zone, check = published
    server.settings["relay"] = '{ host = "192.0.2.9"; }'
    server.write_configuration(server.configuration_text().replace(f'"{HOST}"', f'"{NAME}"', 1))
    zone["spf.example.net", "TXT"] = ["v=spf1 ip4:203.0.113.1 ?all"]
    zone["hosts.example.net", "TXT"] = ["v=spf1 a:a.example.net a:b.example.net a:c.example.net -all"]
    for host in "abc":
        zone[f"{host}.example.net", "A"] = ["203.0.113.1"]
    zone[DOMAIN, "TXT"] = [text]
    wrong, found = check()
    assert (wrong, [one[:2] for one in found]) == ((0, [("ok", DOMAIN)]) if good else (1, [("different", DOMAIN)]))
    # The host's own name is greeted with, and nobody else's to speak for.
    if good:
        zone[NAME, "TXT"] = [text]
        assert check()[0] == 1


SOURCE = "198.51.100.99"


def configure(server, relay):
    server.settings["relay"] = relay
    server.write_configuration(server.configuration_text().replace(f'"{HOST}"', f'"{NAME}"', 1))


def test_what_mail_leaves_from_and_says_is_published(published):
    """Else its own SPF record is against the server's mail."""
    server, _, _ = published
    configure(server, f'{{ source = "{SOURCE}"; helo = "out.{DOMAIN}"; routes = ('
                      '{ domain = "a.example"; source = "2001:db8::99"; helo = "six.example.net"; },'
                      '{ domain = "b.example"; host = "10.0.0.1"; protocol = "lmtp"; source = "203.0.113.9"; },'
                      '{ domain = "c.example"; host = "10.0.0.2"; source = "10.0.0.3"; } ); }')
    _, values = records(server, "--address", ADDRESS)
    # Of IPv4, the route that names a source of IPv6 only leaves from any.
    assert values[DOMAIN, "TXT"] == f"v=spf1 mx ip4:{SOURCE} ip6:2001:db8::99 -all"
    assert values[f"out.{DOMAIN}", "A"] == SOURCE and values[f"out.{DOMAIN}", "TXT"] == "v=spf1 a -all"
    assert values["six.example.net", "AAAA"] == "2001:db8::99" and values["six.example.net", "TXT"] == "v=spf1 a -all"
    assert values["99.100.51.198.in-addr.arpa", "PTR"] == f"out.{DOMAIN}."
    assert values[NAME, "A"] == ADDRESS and values[NAME, "TXT"] == "v=spf1 a -all"
    assert not any("203.0.113.9" in value for value in values.values())


def test_published_spf_is_held_against_what_mail_leaves_from(published):
    server, zone, check = published
    configure(server, f'{{ source = "{SOURCE}"; helo = "out.{DOMAIN}"; }}')
    zone["99.100.51.198.in-addr.arpa", "PTR"] = [f"out.{DOMAIN}."]
    wrong, found = check()
    assert wrong == 3 and found == [
        ("missing", f"out.{DOMAIN}", "A", None),
        ("different", DOMAIN, "TXT", "v=spf1 mx -all"),
        ("missing", f"out.{DOMAIN}", "TXT", None)]
    zone[f"out.{DOMAIN}", "A"] = [SOURCE]
    zone[f"out.{DOMAIN}", "TXT"] = ["v=spf1 a -all"]
    # What mail doesn't leave from need not pass.
    zone[DOMAIN, "TXT"] = [f"v=spf1 ip4:{SOURCE} -all"]
    assert check() == (0, [("ok", DOMAIN, "TXT", f"v=spf1 ip4:{SOURCE} -all")])
    zone[f"out.{DOMAIN}", "TXT"] = ["v=spf1 mx -all"]
    assert check()[0] == 1


def test_an_address_may_lead_to_any_of_its_names(published):
    server, zone, check = published
    configure(server, f'{{ helo = "out.{DOMAIN}"; }}')
    zone[f"out.{DOMAIN}", "A"] = [ADDRESS]
    zone[f"out.{DOMAIN}", "TXT"] = ["v=spf1 a -all"]
    wrong, found = check()
    assert (wrong, [one[0] for one in found]) == (0, ["ok"]) and found[0][3] == f"{NAME}."
    zone["7.100.51.198.in-addr.arpa", "PTR"] = ["www.example.net."]
    assert check()[0] == 1


def test_mail_that_goes_past_the_smart_host_has_to_pass_too(published):
    server, zone, check = published
    configure(server, f'{{ host = "192.0.2.9"; routes = ({{ domain = "a.example"; source = "{SOURCE}"; }}); }}')
    zone[NAME, "A"].append(SOURCE)
    zone["99.100.51.198.in-addr.arpa", "PTR"] = [f"{NAME}."]
    for text, wrong in [("v=spf1 ip4:192.0.2.9 -all", 1), (f"v=spf1 ip4:{SOURCE} -all", 1),
                        (f"v=spf1 ip4:192.0.2.9 ip4:{SOURCE} -all", 0)]:
        zone[DOMAIN, "TXT"] = [text]
        assert check()[0] == wrong, text


@pytest.mark.parametrize("text, good", [("v=spf1 -all", False), ("v=spf1 ip4:192.0.2.9 -all", True)])
def test_behind_a_smart_host_that_nobody_sees(published, text, good):
    """Where mail leaves from is unknown; that it may from nowhere is wrong all the same."""
    server, zone, check = published
    server.settings["relay"] = '{ host = "10.0.0.5"; }'
    server.write_configuration(server.configuration_text().replace(f'"{HOST}"', f'"{NAME}"', 1))
    zone[DOMAIN, "TXT"] = [text]
    assert check()[0] == (0 if good else 1)


def test_no_answer_is_told(published):
    _, _, check = published
    wrong, found = check(failing=(DOMAIN,))
    assert wrong == 2
    assert ("unknown", DOMAIN, "MX", None) in found and ("unknown", DOMAIN, "TXT", None) in found


def test_the_addresses_may_be_those_that_dns_has(published):
    server, zone, _ = published
    names = Names({(owner, KINDS[kind]): [encoded(kind, value) for value in values]
                   for (owner, kind), values in zone.items()})
    text = server.posternctl("dns", "check", "--resolver", f"127.0.0.1@{names.port}", DOMAIN,
                             check=False).stdout
    names.close()
    assert f"ok        {DOMAIN} MX 10 {NAME}.\n" in text


@pytest.mark.parametrize("resolver", ["dns.example.org", "127.0.0.1@0", "127.0.0.1@x"])
def test_a_resolver_is_an_address(make_server, resolver):
    server = make_server()
    server.write_configuration()
    result = server.posternctl("dns", "check", "--resolver", resolver, DOMAIN, check=False)
    assert result.returncode == 1 and "neither an address nor ADDRESS@PORT" in result.stderr
