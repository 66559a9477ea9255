#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""mutt or neomutt: tests/trials/serve tests/trials/mutt.py [neomutt]"""

import sys

import screen
from screen import FOLDER, HOST, PASSWORD, PORT, USER

PROGRAM = sys.argv[1] if len(sys.argv) > 1 else "mutt"


def trial(on, server):
    on.wait("A plain mail")
    on.wait("Grüße, こんにちは")
    on.type("/~s plain", "Enter")
    on.keys("Enter")
    on.wait("rhubarb")
    on.keys("q", "$")
    on.check("read is \\Seen", lambda: "\\Seen" in server.flags()["A plain mail"])
    on.type("/~s HTML", "Enter")
    on.keys("Enter")
    on.wait("marmalade")
    on.keys("q")
    on.type("/~s attachment", "Enter")
    on.keys("v")
    on.wait("octets.bin")
    on.wait("notes.txt")
    on.keys("q")
    on.type("F")
    on.keys("$")
    on.check("\\Flagged", lambda: "\\Flagged" in server.flags()["With an attachment"])
    on.type("/~s Both", "Enter")
    on.type("C=Archive", "Enter")
    on.check("copied", lambda: server.has("Both kinds", "Archive"))
    on.check("and still there", lambda: server.has("Both kinds"))
    on.type("s=Projects", "Enter")
    on.keys("$")
    on.check("saved elsewhere", lambda: server.has("Both kinds", "Projects"))
    on.check("and gone", lambda: not server.has("Both kinds"))
    on.type("/~s Fwd", "Enter")
    on.keys("d", "$")
    on.check("deleted", lambda: not server.has("Fwd: a mail in a mail"))
    on.type("l=b café", "Enter")
    on.check("8 bit searched on the server", lambda: "Café" in on.text() and "HTML" not in on.text())
    on.type("lall", "Enter")
    on.type("l=b rhubarb", "Enter")
    on.check("searched on the server", lambda: "A plain mail" in on.text() and "HTML" not in on.text())
    on.type("lall", "Enter")
    on.type("os")
    on.wait("Lunch")
    on.type("ot")
    on.wait("└─?>|`->")
    on.type("c=Projects/Garden", "Enter")
    on.wait("Kept 4")
    if PROGRAM == "mutt":  # neomutt lists its own mailboxes there
        on.type("c?")
        on.wait("Garden|Projects")
        on.type("q")
    on.type("c=INBOX", "Enter")
    on.wait("A mail of HTML")
    on.keys("q")


muttrc = screen.write("muttrc", f"""
set folder = "imaps://{HOST}:{PORT}/"
set spoolfile = "imaps://{HOST}:{PORT}/INBOX"
set imap_user = "{USER}"
set imap_pass = "{PASSWORD}"
set certificate_file = "{screen.CA}"
set ssl_starttls = yes
set delete = yes
set confirmappend = no
set confirmcreate = no
set wait_key = no
set mail_check = 5
set imap_idle = yes
set imap_qresync = yes
set imap_condstore = yes
set header_cache = "{FOLDER}/cache"
set auto_tag = no
set quit = yes
set move = no
set trash = ""
set mailcap_path = "{FOLDER}/mailcap"
auto_view text/html
""")
screen.write("mailcap", "text/html; cat %s; copiousoutput\n")
screen.run(PROGRAM, trial, screen.Screen(PROGRAM, "-F", muttrc))
