# SPDX-License-Identifier: ISC
"""posternctl cert export: what comes out is read by other programs; the key only as it should."""

import os
import ssl
import stat
import subprocess

import pytest

from conftest import DEADLINE, program
from terminal import Terminal
from test_cert_create import openssl, ready

SECRET = "correct horse bättery"


@pytest.fixture(name="server")
def server_with_key(make_server):
    """Not running: each command starts a certd of its own."""
    server = ready(make_server)
    server.posternctl("cert", "create", "mail", "--yes", "--key", "p256")
    return server


def crt(server):
    with open(os.path.join(server.state, "certs", "mail.crt"), encoding="ascii") as file:
        return file.read()


def test_chain(server, folder):
    assert server.posternctl("cert", "export", "mail").stdout == crt(server)
    out = os.path.join(folder, "mail.pem")
    assert server.posternctl("cert", "export", "mail", "--out", out).stdout == ""
    with open(out, encoding="ascii") as file:
        assert file.read() == crt(server)
    again = server.posternctl("cert", "export", "mail", "--out", out, check=False)
    assert again.returncode == 1 and "there already" in again.stderr


def test_encrypted_pem(server, folder, secret):
    out = os.path.join(folder, "mail.pem")
    server.posternctl("cert", "export", "mail", "--private-key", "--passphrase-file", secret, "--out", out)
    assert stat.S_IMODE(os.stat(out).st_mode) == 0o600
    with open(out, encoding="ascii") as file:
        text = file.read()
    assert text.startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----") and text.endswith(crt(server))
    said = openssl("asn1parse", "-in", out)
    assert "PBES2" in said and "aes-256-cbc" in said and "hmacWithSHA256" in said
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(out, password=SECRET)
    with pytest.raises(ssl.SSLError):
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(out, password="something else")


def test_pkcs12(server, folder, secret):
    out = os.path.join(folder, "mail.p12")
    wrong = server.posternctl("cert", "export", "mail", "--private-key", "--pkcs12", "--passphrase-file", secret,
                              "--out", out, check=False)
    assert wrong.returncode == 1 and "ASCII" in wrong.stderr and not os.path.exists(out)
    with open(secret, "w", encoding="ascii") as file:
        file.write("correct horse\n")
    server.posternctl("cert", "export", "mail", "--private-key", "--pkcs12", "--passphrase-file", secret,
                      "--out", out)
    said = openssl("pkcs12", "-in", out, "-passin", f"file:{secret}", "-nodes")
    assert "BEGIN PRIVATE KEY" in said and "friendlyName: mail" in said
    public = openssl("pkey", "-pubout", text=said)
    assert public == openssl("x509", "-pubkey", "-noout", text=crt(server))


def test_no_passphrase(server, folder):
    out = os.path.join(folder, "mail.pem")
    server.posternctl("cert", "export", "mail", "--private-key", "--no-passphrase", "--out", out)
    assert stat.S_IMODE(os.stat(out).st_mode) == 0o600
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(out)
    piped = server.posternctl("cert", "export", "mail", "--private-key", "--no-passphrase").stdout
    with open(out, encoding="ascii") as file:
        assert file.read() == piped


def test_refused(server, folder, secret):
    out = os.path.join(folder, "out")
    for said, arguments in (
            ("say --private-key", ["--pkcs12"]),
            ("say --private-key", ["--no-passphrase"]),
            ("no terminal", ["--private-key"]),
            ("nothing-there", ["--private-key", "--passphrase-file", "nothing-there"]),
            ("shorter than 8", ["--private-key", "--passphrase-file", os.devnull])):
        result = subprocess.run(
            [program("posternctl"), "-f", server.configuration, "-L", server.libexec, "cert", "export", "mail",
             "--out", out, *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=DEADLINE,
            start_new_session=True)
        assert result.returncode == 1 and said in result.stderr, result.stderr
        assert not os.path.exists(out)
    result = server.posternctl("cert", "export", "nobody", "--private-key", "--passphrase-file", secret, check=False)
    assert result.returncode == 1 and "nobody" in result.stderr and result.stdout == ""
    result = server.posternctl("cert", "export", "../mail", check=False)
    assert result.returncode == 1 and "not a name" in result.stderr


def test_never_to_a_terminal(server):
    terminal = Terminal(server, "cert", "export", "mail", "--private-key", "--no-passphrase")
    assert terminal.end() == 1
    assert "does not go to a terminal" in terminal.said and "BEGIN" not in terminal.said


def typed(server, command, passphrase, again):
    terminal = Terminal(server, *command)
    terminal.answer("New pass phrase for the private key of mail:", passphrase)
    terminal.answer("Again:", again)
    return terminal.end(), terminal.said


def test_passphrase_from_the_terminal(server, folder):
    out = os.path.join(folder, "mail.pem")
    command = ["cert", "export", "mail", "--private-key", "--out", out]
    for answers, said in ((("correct horse", "correct house"), "not the same"), (("1234567", "1234567"), "shorter than 8"),
                          (("x" * 300, "x" * 300), "longer than 256")):
        status, shown = typed(server, command, *answers)
        assert status == 1 and said in shown and answers[0] not in shown
        assert not os.path.exists(out)
    status, shown = typed(server, command, "correct horse", "correct horse")
    assert status == 0 and "correct horse" not in shown
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(out, password="correct horse")


def test_running(make_server, secret):
    """The running server's certd does it too, and says so in the log."""
    server = make_server().set_up()
    key = server.posternctl("cert", "export", "localhost", "--private-key", "--passphrase-file", secret).stdout
    assert "BEGIN ENCRYPTED PRIVATE KEY" in key
    line = server.log.wait(r"event=key\.exported")
    assert "key=localhost" in line and "as=encrypted" in line
    assert SECRET not in server.log.text()
