# SPDX-License-Identifier: ISC
"""Certificates that are replaced, restored, renewed, renamed, removed, or put there by hand."""

import hashlib
import os
import re
import shutil
import socket
import ssl

import pytest

from conftest import HOST
from test_cert_create import openssl, ready, subject_of


def certs(server, *names):
    return os.path.join(server.state, "certs", *names)


def contents(server, name):
    with open(certs(server, name), encoding="ascii") as file:
        return file.read()


def files(server):
    return sorted(name for name in os.listdir(certs(server)) if name != "authority")


def kept(server, name):
    """The NAME.TIME that are there, the oldest first."""
    return sorted({found.group(1) for file in files(server)
                   if (found := re.fullmatch(rf"({re.escape(name)}\.\d{{8}}T\d{{6}}Z)\.\w+", file))})


def served(server):
    """The SHA-256 of the certificate that a client gets."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with context.wrap_socket(socket.create_connection(("127.0.0.1", server.ports["pop3s"])),
                             server_hostname=HOST) as client:
        return hashlib.sha256(client.getpeercert(binary_form=True)).hexdigest()


def fingerprint(server, name):
    der = ssl.PEM_cert_to_DER_cert(contents(server, f"{name}.crt"))
    return hashlib.sha256(der).hexdigest()


def test_replace_and_restore(make_server):
    server = make_server().set_up()
    old = fingerprint(server, HOST)
    result = server.posternctl("cert", "create", HOST, "--key", "p256", check=False)
    assert result.returncode == 1 and "--replace" in result.stderr
    assert served(server) == old == fingerprint(server, HOST)

    said = server.posternctl("cert", "create", HOST, "--key", "p256", "--replace").stdout
    (aside,) = kept(server, HOST)
    assert aside in said
    assert fingerprint(server, aside) == old
    new = fingerprint(server, HOST)
    assert new != old and served(server) == new

    server.posternctl("cert", "restore", aside)
    assert served(server) == old == fingerprint(server, HOST)
    (other,) = kept(server, HOST)
    assert other != aside and fingerprint(server, other) == new
    result = server.posternctl("cert", "restore", aside, check=False)
    assert result.returncode == 1 and aside in result.stderr
    # None of the files kept aside is taken for a certificate.
    server.posternctl("reload")
    assert "key.rejected" not in server.log.text()


def test_from_and_key_of_another(make_server):
    server = ready(make_server)
    server.posternctl("cert", "create", "old", "--country", "ch", "--organization", "Bakery", "--key", "p384",
                      "--days", "30", "--name", "a.example.org", "--name", "192.0.2.1", "--name", "2001:db8::1")
    server.posternctl("cert", "create", "new", "--from", "old", "--locality", "Biel")
    said = subject_of(server, "new")
    for line in ("countryName=CH", "localityName=Biel", "organizationName=Bakery", "commonName=a.example.org"):
        assert line in said
    text = openssl("x509", "-noout", "-text", "-in", certs(server, "new.crt"))
    assert "DNS:a.example.org, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1" in text
    assert "384 bit" in text
    assert contents(server, "old.key") != contents(server, "new.key")

    server.posternctl("cert", "create", "same", "--from", "new", "--key", "old", "--name", "b.example.org")
    text = openssl("x509", "-noout", "-text", "-in", certs(server, "same.crt"))
    assert "DNS:b.example.org\n" in text and "a.example.org" not in re.sub("Subject:.*|Issuer:.*", "", text)
    assert contents(server, "old.key") == contents(server, "same.key")
    for arguments, why in ((("--from", "nobody"), "nobody"), (("--key", "nobody"), "nobody.key")):
        result = server.posternctl("cert", "create", "none", *arguments, check=False)
        assert result.returncode == 1 and why in result.stderr, result.stderr
    assert not [name for name in files(server) if name.startswith("none")]


def test_weak(make_server):
    server = ready(make_server)
    result = server.posternctl("cert", "create", "old", "--key", "rsa1024", check=False)
    assert result.returncode == 1 and "--weak" in result.stderr
    result = server.posternctl("cert", "create", "old", "--key", "rsa1024", "--weak")
    assert "1024" in result.stderr and "weak = true" in result.stderr
    assert "1024 bit" in openssl("x509", "-noout", "-text", "-in", certs(server, "old.crt"))


def test_requests(make_server):
    server = make_server().set_up()
    first = server.posternctl("cert", "request", HOST).stdout
    assert first == contents(server, f"{HOST}.csr")
    renewed = server.posternctl("cert", "request", HOST, "--renew").stdout
    assert renewed == contents(server, f"{HOST}.csr")
    key = openssl("pkey", "-pubout", "-in", certs(server, f"{HOST}.key"))
    assert openssl("req", "-noout", "-pubkey", "-verify", text=renewed).startswith(key)
    assert f"DNS:{HOST}" in openssl("req", "-noout", "-text", text=renewed)

    os.unlink(certs(server, f"{HOST}.csr"))
    assert "BEGIN CERTIFICATE REQUEST" in server.posternctl("cert", "request", HOST).stdout

    old = served(server)
    result = server.posternctl("cert", "request", HOST, "--new-key", "--key", "p384")
    assert f"{HOST}.next" in result.stderr and "--replace" in result.stderr
    next_key = openssl("pkey", "-pubout", "-in", certs(server, f"{HOST}.next.key"))
    assert openssl("req", "-noout", "-pubkey", text=result.stdout).startswith(next_key)
    assert next_key != key
    server.posternctl("reload")
    server.log.wait(rf"event=key\.waiting key={re.escape(HOST)}\.next")
    assert served(server) == old

    for arguments, why in (((HOST, "--key", "p256"), "--new-key"), ((HOST, "--new-key", "--key", "dsa"), "rsa2048"),
                           (("nobody", "--renew"), "nobody")):
        result = server.posternctl("cert", "request", *arguments, check=False)
        assert result.returncode == 1 and why in result.stderr, result.stderr


def test_remove_and_rename(make_server):
    server = make_server().set_up()
    for verb, arguments in (("remove", (HOST,)), ("rename", (HOST, "other"))):
        result = server.posternctl("cert", verb, *arguments, check=False)
        assert result.returncode == 1 and "listener" in result.stderr, result.stderr
    server.posternctl("cert", "create", "spare", "--name", "spare.example.org", "--key", "p256")
    server.posternctl("cert", "rename", "spare", "moved")
    assert not [name for name in files(server) if name.startswith("spare")]
    assert {"moved.key", "moved.csr", "moved.crt"} <= set(files(server))
    assert "BEGIN" in server.posternctl("cert", "export", "moved").stdout
    result = server.posternctl("cert", "rename", "moved", HOST, check=False)
    assert result.returncode == 1 and HOST in result.stderr
    server.posternctl("cert", "remove", "moved")
    assert not [name for name in files(server) if name.startswith("moved")]
    result = server.posternctl("cert", "export", "moved", check=False)
    assert result.returncode == 1
    result = server.posternctl("cert", "remove", "moved", check=False)
    assert result.returncode == 1 and "moved" in result.stderr

    server.posternctl("cert", "create", HOST, "--replace", "--key", "p256")
    (aside,) = kept(server, HOST)
    now = served(server)
    server.posternctl("cert", "remove", aside)
    assert kept(server, HOST) == [] and served(server) == now


def test_remove_named_in_configuration(make_server):
    """Without a server, the configuration alone says what is used."""
    server = make_server()
    server.listeners["pop3s"]["certificate"] = "mine"
    server.write_configuration()
    for name in ("mine", HOST):
        server.posternctl("cert", "create", name, "--name", HOST, "--key", "p256")
    for name in ("mine", HOST):
        result = server.posternctl("cert", "remove", name, check=False)
        assert result.returncode == 1 and "listener" in result.stderr
    assert len(files(server)) == 6


@pytest.mark.parametrize("order", ("key first", "certificate first"))
def test_combined_file(make_server, order):
    """NAME.pem with all in it, put there by hand, works after a reload."""
    server = make_server().set_up()
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            os.path.join(server.folder, "key"), "-out", os.path.join(server.folder, "crt"), "-subj", "/CN=x",
            "-addext", f"subjectAltName=DNS:{HOST}", "-days", "30")
    texts = []
    for name in ("key", "crt"):
        with open(os.path.join(server.folder, name), encoding="ascii") as file:
            texts.append(file.read())
    if order != "key first":
        texts.reverse()
    with open(certs(server, "hand.pem"), "w", encoding="ascii") as file:
        file.write("".join(texts))
    os.chmod(certs(server, "hand.pem"), 0o644)
    owner = os.stat(certs(server, f"{HOST}.key"))
    os.chown(certs(server, "hand.pem"), owner.st_uid, owner.st_gid)
    server.posternctl("reload")
    server.log.wait(r"event=key\.rejected key=hand why=\"hand\.pem: mode 0644")

    os.chmod(certs(server, "hand.pem"), 0o600)
    for listener in server.listeners.values():
        listener["certificate"] = "hand"
    server.write_configuration()
    server.posternctl("reload")
    server.log.wait(r"event=key\.loaded key=hand")
    server.log.wait(r"event=reload\.done generation=3")
    der = ssl.PEM_cert_to_DER_cert(texts[0 if order != "key first" else 1])
    assert served(server) == hashlib.sha256(der).hexdigest()

    # Beside the usual files it is not used, and that is said.
    shutil.copy2(certs(server, "hand.pem"), certs(server, f"{HOST}.pem"))
    os.chown(certs(server, f"{HOST}.pem"), owner.st_uid, owner.st_gid)
    server.posternctl("reload")
    server.log.wait(rf"event=key\.warning key={re.escape(HOST)} why=\"NAME\.pem is not used")


def test_longest_name(make_server):
    """NAME.TIME is longer than any NAME: it is not taken for a shorter one."""
    server = make_server().set_up()
    name = "x" * 64
    for replace in ((), ("--replace",)):
        server.posternctl("cert", "create", name, "--name", "x.example.org", "--key", "p256", *replace)
    (aside,) = kept(server, name)
    server.posternctl("cert", "remove", aside)
    assert kept(server, name) == []
    assert "BEGIN CERTIFICATE" in server.posternctl("cert", "export", name).stdout


def test_rename_of_broken_files(make_server):
    """What is in force is not given up for files that can't be read."""
    server = make_server().set_up()
    server.posternctl("cert", "create", "spare", "--name", "spare.example.org", "--key", "p256")
    os.chmod(certs(server, "spare.key"), 0o644)
    result = server.posternctl("cert", "rename", "spare", "moved", check=False)
    assert result.returncode == 1 and "chmod 600" in result.stderr
    assert "BEGIN CERTIFICATE" in server.posternctl("cert", "export", "spare").stdout


