# SPDX-License-Identifier: ISC
"""posternctl cert list, show and check, with a running server and without one."""

import json
import os
import re
import ssl
import subprocess

from conftest import DEADLINE, HOST


def openssl(*arguments, text=None):
    result = subprocess.run(["openssl", *arguments], input=text, capture_output=True, text=True, check=False,
                            timeout=DEADLINE)
    assert result.returncode == 0, result.stderr
    return result.stdout


def certificate_file(server, name, suffix="crt"):
    return os.path.join(server.state, "certs", f"{name}.{suffix}")


def digest(server, name):
    said = openssl("x509", "-in", certificate_file(server, name), "-noout", "-fingerprint", "-sha256")
    return said.strip().split("=")[1]


def listed(server):
    return {entry["name"]: entry for entry in json.loads(server.posternctl("cert", "list", "--json").stdout)}


def ready(make_server):
    server = make_server()
    server.write_configuration()
    return server


class Authority:
    """A root and an intermediate, made with openssl."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder)
        self.root = self.path("root.pem")
        self.middle = self.path("middle.pem")
        with open(self.path("ca.cnf"), "w", encoding="ascii") as file:
            file.write("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                self.path("root.key"), "-out", self.root, "-subj", "/CN=Attic Root", "-days", "100")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                self.path("middle.key"), "-out", self.path("middle.csr"), "-subj", "/CN=Attic R3")
        openssl("x509", "-req", "-in", self.path("middle.csr"), "-CA", self.root, "-CAkey", self.path("root.key"),
                "-CAcreateserial", "-out", self.middle, "-days", "90", "-extfile", self.path("ca.cnf"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def sign(self, request, names, days=80):
        with open(self.path("leaf.cnf"), "w", encoding="ascii") as file:
            file.write("subjectAltName=" + ",".join(f"DNS:{name}" for name in names) + "\n")
        return openssl("x509", "-req", "-CA", self.middle, "-CAkey", self.path("middle.key"), "-CAcreateserial",
                       "-days", str(days), "-extfile", self.path("leaf.cnf"), text=request)

    def issue(self, server, name, names, chain=True, days=80):
        """Puts the answer to a request where certd reads it."""
        with open(certificate_file(server, name), "r+", encoding="ascii") as file:
            text = self.sign(server.posternctl("cert", "request", name).stdout, names, days)
            file.truncate()
            file.write(text)
            if chain:
                with open(self.middle, encoding="ascii") as middle:
                    file.write(middle.read())


def test_list(make_server):
    server = ready(make_server)
    assert "cert create" in server.posternctl("cert", "list").stdout
    assert server.posternctl("cert", "list", "--json").stdout == "[]\n"
    server.posternctl("cert", "create", HOST, "--yes", "--name", HOST, "--organization", 'Müller "& Söhne" \\')
    server.posternctl("cert", "create", "other", "--yes", "--name", "*.example.org", "--key", "p384", "--days", "10")
    entries = listed(server)
    mine, other = entries[HOST], entries["other"]
    assert list(entries) == sorted(entries)
    assert mine["state"] == other["state"] == "in force"
    assert mine["sha256"] == digest(server, HOST)
    assert 'O=Müller \\"& Söhne\\" \\\\' in mine["subject"]
    assert mine["names"] == [f"DNS:{HOST}"] and other["names"] == ["DNS:*.example.org"]
    assert "pop3:" in " ".join(mine["used_by"]) and other["used_by"] == []
    assert (mine["key"], mine["key_bits"], other["key"]) == ("RSA", 2048, "ECDSA P-384")
    assert other["days_left"] in (9, 10) and other["self_signed"] and other["why"] is None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", other["not_after"])
    text = server.posternctl("cert", "list").stdout
    assert digest(server, "other") in text and "self-signed" in text and "used by  smtp:" in text


def test_same_with_a_running_server(make_server):
    server = ready(make_server)
    server.posternctl("cert", "create", HOST, "--yes", "--name", HOST)
    without = listed(server)
    server.start()
    within = listed(server)
    for entries in (without, within):
        del entries[HOST]["days_left"]  # time goes on
    assert without == within


def test_refused(make_server):
    server = ready(make_server)
    server.posternctl("cert", "create", HOST, "--yes", "--name", HOST)
    server.posternctl("cert", "create", "broken", "--yes")
    with open(certificate_file(server, "broken"), "r+", encoding="ascii") as file:
        file.truncate(300)
    entry = listed(server)["broken"]
    assert entry["state"] == "refused" and "broken.crt" in entry["why"] and entry["used_by"] == []
    result = server.posternctl("cert", "check", "broken", check=False)
    assert result.returncode == 1 and "broken.crt: broken or truncated" in result.stdout


def test_show(make_server, tmp_path):
    server = ready(make_server)
    authority = Authority(str(tmp_path / "authority"))
    server.posternctl("cert", "create", HOST, "--yes", "--name", HOST, "--name", "2001:db8::1")
    authority.issue(server, HOST, [HOST, "imap.example.org"])
    text = server.posternctl("cert", "show", HOST).stdout
    for said in ("DNS:imap.example.org", "CN=Attic R3", digest(server, HOST), "RSA, 2048 bits", "days left",
                 "Above it, 1 of 1:", "an authority's", "sign certificates (keyCertSign)"):
        assert said in text, text
    assert "Above it, 2" not in text
    result = server.posternctl("cert", "show", "nobody", check=False)
    assert result.returncode == 1 and "cert list" in result.stderr


def test_check(make_server, tmp_path):
    server = ready(make_server)
    authority = Authority(str(tmp_path / "authority"))

    def check(*arguments, status):
        result = server.posternctl("cert", "check", "--authorities", authority.root, *arguments, check=False)
        assert result.returncode == status, result.stdout + result.stderr
        return result.stdout

    server.posternctl("cert", "create", HOST, "--yes", "--name", HOST)
    assert "WRONG  it is signed by itself" in check(status=1)
    authority.issue(server, HOST, [HOST], chain=False)
    assert "issuer is missing: Attic R3" in check(status=1)
    authority.issue(server, HOST, [HOST], days=5)
    assert "WRONG  it expires soon: " in check(HOST, status=1)
    authority.issue(server, HOST, [HOST], days=20)
    assert "note   it expires soon: " in check(HOST, status=0)
    authority.issue(server, HOST, ["mail.example.org"])
    said = check(status=1)
    assert f"none of its certificates is for {HOST}" in said and f"note   it is not for {HOST}" in said
    authority.issue(server, HOST, [HOST])
    said = check(status=0)
    assert "WRONG" not in said and "the chain is whole" in said and f"it is for {HOST}" in said

    # What it says is what a client sees.
    server.start()
    context = ssl.create_default_context(cafile=authority.root)
    with context.wrap_socket(server.raw("pop3s"), server_hostname=HOST) as connection:
        assert connection.version() == "TLSv1.3"
    assert "WRONG" not in check(status=0)
    assert "WRONG" in server.posternctl("cert", "check", check=False).stdout  # not among the system's


def test_wrong_arguments(make_server):
    server = ready(make_server)
    for arguments in (("list", "x"), ("show",), ("show", "a", "b"), ("check", "a", "b"), ("check", "--what")):
        result = server.posternctl("cert", *arguments, check=False)
        assert result.returncode == 2 and "posternctl cert" in result.stderr, result.stderr
    result = server.posternctl("cert", "check", "--authorities", "/nonexistent", check=False)
    assert result.returncode == 1 and "/nonexistent" in result.stderr


def test_audit(make_server):
    server = make_server()
    server.write_configuration()
    result = server.posternctl("cert", "audit", HOST, check=False)
    assert result.returncode == 1 and "no server is running" in result.stderr
    server.set_up()
    assert "has not been used" in server.posternctl("cert", "audit", HOST).stdout
    for _ in range(3):
        server.tls("pop3s").close()
    with server.smtp() as client:
        client.noop()
    text = server.posternctl("cert", "audit", HOST).stdout
    counts = {}
    for listener, count in re.findall(r"^  gate \d+ +(\S+) +tls1\.3=(\d+) tls1\.2=0 refused=0$", text, re.M):
        counts[listener] = counts.get(listener, 0) + int(count)
    assert counts == {f"pop3:{server.ports['pop3s']}": 3, f"smtp:{server.ports['smtp']}": 1}, text
    assert re.search(r"^  all +tls1\.3=4 tls1\.2=0 refused=0$", text, re.M), text
    result = server.posternctl("cert", "audit", "nobody", check=False)
    assert result.returncode == 1 and "no certificate of that name" in result.stderr
    mark = server.log.mark()
    server.stop()
    server.log.wait(rf'event=certd\.use key={HOST} .*listeners="?pop3:', mark)
