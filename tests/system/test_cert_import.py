# SPDX-License-Identifier: ISC
"""posternctl cert import: every form that keys and certificates come in, made by openssl(1)."""

import base64
import os
import re

import pytest

from authority import Authority, openssl
from conftest import DEADLINE, HOST
from terminal import Terminal

NAME = "mail.example.org"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """An authority with a pair of each kind, all for NAME."""
    authority = Authority(str(tmp_path_factory.mktemp("authority")))
    for kind in ("RSA", "P-256", "P-384", "P-521", "ED25519"):
        authority.pair(kind, NAME, kind)
    return authority


@pytest.fixture(name="server")
def _server(make_server):
    server = make_server()
    server.write_configuration()
    return server


class Box:
    """A folder with the files of one import, and the certs folder they end in."""

    def __init__(self, server, folder):
        self.server = server
        self.folder = os.path.join(folder, "files")
        os.makedirs(self.folder, exist_ok=True)

    def put(self, name, data):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def take(self, *paths, options=(), check=True, text=None):
        return self.server.posternctl("cert", "import", *options, *paths, check=check, text=text)

    def refused(self, *paths, options=(), text=None):
        """What is said; and nothing has changed."""
        before = self.certs()
        result = self.take(*paths, options=options, check=False, text=text)
        assert result.returncode == 1, result.stdout
        assert self.certs() == before
        return result.stderr

    def certs(self):
        folder = os.path.join(self.server.state, "certs")
        return sorted(os.listdir(folder)) if os.path.isdir(folder) else []

    def file(self, name):
        with open(os.path.join(self.server.state, "certs", name), "rb") as file:
            return file.read()

    def is_pair(self, name, key, chain):
        """NAME has this key, and the certificates of these files, in this order."""
        stored = os.path.join(self.server.state, "certs", name)
        assert os.stat(f"{stored}.key").st_mode & 0o777 == 0o600
        assert public(self.file(f"{name}.key")) == public(key)
        assert certificates(self.file(f"{name}.crt")) == [certificates(one)[0] for one in chain]
        return True


@pytest.fixture(name="box")
def _box(server, folder):
    return Box(server, folder)


def public(key):
    return openssl("pkey", "-pubout", data=key)


def certificates(pem):
    return re.findall(rb"-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----", pem.replace(b"\r", b""))


# -- Keys -----------------------------------------------------------------------------

PHRASE = "geheim und lang"
ENCRYPTED = ("-passout", f"pass:{PHRASE}")

KEYS = {
    "pkcs1-pem": ("RSA", ("rsa", "-traditional"), False),
    "pkcs1-der": ("RSA", ("rsa", "-traditional", "-outform", "DER"), False),
    "pkcs8-pem": ("RSA", ("pkey",), False),
    "pkcs8-der": ("RSA", ("pkey", "-outform", "DER"), False),
    "pkcs8-encrypted": ("RSA", ("pkcs8", "-topk8", "-v2", "aes-256-cbc", *ENCRYPTED), True),
    "pkcs8-encrypted-der": ("P-256", ("pkcs8", "-topk8", "-outform", "DER", *ENCRYPTED), True),
    "pkcs8-scrypt": ("P-256", ("pkcs8", "-topk8", "-scrypt", *ENCRYPTED), True),
    "pkcs8-pbe-sha1-3des": ("RSA", ("pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES", *ENCRYPTED), True),
    "pkcs8-pbe-md5-des": ("RSA", ("pkcs8", "-topk8", "-v1", "PBE-MD5-DES", "-provider", "legacy", "-provider",
                                  "default", *ENCRYPTED), True),
    "proc-type-des3": ("RSA", ("rsa", "-traditional", "-des3", *ENCRYPTED), True),
    "proc-type-aes": ("RSA", ("rsa", "-traditional", "-aes128", *ENCRYPTED), True),
    "proc-type-ec": ("P-256", ("ec", "-aes256", *ENCRYPTED), True),
    "sec1-pem": ("P-256", ("ec",), False),
    "sec1-der": ("P-384", ("ec", "-outform", "DER"), False),
    "ed25519-pem": ("ED25519", ("pkey",), False),
    "ed25519-der": ("ED25519", ("pkey", "-outform", "DER"), False),
    "ed25519-encrypted": ("ED25519", ("pkcs8", "-topk8", *ENCRYPTED), True),
    "p521": ("P-521", ("pkey",), False),
}


