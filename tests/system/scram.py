# SPDX-License-Identifier: ISC
"""SCRAM as a client speaks it (RFC 5802), and ways to the server that know their channel binding."""

import base64
import hashlib
import hmac
import os
import re
import subprocess

from conftest import DEADLINE, HOST


def encode(octets):
    return base64.b64encode(octets).decode()


def attributes(message):
    return dict(part.split("=", 1) for part in message.split(","))


class Scram:
    """One exchange. What a test changes of it (flag, data, nonce, proof) is what it lies about."""

    def __init__(self, user, password, hash_name="sha256", flag="n", data=b"", authorization=""):
        self.hash_name = hash_name
        self.password = password.encode()
        self.header = f"{flag},{authorization and 'a=' + authorization},"
        self.data = data
        self.nonce = encode(os.urandom(18))
        self.bare = f"n={user},r={self.nonce}"
        self.server_first = None
        self.salted = None
        self.said = None

    def mac(self, key, text):
        return hmac.new(key, text.encode(), self.hash_name).digest()

    def first(self):
        return self.header + self.bare

    def final(self, server_first, nonce=None):
        self.server_first = server_first
        answer = attributes(server_first)
        assert answer["r"].startswith(self.nonce) and len(answer["r"]) >= len(self.nonce) + 24
        self.salted = hashlib.pbkdf2_hmac(self.hash_name, self.password, base64.b64decode(answer["s"]), int(answer["i"]))
        without = f"c={encode(self.header.encode() + self.data)},r={nonce or answer['r']}"
        self.said = f"{self.bare},{server_first},{without}"
        key = self.mac(self.salted, "Client Key")
        signature = self.mac(hashlib.new(self.hash_name, key).digest(), self.said)
        return f"{without},p={encode(bytes(a ^ b for a, b in zip(key, signature)))}"

    def check(self, server_final):
        """Does the server have the verifier? (RFC 5802 3)"""
        assert server_final == "v=" + encode(self.mac(self.mac(self.salted, "Server Key"), self.said))


class Lines:
    """A stream of lines, over a socket."""

    def __init__(self, connection):
        self.connection = connection
        self.file = connection.makefile("rb")
        self.greeting = self.line()

    def line(self):
        return self.file.readline().decode().rstrip("\r\n")

    def send(self, text):
        self.connection.sendall(text.encode() + b"\r\n")

    def close(self):
        self.file.close()
        self.connection.close()


class OpenSSL:
    """The same over `openssl s_client`, which tells what Python's ssl does not: the exporter (RFC 9266)."""

    def __init__(self, port, authority, *options):
        self.process = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", HOST, "-CAfile", authority,
             "-verify_return_error", "-nocommands", "-ign_eof", "-keymatexport", "EXPORTER-Channel-Binding",
             "-keymatexportlen", "32", *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.exporter = None
        self.greeting = ""
        while not re.match(r"\* OK |\+OK |220 ", self.greeting):
            self.greeting = self.line()
            assert self.process.poll() is None or self.greeting, "s_client ended"
            found = re.search(r"Keying material: ([0-9A-F]{64})", self.greeting)
            if found:
                self.exporter = bytes.fromhex(found.group(1))
        assert self.exporter is not None

    def line(self):
        return self.process.stdout.readline().decode(errors="replace").rstrip("\r\n")

    def send(self, text):
        self.process.stdin.write(text.encode() + b"\r\n")
        self.process.stdin.flush()

    def close(self):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait(DEADLINE)
        self.process.stdout.close()


def imap_login(stream, mechanism, exchange, initial=True, nonce=None, change=lambda text: text):
    """The answer to AUTHENTICATE; what comes before it from the session is skipped."""
    first = encode(exchange.first().encode())
    stream.send(f"a AUTHENTICATE {mechanism} {first}" if initial else f"a AUTHENTICATE {mechanism}")
    if not initial:
        assert stream.line() == "+ "
        stream.send(first)
    line = stream.line()
    if not line.startswith("+ "):
        return line
    final = exchange.final(base64.b64decode(line[2:]).decode(), nonce)
    stream.send(encode(change(final).encode()))
    line = stream.line()
    if not line.startswith("+ "):
        return line
    exchange.check(base64.b64decode(line[2:]).decode())
    stream.send("")
    return stream.line()


def pop3_login(stream, mechanism, exchange, challenge="+ "):
    """The answer to AUTH; with the other CHALLENGE, submission's."""
    stream.send(f"AUTH {mechanism} {encode(exchange.first().encode())}")
    line = stream.line()
    if not line.startswith(challenge):
        return line
    stream.send(encode(exchange.final(base64.b64decode(line[len(challenge):]).decode()).encode()))
    line = stream.line()
    if not line.startswith(challenge):
        return line
    exchange.check(base64.b64decode(line[len(challenge):]).decode())
    stream.send("")
    return stream.line()


def submission_login(stream, mechanism, exchange):
    stream.send("EHLO client.example")
    while not stream.line().startswith("250 "):
        pass
    return pop3_login(stream, mechanism, exchange, "334 ")
