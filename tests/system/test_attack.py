# SPDX-License-Identifier: ISC
"""An attacker with code execution inside each role, after its sandbox has closed (design section 6).

The server is the real one, but for one role whose process is tests/attack/attacker.c: the real role until the
sandbox closes, and foreign code from then on. Each attempt must be refused, by the kernel killing the
process, by an error, or by the master cutting it off.
"""

import os
import shutil
import subprocess
import tempfile

import pytest

from conftest import DEADLINE, DOMAIN, HOST, build, is_root

WORKERS = ["postern-worker", "postern-gate", "postern-verify", "postern-relay", "postern-filter"]
ROLES = ["gate", "accounts", "queue", "session", "verify", "relay", "filter"]
ATTACKER = os.path.join(build(), "tests", "attack", "postern-attacker")

pytestmark = [pytest.mark.skipif(not os.path.exists(ATTACKER), reason="the attacker is not built"), pytest.mark.spread]

# What each role tries, and what it aims at: a path below the state folder, or elsewhere.
FILES = [
    ("open-read", "{state}/certs/localhost.key"),
    ("open-write", "{state}/certs/new.key"),
    ("list-folder", "{state}/certs"),
    ("remove-file", "{state}/certs/localhost.key"),
    ("rename-file", "{state}/certs/localhost.key"),
    ("link-file", "{state}/certs/localhost.key"),
    ("link-symbolically", "{state}/certs/localhost.key"),
    ("truncate-file", "{state}/certs/localhost.key"),
    ("open-read", "{state}/mail/example.org/bob/index.db"),
    ("open-write", "{state}/mail/example.org/bob/index.db"),
    ("list-folder", "{state}/mail/example.org/bob"),
    ("open-read", "{state}/queue/queue.db"),
    ("list-folder", "{state}"),
    ("open-read", "{folder}/accounts.conf"),
    ("open-write", "{folder}/accounts.conf"),
    ("open-read", "{folder}/postern.conf"),
    ("open-read", "/etc/shadow"),
    ("open-read", "/etc/passwd"),
    ("open-write", "/tmp/postern-attack"),
    ("leave-root", ""),
    ("use-inherited", ""),
]
PROCESSES = ["trace-process", "seize-process", "read-memory", "open-memory", "take-descriptor",
             "kill-process", "kill-master", "kill-everybody", "raise-priority"]
POWERS = ["fork", "execute", "become-root", "map-code", "make-namespace", "use-io-uring", "load-bpf"]
NETWORK = [("connect-out", ""), ("send-datagram", ""), ("listen-in", ""),
           ("call-master", "{state}/control")]
MASTER = [("command-master", ""), ("babble-to-master", "")]

EVERYWHERE = FILES + [(name, "") for name in PROCESSES + POWERS] + NETWORK + MASTER
OWN = {("queue", "{state}/queue/queue.db")}  # what a role may of course open
CALLS = {(role, call) for role in ("relay", "filter") for call in ("connect-out", "send-datagram")}  # and whom it may speak to

CASES = [(role, name, path) for role in ROLES for name, path in EVERYWHERE
         if (role, path) not in OWN and (role, name) not in CALLS]
NAMES = ["", "bob", "../bob@example.org", "bob@example.org/../../certs", "bob@", "@example.org",
         "Bob@example.org", "bob@elsewhere.example", ".@example.org", "..@example.org",
         "bob@../certs", "/@example.org", "a/b@example.org", "bob@example.org\x01"]
CASES += [("accounts", "attach-as-accounts", name) for name in NAMES]
CASES += [("queue", "attach-as-queue", name) for name in NAMES]
LIES_TO_MASTER = [("session", "park-as-session", lie) for lie in
          ("pop3", "no service", "administrator", "short", "empty", "nothing", "directory")]
LIES_TO_MASTER += [("session", name, "") for name in ("park-many", "limit-as-session", "resume-as-session")]
LIES_TO_MASTER += [("accounts", "quota-as-accounts", lie) for lie in ("unasked", "short", "descriptor")]