@pytest.mark.matrix
@pytest.mark.parametrize("form", KEYS)
def test_key(box, made, form):
    kind, command, encrypted = KEYS[form]
    key = box.put("some.key", openssl(*command, "-in", made.path(f"{kind}.key")))
    options = ()
    if encrypted:
        options = ("--passphrase-file", box.put("phrase", PHRASE.encode() + b"\n"))
        said = box.refused(key, made.path(f"{kind}.crt"), options=("--passphrase-file", box.put("wrong", b"x\n")))
        assert "some.key" in said and "pass phrase is wrong" in said
    box.take(key, made.path(f"{kind}.crt"), made.path("inter.crt"), options=options)
    assert box.is_pair(kind, made.read(f"{kind}.key"), [made.read(f"{kind}.crt"), made.read("inter.crt")])


def test_sec1_with_parameters(box, made):
    """As `openssl ecparam -genkey` writes it: the parameters in a block in front."""
    text = openssl("ecparam", "-name", "prime256v1", "-genkey")
    assert b"BEGIN EC PARAMETERS" in text
    made.write("sec1.key", text)
    made.sign("sec1", NAME)
    box.take(made.path("sec1.key"), made.path("sec1.crt"), made.path("inter.crt"))
    assert box.is_pair("sec1", text, [made.read("sec1.crt"), made.read("inter.crt")])


def bare(data):
    return base64.encodebytes(data)


@pytest.mark.parametrize("kind", ("RSA", "P-256"))
def test_bare_base64(box, made, kind):
    key = box.put("bare.key", bare(openssl("pkey", "-in", made.path(f"{kind}.key"), "-outform", "DER")))
    crt = box.put("bare.txt", bare(openssl("x509", "-in", made.path(f"{kind}.crt"), "-outform", "DER")))
    box.take(key, crt)
    assert box.is_pair("bare", made.read(f"{kind}.key"), [made.read(f"{kind}.crt")])


# -- Certificates and what they come in --------------------------------------------------

def _pkcs7(made, *options):
    chain = made.write("chain.pem", made.read("inter.crt") + made.read("RSA.crt") + made.read("root.crt"))
    return openssl("crl2pkcs7", "-nocrl", "-certfile", chain, *options)


def _pkcs12(made, *options, phrase=PHRASE):
    return openssl("pkcs12", "-export", "-inkey", made.path("RSA.key"), "-in", made.path("RSA.crt"), "-certfile",
                   made.path("inter.crt"), "-passout", f"pass:{phrase}", *options)


def _trusted(made):
    return openssl("x509", "-in", made.path("RSA.crt"), "-trustout", "-addtrust", "serverAuth", "-setalias", "mine")


def _text(made):
    return openssl("x509", "-in", made.path("RSA.crt"), "-text")


def _bag_attributes(made):
    """What `openssl pkcs12` prints: attributes, subject and issuer in front of each."""
    return openssl("pkcs12", "-nodes", "-passin", f"pass:{PHRASE}", data=_pkcs12(made))


def _combined(made, *order):
    return b"".join(made.read(name) for name in order)


