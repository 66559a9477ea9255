# SPDX-License-Identifier: ISC
"""posternctl cert client, clients, revoke: what other programs make of the certificates and the CRL."""

import os
import shutil
import smtplib
import socket
import ssl
import stat
import subprocess
import threading

import pytest

from conftest import DEADLINE, DOMAIN, HOST, is_root
from test_cert_create import openssl, ready

SECRET = "correct horse battery"
ALICE = f"alice@{DOMAIN}"


@pytest.fixture(name="server")
def server_with_accounts(make_server):
    """Not running: each command starts a certd of its own."""
    server = ready(make_server)
    server.add_account("alice")
    server.add_account("bob")
    return server


class Client:
    """What posternctl cert client has made, and openssl's view of it."""

    def __init__(self, server, secret, user, *options, key="p256"):
        self.server, self.secret = server, secret
        self.path = os.path.join(server.folder, f"{user}.p12")
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.said = server.posternctl("cert", "client", f"{user}@{DOMAIN}", "--out", self.path, "--key", key,
                                      "--passphrase-file", secret, *options).stdout
        self.pem = os.path.join(server.folder, f"{user}.pem")
        with open(self.pem, "w", encoding="ascii") as file:
            file.write(self.pkcs12("-nodes", "-clcerts"))

    def pkcs12(self, *arguments):
        return openssl("pkcs12", "-in", self.path, "-passin", f"file:{self.secret}", *arguments)

    def verify(self):
        """openssl's word, with the files that a listener names."""
        result = subprocess.run(
            ["openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-crl_check",
             "-CAfile", public(self.server, "crt"), "-CRLfile", public(self.server, "crl"), self.pem],
            capture_output=True, text=True, check=False, timeout=DEADLINE)
        return "OK" if result.returncode == 0 else result.stdout + result.stderr


def public(server, suffix):
    return os.path.join(server.state, "certs", "authority", f"authority.{suffix}")


def serials(server, user):
    lines = [line.split("\t") for line in server.posternctl("cert", "clients").stdout.splitlines()]
    return [(fields[1], fields[3].split(" ")[0]) for fields in lines if fields[0] == f"{user}@{DOMAIN}"]


def test_made_and_revoked(server, secret):
    assert server.posternctl("cert", "clients").stdout == ""
    alice = Client(server, secret, "alice", "--days", "30")
    bob = Client(server, secret, "bob")
    assert stat.S_IMODE(os.stat(alice.path).st_mode) == 0o600
    assert public(server, "crt") in alice.said and public(server, "crl") in alice.said
    assert alice.verify() == "OK" and bob.verify() == "OK"
    text = openssl("x509", "-in", alice.pem, "-noout", "-text")
    for said in (f"email:{ALICE}", "TLS Web Client Authentication", "CA:FALSE", "Digital Signature"):
        assert said in text
    assert "Server Authentication" not in text
    [(serial, state)] = serials(server, "alice")
    assert state == "valid"
    assert openssl("x509", "-in", alice.pem, "-noout", "-serial").strip() == f"serial={serial}"

    server.posternctl("cert", "revoke", serial.lower())
    assert "revoked" in alice.verify() and bob.verify() == "OK"
    assert serials(server, "alice") == [(serial, "revoked")]
    again = Client(server, secret, "alice")
    assert again.verify() == "OK"
    assert "1 certificate revoked" in server.posternctl("cert", "revoke", ALICE).stdout
    assert "revoked" in again.verify()
    crl = openssl("crl", "-in", public(server, "crl"), "-noout", "-text", "-CAfile", public(server, "crt"))
    assert serial in crl and "CRL Number" in crl and "Next Update" in crl


def test_authority(server, secret):
    Client(server, secret, "alice")
    text = openssl("x509", "-in", public(server, "crt"), "-noout", "-text")
    assert "CA:TRUE, pathlen:0" in text and "Certificate Sign, CRL Sign\n" in text
    assert "Mail clients of localhost" in text
    folder = os.path.dirname(public(server, "crt"))
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert sorted(os.listdir(folder)) == ["authority.crl", "authority.crt", "authority.key", "index"]
    # It is nothing that a listener could name or posternctl would give away.
    for name in ("authority", "authority/authority"):
        result = server.posternctl("cert", "export", name, "--private-key", "--no-passphrase", check=False)
        assert result.returncode == 1 and result.stdout == ""


def test_handshake(server, secret):
    """A client of Python's with it, and a server that asks for it: before and after it is revoked."""
    server.create_certificate()
    alice = Client(server, secret, "alice", key="rsa2048")

    def handshake():
        listening = socket.create_server(("127.0.0.1", 0))
        asking = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        asking.load_cert_chain(os.path.join(server.state, "certs", "localhost.crt"),
                               os.path.join(server.state, "certs", "localhost.key"))
        asking.verify_mode = ssl.CERT_REQUIRED
        asking.load_verify_locations(public(server, "crt"))
        asking.load_verify_locations(public(server, "crl"))
        asking.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF | ssl.VERIFY_X509_STRICT
        found = []

        def serve():
            connection, _ = listening.accept()
            try:
                with asking.wrap_socket(connection, server_side=True) as tls:
                    found.append(tls.getpeercert()["subjectAltName"])
                    tls.sendall(b"x")
            except ssl.SSLError as error:
                found.append(error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else error)

        thread = threading.Thread(target=serve)
        thread.start()
        context = server.context()
        context.load_cert_chain(alice.pem)
        try:
            with socket.create_connection(listening.getsockname(), DEADLINE) as plain, \
                    context.wrap_socket(plain, server_hostname="localhost") as tls:
                tls.recv(1)
        except OSError:
            pass
        thread.join(DEADLINE)
        listening.close()
        return found[0]

    assert handshake() == (("email", ALICE),)
    server.posternctl("cert", "revoke", ALICE)
    assert handshake() == "certificate revoked"


