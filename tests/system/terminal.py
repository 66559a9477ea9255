# SPDX-License-Identifier: ISC
"""posternctl on a terminal."""

import fcntl
import os
import pty
import subprocess
import termios

from conftest import DEADLINE, program


class Terminal:
    """posternctl on a terminal of its own."""

    def __init__(self, server, *arguments):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [program("posternctl"), "-f", server.configuration, "-L", server.libexec, *arguments],
            stdin=slave, stdout=slave, stderr=slave, close_fds=True, start_new_session=True,
            # Pass phrases are asked for on /dev/tty.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.said = ""

    def answer(self, question, text):
        """Waits for QUESTION at the end of what is shown, and types."""
        while not self.said.rstrip().endswith(question):
            self.said += os.read(self.master, 4096).decode()
        os.write(self.master, text.encode() + b"\n")
        self.said = ""

    def end(self):
        try:
            while chunk := os.read(self.master, 4096):
                self.said += chunk.decode()
        except OSError:
            pass
        os.close(self.master)
        return self.process.wait(DEADLINE)