# Name of the file, its bytes, whether key and chain are in it.
FORMS = {
    "pem": ("x.pem", lambda m: m.read("RSA.crt"), False, False),
    "der": ("x.der", lambda m: openssl("x509", "-in", m.path("RSA.crt"), "-outform", "DER"), False, False),
    "cer": ("x.cer", lambda m: openssl("x509", "-in", m.path("RSA.crt"), "-outform", "DER"), False, False),
    "trusted": ("x.crt", _trusted, False, False),
    "text-in-front": ("x.crt", _text, False, False),
    "pkcs7-pem": ("x.p7b", _pkcs7, False, True),
    "pkcs7-der": ("x.p7b", lambda m: _pkcs7(m, "-outform", "DER"), False, True),
    "pkcs12": ("x.p12", _pkcs12, True, True),
    "pkcs12-base64": ("x.pfx", lambda m: bare(_pkcs12(m)), True, True),
    "pkcs12-3des": ("x.p12", lambda m: _pkcs12(m, "-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg",
                                               "sha1"), True, True),
    "pkcs12-rc2": ("x.p12", lambda m: _pkcs12(m, "-legacy"), True, True),
    "pkcs12-empty": ("x.p12", lambda m: _pkcs12(m, phrase=""), True, True),
    "pkcs12-nomac": ("x.p12", lambda m: _pkcs12(m, "-nomac", "-keypbe", "NONE", "-certpbe", "NONE"), True, True),
    "bag-attributes": ("x.pem", _bag_attributes, True, True),
    "key-last": ("x.pem", lambda m: _combined(m, "root.crt", "inter.crt", "RSA.crt", "RSA.key"), True, True),
    "key-first": ("x.pem", lambda m: _combined(m, "RSA.key", "RSA.crt", "inter.crt"), True, True),
    "doubled": ("x.pem", lambda m: 3 * _combined(m, "inter.crt", "RSA.key", "RSA.crt"), True, True),
    "crlf": ("x.crt", lambda m: m.read("RSA.crt").replace(b"\n", b"\r\n"), False, False),
    "cr": ("x.crt", lambda m: m.read("RSA.crt").replace(b"\n", b"\r"), False, False),
    "bom": ("x.crt", lambda m: b"\xef\xbb\xbf" + m.read("RSA.crt"), False, False),
    "trailing-blanks": ("x.crt", lambda m: m.read("RSA.crt").replace(b"\n", b" \t \n") + b"\n \n", False, False),
    "no-line-end": ("x.crt", lambda m: m.read("RSA.crt").rstrip(b"\n"), False, False),
    "indented": ("x.crt", lambda m: m.read("RSA.crt").replace(b"\n", b"\n    "), False, False),
    "one-line": ("x.crt", lambda m: re.sub(rb"(?<=[A-Za-z0-9+/=])\n(?=[A-Za-z0-9+/=])", b"", m.read("RSA.crt")),
                 False, False),
    "utf16le": ("x.crt", lambda m: m.read("RSA.crt").decode().encode("utf-16"), False, False),
    "utf16be": ("x.crt", lambda m: b"\xfe\xff" + m.read("RSA.crt").decode().encode("utf-16-be"), False, False),
    "utf16-no-bom": ("x.crt", lambda m: m.read("RSA.crt").decode().encode("utf-16-le"), False, False),
    "utf16-crlf-text": ("x.crt", lambda m: ("Zertifikat für Bäcker\r\n" + m.read("RSA.crt").decode().replace(
        "\n", "\r\n")).encode("utf-16"), False, False),
}


@pytest.mark.matrix
@pytest.mark.parametrize("form", FORMS)
def test_form(box, made, form):
    name, make, has_key, has_chain = FORMS[form]
    files = [box.put(name, make(made))]
    if not has_key:
        files.insert(0, made.path("RSA.key"))
    result = box.take(*files, options=("--passphrase-file", box.put("phrase", PHRASE.encode() + b"\r\n")))
    chain = [made.read("RSA.crt")] + ([made.read("inter.crt")] if has_chain else [])
    assert box.is_pair("x", made.read("RSA.key"), chain)
    if not has_chain:
        assert "clients will refuse this: the certificate of 'Test Inter' is missing" in result.stdout
        assert "http://authority.example/inter.der" in result.stdout


# -- What belongs together ---------------------------------------------------------------

def test_names_of_files(box, made):
    made.write("cert2.key", made.read("RSA.key"))
    made.write("bobscert.crt", made.read("RSA.crt"))
    box.take(made.path("cert2.key"), made.path("bobscert.crt"))
    assert box.certs() == ["bobscert.crt", "bobscert.key"]


