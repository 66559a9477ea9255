# SPDX-License-Identifier: ISC
"""An IMAP client that shows what came, as it came: one string a response, literals in it."""

import re
import socket

from conftest import DEADLINE, DOMAIN, HOST, PASSWORD


class Refused(Exception):
    """A command was answered NO or BAD."""


class Imap:
    def __init__(self, server, user=None, password=PASSWORD, login=True, listener="imaps"):
        raw = socket.create_connection((HOST, server.ports[listener]), timeout=DEADLINE)
        self.socket = server.context().wrap_socket(raw, server_hostname=HOST)
        self.file = self.socket.makefile("rb")
        self.count = 0
        self.greeting = self.response()
        if login:
            self.do(f'LOGIN {user or server.user}@{DOMAIN} "{password}"')

    # -- Octets -----------------------------------------------------------------------

    def send(self, octets):
        self.socket.sendall(octets.encode() if isinstance(octets, str) else octets)

    def response(self):
        """One response with its literals; b"" at the end of the stream."""
        parts = []  # put together once: a response of many megabytes was copied with each literal
        while True:
            line = self.file.readline()
            parts.append(line)
            literal = re.search(rb"\{(\d+)\}\r\n$", line)
            if not literal:
                assert not line or line.endswith(b"\r\n")
                return b"".join(parts)[:-2]
            parts.append(self.file.read(int(literal.group(1))))

    # -- Commands ---------------------------------------------------------------------

    def begin(self, command):
        """Sends a command, and returns its tag."""
        self.count += 1
        tag = f"a{self.count}"
        self.send(tag.encode() + b" " + (command.encode() if isinstance(command, str) else command) + b"\r\n")
        return tag

    def end(self, tag):
        """(status, text, [untagged]) of a command that was begun."""
        untagged = []
        while True:
            line = self.response()
            assert line, f"the connection ended: {untagged}"
            if line.startswith(tag.encode() + b" "):
                status, _, text = line[len(tag) + 1:].partition(b" ")
                return status.decode(), text.decode(), untagged
            if not line.startswith(b"+"):
                untagged.append(line)

    def ask(self, command):
        return self.end(self.begin(command))

    def do(self, command):
        """The untagged responses of a command that must be OK."""
        status, text, untagged = self.ask(command)
        if status != "OK":
            raise Refused(f"{command}: {status} {text}")
        return [line.removeprefix(b"* ") for line in untagged]

    def no(self, command, code=""):
        status, text, _ = self.ask(command)
        assert status == "NO" and code in text, f"{command}: {status} {text}"
        return text

    def bad(self, command):
        status, text, _ = self.ask(command)
        assert status == "BAD", f"{command}: {status} {text}"
        return text

    def append(self, message, mailbox="INBOX", options=""):
        """Appends with a literal that is not waited for; the UID."""
        message = message if isinstance(message, bytes) else message.encode()
        tag = self.begin(f"APPEND {mailbox} {options}{' ' if options else ''}".encode() +
                         b"{%d+}\r\n" % len(message) + message)
        status, text, _ = self.end(tag)
        if status != "OK":
            raise Refused(f"APPEND: {status} {text}")
        return int(re.search(r"\[APPENDUID \d+ (\d+)\]", text).group(1))

    def select(self, mailbox="INBOX", options=""):
        return self.do(f"SELECT {mailbox}{options}")

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
