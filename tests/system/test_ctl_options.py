# SPDX-License-Identifier: ISC
"""posternctl: who says two things of which only one can be is told so, and nothing is done."""

import pytest

from conftest import DOMAIN, HOST

ALICE = f"alice@{DOMAIN}"
ID = "0123456789abcdef"


@pytest.fixture
def idle(make_server):
    """Its configuration is enough: no server runs, so what gets past the options ends with 1."""
    server = make_server()
    server.write_configuration()
    return server


@pytest.mark.parametrize("option,arguments", [
    ("from", ["queue", "list", "--from", ALICE, "--from", f"@{DOMAIN}"]),
    ("from", ["queue", "remove", "--from", ALICE, f"--from={ALICE}"]),
    ("to", ["queue", "remove", "--to", ALICE, ID, "--to", f"@{DOMAIN}"]),
    ("to", ["queue", "show", ID, "--to", ALICE, "--t", f"@{DOMAIN}"]),
    ("quota", ["account", "add", ALICE, "--quota", "1G", "--quota", "2G"]),
    ("scram", ["account", "passwd", ALICE, "--scram", "only", "--scram", "none"]),
    ("days", ["cert", "create", HOST, "--days", "1", "--days", "2"]),
    ("unit", ["cert", "create", HOST, "--name", "a.example", "--unit", "A", "--name", "b.example", "--unit", "B"]),
    ("key", ["cert", "request", HOST, "--new-key", "--key", "p256", "--key", "p384"]),
    ("name", ["cert", "import", "-", "--name", "a", "--name", "b"]),
    ("out", ["cert", "export", HOST, "--out", "/nowhere/1", "--out", "/nowhere/2"]),
    ("authorities", ["cert", "check", "--authorities", "a", "--authorities", "b"]),
    ("days", ["cert", "client", ALICE, "--days", "1", "--days", "2"]),
    ("algorithm", ["dkim", "create", DOMAIN, "--algorithm", "rsa", "--algorithm", "ed25519"]),
    ("selector", ["dkim", "remove", DOMAIN, "--selector", "a", "--selector", "b"]),
    ("after", ["dkim", "rotate", DOMAIN, "--after", "1d", "--after", "2d"]),
    ("older", ["mailbox", "expire", ALICE, "Trash", "--older", "30", "--older", "3", "--yes"]),
    ("folder", ["mailbox", "import", ALICE, "/nowhere", "--folder", "A", "--folder", "B"]),
    ("file", ["dns", DOMAIN, "--address", "192.0.2.1", "--address", "192.0.2.2", "--file", "a", "--file", "b"]),
    ("resolver", ["dns", "check", DOMAIN, "--resolver", "192.0.2.1", "--resolver", "192.0.2.2"]),
], ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else value)
def test_what_is_there_twice(idle, option, arguments):
    result = idle.posternctl(*arguments, text="", check=False)
    assert result.returncode == 2 and f"--{option} is there twice\n" in result.stderr, result
    assert "usage: posternctl" in result.stderr


@pytest.mark.parametrize("one,other,arguments", [
    ("held", "waiting", ["queue", "list", "--held", "--waiting"]),
    ("waiting", "held", ["queue", "remove", "--waiting", "--held"]),
    ("all", "from", ["queue", "remove", "--all", "--from", ALICE]),
    ("held", "all", ["queue", "release", "--held", "--all"]),
    ("renew", "new-key", ["cert", "request", HOST, "--renew", "--new-key"]),
    ("pkcs12", "no-passphrase", ["cert", "export", HOST, "--private-key", "--pkcs12", "--no-passphrase"]),
    ("no-passphrase", "passphrase-file",
     ["cert", "export", HOST, "--private-key", "--no-passphrase", "--passphrase-file", "x"]),
    ("json", "file", ["dns", DOMAIN, "--json", "--file", "mta-sts"]),
])
def test_what_excludes_the_other(idle, one, other, arguments):
    result = idle.posternctl(*arguments, check=False)
    assert result.returncode == 2 and f"--{one} and --{other} exclude each other\n" in result.stderr, result
    assert "usage: posternctl" in result.stderr


def test_all_and_an_id(idle):
    result = idle.posternctl("queue", "remove", ID, "--all", check=False)
    assert result.returncode == 2 and "--all and an id exclude each other\n" in result.stderr


@pytest.mark.parametrize("arguments", [
    ["dkim", "rotate", DOMAIN, "--algorithm", "rsa"], ["dkim", "list", "--selector", "s"], ["queue", "list", "--all"],
    ["queue", "hold", "--all", "--json"], ["dns", "check", DOMAIN, "--file", "mta-sts"]],
    ids=lambda arguments: " ".join(arguments[:2]))
def test_an_option_of_another_command(idle, arguments):
    result = idle.posternctl(*arguments, check=False)
    assert result.returncode == 2 and "is no option of this command\n" in result.stderr


def test_a_flag_may_come_again(idle):
    result = idle.posternctl("queue", "list", "--held", "--json", "--held", check=False)
    assert result.returncode == 1 and "no server is running" in result.stderr
