# SPDX-License-Identifier: ISC
"""Clients that log in with a certificate: authorities and clients made by openssl, real handshakes."""

import base64
import os
import poplib
import shutil
import smtplib
import ssl
import subprocess

import pytest

from conftest import DEADLINE, DOMAIN, HOST, PASSWORD, SCRAM, Server, program, wait_for
from milter import Milter

OPENSSL_CNF = """
[ca]
default_ca = this
[this]
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
certificate = {folder}/ca.crt
private_key = {folder}/ca.key
default_md = sha256
default_crl_days = 7
default_days = 30
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = optional
organizationName = optional
[req]
distinguished_name = dn
[dn]
"""

KEYS = {
    "rsa": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "p256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p384": ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "ed25519": ["ED25519"],
}


def openssl(*arguments, text=None):
    result = subprocess.run(["openssl", *arguments], input=text, capture_output=True, text=True,
                            check=False, timeout=DEADLINE)
    assert result.returncode == 0, f"openssl {arguments}: {result.stderr}"
    return result.stdout


class Client:
    """A client's key and certificate, as files."""

    def __init__(self, key, certificate):
        self.key = key
        self.certificate = certificate

    def fingerprint(self):
        return openssl("x509", "-in", self.certificate, "-noout", "-fingerprint",
                       "-sha256").strip()

    def subject(self):
        return openssl("x509", "-in", self.certificate, "-noout", "-subject", "-nameopt",
                       "RFC2253").strip().removeprefix("subject=")


class Authority:
    """An authority of openssl's own kind, with a database, so that it can revoke."""

    def __init__(self, folder, name="authority"):
        self.folder = os.path.join(folder, name)
        os.mkdir(self.folder)
        os.chmod(self.folder, 0o755)
        self.count = 0
        self.configuration = self.path("openssl.cnf")
        with open(self.configuration, "w", encoding="ascii") as file:
            file.write(OPENSSL_CNF.format(folder=self.folder))
        for file, text in (("index.txt", ""), ("serial", "01\n")):
            with open(self.path(file), "w", encoding="ascii") as out:
                out.write(text)
        self.certificate = self.path("ca.crt")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", self.path("ca.key"), "-out", self.certificate, "-days", "30",
                "-subj", f"/O=Test/CN={name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self.crl = self.path("crl.pem")
        self.publish()

    def path(self, name):
        return os.path.join(self.folder, name)

    def client(self, *addresses, key="p256", purpose="clientAuth", subject=None, until=None):
        """Certifies a new key for these rfc822Names."""
        self.count += 1
        stem = self.path(f"client{self.count}")
        openssl("genpkey", "-algorithm", *KEYS[key], "-out", f"{stem}.key")
        extensions = ["-addext", f"extendedKeyUsage={purpose}"]
        if addresses:
            names = ",".join(f"email:{address}" for address in addresses)
            extensions += ["-addext", f"subjectAltName={names}"]
        openssl("req", "-new", "-key", f"{stem}.key", "-subj",
                subject or f"/O=Test/CN=client {self.count}", *extensions, "-out", f"{stem}.csr")
        dates = [] if until is None else ["-startdate", "20200101000000Z", "-enddate", until]
        openssl("ca", "-batch", "-notext", "-config", self.configuration, "-in", f"{stem}.csr",
                "-out", f"{stem}.crt", *dates)
        return Client(f"{stem}.key", f"{stem}.crt")

    def revoke(self, client):
        openssl("ca", "-config", self.configuration, "-revoke", client.certificate)
        self.publish()

    def publish(self):
        """A new CRL, put in the place of the old one at once."""
        openssl("ca", "-config", self.configuration, "-gencrl", "-out", self.crl + ".new")
        os.rename(self.crl + ".new", self.crl)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    folder = tmp_path_factory.mktemp("authority")
    return Authority(str(folder))


def make(make_server, authority, mode="request", accounts=("alice", "bob"), milters=None, **keys):
    server = make_server()
    if milters is not None:
        server.settings["filter"] = f"{{ milters = ( {milters} ); }}"
    for name in ("submission", "submissions", "pop3", "pop3s"):
        server.listeners[name].update({"client_certificates": mode,
                                       "client_authorities": authority.certificate, **keys})
    return server.set_up(*accounts)


def context(server, client=None, version=None):
    found = server.context()
    if client is not None:
        found.load_cert_chain(client.certificate, client.key)
    if version is not None:
        found.minimum_version = found.maximum_version = version
    return found


