#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""alpine: tests/trials/serve tests/trials/alpine.py"""

import os

import screen
from screen import CA, FOLDER, HOST, PASSWORD, PORT, USER


def go_to(on, subject):
    """To the line with SUBJECT."""
    on.keys("w")
    on.wait("Word to (find|search)")
    on.type(subject, "Enter")


def trial(on, server):
    on.wait("PASSWORD|Password|password")
    on.type(PASSWORD, "Enter")
    on.wait("Preserve password")
    on.keys("n")
    on.wait("A plain mail")
    go_to(on, "plain")
    on.keys("Enter")
    on.wait("rhubarb")
    on.keys("<")
    on.check("read is \\Seen", lambda: "\\Seen" in server.flags()["A plain mail"])
    go_to(on, "HTML")
    on.keys("Enter")
    on.wait("marmalade")
    on.keys("<")
    go_to(on, "attachment")
    on.keys("Enter")
    on.wait("Application/OCTET-STREAM 10 KB")
    on.keys("<")
    on.wait("MESSAGE INDEX")
    on.keys("*")
    on.wait("Flag New")
    on.keys("*")
    on.check("\\Flagged", lambda: "\\Flagged" in server.flags()["With an attachment"])
    go_to(on, "Both")
    on.keys("s")
    on.wait("SAVE")
    on.keys("C-u")
    on.type("Archive", "Enter")
    on.check("saved elsewhere", lambda: server.has("Both kinds", "Archive"))
    on.check("marked deleted", lambda: "\\Deleted" in server.flags()["Both kinds"])
    go_to(on, "Fwd")
    on.keys("d")
    on.check("deleted", lambda: "\\Deleted" in server.flags()["Fwd: a mail in a mail"])
    on.keys("x")
    on.check("expunged", lambda: not server.has("Both kinds") and not server.has("Fwd: a mail in a mail"))
    # Select the text of all, which the server searches; zoom in.
    on.keys("\\;")  # tmux takes a lone one for itself
    on.wait("SELECT|Select")
    on.keys("t")
    on.wait("Text|text")
    on.keys("a")
    on.wait("to match")
    on.type("marmalade", "Enter")
    on.wait("1 message|Selected|selected")
    on.check("found", lambda: "A mail of HTML" in on.text() and "A plain mail" not in on.text())
    on.keys("z")
    # Sort by subject, then threads.
    on.keys("$")
    on.wait("SORT|Sort|sort")
    on.keys("s")
    on.wait("A plain mail")
    on.keys("$")
    on.wait("SORT|Sort|sort")
    on.keys("h")
    on.wait("Lunch")
    # Folders.
    on.keys("l")
    on.wait("Projects|COLLECTION")
    on.keys("q")


# c-client knows no other file of authorities than OpenSSL's.
server_name = f"{HOST}:{PORT}/ssl/user={USER}"
rc = screen.write(".pinerc", f"""
personal-name=Alice
inbox-path={{{server_name}}}INBOX
folder-collections=Mail {{{server_name}}}[]
incoming-archive-folders=
initial-keystroke-list=i
feature-list=enable-msg-view-urls,enable-flag-cmd,enable-aggregate-command-set,enable-full-header-cmd,quit-without-confirm,expunge-without-confirm-everywhere
last-time-prune-questioned=126.11
last-version-used=9.99
user-domain=example.org
""")
os.makedirs(f"{FOLDER}/mail", exist_ok=True)
screen.run("alpine", trial, screen.Screen("alpine", "-p", rc, SSL_CERT_FILE=CA))
