# SPDX-License-Identifier: ISC
"""A program on a terminal of tmux's, driven by keys; and what the server has, seen by a connection beside it."""

import imaplib
import os
import re
import ssl
import subprocess
import sys
import time

HOST, PORT = os.environ["TRIAL_HOST"], int(os.environ["TRIAL_PORT"])
USER, PASSWORD, CA = os.environ["TRIAL_USER"], os.environ["TRIAL_PASSWORD"], os.environ["TRIAL_CA"]
FOLDER = os.environ["TRIAL_FOLDER"]


def until(condition, what, deadline=20):
    end = time.monotonic() + deadline
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline} s for {what}")
        time.sleep(0.1)


class Server:
    """What other clients see. IMAP of the server itself, so that the transcript is the program's."""

    def __init__(self, user=USER):
        self.client = imaplib.IMAP4(HOST, int(os.environ["TRIAL_STARTTLS"]))
        self.client.starttls(ssl.create_default_context(cafile=CA))
        self.client.login(user, PASSWORD)

    def flags(self, folder="INBOX"):
        """{subject: flags} of a folder."""
        self.client.select(f'"{folder}"', readonly=True)
        _, answer = self.client.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        found = {}
        for item in answer:
            if isinstance(item, tuple):
                flags = re.search(rb"FLAGS \(([^)]*)\)", item[0])[1].decode().split()
                found[item[1].decode(errors="replace").strip().removeprefix("Subject: ")] = set(flags) - {"\\Recent"}
        return found

    def has(self, subject, folder="INBOX"):
        return subject in self.flags(folder)

    def folders(self):
        return {line.decode().split(' "/" ')[1].strip('"') for line in self.client.list()[1]}


class Screen:
    def __init__(self, *command, **environment):
        self.name = f"trial{os.getpid()}"
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", "130", "-y", "45", "env", f"HOME={FOLDER}", "LC_ALL=C.UTF-8",
                  "TERM=screen", *(f"{name}={value}" for name, value in environment.items()), *command)
        self.checks = 0

    def tmux(self, *arguments):
        return subprocess.run(["tmux", "-L", self.name, *arguments], check=True, capture_output=True, text=True).stdout

    def text(self):
        return self.tmux("capture-pane", "-p")

    def keys(self, *keys):
        """Names of tmux's: Enter, C-x, Down; what is none is typed."""
        self.tmux("send-keys", *keys)

    def type(self, text, *keys):
        self.tmux("send-keys", "-l", text)
        if keys:
            self.keys(*keys)

    def wait(self, pattern, deadline=20):
        """Until the screen shows PATTERN."""
        try:
            until(lambda: re.search(pattern, self.text()), pattern, deadline)
        except (AssertionError, subprocess.CalledProcessError) as error:
            print(f"no {pattern} on the screen ({error}):\n{self.last()}")
            raise
        self.passed(f"shows {pattern}")

    def last(self):
        try:
            return self.text()
        except subprocess.CalledProcessError:
            return "(it has ended)"

    def check(self, what, condition, deadline=20):
        try:
            until(condition, what, deadline)
        except AssertionError:
            print(f"not so: {what}; the screen:\n{self.last()}")
            raise
        self.passed(what)

    def passed(self, what):
        self.checks += 1
        print(f"  {what}", flush=True)

    def end(self):
        try:
            self.tmux("kill-server")
        except subprocess.CalledProcessError:
            pass


def run(name, trial, screen):
    """Calls TRIAL(screen, server); says how it went, and exits."""
    try:
        trial(screen, Server())
        print(f"{name}: {screen.checks} checks passed")
    except AssertionError as error:
        print(f"{name}: FAILED after {screen.checks} checks: {error}")
        sys.exit(1)
    finally:
        screen.end()


def write(name, text, mode=0o600):
    path = os.path.join(FOLDER, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)
    return path
