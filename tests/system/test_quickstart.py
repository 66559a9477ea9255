# SPDX-License-Identifier: ISC
"""etc/quickstart.py, the part of ./quickstart behind the build: a server in a folder, made and started again."""

import os
import re
import shutil
import signal
import subprocess
import sys

import pytest

from conftest import DEADLINE, build, free_ports

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "etc")
# Ports of ours in place of its own, which others of these tests would want as well.
SCRIPT = """
import sys
sys.path.insert(0, sys.argv.pop(1))
import quickstart
quickstart.PORTS = {name: int(sys.argv.pop(1)) for name in quickstart.PORTS}
quickstart.main()
"""
PORTS = 7


@pytest.fixture
def quickstart(folder):
    """Runs it until it is up; what it printed. It is ended by Ctrl-C after the test."""
    running = []
    ports = [str(port) for port in free_ports(PORTS)]

    def run():
        process = subprocess.Popen([sys.executable, "-B", "-c", SCRIPT, FOLDER, *ports, build(), os.path.join(folder, "data")],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        running.append(process)
        text = ""
        while not text.endswith("Ctrl-C ends it.\n"):
            line = process.stdout.readline()
            assert line, text
            text += line
        return text

    def end():
        process = running.pop()
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=DEADLINE)
        assert process.returncode == 0, said

    run.end = end
    yield run
    while running:
        end()


def forget_user(path, role):
    """The data of a version without that role is as good."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(re.sub(rf"\b{role} = \d+;", "", text))


def test_twice_with_the_same_data(quickstart, folder):
    first = quickstart()
    assert re.findall(r"^(\d)\. ", first, re.M) == list("12345")
    assert re.search(r"^5\. The mailbox holds 1 mail\.", first, re.M)
    quickstart.end()
    forget_user(os.path.join(folder, "data", "postern.conf"), "filter")
    second = quickstart()
    assert re.search(r"^5\. The mailbox holds 2 mails\.", second, re.M)
    password = re.search(r"password +(\S+)", first)[1]
    assert re.search(r"password +(\S+)", second)[1] == password
    # What it says of curl is true.
    command = re.search(r"^  curl .*--user '([^']+)' (pop3s:\S+)$", second, re.M)
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    mail = subprocess.run(["curl", "-s", "--insecure", "--user", command[1], command[2]], capture_output=True,
                          check=True, timeout=DEADLINE)
    assert b"Subject: Welcome to Postern" in mail.stdout
