# SPDX-License-Identifier: ISC
"""posternctl cert import of what nobody should have: while it is refused, the running server signs on."""

import os
import re
import signal
import socket
import ssl
import subprocess
import threading

import pytest

from authority import Authority, openssl
from conftest import DEADLINE, HOST, is_root, program, wait_for


class Shaker:
    """A client that makes handshake after handshake, until it is told to stop."""

    def __init__(self, server):
        self.server = server
        self.context = server.context()
        self.done = 0
        self.failed = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stopping.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self.server.ports["pop3s"]), DEADLINE) as plain:
                    with self.context.wrap_socket(plain, server_hostname=HOST):
                        self.done += 1
            except (OSError, ssl.SSLError) as error:
                self.failed = error
                return

    def more(self):
        """Waits for another handshake that began after now."""
        here = self.done
        wait_for(lambda: self.failed or self.done >= here + 2, "a handshake")
        assert self.failed is None, self.failed

    def stop(self):
        self.stopping.set()
        self.thread.join(DEADLINE)
        assert self.failed is None, self.failed


@pytest.fixture(scope="module", name="made")
def _made(tmp_path_factory):
    authority = Authority(str(tmp_path_factory.mktemp("authority")))
    authority.pair("good", HOST)
    return authority


def der(tag, *parts):
    """ASN.1, with as many bytes of length as it takes."""
    content = b"".join(parts)
    size = len(content).to_bytes(4, "big").lstrip(b"\0") or b"\0"
    return bytes([tag]) + (size if len(content) < 128 else bytes([0x80 | len(size)]) + size) + content


def billion(_):
    """A PKCS#12 whose MAC says so; that it is checked at all takes a well-formed one."""
    data = der(0x30, der(0x06, bytes.fromhex("2a864886f70d010701")), der(0xa0, der(0x04, der(0x30))))
    digest = der(0x30, der(0x30, der(0x06, bytes.fromhex("608648016503040201")), b"\x05\x00"), der(0x04, bytes(32)))
    mac = der(0x30, digest, der(0x04, bytes(8)), der(0x02, (10**9).to_bytes(4, "big")))
    return der(0x30, b"\x02\x01\x03", data, mac)


def nested(_):
    """PKCS#7 in PKCS#7, a thousand deep."""
    data = b"\x05\x00"
    for _ in range(1000):
        data = der(0x30, der(0x06, bytes.fromhex("2a864886f70d010702")), der(0xa0, data))
    return data


def thousand(made):
    """A thousand certificates that differ."""
    one = openssl("x509", "-in", made.path("good.crt"), "-outform", "DER")
    at = one.index(b"\x02\x14") + 4  # the serial number, of 20 bytes
    text = b""
    for number in range(1000):
        this = one[:at] + number.to_bytes(4, "big") + one[at + 4:]
        text += openssl_pem(this)
    return text


def openssl_pem(data):
    return ssl.DER_cert_to_PEM_cert(data).encode()


def long_pem(made):
    return made.read("good.crt") * (10_000_000 // len(made.read("good.crt")))


def rsa_16384(_):
    """The DER of a key with such numbers; they don't have to be primes to be refused."""
    number = der(0x02, b"\x00" + b"\xff" * 2048)
    half = der(0x02, b"\x00" + b"\xff" * 1024)
    return der(0x30, b"\x02\x01\x00", number, b"\x02\x03\x01\x00\x01", number, half, half, half, half, half)


BAD = {
    "iterations": (billion, "hashed more than 2000000 times"),
    "nested": (nested, "x.pem"),
    "thousand": (thousand, "more than 256 certificates"),
    "10-mb": (long_pem, "larger than 4 MiB"),
    "rsa-16384": (rsa_16384, "16384"),
}


def certs(server):
    return sorted(os.listdir(os.path.join(server.state, "certs")))


def test_bad_input(make_server, made, folder):
    server = make_server().set_up()
    shaker = Shaker(server)
    before = certs(server)
    shaker.more()
    for name, (make, said) in BAD.items():
        path = os.path.join(folder, "x.pem")
        with open(path, "wb") as file:
            file.write(make(made))
        result = server.posternctl("cert", "import", path, made.path("good.crt"), check=False)
        assert result.returncode == 1 and said in result.stderr, (name, result.stderr)
        shaker.more()
    for step in range(0, len(made.read("good.crt")), 97):
        with open(path, "wb") as file:
            file.write(made.read("good.crt")[:step])
        result = server.posternctl("cert", "import", path, made.path("good.key"), check=False)
        assert result.returncode == 1 and result.stderr.strip() != "", step
    shaker.more()
    shaker.stop()
    assert certs(server) == before
    # And it can still import.
    server.posternctl("cert", "import", made.path("good.crt"), made.path("good.key"))
    assert "good.key" in certs(server)
    assert not server.log.find(r"event=importer\.died|child\.died|sandbox"), server.log.text()


def jobs(server):
    """Processes below certd's importer."""
    found = []
    for certd in server.children("certd"):
        for importer in children(certd):
            found += children(importer)
    return found


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(one) for one in file.read().split()]