def test_standard_input(box, made):
    box.take("-", text=_combined(made, "RSA.crt", "RSA.key").decode())
    assert box.certs() == [f"{NAME}.crt", f"{NAME}.key"]
    box.take("-", options=("--name", "web"), text=_combined(made, "RSA.crt", "RSA.key").decode())
    assert "web.key" in box.certs()


def test_wildcard_from_standard_input(box, made):
    made.pair("wild", "*.example.org", by="root")
    box.take("-", text=_combined(made, "wild.crt", "wild.key").decode())
    assert box.certs() == ["wildcard.example.org.crt", "wildcard.example.org.key"]


@pytest.mark.matrix
@pytest.mark.parametrize("name", ("../evil", ".hidden", "-x", "a/b", "x" * 65, "mail.key", "mail.CRT", "a b", "",
                                  "mail.20261124T120000Z", "ä"))
def test_names_refused(box, made, name):
    result = box.take(made.path("RSA.key"), made.path("RSA.crt"), options=(f"--name={name}",), check=False)
    assert result.returncode == 1 and box.certs() == []


def test_name_of_a_file_refused(box, made):
    said = box.refused(made.path("RSA.key"), box.put("mein Zertifikat.crt", made.read("RSA.crt")))
    assert "mein Zertifikat" in said and "--name" in said


def test_names_alike(box, made):
    box.take(made.path("RSA.key"), made.path("RSA.crt"), options=("--name", "Mail"))
    assert "capital" in box.refused(made.path("P-256.key"), made.path("P-256.crt"), options=("--name", "mail"))


def create(server, name):
    server.posternctl("cert", "create", name, "--yes", "--name", NAME, "--key", "p256")
    return server.posternctl("cert", "request", name).stdout.encode()


def answer(made, request):
    """The authority's certificate for a request."""
    extensions = made.write("answer.ext", f"subjectAltName=DNS:{NAME}\n".encode())
    return openssl("x509", "-req", "-CA", made.path("inter.crt"), "-CAkey", made.path("inter.key"), "-CAcreateserial",
                   "-days", "9", "-extfile", extensions, data=request)


def test_authority_answers(box, made, server):
    """Only a certificate: the key is found; the old pair stays, and --name takes its place."""
    request = create(server, "mail")
    key = box.file("mail.key")
    answered = box.put("answer.cer", answer(made, request))
    result = box.take(answered, made.path("inter.crt"))
    assert box.is_pair("answer", key, [answer_of(answered), made.read("inter.crt")])
    assert box.file("answer.csr").strip() == request.strip()
    assert "mail.key" in result.stdout and "--name mail" in result.stdout
    assert "mail.crt" in box.certs()
    result = box.take(answered, made.path("inter.crt"), options=("--name", "mail"))
    assert box.is_pair("mail", key, [answer_of(answered), made.read("inter.crt")])
    assert box.file("mail.csr").strip() == request.strip()
    kept = re.search(r"kept aside as (mail\.\d{8}T\d{6}Z)", result.stdout).group(1)
    assert {f"{kept}.key", f"{kept}.csr", f"{kept}.crt"} <= set(box.certs())


def answer_of(path):
    with open(path, "rb") as file:
        return file.read()


def test_key_alone_in_the_folder_is_renamed(box, made, server):
    request = create(server, "cert2")
    key = box.file("cert2.key")
    os.unlink(os.path.join(server.state, "certs", "cert2.crt"))
    result = box.take(box.put("bobscert.crt", answer(made, request)))
    assert box.certs() == ["bobscert.crt", "bobscert.csr", "bobscert.key"]
    assert public(box.file("bobscert.key")) == public(key)
    assert "cert2 is now called bobscert" in result.stdout


def test_key_for_a_certificate_in_the_folder(box, made, server):
    box.take(made.path("RSA.key"), made.path("RSA.crt"), made.path("inter.crt"), options=("--name", "mail"))
    os.unlink(os.path.join(server.state, "certs", "mail.key"))
    box.take(made.path("RSA.key"))
    assert box.is_pair("mail", made.read("RSA.key"), [made.read("RSA.crt"), made.read("inter.crt")])


