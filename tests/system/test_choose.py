# SPDX-License-Identifier: ISC
"""Which certificate a listener presents, the first one of all, and their replacement under load."""

import os
import shutil
import ssl
import subprocess
import threading

import pytest

from conftest import DEADLINE, HOST, USERS, Server, is_root, program, wait_for

THREADS, SWAPS = 4, 25


def peer(server, listener, name, ciphers=None):
    """The DER certificate that a client is shown; with TLS 1.2's CIPHERS."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if ciphers:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers + ":@SECLEVEL=0")
    with context.wrap_socket(server.raw(listener), server_hostname=name) as connection:
        return connection.getpeercert(binary_form=True)


def create(server, name, *hosts, key="p256"):
    options = [option for host in hosts for option in ("--name", host)]
    server.posternctl("cert", "create", name, *options, "--key", key)


def certificate(server, name):
    with open(os.path.join(server.state, "certs", f"{name}.crt"), encoding="ascii") as file:
        return ssl.PEM_cert_to_DER_cert(file.read())


def check(server, status=1):
    """What postern -t says."""
    result = subprocess.run([program("postern"), "-t", "-f", server.configuration],
                            capture_output=True, text=True, check=False, timeout=DEADLINE)
    assert result.returncode == status, result.stdout + result.stderr
    return result.stdout + result.stderr


def test_first_start_makes_one(make_server):
    server = make_server()
    server.write_configuration()
    assert "certificate=(for hostname)" in check(server, status=0)
    server.start()
    assert "self-signed" in server.log.wait(r"event=cert\.first")
    assert peer(server, "pop3s", HOST) == certificate(server, HOST)
    with server.context().wrap_socket(server.raw("pop3s"), server_hostname=HOST) as connection:
        assert connection.version() == "TLSv1.3"
    status = server.posternctl("status").stdout
    assert f"certificate {HOST} is self-signed" in status and "posternctl cert" in status
    server.stop()
    server.start()  # nothing is made anew
    assert not server.log.find(r"event=cert\.first")
    assert f"certificate {HOST} is self-signed" in server.posternctl("status").stdout


def test_a_named_one_that_is_missing_is_an_error(make_server):
    server = make_server()
    server.listeners["pop3s"]["certificate"] = ["there", "missing"]
    server.write_configuration()
    create(server, "there", HOST)
    line = [n for n, text in enumerate(server.configuration_text().splitlines(), 1)
            if "missing" in text][0]
    assert f'postern.conf:{line}: the certificate "missing" does not exist' in check(server)


def test_rsa_and_ecdsa_for_one_name(make_server):
    server = make_server()
    server.listeners["pop3s"]["certificate"] = ["old", "new"]
    server.write_configuration()
    create(server, "old", HOST, key="rsa2048")
    create(server, "new", HOST, key="p256")
    server.start()
    for name in (None, HOST, "unknown.example"):
        assert peer(server, "pop3s", name, "ECDHE+aRSA") == certificate(server, "old")
        assert peer(server, "pop3s", name, "ECDHE+aECDSA") == certificate(server, "new")
    # The other listeners name none: both are for hostname.
    assert peer(server, "submissions", None, "ECDHE+aRSA") == certificate(server, "old")
    assert peer(server, "submissions", None, "ECDHE+aECDSA") == certificate(server, "new")


def test_none_named(make_server):
    server = make_server()
    server.write_configuration()
    create(server, "only", "other.example")
    server.start()
    assert peer(server, "pop3s", HOST) == certificate(server, "only")
    # Another, for the host's name: used at once, for that name and by default.
    create(server, "late", HOST)
    wait_for(lambda: peer(server, "pop3s", HOST) == certificate(server, "late"), "the late one")
    assert peer(server, "pop3s", None) == certificate(server, "late")
    assert peer(server, "pop3s", "other.example") == certificate(server, "only")


def test_none_named_and_none_for_the_host(make_server):
    server = make_server()
    server.write_configuration()
    create(server, "one", "one.example")
    create(server, "two", "two.example")
    text = check(server)
    assert 'None is for the hostname "localhost"' in text and "postern.conf:" in text
    create(server, "three", HOST)  # by its names, whatever it is called
    check(server, status=0)


def test_reload_refuses_a_missing_one(server):
    server.listeners["pop3s"]["certificate"] = "nobody"
    server.write_configuration()
    result = server.posternctl("reload", check=False)
    assert result.returncode != 0 and '"nobody" does not exist' in result.stdout + result.stderr
    server.pop3().quit()


@pytest.mark.parametrize("rule", ["strict", "strict-own"])
def test_strict(make_server, rule):
    server = make_server()
    server.listeners["pop3s"]["sni"] = rule
    server.listeners["pop3s"]["certificate"] = HOST
    server.write_configuration()
    create(server, HOST, HOST)
    create(server, "other", "other.example")
    server.start()
    assert peer(server, "pop3s", HOST) == certificate(server, HOST)
    assert peer(server, "pop3s", None) == certificate(server, HOST)
    with pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
        peer(server, "pop3s", "unknown.example")
    if rule == "strict":
        assert peer(server, "pop3s", "other.example") == certificate(server, "other")
    else:
        with pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
            peer(server, "pop3s", "other.example")


def test_own(make_server):
    server = make_server()
    for listener in server.listeners.values():
        listener["sni"] = "own"
    server.write_configuration()
    create(server, HOST, HOST)
    create(server, "other", "other.example")
    server.start()
    assert peer(server, "pop3s", "other.example") == certificate(server, HOST)


def put(server, source, name):
    """Replaces NAME's files by those of another pair, as certbot's would be copied."""
    certs = os.path.join(server.state, "certs")
    for suffix in ("key", "crt"):
        path = os.path.join(certs, f"{name}.{suffix}")
        shutil.copyfile(os.path.join(source, f"{name}.{suffix}"), path + "~")
        os.chmod(path + "~", 0o600)
        if is_root():
            os.chown(path + "~", USERS["certd"], USERS["certd"])
        os.rename(path + "~", path)


def test_swaps_under_load(make_server, folder):
    """Each handshake ends with the old pair or the new one; the client verifies that it is a pair.

    By reloads, so gates come and go; test_tls_certd has the same with one that stays.
    """
    server = make_server()
    pairs = []
    for number, key in enumerate(("p256", "rsa2048", "p384")):
        path = os.path.join(folder, f"maker{number}")
        os.mkdir(path)
        os.chmod(path, 0o711)
        maker = Server(path)
        maker.write_configuration()
        maker.create_certificate(key=key)
        pairs.append(os.path.join(maker.state, "certs"))
    server.set_up()
    put(server, pairs[0], HOST)
    server.posternctl("reload")

    # Self-signed, and all of one subject: OpenSSL tells no two of them apart as authorities, so which
    # one came is looked at here. Its signature is verified in any case (RFC 8446 4.4.3).
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    known = set()
    for path in pairs:
        with open(os.path.join(path, f"{HOST}.crt"), encoding="ascii") as file:
            known.add(ssl.PEM_cert_to_DER_cert(file.read()))
    seen, failed, over = [0] * THREADS, [], threading.Event()
    served = set()

    def client(number):
        while not over.is_set():
            try:
                with context.wrap_socket(server.raw("pop3s"), server_hostname=HOST) as connection:
                    served.add(connection.getpeercert(binary_form=True))
                    seen[number] += 1
            except OSError as error:
                failed.append(error)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        for swap in range(1, SWAPS + 1):
            put(server, pairs[swap % len(pairs)], HOST)
            server.posternctl("reload")
            # The very next handshake.
            assert peer(server, "pop3s", HOST) == certificate(server, HOST)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert not failed, f"{len(failed)} of {sum(seen)}: {failed[0]!r}"
    assert min(seen) > 0 and served == known


def test_weak_key(make_server):
    """RSA of 1024 bits, and only where the listener says so."""
    server = make_server()
    server.listeners["pop3s"].update(certificate="weak", weak=True)
    server.listeners["submissions"]["certificate"] = "weak"
    for listener in ("smtp", "submission", "pop3"):
        server.listeners[listener]["certificate"] = HOST
    server.write_configuration()
    create(server, HOST, HOST)
    files = [os.path.join(server.state, "certs", f"weak.{suffix}") for suffix in ("key", "crt")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:1024", "-noenc", "-keyout", files[0], "-out", files[1],
                    "-subj", "/CN=weak", "-addext", "subjectAltName=DNS:weak.example"], check=True,
                   capture_output=True, timeout=DEADLINE)
    for path in files:
        os.chmod(path, 0o600)
        if is_root():
            os.chown(path, USERS["certd"], USERS["certd"])
    server.start()
    assert peer(server, "pop3s", None, "ECDHE+aRSA") == certificate(server, "weak")
    with pytest.raises((ssl.SSLError, OSError)):
        peer(server, "submissions", None, "ECDHE+aRSA")