def waiting_import(server):
    """posternctl, with a job that waits for more of standard input."""
    return subprocess.Popen([program("posternctl"), "-f", server.configuration, "-L", server.libexec, "cert", "import",
                             "-"], stdin=subprocess.PIPE, stderr=subprocess.PIPE)


def test_the_walls_of_a_job(make_server):
    """No privileges to gain, a filter of system calls, no more processes, bounds; the log, its channel, the file."""
    server = make_server().set_up()
    with waiting_import(server) as waiting:
        job = wait_for(lambda: jobs(server), "a job that reads")[0]
        proc = f"/proc/{job}"

        def status():
            with open(f"{proc}/status", encoding="ascii") as file:
                return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)

        # The importer's filter, and its own; AddressSanitizer's build has the limits but the one of memory.
        wait_for(lambda: int(status().get("Seccomp_filters", "2")) >= 2, "its own filter")
        assert status()["NoNewPrivs"] == "1" and status()["Seccomp"] == "2"
        with open(f"{proc}/limits", encoding="ascii") as file:
            limits = file.read()
        assert re.search(r"Max processes +0 +0 ", limits), limits
        assert re.search(r"Max cpu time +10 +11 ", limits)
        assert re.search(r"Max file size +0 +0 ", limits)
        assert re.search(r"Max core file size +0 +0 ", limits)
        if is_root():
            # Nothing (twice), the log, its channel, standard input.
            open_files = [os.readlink(f"{proc}/fd/{fd}") for fd in sorted(os.listdir(f"{proc}/fd"), key=int)]
            assert open_files[:2] == ["/dev/null"] * 2 and open_files[3].startswith("socket:"), open_files
            assert open_files[4].startswith("pipe:") and len(open_files) == 5, open_files
        waiting.kill()


@pytest.mark.parametrize("number, said", ((signal.SIGXCPU, "takes too long"), (signal.SIGKILL, "takes too long"),
                                          (signal.SIGSEGV, "what reads them broke")))
def test_a_job_that_is_killed(make_server, number, said):
    """By a limit, or since it broke: posternctl is told, and the next import works."""
    server = make_server().set_up()
    with waiting_import(server) as waiting:
        os.kill(wait_for(lambda: jobs(server), "a job that reads")[0], number)
        _, errors = waiting.communicate(timeout=DEADLINE)
        assert waiting.returncode == 1
    assert said in errors.decode()
    result = server.posternctl("cert", "import", "/dev/null", check=False)
    assert "is empty" in result.stderr
    server.tls("pop3s").close()


def test_posternctl_that_is_killed(make_server):
    server = make_server().set_up()
    with waiting_import(server) as waiting:
        wait_for(lambda: jobs(server), "a job that reads")
        waiting.kill()
        wait_for(lambda: not jobs(server), "the end of the job")
    assert "is empty" in server.posternctl("cert", "import", "/dev/null", check=False).stderr


def test_deploy_hook(make_server, made, folder):
    """As posternctl(8) has it for certbot, which runs it with the folder of what it has renewed."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "ctl", "posternctl.8"),
              encoding="utf-8") as file:
        text = file.read()
    text = text[text.index("#!/bin/sh"):]
    text = text[:text.index(".Ed")].replace("\\e", "\\")
    hook = os.path.join(folder, "hook")
    server = make_server().set_up()
    with open(hook, "w", encoding="utf-8") as file:
        file.write(text.replace("posternctl", f"{program('posternctl')} -f {server.configuration} -L {server.libexec}"))
    os.chmod(hook, 0o755)
    lineage = os.path.join(folder, "live")
    os.mkdir(lineage)
    for renewal in range(2):
        made.pair("renewed", HOST)
        for name, parts in (("fullchain.pem", ("renewed.crt", "inter.crt")), ("privkey.pem", ("renewed.key",))):
            with open(os.path.join(lineage, name), "wb") as file:
                file.write(b"".join(made.read(part) for part in parts))
        subprocess.run([hook], check=True, timeout=DEADLINE, capture_output=True,
                       env={**os.environ, "RENEWED_LINEAGE": lineage, "RENEWED_DOMAINS": HOST})
        server.log.wait(r"event=cert\.imported", count=renewal + 1)
        with open(os.path.join(server.state, "certs", "mail.crt"), "rb") as file:
            assert file.read() == made.read("renewed.crt") + made.read("inter.crt")