def test_the_same_again(box, made):
    files = (made.path("RSA.key"), made.path("RSA.crt"))
    box.take(*files)
    assert "nothing has changed" in box.take(*files).stdout
    assert "nothing has changed" in box.take(files[1]).stdout
    assert "nothing has changed" in box.take(files[0]).stdout
    assert box.certs() == ["RSA.crt", "RSA.key"]


def test_replace(box, made):
    box.take(made.path("RSA.key"), made.path("RSA.crt"), options=("--name", "mail"))
    other = (made.path("P-256.key"), made.path("P-256.crt"))
    assert "--replace" in box.refused(*other, options=("--name", "mail"))
    result = box.take(*other, options=("--name", "mail", "--replace"))
    kept = re.search(r"kept aside as (mail\.\d{8}T\d{6}Z)", result.stdout).group(1)
    assert box.certs() == [f"{kept}.crt", f"{kept}.key", "mail.crt", "mail.key"]
    assert public(box.file(f"{kept}.key")) == public(made.read("RSA.key"))
    assert box.is_pair("mail", made.read("P-256.key"), [made.read("P-256.crt")])


def test_root_and_others_dropped(box, made):
    result = box.take(made.path("root.crt"), made.path("P-384.crt"), made.path("inter.crt"), made.path("RSA.key"),
                      made.path("RSA.crt"), made.path("inter.crt"))
    assert box.is_pair("RSA", made.read("RSA.key"), [made.read("RSA.crt"), made.read("inter.crt")])
    assert "Left out: 2 certificates" in result.stdout
    assert "missing" not in result.stdout


# -- Refused ---------------------------------------------------------------------------

def test_refused(box, made):
    made.key("weak", "RSA1024")
    made.sign("weak", NAME)
    made.key("k1", "secp256k1")
    made.sign("k1", NAME)
    made.key("past")
    made.sign("past", NAME, days=-1)
    made.key("client")
    made.sign("client", NAME, extensions=f"subjectAltName=DNS:{NAME}\nextendedKeyUsage=clientAuth\n")
    cases = (
        (("RSA.crt",), "no key"),
        (("RSA.key",), "without a certificate"),
        (("RSA.key", "P-256.key", "RSA.crt"), "2 different keys"),
        (("P-256.key", "RSA.crt"), "don't match"),
        (("weak.key", "weak.crt"), "too weak"),
        (("k1.key", "k1.crt"), "secp256k1"),
        (("past.key", "past.crt"), "expired"),
        (("client.key", "client.crt"), "serverAuth"),
        (("inter.key", "inter.crt"), "authority's"),
        (("inter.crt", "root.crt"), "authorities'"),
        (("RSA.crt", "P-256.crt"), "2 servers"),
    )
    for files, said in cases:
        assert said in box.refused(*[made.path(name) for name in files]), files
    assert box.certs() == []


def test_force(box, made):
    for name in ("past", "weak"):
        made.key(name, "RSA1024" if name == "weak" else "P-256")
    made.sign("past", NAME, days=-1)
    made.sign("weak", NAME)
    assert "has expired" in box.take(made.path("past.key"), made.path("past.crt"), options=("--force",)).stdout
    assert "weak = true" in box.take(made.path("weak.key"), made.path("weak.crt"), options=("--force",)).stdout


def test_corrupt_base64_names_the_line(box, made):
    lines = made.read("RSA.crt").split(b"\n")
    lines[5] = lines[5][:10] + b"*" + lines[5][11:]
    said = box.refused(made.path("RSA.key"), box.put("x.crt", b"\n".join(lines)))
    assert "x.crt" in said and "line 6" in said
    lines = made.read("RSA.crt").split(b"\n")
    lines[5] = lines[5][:-3]
    assert "x.crt: line 1" in box.refused(made.path("RSA.key"), box.put("x.crt", b"\n".join(lines)))
    said = box.refused(made.path("RSA.key"), box.put("x.crt", b"\n".join(made.read("RSA.crt").split(b"\n")[:8])))
    assert "no END line" in said