READERS = {
    "openssl": (["openssl", "pkcs12", "-in", "{path}", "-passin", "file:{secret}", "-info", "-nodes"],
                ("PRIVATE KEY", f"friendlyName: {ALICE}", "Mail clients of localhost")),
    "keytool": (["keytool", "-list", "-v", "-storetype", "PKCS12", "-keystore", "{path}", "-storepass:file", "{secret}"],
                ("PrivateKeyEntry", "Certificate chain length: 2")),
    "nss": (["pk12util", "-l", "{path}", "-w", "{secret}"],  # Thunderbird's library
            ("Key(shrouded)", f"Friendly Name: {ALICE}", "Mail clients of localhost")),
    "gnutls": (["certtool", "--p12-info", "--inder", "--infile", "{path}", "--password", SECRET],
               ("PKCS #8 Encrypted key", "PRIVATE KEY", "MAC")),
}


@pytest.mark.parametrize("options", [(), ("--legacy",)], ids=["aes", "legacy"])
def test_readers(server, secret, options):
    """Both kinds are read by what mail clients read them with; openssl does without its legacy provider."""
    alice = Client(server, secret, "alice", *options)
    for name, (command, wanted) in READERS.items():
        result = subprocess.run([part.format(path=alice.path, secret=secret) for part in command],
                                capture_output=True, text=True, check=False, timeout=DEADLINE)
        said = result.stdout + result.stderr
        assert result.returncode == 0, f"{name}: {said}"
        for text in wanted:
            assert text in said, f"{name}: {said}"


def test_refused(server, secret):
    out = os.path.join(server.folder, "out.p12")
    for said, arguments in (
            ("no account carol", [f"carol@{DOMAIN}", "--passphrase-file", secret]),
            ("not an address", ["alice", "--passphrase-file", secret]),
            ("1 to 3650", [ALICE, "--passphrase-file", secret, "--days", "3651"]),
            ("rsa2048", [ALICE, "--passphrase-file", secret, "--key", "dsa"]),
            ("shorter than 8", [ALICE, "--passphrase-file", os.devnull])):
        result = server.posternctl("cert", "client", *arguments, "--out", out, check=False)
        assert result.returncode == 1 and said in result.stderr, result.stderr
        assert not os.path.exists(out)
    for said, who in (("no authority", ALICE), ("neither", "alice"), ("neither", "../authority")):
        result = server.posternctl("cert", "revoke", who, check=False)
        assert result.returncode == 1 and said in result.stderr, result.stderr
    assert not os.path.exists(os.path.dirname(public(server, "crt")))


def test_login(make_server, secret):
    """With the listener's two lines: a login without a password, until the certificate is revoked."""
    server = make_server().set_up("alice", "bob")
    alice, bob = Client(server, secret, "alice"), Client(server, secret, "bob")
    server.listeners["submissions"].update({"client_certificates": "request",
                                            "client_authorities": public(server, "crt"),
                                            "client_crl": public(server, "crl")})
    server.write_configuration()
    mark = server.log.mark()
    server.posternctl("reload")
    server.log.wait(r"event=verify\.loaded .*file=client_crl", mark)

    def login(client):
        context = server.context()
        context.load_cert_chain(client.pem)
        with smtplib.SMTP_SSL(HOST, server.ports["submissions"], timeout=DEADLINE, context=context) as smtp:
            smtp.ehlo()
            return smtp.docmd("AUTH", "EXTERNAL =")[0]

    assert login(alice) == 235 and login(bob) == 235
    assert "client_crl" in alice.said and "client_crl" not in Client(server, secret, "bob").said
    mark = server.log.mark()
    server.posternctl("cert", "revoke", ALICE)
    server.log.wait(r"event=verify\.loaded .*file=client_crl", mark)
    assert login(alice) == 535 and login(bob) == 235


@pytest.mark.skipif(not is_root(), reason="certd has a user of its own only where root starts it")
def test_links_of_certd(make_server, secret):
    """Who has taken over certd can't have the master open, and hand on, what certd itself can not."""
    server = make_server().set_up("alice")
    Client(server, secret, "alice")
    path = public(server, "crt")
    server.listeners["submissions"].update({"client_certificates": "request", "client_authorities": path})
    server.write_configuration()
    server.posternctl("reload")
    other = os.path.join(server.folder, "other.crt")
    shutil.copy(path, other)  # of root's, as /etc/shadow
    for link in (os.symlink, os.link):
        os.unlink(path)
        link(other, path)
        result = server.posternctl("reload", check=False)
        assert result.returncode == 1 and "client_authorities" in result.stderr, result.stderr


def test_running(make_server, secret):
    """The running server's certd does it; a CRL that was lost is there again after a restart."""
    server = make_server().set_up("alice")
    alice = Client(server, secret, "alice")
    assert f"account={ALICE}" in server.log.wait(r"event=client\.issued")
    server.posternctl("cert", "revoke", ALICE)
    server.log.wait(r"event=client\.revoked")
    assert "revoked" in alice.verify()
    assert server.stop() == 0
    os.unlink(public(server, "crl"))
    server.start()
    assert "revoked" in alice.verify()
    assert SECRET not in server.log.text()