@pytest.fixture(scope="module")
def prepared():
    """A state folder with keys, accounts and mail, made once by an honest server. Roles have to pass through its folders, or
    their attacks fail for that alone: pytest's own are closed by any other pytest that starts.
    """
    from conftest import Server
    folder = tempfile.mkdtemp(prefix="postern-test-")
    os.chmod(folder, 0o711)
    server = Server(os.path.join(folder, "server"))
    os.chmod(server.folder, 0o711)
    server.settings["session"] = "{ linger = 1; }"
    server.settings["relay"] = '{ host = "127.0.0.1"; port = 9; }'
    server.write_configuration()
    server.create_certificate()
    # Whose certificates they are does not matter: that they are asked for starts the verifier.
    authorities = os.path.join(server.folder, "clients.pem")
    shutil.copyfile(os.path.join(server.state, "certs", f"{HOST}.crt"), authorities)
    server.listeners["pop3s"].update({"client_certificates": "request",
                                      "client_authorities": authorities})
    server.write_configuration()
    for user in ("alice", "bob"):
        server.add_account(user)
    server.start()
    try:
        with server.smtp() as client:
            client.sendmail("x@example.net", [f"alice@{DOMAIN}"], b"x\r\n")
        server.wait_for_messages(1)
        # Bob has a mailbox, but never mail: a delivery would start a session of his, and the attacker
        # in it would reach what is its own.
        server.pop3("bob").quit()
        assert os.path.exists(os.path.join(server.state, "mail", DOMAIN, "bob", "index.db"))
    finally:
        server.stop()
    yield server
    shutil.rmtree(folder, ignore_errors=True)


def libexec_of_an_attacker(server, role, name, path):
    """A libexec folder whose workers and gates are the attacker, with its plan beside it."""
    folder = os.path.join(server.folder, "libexec")
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder, 0o755)
    os.chmod(folder, 0o755)
    os.symlink(os.path.join(build(), "postern-certd"), os.path.join(folder, "postern-certd"))
    for program in WORKERS:
        os.symlink(ATTACKER, os.path.join(folder, program))
    target = path.format(state=server.state, folder=server.folder)
    plan = os.path.join(folder, "attack")
    with open(plan, "w", encoding="utf-8") as file:
        file.write(f"role {role}\nattack {name}\n" + (f"path {target}\n" if target else ""))
    os.chmod(plan, 0o644)
    return folder


def run_attack(server, role, name, path):
    server.libexec = libexec_of_an_attacker(server, role, name, path)
    server.spawn()
    try:
        if role == "session":  # sessions are started for mail, or for a login
            server.log.wait(r"event=master\.ready")
            with server.smtp() as client:
                client.sendmail("x@example.net", [f"alice@{DOMAIN}"], b"x\r\n")
        begins = server.log.wait(r"event=attack\.begins")
        pid = begins.split("[")[1].split("]")[0]
        return server.log.wait(
            rf"event=attack\.(refused|hole)|event=child\.died.*pid={pid}\b")
    finally:
        for program in WORKERS:  # no more of them
            os.remove(os.path.join(server.libexec, program))
            os.symlink(os.path.join(build(), program), os.path.join(server.libexec, program))
        server.stop()


@pytest.mark.parametrize("role,name,path", CASES,
                         ids=[f"{role}-{name}-{os.path.basename(path) or path}" for role, name, path
                              in CASES])
def test_attack(prepared, role, name, path):
    outcome = run_attack(prepared, role, name, path)
    assert "attack.hole" not in outcome
    key = os.path.join(prepared.state, "certs", f"{HOST}.key")
    if is_root() or os.access(key, os.R_OK):
        with open(key, "rb") as file:
            assert b"PRIVATE KEY" in file.read()  # not removed, renamed or emptied


# It is posternctl's child: there is no master to kill, to command or to babble to.
LOOKUPS = [(name, path) for name, path in EVERYWHERE
           if name not in ("connect-out", "send-datagram", "kill-master", "command-master", "babble-to-master")]


@pytest.mark.parametrize("name,path", LOOKUPS,
                         ids=[f"{name}-{os.path.basename(path) or path}" for name, path in LOOKUPS])
def test_attack_by_a_lookup(prepared, name, path):
    """postern-lookup, which posternctl starts to ask DNS."""
    folder = libexec_of_an_attacker(prepared, "lookup", name, path)
    os.symlink(ATTACKER, os.path.join(folder, "postern-lookup"))
    result = subprocess.run(
        [os.path.join(build(), "posternctl"), "-v", "-f", prepared.configuration, "-L", folder, "dns", "check",
         "--resolver", "127.0.0.1@9", DOMAIN], capture_output=True, text=True, check=False, timeout=DEADLINE)
    assert "event=attack.begins" in result.stderr
    assert "attack.hole" not in result.stderr
    assert result.returncode == 1


@pytest.mark.parametrize("role,name,path", LIES_TO_MASTER)
def test_the_master_cuts_it_off(prepared, role, name, path):
    """Not the sandbox (that would be SIGSYS), which lets it speak: the master, which has said why."""
    assert "attack.hole" not in run_attack(prepared, role, name, path)
    prepared.log.wait(rf'event=ipc\.violation peer="?{role}')


def test_the_attacker_sees_what_is_open(prepared):
    """What a role may do, the attacker can: the tests above could fail."""
    assert "attack.hole" in run_attack(prepared, "queue", "open-read", "{state}/queue/queue.db")