def test_wrong_files(box, made, folder):
    cases = ((b"", "is empty"), (b"Dear customer,\n", "neither PEM"), (b"\x00\x01\x02\x03" * 100, "neither a key"),
             (b"\xfe\xed\xfe\xed" + bytes(100), "keytool"),
             (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "ssh"))
    for data, said in cases:
        assert said in box.refused(box.put("x.pem", data), made.path("RSA.crt")), data
    assert "is a folder" in box.refused(folder)
    assert "No such file" in box.refused(os.path.join(folder, "nothing"))
    request = openssl("req", "-new", "-key", made.path("RSA.key"), "-subj", "/CN=x")
    assert "certificate request" in box.refused(box.put("x.csr", request))


# -- Pass phrases on a terminal ----------------------------------------------------------

def encrypted(box, made):
    return box.put("x.key", openssl("pkcs8", "-topk8", *ENCRYPTED, "-in", made.path("RSA.key")))


def test_passphrase_asked(box, made, server):
    terminal = Terminal(server, "cert", "import", encrypted(box, made), made.path("RSA.crt"))
    terminal.answer("Pass phrase of x.key:", "wrong")
    terminal.answer("Pass phrase of x.key:", "wrong again")
    terminal.answer("Pass phrase of x.key:", PHRASE)
    assert terminal.end() == 0, terminal.said
    assert box.certs() == ["RSA.crt", "RSA.key"]
    assert b"ENCRYPTED" not in box.file("RSA.key")


def test_passphrase_asked_three_times(box, made, server):
    terminal = Terminal(server, "cert", "import", encrypted(box, made), made.path("RSA.crt"))
    for _ in range(3):
        terminal.answer("Pass phrase of x.key:", "wrong")
    assert terminal.end() == 1
    assert "pass phrase is wrong" in terminal.said
    assert box.certs() == []


# -- A running server ---------------------------------------------------------------------

def test_running_server_uses_it_at_once(make_server, made, folder):
    server = make_server().set_up()
    box = Box(server, folder)
    made.pair("local", HOST)
    before = server.tls("pop3s")
    result = box.take(made.path("local.key"), made.path("local.crt"), made.path("inter.crt"),
                      options=("--replace", "--name", HOST))
    assert "uses it from now on" in result.stdout
    server.log.wait(r"event=cert\.imported")
    shown = openssl("s_client", "-connect", f"127.0.0.1:{server.ports['pop3s']}", "-showcerts", data=b"QUIT\r\n")
    assert certificates(shown) == [certificates(made.read(name))[0] for name in ("local.crt", "inter.crt")]
    before.settimeout(DEADLINE)
    assert before.recv(100).startswith(b"+OK")  # and nobody was thrown out
    before.close()


def test_repair(made, make_server):
    """The same pair again, but its files are no longer good: they are written."""
    server = make_server().set_up()
    arguments = ("cert", "import", made.path("P-256.key"), made.path("P-256.crt"), made.path("inter.crt"), "--name", "mail")
    server.posternctl(*arguments)
    key = os.path.join(server.state, "certs", "mail.key")
    os.chmod(key, 0o644)
    server.posternctl(*arguments)
    assert os.stat(key).st_mode & 0o777 == 0o600


def test_key_in_force_stays(make_server, made, folder):
    """A pair whose certificate file is gone serves on: an import under another name doesn't take its key away."""
    server = make_server().set_up()
    box = Box(server, folder)
    server.posternctl("cert", "import", made.path("P-256.key"), made.path("P-256.crt"), made.path("inter.crt"), "--name", "mail")
    os.unlink(os.path.join(server.state, "certs", "mail.crt"))
    result = server.posternctl("cert", "import", made.path("P-256.crt"), made.path("inter.crt"), "--name", "other")
    assert "is now called" not in result.stdout
    assert box.is_pair("other", made.read("P-256.key"), [made.read("P-256.crt"), made.read("inter.crt")])
    assert "mail.key" in box.certs()
