# SPDX-License-Identifier: ISC
"""Bad configurations, keys and folders: what, where and what to do."""

import os
import subprocess

import pytest

from conftest import DEADLINE, HOST, is_root, program


@pytest.fixture
def prepared(make_server):
    server = make_server()
    server.write_configuration()
    server.create_certificate()
    server.add_account()
    return server


def certs(server, name):
    return os.path.join(server.state, "certs", name)


def check(server):
    return subprocess.run([program("postern"), "-t", "-f", server.configuration],
                          capture_output=True, text=True, check=False, timeout=DEADLINE)


@pytest.mark.parametrize("old,new,words", [
    ("hostname", "hostnam", ["hostnam", "hostname"]),
    ('hostname = "localhost"', "hostname = 5", ["hostname", "string"]),
    ("port = ", "prot = ", ["prot", "port"]),
    ('service = "smtp"', 'service = "smpt"', ["smpt", "smtp"]),
    ('tls = "explicit"', 'tls = "maybe"', ["maybe", "explicit"]),
    ('service = "smtp"; ', "", ["service"]),
    ('address = "127.0.0.1"', 'address = "127.0.0.256"', ["127.0.0.256"]),
    ('tls = "explicit";', 'tls = "explicit"; deny = "10.0.0.0/40";', ["10.0.0.0/40"]),
    ('tls = "explicit";', 'tls = "explicit"; idle_timeout = -1;', ["idle_timeout"]),
    ('tls = "explicit";', 'tls = "explicit"; certificate = "missing";',
     ["missing", "posternctl cert create missing"]),
    ('"example.org"', '"exa mple"', ["exa mple"]),
    ("listeners", "listeners = ", ["syntax"]),
])
def test_configuration_errors(prepared, old, new, words):
    text = prepared.configuration_text()
    assert old in text
    prepared.write_configuration(text.replace(old, new, 1))
    result = check(prepared)
    assert result.returncode == 1
    assert f"{os.path.basename(prepared.configuration)}:" in result.stderr
    for word in words:
        assert word in result.stderr, result.stderr


def test_missing_configuration(prepared):
    os.remove(prepared.configuration)
    result = check(prepared)
    assert result.returncode == 1 and prepared.configuration in result.stderr


def start_and_fail_handshake(server, pattern):
    """The server says what is wrong with the key, by its name, and serves the rest."""
    server.spawn()
    server.log.wait(pattern)
    server.stop()


KEY = f"{HOST}.key"
CERTIFICATE = f"{HOST}.crt"


def test_missing_key(prepared):
    os.remove(certs(prepared, KEY))
    result = check(prepared)
    assert result.returncode == 1
    assert "NAME.key" in result.stdout + result.stderr


def test_world_readable_key(prepared):
    os.chmod(certs(prepared, KEY), 0o644)
    start_and_fail_handshake(prepared, rf"{HOST}\.key.*(0600|mode)")


@pytest.mark.skipif(is_root(), reason="root may give the key away, see below")
def test_unreadable_key(prepared):
    os.chmod(certs(prepared, KEY), 0)
    start_and_fail_handshake(prepared, rf"{HOST}\.key")


@pytest.mark.skipif(not is_root(), reason="only root can give a file away")
def test_key_of_another_owner(prepared):
    os.chown(certs(prepared, KEY), 12345, 12345)
    start_and_fail_handshake(prepared, rf"{HOST}\.key.*own")


@pytest.mark.parametrize("name", [KEY, CERTIFICATE])
@pytest.mark.parametrize("what", ["empty", "truncated", "garbage"])
def test_broken_files(prepared, name, what):
    path = certs(prepared, name)
    with open(path, "r+b") as file:
        content = file.read()
        file.seek(0)
        file.truncate()
        if what == "truncated":
            file.write(content[:len(content) // 2])
        elif what == "garbage":
            file.write(os.urandom(300))
    start_and_fail_handshake(prepared, name.replace(".", r"\."))


def test_mismatched_pair(prepared):
    prepared.posternctl("cert", "create", "other", "--name", HOST, "--key", "p256")
    with open(certs(prepared, "other.crt"), "rb") as file:
        content = file.read()
    with open(certs(prepared, CERTIFICATE), "r+b") as file:
        file.truncate()
        file.write(content)
    start_and_fail_handshake(prepared, rf"{HOST}.*match")


def test_one_bad_key_does_not_stop_the_others(prepared):
    prepared.posternctl("cert", "create", "other", "--name", HOST, "--key", "p256")
    prepared.listeners["submissions"]["certificate"] = "other"
    prepared.write_configuration()
    with open(certs(prepared, "other.key"), "r+b") as file:
        file.truncate()
    prepared.spawn()
    prepared.log.wait(r"other\.key")
    prepared.log.wait(r"event=master\.ready")
    prepared.pop3().quit()
    prepared.stop()


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o777])
def test_certs_folder_mode(prepared, mode):
    os.chmod(certs(prepared, "."), mode)
    prepared.spawn()
    prepared.log.wait(r"certs.*(0700|mode)")
    prepared.stop()


@pytest.mark.skipif(not is_root(), reason="only root can give a folder away")
def test_certs_folder_owner(prepared):
    os.chown(certs(prepared, "."), 12345, 12345)
    prepared.spawn()
    prepared.log.wait(r"certs.*own")
    prepared.stop()


@pytest.mark.parametrize("arguments,words", [
    (["cert", "create", "../x"], ["../x"]),
    (["cert", "create", ".hidden"], [".hidden"]),
    (["cert", "create", "ok", "--key", "rsa512"], ["rsa512"]),
    (["cert", "create", "ok", "--name", "not a host"], ["not a host"]),
    (["account", "add", "nonsense"], ["nonsense"]),
    (["account", "add", "x@elsewhere.example"], ["elsewhere.example"]),
    (["account", "add", "alice@example.org"], ["alice@example.org"]),
    (["account", "remove", "alic@example.org"], ["alic@example.org", "alice@example.org"]),
    (["blah"], ["blah"]),
    (["account", "blah"], ["blah"]),
    ([], ["which command"]),
])
def test_posternctl_errors(prepared, arguments, words):
    result = prepared.posternctl(*arguments, text="password\n", check=False)
    assert result.returncode in (1, 2)
    for word in words:
        assert word in result.stderr, result.stderr