def encode(text):
    return base64.b64encode(text.encode()).decode()


def submission(server, client=None, version=None):
    connection = smtplib.SMTP_SSL(HOST, server.ports["submissions"], timeout=DEADLINE,
                                  context=context(server, client, version))
    connection.ehlo()
    return connection


def pop3(server, client=None, version=None):
    return poplib.POP3_SSL(HOST, server.ports["pop3s"], timeout=DEADLINE,
                           context=context(server, client, version))


def external(server, client, authorization="", version=None):
    """One login by AUTH EXTERNAL over submission: the reply."""
    with submission(server, client, version) as connection:
        return connection.docmd("AUTH", "EXTERNAL " + (encode(authorization) or "="))


def assert_refused(server, client, why, authorization=""):
    mark = server.log.mark()
    code, _ = external(server, client, authorization)
    assert code == 535
    server.log.wait(rf'event=login\.failed .*by=certificate .*why=.*{why}', mark)


def assert_unavailable(server, client, why):
    """It can't be said now, which is no failed login."""
    mark = server.log.mark()
    code, _ = external(server, client, "")
    assert code == 454
    server.log.wait(rf'event=login\.unavailable .*by=certificate .*why=.*{why}', mark)


def mail(connection, sender="alice"):
    connection.sendmail(f"{sender}@{DOMAIN}", [f"alice@{DOMAIN}"], b"Subject: x\r\n\r\nx\r\n")


@pytest.mark.matrix
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("key", sorted(KEYS))
def test_every_key_and_version(make_server, authority, key, version):
    server = make(make_server, authority)
    client = authority.client(f"alice@{DOMAIN}", key=key)
    with submission(server, client, version) as connection:
        assert connection.esmtp_features["auth"].split() == ["EXTERNAL", *SCRAM, "PLAIN", "LOGIN"]
        assert connection.docmd("AUTH", "EXTERNAL =")[0] == 235
        mail(connection)
    server.log.wait(r'event=login\.ok .*user=alice@example\.org .*by=certificate')
    server.wait_for_messages(1)
    connection = pop3(server, client, version)
    assert connection.capa()["SASL"] == ["EXTERNAL", *SCRAM, "PLAIN", "LOGIN"]
    connection._shortcmd("AUTH EXTERNAL =")
    assert connection.stat()[0] == 1
    connection.quit()


def test_a_milter_hears_of_it(make_server, authority):
    with Milter() as milter:
        server = make(make_server, authority, milters=milter.settings())
        with submission(server, authority.client(f"alice@{DOMAIN}")) as connection:
            assert connection.docmd("AUTH", "EXTERNAL =")[0] == 235
            mail(connection)
        server.wait_for_messages(1)
        assert milter.macros[b"{auth_type}"] == b"EXTERNAL"


def test_without_initial_response_and_starttls(make_server, authority):
    """RFC 4954 4, RFC 5034 4: the challenge is empty, so may the response be."""
    server = make(make_server, authority)
    client = authority.client(f"alice@{DOMAIN}")
    with smtplib.SMTP(HOST, server.ports["submission"], timeout=DEADLINE) as connection:
        connection.ehlo()
        assert "auth" not in connection.esmtp_features
        connection.starttls(context=context(server, client))
        connection.ehlo()
        assert connection.docmd("AUTH", "EXTERNAL") == (334, b"")
        assert connection.docmd("")[0] == 235
        mail(connection)
    connection = poplib.POP3(HOST, server.ports["pop3"], timeout=DEADLINE)
    assert "SASL" not in connection.capa()
    connection.stls(context(server, client))
    assert connection._shortcmd("AUTH EXTERNAL") == b"+ "
    connection._shortcmd(encode(f"alice@{DOMAIN}"))
    connection.stat()
    connection.quit()


def test_no_certificate_where_it_is_requested(make_server, authority):
    """EXTERNAL can't succeed, so it is not offered; a password does as ever."""
    server = make(make_server, authority)
    with submission(server) as connection:
        assert connection.esmtp_features["auth"].split() == [*SCRAM, "PLAIN", "LOGIN"]
        assert connection.docmd("AUTH", "EXTERNAL =")[0] == 504
        connection.login(f"alice@{DOMAIN}", PASSWORD)
    connection = pop3(server)
    assert connection.capa()["SASL"] == [*SCRAM, "PLAIN", "LOGIN"]
    with pytest.raises(poplib.error_proto):
        connection._shortcmd("AUTH EXTERNAL =")
    connection.user("alice")
    connection.pass_(PASSWORD)
    connection.quit()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_no_certificate_where_it_is_required(make_server, authority, version):
    server = make(make_server, authority, mode="require")
    with pytest.raises((ssl.SSLError, smtplib.SMTPServerDisconnected, ConnectionError)):
        submission(server, None, version)
    server.log.wait(r"event=tls\.failed .*did not return a certificate")


