# SPDX-License-Identifier: ISC
"""Certificates with the rest of the world: who signs them, who made the files, who connects.

A row of SOURCES ends with a server that presents the certificate `served`, issued by an authority whose
root is in a file; each row of CLIENTS connects to it and verifies.
"""

import os
import re
import shutil
import socket
import ssl
import subprocess

import pytest

from conftest import DEADLINE, HOST

PASSPHRASE = "pass phrase of the test"


def run(*command, folder, text=None, check=True, environment=None):
    result = subprocess.run(command, cwd=folder, input=text, capture_output=True, text=True, check=False,
                            timeout=DEADLINE * 2, env={**os.environ, **(environment or {})})
    if check:
        assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
    return result


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    return path


def request(server, folder):
    """What an administrator sends to an authority."""
    server.posternctl("cert", "create", "served", "--name", HOST, "--key", "p256", "--yes")
    return write(folder, "served.csr", server.posternctl("cert", "request", "served").stdout)


# -- Where the certificate comes from ---------------------------------------------------------------

OPENSSL_CA = """
[ca]
default_ca = it
[it]
dir = .
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
default_days = 90
policy = any
copy_extensions = copy
[any]
commonName = supplied
"""


def openssl_ca(server, folder):
    """`openssl ca`, with an intermediate between it and the root."""
    write(folder, "ca.cnf", OPENSSL_CA)
    write(folder, "index.txt", "")
    write(folder, "serial", "1000\n")
    write(folder, "ca.ext", "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
                            "subjectKeyIdentifier=hash\n")
    new_key = ["-newkey", "rsa:2048", "-noenc"]
    run("openssl", "req", "-x509", *new_key, "-keyout", "root.key", "-out", "root.pem", "-days", "30",
        "-subj", "/CN=Test root", folder=folder)
    run("openssl", "req", *new_key, "-keyout", "between.key", "-out", "between.csr", "-subj",
        "/CN=Test intermediate", folder=folder)
    run("openssl", "x509", "-req", "-in", "between.csr", "-CA", "root.pem", "-CAkey", "root.key",
        "-CAcreateserial", "-days", "30", "-extfile", "ca.ext", "-out", "between.pem", folder=folder)
    request(server, folder)
    run("openssl", "ca", "-batch", "-config", "ca.cnf", "-cert", "between.pem", "-keyfile", "between.key",
        "-in", "served.csr", "-out", "answer.crt", folder=folder)
    # As authorities send it: text in front, root and intermediate in the wrong order.
    with open(os.path.join(folder, "bundle.pem"), "w", encoding="ascii") as bundle:
        for name in ("root.pem", "between.pem"):
            with open(os.path.join(folder, name), encoding="ascii") as file:
                bundle.write(file.read())
    server.posternctl("cert", "import", os.path.join(folder, "answer.crt"),
                      os.path.join(folder, "bundle.pem"), "--name", "served")
    return os.path.join(folder, "root.pem")


def easy_rsa(server, folder):
    shutil.copytree("/usr/share/easy-rsa", os.path.join(folder, "easy-rsa"), symlinks=False)
    home = os.path.join(folder, "easy-rsa")
    batch = {"EASYRSA_BATCH": "1", "EASYRSA_REQ_CN": "Test root", "EASYRSA_PKI": os.path.join(home, "pki")}
    run("./easyrsa", "init-pki", folder=home, environment=batch)
    run("./easyrsa", "build-ca", "nopass", folder=home, environment=batch)
    csr = request(server, folder)
    run("./easyrsa", "import-req", csr, "served", folder=home, environment=batch)
    run("./easyrsa", f"--subject-alt-name=DNS:{HOST}", "sign-req", "server", "served", folder=home,
        environment=batch)
    server.posternctl("cert", "import", os.path.join(home, "pki/issued/served.crt"))
    return os.path.join(home, "pki/ca.crt")


def minica(server, folder):
    """Makes the key too: both are imported."""
    run("minica", HOST, folder=folder)
    server.posternctl("cert", "import", os.path.join(folder, f"{HOST}.key"),
                      os.path.join(folder, f"{HOST}.crt"), "--name", "served")
    return os.path.join(folder, "cacert.crt")


def keytool(server, folder):
    """Java's PKCS#12."""
    store = ["-storetype", "PKCS12", "-keystore", "java.p12", "-storepass", PASSPHRASE]
    run("keytool", "-genkeypair", "-alias", "served", "-keyalg", "EC", "-groupname", "secp256r1", "-dname",
        f"CN={HOST}", "-ext", f"san=dns:{HOST}", "-validity", "30", *store, folder=folder)
    run("keytool", "-exportcert", "-rfc", "-alias", "served", "-file", "java.pem", *store, folder=folder)
    phrase = write(folder, "phrase", PASSPHRASE + "\n")
    server.posternctl("cert", "import", os.path.join(folder, "java.p12"), "--name", "served",
                      "--passphrase-file", phrase)
    return os.path.join(folder, "java.pem")


SOURCES = [openssl_ca, easy_rsa, minica, keytool]


# -- Who connects -------------------------------------------------------------------------------------


def s_client(port, root, folder):
    result = run("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", HOST, "-CAfile", root,
                 "-verify_return_error", "-verify_hostname", HOST, "-brief", folder=folder, text="QUIT\n")
    assert "Verification: OK" in result.stderr


def gnutls_cli(port, root, folder):
    result = run("gnutls-cli", f"--x509cafile={root}", f"--port={port}", HOST, folder=folder, text="QUIT\n")
    assert "The certificate is trusted" in result.stdout


def curl(port, root, folder):
    # An answer to QUIT proves that the certificate was accepted; no account is needed for that.
    result = run("curl", "--silent", "--show-error", "--cacert", root, "--request", "CAPA", "--list-only",
                 "--verbose", f"pop3s://{HOST}:{port}/", folder=folder, check=False)
    assert "SSL certificate verify ok" in result.stderr, result.stderr


def python(port, root, folder):
    del folder
    context = ssl.create_default_context(cafile=root)
    with context.wrap_socket(
            socket.create_connection(("127.0.0.1", port), DEADLINE), server_hostname=HOST) as connection:
        assert connection.recv(100).startswith(b"+OK")


CLIENTS = [s_client, gnutls_cli, curl, python]


@pytest.mark.matrix
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.__name__)
def test_certificate_of(source, make_server, folder):
    server = make_server()
    for listener in server.listeners.values():
        listener["certificate"] = "served"
    server.write_configuration()
    server.add_account("alice")
    work = os.path.join(folder, "work")
    os.mkdir(work)
    root = source(server, work)
    shown = server.posternctl("cert", "list").stdout
    assert re.search(r"\bserved\b", shown)
    server.start()
    for client in CLIENTS:
        client(server.ports["pop3s"], root, work)
