#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""offlineimap and getmail6, which fetch (offlineimap brings back too): tests/trials/serve tests/trials/fetchers.py"""

import os
import subprocess
import sys

from screen import CA, FOLDER, HOST, PASSWORD, PORT, USER, Server, until, write


def run(*command):
    result = subprocess.run(command, env={**os.environ, "HOME": FOLDER}, capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, f"{command}: {result.stdout[-2000:]}{result.stderr[-2000:]}"


def messages(*path):
    return [os.path.join(FOLDER, *path, sub, name) for sub in ("cur", "new")
            for name in sorted(os.listdir(os.path.join(FOLDER, *path, sub)))]


def offlineimap(server):
    rc = write("offlineimaprc", f"""[general]
accounts = a
ui = quiet
metadata = {FOLDER}/offlineimap
[Account a]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = {FOLDER}/offline
[Repository far]
type = IMAP
remotehost = {HOST}
remoteport = {PORT}
remoteuser = {USER}
remotepass = {PASSWORD}
ssl = yes
sslcacertfile = {CA}
""")
    run("offlineimap", "-o", "-c", rc)
    assert len(messages("offline", "INBOX")) == 12 and len(messages("offline", "Projects.Garden")) == 5
    with open(os.path.join(FOLDER, "offline", "INBOX", "new", "1.fresh:2,"), "wb") as file:
        file.write(b"From: a@example.net\nSubject: fresh\n\nnew here\n")
    gone = next(path for path in messages("offline", "INBOX") if b"A mail of HTML" in open(path, "rb").read())
    os.unlink(gone)
    read = next(path for path in messages("offline", "INBOX") if b"Caf=E9" in open(path, "rb").read())
    os.rename(read, os.path.join(FOLDER, "offline", "INBOX", "cur", os.path.basename(read).split(":")[0] + ":2,FS"))
    run("offlineimap", "-o", "-c", rc)
    until(lambda: server.has("fresh"), "the new one to come")
    flags = server.flags()
    assert "A mail of HTML" not in flags and flags["=?iso-8859-1?Q?Caf=E9?="] == {"\\Seen", "\\Flagged"}
    print("offlineimap: 12 and 5 messages, one brought back, one deleted, flags changed")


def getmail(server):
    for sub in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(FOLDER, "got", sub))
    rc = write("getmailrc", f"""[retriever]
type = SimpleIMAPSSLRetriever
server = {HOST}
port = {PORT}
username = {USER}
password = {PASSWORD}
ca_certs = {CA}
mailboxes = ("Projects/Garden", "INBOX")
[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat >{FOLDER}/got/cur/$$")
allow_root_commands = true
[options]
delete = true
message_log = {FOLDER}/getmail.log
""")
    wanted = len(server.flags()) and len(server.client.search(None, "ALL")[1][0].split()) + 5
    run("getmail", f"--getmaildir={FOLDER}", f"--rcfile={rc}")
    assert len(messages("got")) == wanted, f"{len(messages('got'))} came, not {wanted}"
    server.client.select("INBOX")
    assert server.client.search(None, "ALL")[1] == [b""]
    run("getmail", f"--getmaildir={FOLDER}", f"--rcfile={rc}")
    assert len(messages("got")) == wanted
    print(f"getmail6: {wanted} messages, deleted on the server; a second time none")


if __name__ == "__main__":
    offlineimap(Server())
    getmail(Server())
    sys.exit(0)
