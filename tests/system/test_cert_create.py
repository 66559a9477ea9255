# SPDX-License-Identifier: ISC
"""posternctl cert create and cert request, with options and on a terminal."""

import os
import subprocess

from conftest import DEADLINE, HOST
from terminal import Terminal


def openssl(*arguments, text=None):
    result = subprocess.run(["openssl", *arguments], input=text, capture_output=True, text=True, check=False,
                            timeout=DEADLINE)
    assert result.returncode == 0, result.stderr
    return result.stdout


def ready(make_server):
    server = make_server()
    server.write_configuration()
    return server


def subject_of(server, name):
    path = os.path.join(server.state, "certs", f"{name}.crt")
    return openssl("x509", "-in", path, "-noout", "-subject", "-nameopt", "utf8,sep_multiline,lname")


def test_options(make_server):
    server = ready(make_server)
    server.posternctl("cert", "create", "mail", "--yes", "--country", "ch", "--state", "Bern", "--locality", "Biel",
                      "--organization", "Müller & Söhne", "--unit", "Mail", "--common-name", "mail.example.org",
                      "--email", "postmaster@example.org", "--name", "mail.example.org", "--name", "bücher.example",
                      "--key", "p384", "--days", "30")
    said = subject_of(server, "mail")
    for line in ("countryName=CH", "stateOrProvinceName=Bern", "localityName=Biel",
                 "organizationName=Müller & Söhne", "organizationalUnitName=Mail", "commonName=mail.example.org",
                 "emailAddress=postmaster@example.org"):
        assert line in said
    request = server.posternctl("cert", "request", "mail").stdout
    text = openssl("req", "-noout", "-text", "-verify", text=request)
    assert "DNS:mail.example.org, DNS:xn--bcher-kva.example" in text
    assert "CN = mail.example.org" in text


def test_wrong_options(make_server):
    server = ready(make_server)
    for option, value, said in (("--country", "Switzerland", "2 at most"), ("--email", "nobody", "E-mail"),
                                ("--organization", "x" * 65, "64 at most"), ("--name", "a b", "a b"),
                                ("--key", "dsa", "rsa2048"), ("--days", "0", "36500")):
        result = server.posternctl("cert", "create", "mail", "--yes", option, value, check=False)
        assert result.returncode == 1 and said in result.stderr, result.stderr
    assert not os.path.exists(os.path.join(server.state, "certs", "mail.key"))


def test_request_of_nobody(make_server):
    server = ready(make_server)
    result = server.posternctl("cert", "request", "nobody", check=False)
    assert result.returncode == 1
    assert "nobody.csr" in result.stderr
    assert result.stdout == ""


def test_running_server(make_server):
    server = make_server().set_up()
    assert "BEGIN CERTIFICATE REQUEST" in server.posternctl("cert", "request", HOST).stdout


def test_questions(make_server):
    server = ready(make_server)
    terminal = Terminal(server, "cert", "create", "mail.example.org", "--organization", "Bakery")
    terminal.answer("Country []:", "?")
    terminal.answer("Country []:", "Schweiz")
    terminal.answer("Country []:", "ch")
    terminal.answer("State or province []:", "")
    terminal.answer("Locality []:", "")
    terminal.answer("Organization [Bakery]:", "")
    terminal.answer("Unit []:", "")
    terminal.answer("Common name []:", "")
    terminal.answer("E-mail []:", "")
    terminal.answer("Host names [mail.example.org]:", "mail.example.org imap.example.org")
    terminal.answer("Key [rsa2048]:", "p256")
    terminal.answer("Days [365]:", "")
    assert terminal.end() == 0, terminal.said
    assert "posternctl cert request mail.example.org" in terminal.said
    said = subject_of(server, "mail.example.org")
    assert "countryName=CH" in said and "organizationName=Bakery" in said
    assert "commonName=mail.example.org" in said


def test_answers_that_end(make_server):
    server = ready(make_server)
    terminal = Terminal(server, "cert", "create", "mail")
    terminal.answer("Country []:", "\x04")
    assert terminal.end() == 1
    assert not os.path.exists(os.path.join(server.state, "certs", "mail.key"))
