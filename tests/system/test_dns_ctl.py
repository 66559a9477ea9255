# SPDX-License-Identifier: ISC
"""posternctl dns: what it tells to publish."""

import hashlib
import json
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from conftest import DOMAIN, HOST


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
