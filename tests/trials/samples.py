# SPDX-License-Identifier: ISC
"""What the mailbox of a trial holds: some mails of each kind that programs show differently."""

import email.message
import email.policy

POLICY = email.policy.SMTP


def message(number, subject, sender="Ann <ann@example.net>", parent=None):
    mail = email.message.EmailMessage(policy=POLICY)
    mail["From"] = sender
    mail["To"] = "Alice <alice@example.org>"
    mail["Subject"] = subject
    mail["Date"] = f"Mon, {number:02d} Feb 2025 10:00:00 +0100"
    mail["Message-ID"] = f"<{number}@example.net>"
    if parent:
        mail["In-Reply-To"] = f"<{parent}@example.net>"
        mail["References"] = f"<{parent}@example.net>"
    return mail


def plain():
    mail = message(1, "A plain mail")
    mail.set_content("The plain text with the word rhubarb.\n")
    return mail


def html():
    mail = message(2, "A mail of HTML", "Bert <bert@example.net>")
    mail.set_content("<html><body><h1>Heading</h1><p>Some <b>bold</b> marmalade.</p></body></html>\n", subtype="html")
    return mail


def alternative():
    mail = message(3, "Both kinds")
    mail.set_content("The plain side.\n")
    mail.add_alternative("<p>The HTML side.</p>\n", subtype="html")
    return mail


def attachment():
    mail = message(4, "With an attachment", "Cleo <cleo@example.net>")
    mail.set_content("See what is attached.\n")
    mail.add_attachment(bytes(range(256)) * 40, maintype="application", subtype="octet-stream", filename="octets.bin")
    mail.add_attachment("a text in a file\n", filename="notes.txt")
    return mail


def forwarded():
    mail = message(5, "Fwd: a mail in a mail")
    mail.set_content("Look at this.\n")
    mail.add_attachment(attachment())
    return mail


def unicode():
    mail = message(6, "Grüße, こんにちは", "Jürgen Groß <juergen@example.net>")
    mail.set_content("Übermäßig schöne Äpfel. こんにちは\n")
    return mail


def latin():
    return (b"From: Dora <dora@example.net>\r\nTo: alice@example.org\r\nSubject: =?iso-8859-1?Q?Caf=E9?=\r\n"
            b"Date: Fri, 07 Feb 2025 10:00:00 +0100\r\nMessage-ID: <7@example.net>\r\nMIME-Version: 1.0\r\n"
            b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\nUn caf\xe9.\r\n")


def thread():
    for number, parent in ((8, None), (9, 8), (10, 9), (11, 8)):
        mail = message(number, "Lunch" if parent is None else "Re: Lunch", parent=parent)
        mail.set_content(f"Line {number} of the talk.\n")
        yield mail


def bare():
    return b"Subject: no date, no sender\r\n\r\n"


def all_of_them():
    """(folder, flags, octets) in the order in which they are added; 12 in INBOX."""
    mails = [plain(), html(), alternative(), attachment(), forwarded(), unicode(), latin(), *thread(), bare()]
    for number, mail in enumerate(mails):
        octets = mail if isinstance(mail, bytes) else mail.as_bytes()
        yield "INBOX", r"(\Seen)" if number % 4 == 3 else "()", octets
    for number in range(5):
        mail = message(20 + number, f"Kept {number}")
        mail.set_content(f"Kept text {number}\n")
        yield "Projects/Garden", r"(\Seen)", mail.as_bytes()
