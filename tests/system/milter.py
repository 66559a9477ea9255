# SPDX-License-Identifier: ISC
"""A milter that does as it is told, and notes what it hears."""

import socket
import struct
import threading

CONTINUE = [b"c"]


def string(text):
    return text.encode() + b"\0"


def add(name, value):
    return b"h" + string(name) + string(value)


def insert(index, name, value):
    return b"i" + struct.pack(">I", index) + string(name) + string(value)


def change(index, name, value):
    return b"m" + struct.pack(">I", index) + string(name) + string(value)


class Milter:
    """ANSWERS: command ("M", "E", ...) -> packets; None closes, [] says nothing. Others: continue.
    One that does not serve listens at PATH, and takes nobody; without one nobody listens at its port."""

    def __init__(self, answers=None, actions=0xff, steps=0, version=6, path=None, serves=True):
        self.answers = answers or {}
        self.options = struct.pack(">III", version, actions, steps)
        self.heard = []  # of the last mail: (command, data)
        self.macros = {}
        self.mails = 0
        self.path = path
        self.may_answer = threading.Event()  # to "E"
        self.may_answer.set()
        if path is None:
            self.socket = socket.socket()
            self.socket.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.bind(path)
            self.address = f"unix:{path}"
        if serves or path is not None:
            self.socket.listen(*([] if serves else [0]))
        if serves:
            self.serve()

    def serve(self):
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Nobody is served any more: who waits in accept() would hold the socket."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    def settings(self, more=""):
        return f'{{ address = "{self.address}"; {more} }}'

    def data(self, command):
        return [data for heard, data in self.heard if heard == command]

    def _serve(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(peer,), daemon=True).start()

    def _talk(self, peer):
        self.mails += 1
        self.heard, self.macros = [], {}
        with peer, peer.makefile("rb") as stream:
            while True:
                head = stream.read(5)
                if len(head) < 5:
                    return
                length, command = struct.unpack(">Ic", head)
                data = stream.read(length - 1)
                if not self._answer(peer, command.decode(), data):
                    return

    def _answer(self, peer, command, data):
        if command == "D":
            words = data[1:].split(b"\0")
            self.macros.update(zip(words[::2], words[1::2]))
            return True
        self.heard.append((command, data))
        if command in ("Q", "A"):
            return False
        if command == "E":
            self.may_answer.wait()
        packets = self.answers.get(command, [b"O" + self.options] if command == "O" else CONTINUE)
        if packets is None:
            return False
        for packet in packets:
            peer.sendall(struct.pack(">I", len(packet)) + packet)
        return True
