#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""aerc: tests/trials/serve tests/trials/aerc.py"""

from urllib.parse import quote

import screen
from screen import CA, HOST, PASSWORD, PORT, USER


def command(on, text):
    on.type(":" + text, "Enter")


def filter_by(on, words, subject, other):
    """The server searches; only what was found is listed."""
    command(on, "clear")
    on.wait(other)
    command(on, "filter " + words)
    on.check(f"filtered by {words}", lambda: subject in on.text() and other not in on.text())
    command(on, "select 0")


def trial(on, server):
    on.wait("Archive")
    on.wait("Projects")
    on.wait("A plain mail")
    on.wait("Grüße, こんにちは")
    filter_by(on, "plain", "A plain mail", "A mail of HTML")
    command(on, "view")
    on.wait("rhubarb")
    on.check("read is \\Seen", lambda: "\\Seen" in server.flags()["A plain mail"])
    command(on, "close")
    filter_by(on, "HTML", "A mail of HTML", "A plain mail")
    command(on, "view")
    on.wait("marmalade|text/html")
    command(on, "close")
    filter_by(on, "attachment", "With an attachment", "A plain mail")
    command(on, "view")
    on.wait("octets.bin")
    command(on, "next-part")
    command(on, f"save -f {screen.FOLDER}/octets.bin")
    on.check("the attachment", lambda: open_octets() == bytes(range(256)) * 40)
    command(on, "close")
    command(on, "flag")
    on.check("\\Flagged", lambda: "\\Flagged" in server.flags()["With an attachment"])
    command(on, "unread")
    on.check("not \\Seen", lambda: "\\Seen" not in server.flags()["With an attachment"])
    command(on, "copy Archive")
    on.check("copied", lambda: server.has("With an attachment", "Archive"))
    on.check("and still there", lambda: server.has("With an attachment"))
    command(on, "move Projects")
    on.check("moved", lambda: server.has("With an attachment", "Projects"))
    on.check("and gone", lambda: not server.has("With an attachment"))
    filter_by(on, "Fwd", "Fwd: a mail in a mail", "A plain mail")
    command(on, "delete")
    on.check("deleted", lambda: not server.has("Fwd: a mail in a mail"))
    filter_by(on, "-b rhubarb", "A plain mail", "A mail of HTML")
    command(on, "clear")
    command(on, "sort subject")
    on.check("sorted", lambda: first(on, "A mail of HTML", "Lunch"))
    command(on, "sort -r subject")
    on.check("and the other way", lambda: first(on, "Lunch", "A mail of HTML"))
    command(on, "toggle-threads")
    on.wait("└─>|├─>|└─|│")
    command(on, "cf Projects/Garden")
    on.wait("Kept 4")
    command(on, "mkdir Projects/New")
    on.check("a new folder", lambda: "Projects/New" in server.folders())
    command(on, "quit")


def open_octets():
    try:
        with open(f"{screen.FOLDER}/octets.bin", "rb") as file:
            return file.read()
    except OSError:
        return b""


def first(on, one, other):
    text = on.text()
    return one in text and other in text and text.index(one) < text.index(other)


screen.write(".config/aerc/accounts.conf", f"""[Trial]
source = imaps://{quote(USER)}:{quote(PASSWORD)}@{HOST}:{PORT}
from = Alice <{USER}>
default = INBOX
copy-to = Sent
""")
screen.write(".config/aerc/aerc.conf", "[general]\nlog-file = ~/log\nlog-level = trace\n[filters]\ntext/plain = cat\ntext/html = cat\n[ui]\n"
             "threading-enabled = false\n")
on_screen = screen.Screen("aerc", SSL_CERT_FILE=CA, XDG_CONFIG_HOME=f"{screen.FOLDER}/.config")
screen.run("aerc", trial, on_screen)