def test_only_external_where_it_is_required(make_server, authority):
    server = make(make_server, authority, mode="require")
    client = authority.client(f"alice@{DOMAIN}")
    with submission(server, client) as connection:
        assert connection.esmtp_features["auth"].split() == ["EXTERNAL"]
        assert connection.docmd("AUTH", "PLAIN " + encode(f"\0alice\0{PASSWORD}"))[0] == 504
        assert connection.docmd("AUTH", "EXTERNAL =")[0] == 235
    connection = pop3(server, client)
    capabilities = connection.capa()
    assert capabilities["SASL"] == ["EXTERNAL"] and "USER" not in capabilities
    with pytest.raises(poplib.error_proto):
        connection.user("alice")
    connection._shortcmd("AUTH EXTERNAL " + encode("alice"))
    connection.quit()


def test_who_is_not_certified(make_server, authority, tmp_path):
    server = make(make_server, authority)
    address = f"alice@{DOMAIN}"
    other = Authority(str(tmp_path), "other")
    assert_refused(server, other.client(address), "issuer|self.signed")
    assert_refused(server, authority.client(address, purpose="serverAuth"), "purpose")
    assert_refused(server, authority.client(address, until="20210101000000Z"), "expired")
    assert external(server, authority.client(address))[0] == 235


def test_crl_is_read_again(make_server, authority):
    server = make(make_server, authority, client_crl=authority.crl)
    address = f"alice@{DOMAIN}"
    client, other = authority.client(address), authority.client(address)
    assert external(server, client)[0] == 235
    mark = server.log.mark()
    authority.revoke(client)
    server.log.wait(r"event=verify\.loaded .*file=client_crl", mark)
    assert_refused(server, client, "revoked")
    assert external(server, other)[0] == 235


def test_a_crl_that_is_spoilt_leaves_the_old_in_force(make_server, authority):
    server = make(make_server, authority, client_crl=authority.crl)
    address = f"alice@{DOMAIN}"
    client, other = authority.client(address), authority.client(address)
    mark = server.log.mark()
    authority.revoke(client)
    server.log.wait(r"event=verify\.loaded .*file=client_crl", mark)
    mark = server.log.mark()
    with open(authority.crl + ".new", "w", encoding="ascii") as file:
        file.write("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n")
    os.rename(authority.crl + ".new", authority.crl)
    server.log.wait(r"event=verify\.refused .*file=client_crl", mark)
    assert_refused(server, client, "revoked")
    assert external(server, other)[0] == 235
    authority.publish()