def test_new_key_again(make_server):
    server = make_server().set_up()
    server.posternctl("cert", "request", HOST, "--new-key")
    first = contents(server, f"{HOST}.next.key")
    said = server.posternctl("cert", "request", HOST, "--new-key").stderr
    (aside,) = kept(server, f"{HOST}.next")
    assert aside in said and contents(server, f"{aside}.key") == first
    server.posternctl("cert", "create", f"{HOST}.next", "--name", "x.example.org", "--replace", "--key", "p256")
    result = server.posternctl("cert", "request", HOST, "--new-key", check=False)
    assert result.returncode == 1 and "in force" in result.stderr


def test_encrypted_certificate(make_server):
    """PEM may say that a certificate is encrypted: nobody is asked for a pass phrase in certd."""
    server = make_server().set_up()
    text = contents(server, f"{HOST}.crt").replace(
        "-----BEGIN CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC," + "0" * 32 + "\n\n")
    path = os.path.join(server.folder, "authorities.pem")
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    server.posternctl("cert", "check", "--authorities", path, check=False)
    for suffix in ("crt", "csr"):
        with open(certs(server, f"odd.{suffix}"), "w", encoding="ascii") as file:
            file.write(text)
    assert HOST in server.posternctl("cert", "list").stdout
    assert not server.log.find(r"event=child\.ended child=certd")
