# SPDX-License-Identifier: ISC
"""The other side of mail out: a mail server that answers as it is told, and a name server.

Both are on free loopback ports, and keep what they were asked.
"""

import socket
import socketserver
import ssl
import struct
import threading

from conftest import DEADLINE

A, CNAME, MX, TXT, AAAA, TLSA = 1, 5, 15, 16, 28, 52


class Sink:
    """A mail server. ANSWERS: verb -> replies, used up one a command, the last for ever. None: it hangs up.
    TLS: the paths of its certificate and key, for STARTTLS; what clients call it is in `called`."""

    def __init__(self, answers=None, extensions=("PIPELINING", "8BITMIME", "SIZE 1000000"), tls=None,
                 lmtp=False, address=("127.0.0.1", 0)):
        self.lmtp = lmtp  # RFC 2033
        self.peers = []  # addresses that connected
        self.called = []
        self.tls = None
        if tls:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*tls)
            self.tls.sni_callback = lambda connection, name, context: self.called.append(name)
            extensions = (*extensions, "STARTTLS")
        self.answers = {verb: list(replies) for verb, replies in (answers or {}).items()}
        self.extensions = extensions
        self.mails = []  # (sender, recipients, message)
        self.commands = []
        self.connections = 0
        self.open = self.most_open = 0  # at a time
        self.changed = threading.Condition()
        sink = self

        class Handler(socketserver.StreamRequestHandler):
            disable_nagle_algorithm = True

            def handle(self):
                with sink.changed:
                    sink.open += 1
                    sink.most_open = max(sink.open, sink.most_open)
                self.counts = True
                try:
                    sink.serve(self)
                except (OSError, EOFError):
                    pass
                sink.leave(self)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 128  # with fewer, those who come together hang before the greeting

        self.server = Server(address, Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def leave(self, handler):
        """This connection is none any more: who hears so may open another at once."""
        with self.changed:
            self.open -= handler.counts
            handler.counts = False

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, handler, verb, usual):
        with self.changed:
            replies = self.answers.get(verb)
            reply = usual
            if replies:
                reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if reply is None:
            raise EOFError
        handler.wfile.write(reply.encode() + b"\r\n")
        return reply

    def serve(self, handler):
        with self.changed:
            self.connections += 1
            self.peers.append(handler.client_address[0])
        self.answer(handler, "connect", "220 sink.example ESMTP")
        sender, recipients = None, []
        while line := handler.rfile.readline():
            command = line.decode("utf-8").rstrip("\r\n")
            verb = command.split(" ")[0].upper()
            with self.changed:
                self.commands.append(command)
                self.changed.notify_all()
            if verb == ("LHLO" if self.lmtp else "EHLO"):
                lines = ["sink.example", *self.extensions]
                self.answer(handler, verb, "\r\n".join(
                    f"250{'-' if n < len(lines) - 1 else ' '}{text}" for n, text in enumerate(lines)))
            elif verb == "MAIL":
                if self.answer(handler, verb, "250 2.1.0 Ok")[0] == "2":
                    sender, recipients = command[len("MAIL FROM:<"):].split(">")[0], []
            elif verb == "RCPT":
                if self.answer(handler, verb, "250 2.1.5 Ok")[0] == "2":
                    recipients.append(command[len("RCPT TO:<"):].split(">")[0])
            elif verb == "DATA":
                if self.answer(handler, verb, "354 Go")[0] == "3":
                    self.take(handler, sender, recipients)
            elif verb == "BDAT":
                self.chunk(handler, command.split(" "), sender, recipients)
            elif verb == "STARTTLS" and self.tls:
                self.answer(handler, verb, "220 2.0.0 Go")
                handler.connection = self.tls.wrap_socket(handler.connection, server_side=True)
                handler.rfile = handler.connection.makefile("rb")
                handler.wfile = handler.connection.makefile("wb", 0)
            elif verb == "QUIT":
                self.leave(handler)
                self.answer(handler, verb, "221 2.0.0 Bye")
                return
            else:
                self.answer(handler, verb, "250 2.0.0 Ok")

    def chunk(self, handler, words, sender, recipients):
        message = handler.rfile.read(int(words[1]))
        assert words[2] == "LAST"
        self.keep(handler, sender, recipients, message)

    def take(self, handler, sender, recipients):
        lines = []
        while (line := handler.rfile.readline()) != b".\r\n":
            if not line:
                raise EOFError
            lines.append(line[1:] if line.startswith(b".") else line)
        self.keep(handler, sender, recipients, b"".join(lines))

    def keep(self, handler, sender, recipients, message):
        if self.lmtp:
            recipients = [one for one in recipients
                          if self.answer(handler, "body", "250 2.0.0 Taken")[0] == "2"]
        if self.lmtp or self.answer(handler, "body", "250 2.0.0 Taken")[0] == "2":
            with self.changed:
                self.mails.append((sender, recipients, message))
                self.changed.notify_all()

    def wait(self, count):
        """The mails, as soon as there are so many."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.mails) >= count, DEADLINE), self.commands
            return list(self.mails)


def name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".") if label) + b"\0"


def encode(kind, value):
    """A record's data."""
    if kind == MX:
        return struct.pack("!H", value[0]) + name(value[1])
    if kind == CNAME:
        return name(value)
    if kind == TXT:
        return b"".join(bytes([len(part)]) + part for part in
                        (value[n:n + 255].encode() for n in range(0, max(len(value), 1), 255)))
    if kind in (A, AAAA):
        return socket.inet_pton(socket.AF_INET if kind == A else socket.AF_INET6, value)
    return value


class Names:
    """A name server. RECORDS: (name, type) -> records: (preference, host), an address, a text, or octets. A name
    with none of them does not exist; a name in FAILING has no answer but SERVFAIL."""

    def __init__(self, records, failing=()):
        self.records = records
        self.failing = failing
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def close(self):
        self.socket.close()

    def serve(self):
        while True:
            try:
                question, client = self.socket.recvfrom(4096)
                self.socket.sendto(self.answer(question), client)
            except OSError:
                return

    def answer(self, question):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode().lower())
            at += 1 + question[at]
        asked = ".".join(labels)
        (kind,) = struct.unpack_from("!H", question, at + 1)
        return self.respond(question, asked, kind, question[12:at + 5])

    def respond(self, question, asked, kind, section):
        exists = any(owner == asked for owner, _ in self.records)
        rcode = 2 if asked in self.failing else 0 if exists else 3
        found = self.records.get((asked, kind), []) if rcode == 0 else []
        answers = b""
        for record in found:
            data = encode(kind, record)
            answers += b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data
        return (question[:2] + struct.pack("!HHHHH", 0x8180 | rcode, 1, len(found), 0, 0)
                + section + answers)