def test_authorities_that_are_spoilt(make_server, authority, tmp_path):
    """The server starts, but vouches for nobody until they are mended."""
    path = str(tmp_path / "authorities.pem")
    with open(path, "w", encoding="ascii") as file:
        file.write("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    server = make(make_server, authority, client_authorities=path)
    server.log.wait(r"event=verify\.refused .*file=client_authorities")
    client = authority.client(f"alice@{DOMAIN}")
    assert_unavailable(server, client, "no authorities")
    mark = server.log.mark()
    shutil.copyfile(authority.certificate, path + ".new")
    os.rename(path + ".new", path)
    server.log.wait(r"event=verify\.loaded .*file=client_authorities", mark)
    assert external(server, client)[0] == 235


def test_authorization_identity(make_server, authority):
    """RFC 4422 A.1: who the client wants to be must be one whom its certificate is for."""
    server = make(make_server, authority)
    alice = authority.client(f"Alice@{DOMAIN}")
    both = authority.client(f"alice@{DOMAIN}", f"bob@{DOMAIN}")
    nobody = authority.client()
    for name in (f"alice@{DOMAIN}", "alice", f"ALICE@{DOMAIN}"):
        assert external(server, alice, name)[0] == 235
    assert_refused(server, alice, "not for that account", f"bob@{DOMAIN}")
    assert_refused(server, alice, "not for that account", "carol")
    assert external(server, both, f"bob@{DOMAIN}")[0] == 235
    assert_refused(server, both, "several accounts")
    assert_refused(server, nobody, "for no account")
    assert_refused(server, authority.client("alice@elsewhere.example"), "for no account")


def test_fingerprint_and_subject(make_server, authority):
    server = make(make_server, authority)
    by_fingerprint, by_subject = authority.client(), authority.client(subject="/O=Test/CN=Bob, B.")
    with open(server.accounts, encoding="ascii") as file:
        text = file.read()
    mark = server.log.mark()
    text = text.replace('"alice@example.org";', '"alice@example.org"; client_fingerprint = [ "'
                        + by_fingerprint.fingerprint() + '" ];', 1)
    subject = by_subject.subject().replace("\\", "\\\\")
    text = text.replace('"bob@example.org";', f'"bob@example.org"; client_subject = "{subject}";')
    with open(server.accounts, "w", encoding="ascii") as file:
        file.write(text)
    server.log.wait(r"event=accounts\.loaded", mark)
    assert external(server, by_fingerprint)[0] == 235
    server.log.wait(r"event=login\.ok .*user=alice@example\.org", mark)
    assert external(server, by_subject)[0] == 235
    server.log.wait(r"event=login\.ok .*user=bob@example\.org", mark)
    assert_refused(server, by_subject, "not for that account", "alice")


def test_posternctl_lists_certificates(make_server, authority):
    server = make(make_server, authority)
    first, second = authority.client(), authority.client(subject='/O=Te"st/CN=Bob, B.')
    address = f"alice@{DOMAIN}"
    server.posternctl("account", "fingerprint", address, first.fingerprint())
    assert external(server, first)[0] == 235
    assert_refused(server, second, "for no account")
    server.posternctl("account", "subject", address, "CN=nobody", second.subject())
    assert external(server, second)[0] == 235
    assert external(server, first)[0] == 235
    server.posternctl("account", "passwd", address, text="another one\n")
    assert external(server, second)[0] == 235
    server.posternctl("account", "fingerprint", address)
    assert_refused(server, first, "for no account")
    assert external(server, second)[0] == 235
    server.posternctl("account", "subject", address)
    assert_refused(server, second, "for no account")
    for command, text in (("fingerprint", "AB:CD"), ("subject", "Bob")):
        result = server.posternctl("account", command, address, text, check=False)
        assert result.returncode == 1 and text in result.stderr
    server.posternctl("account", "subject", address, "CN=one")
    result = server.posternctl("account", "subject", f"bob@{DOMAIN}", "CN=one", check=False)
    assert result.returncode == 1 and "already" in result.stderr


def test_mail_without_auth(make_server, authority):
    """RFC 6409 4.3: who has shown a certificate is known already."""
    server = make(make_server, authority, mode="require")
    with submission(server, authority.client(f"alice@{DOMAIN}")) as connection:
        mail(connection)
        mail(connection)
    connection = pop3(server, authority.client(f"alice@{DOMAIN}"))
    connection._shortcmd("AUTH EXTERNAL =")
    connection.quit()
    with submission(server, authority.client()) as connection:
        assert connection.docmd("MAIL", f"FROM:<alice@{DOMAIN}>")[0] == 530


def test_disabled_account(make_server, authority):
    server = make(make_server, authority)
    client = authority.client(f"bob@{DOMAIN}")
    assert external(server, client)[0] == 235
    server.posternctl("account", "disable", f"bob@{DOMAIN}")
    assert_refused(server, client, "disabled")


def test_a_proof_counts_once_on_a_connection(make_server, authority):
    server = make(make_server, authority)
    client = authority.client(f"alice@{DOMAIN}")
    with submission(server, client) as connection:
        assert connection.docmd("AUTH", "EXTERNAL " + encode("bob"))[0] == 535
        connection.ehlo()
        assert connection.esmtp_features["auth"].split() == [*SCRAM, "PLAIN", "LOGIN"]
        assert connection.docmd("AUTH", "EXTERNAL =")[0] == 504


def test_malformed_responses(make_server, authority):
    server = make(make_server, authority)
    client = authority.client(f"alice@{DOMAIN}")
    with submission(server, client) as connection:
        for response in ("!", "AAAA", encode("alice\0"), encode("x" * 400)):
            assert connection.docmd("AUTH", f"EXTERNAL {response}")[0] == 501
        connection.docmd("AUTH", "EXTERNAL")
        assert connection.docmd("*")[0] == 501
        assert connection.docmd("AUTH", "EXTERNAL =")[0] == 235


def test_no_session_is_resumed(make_server, authority):
    """A resumed handshake has no signature of the client's in it."""
    server = make(make_server, authority)
    client = authority.client(f"alice@{DOMAIN}")
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        wanted = context(server, client, version)
        first = wanted.wrap_socket(server.raw("submissions"), server_hostname=HOST)
        first.recv(4096)
        session = first.session
        first.close()
        again = wanted.wrap_socket(server.raw("submissions"), server_hostname=HOST,
                                   session=session)
        again.recv(4096)
        assert not again.session_reused
        again.close()


def test_intermediate_and_depth(make_server, authority, tmp_path):
    """A client whose authority was made by the trusted one, as long as client_depth allows."""
    between = Authority(str(tmp_path), "between")
    openssl("req", "-new", "-key", between.path("ca.key"), "-subj", "/O=Test/CN=between",
            "-addext", "basicConstraints=critical,CA:TRUE", "-out", between.path("ca.csr"))
    openssl("ca", "-batch", "-notext", "-config", authority.configuration,
            "-in", between.path("ca.csr"), "-out", between.certificate)
    client = between.client(f"alice@{DOMAIN}")
    with open(client.certificate, "a", encoding="ascii") as chain, \
            open(between.certificate, encoding="ascii") as file:
        chain.write(file.read())
    assert external(make(make_server, authority), client)[0] == 235
    server = make(make_server, authority, client_depth=0)
    assert_refused(server, client, "long|issuer")
    assert external(server, authority.client(f"alice@{DOMAIN}"))[0] == 235


def test_verifier_and_accounts_come_back(make_server, authority):
    """Each is killed: the next login waits for the new one, nothing else is disturbed."""
    server = make(make_server, authority)
    client = authority.client(f"alice@{DOMAIN}")
    for role in ("verify", "accounts"):
        mark = server.log.mark()
        for pid in server.children(role):
            os.kill(pid, 9)
        server.log.wait(rf"event={role}\.loaded", mark)
        wait_for(lambda: external(server, client)[0] == 235, f"a login after {role} was killed")


def test_reload_starts_a_verifier(make_server, authority):
    server = make_server().set_up("alice")
    assert server.children("verify") == []
    server.listeners["submissions"].update({"client_certificates": "require",
                                            "client_authorities": authority.certificate})
    server.write_configuration()
    server.posternctl("reload")
    assert len(server.children("verify")) == 1
    assert external(server, authority.client(f"alice@{DOMAIN}"))[0] == 235


@pytest.mark.parametrize("keys, said", [
    ({"client_certificates": "request"}, "client_authorities"),
    ({"client_certificates": "request", "client_authorities": "/nonexistent"}, "No such file"),
    ({"client_certificates": "maybe"}, '"off", "request" or "require"'),
    ({"client_authorities": "{ca}"}, "clients are not asked"),
    ({"client_certificates": "request", "client_authorities": "{key}"}, "BEGIN CERTIFICATE"),
    ({"client_certificates": "request", "client_authorities": "{ca}", "client_crl": "{ca}"},
     "BEGIN X509 CRL"),
    ({"client_certificates": "request", "client_authorities": "{ca}", "client_depth": 9}, "8"),
])
def test_configuration_mistakes(make_server, authority, keys, said):
    server = make_server()
    values = {key: value.format(ca=authority.certificate, key=authority.configuration)
              if isinstance(value, str) else value for key, value in keys.items()}
    server.listeners["pop3s"].update(values)
    server.write_configuration()
    result = subprocess.run([program("postern"), "-t", "-f", server.configuration],
                            capture_output=True, text=True, check=False, timeout=DEADLINE)
    assert said in result.stderr


def test_not_for_mail_from_outside(make_server, authority):
    server: Server = make_server()
    server.listeners["smtp"].update({"client_certificates": "request",
                                     "client_authorities": authority.certificate})
    server.write_configuration()
    result = subprocess.run([program("postern"), "-t", "-f", server.configuration],
                            capture_output=True, text=True, check=False, timeout=DEADLINE)
    assert result.returncode == 1 and "has none" in result.stderr


def test_s_client(make_server, authority):
    """openssl's own client sees whose certificates are wanted, and is let in."""
    server = make(make_server, authority, mode="require")
    client = authority.client(f"alice@{DOMAIN}", key="rsa")
    result = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{server.ports['pop3s']}", "-crlf",
         "-cert", client.certificate, "-key", client.key, "-servername", HOST, "-ign_eof"],
        input="AUTH EXTERNAL =\nSTAT\nQUIT\n", capture_output=True, text=True, check=False,
        timeout=DEADLINE)
    assert "CN = authority" in result.stdout and "+OK 0 0" in result.stdout
