# SPDX-License-Identifier: ISC
"""A server whose processes have a disk that is full, or a clock that is set, when a test says so (faults.c)."""

import ctypes
import mmap
import os
import struct
import subprocess

from conftest import build

NEVER = (1 << 63) - 1
PROGRAMS = ("postern-worker", "postern-gate", "postern-relay", "postern-filter", "postern-certd", "postern-verify")


class Faults:
    """In FOLDER, for processes of ROLES (all programs there are: each one's first argument is its role).

    `libexec` is what the server is to be started with."""

    def __init__(self, folder, roles):
        self.libexec = os.path.join(folder, "libexec")
        library, page = os.path.join(folder, "faults.so"), os.path.join(folder, "page")
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "faults.c")
        subprocess.run([os.environ.get("CC", "cc"), "-std=gnu17", "-O1", "-w", "-shared", "-fPIC", "-o", library, source,
                        "-ldl"], check=True)
        with open(page, "wb") as file:
            file.write(struct.pack("=qqqq", 0, NEVER, NEVER, 0))
        os.chmod(page, 0o666)
        with open(page, "r+b") as file:
            self.page = mmap.mmap(file.fileno(), struct.calcsize("=qqqq"))
        os.mkdir(self.libexec)
        os.chmod(self.libexec, 0o755)
        for name in PROGRAMS:
            real, path = os.path.join(build(), name), os.path.join(self.libexec, name)
            if not os.path.exists(real):
                continue
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"#!/bin/sh\ncase $1 in {'|'.join(roles)}) export LD_PRELOAD={library} POSTERN_FAULTS={page};; "
                           f"esac\nexec {real} \"$@\"\n")
            os.chmod(path, 0o755)

    def _cell(self, number):
        return ctypes.c_int64.from_buffer(self.page, 8 * number)

    def set_clock(self, seconds):
        """So many seconds ahead of the real one."""
        self._cell(0).value = seconds

    def fill_disk(self, after):
        """There is room for so many writes."""
        self._cell(1).value = after

    def fail_sync(self, which):
        """1: the next one."""
        self._cell(2).value = which

    def failed(self):
        """How many calls have, since the last time that it healed."""
        return self._cell(3).value

    def heal(self):
        """There is room again; how many calls had failed."""
        self._cell(1).value = self._cell(2).value = NEVER
        failed, self._cell(3).value = self._cell(3).value, 0
        return failed
