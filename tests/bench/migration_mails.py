# SPDX-License-Identifier: ISC
"""A Maildir++ of messages of all kinds, as Dovecot has it, the same for the same seed."""

import base64
import os
import quopri
import random

FOLDERS = ["", "Archive", "Archive.2019", "Archive.2019.Q&AOQ-", "Entw&APw-rfe", "&ZeVnLIqe-", "Gr&APwA3w-e &- Co", "Sent",
           "with space", 'quote"d', "&2D3eAA- smile", "deep.er.and.deep.er.still"]
KEYWORDS = ["$Forwarded", "$Label1", "Work", "NonJunk", "wichtig", "$MDNSent"]
LETTERS = "DFRST"
# Seconds: the first of the epoch, before the web, a leap day, the last of a summer time, today's, far ahead.
DATES = [1, 86399, 483840000, 951782400, 1130630400, 1700000000, 2147483646, 4102444799]
CHARSETS = {
    "iso-8859-1": "Ein Café, größer als früher", "windows-1252": "Preis: 5 € – „gut“", "koi8-r": "Доброе утро, товарищи",
    "shift_jis": "こんにちは世界", "big5": "你好世界", "utf-8": "Ünïcödé 😀 日本語", "iso-2022-jp": "日本語のメール",
    "gb18030": "简体中文", "iso-8859-7": "Καλημέρα", "utf-7": "Hi Mom ☺!", "euc-kr": "안녕하세요",
}
WORDS = "time people way water words long little very after called just where most know get through back much".split()


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.kinds = [self.plain, self.charset_raw, self.charset_encoded, self.attachment, self.nested, self.lf_only,
                      self.mixed_ends, self.no_header, self.header_only, self.odd_header, self.long_lines, self.broken_mime,
                      self.no_last_newline, self.bare_cr, self.octets, self.spaces, self.line_end]
        # mbsync leaves out what has no empty line: some of them are enough.
        rare = (self.no_header, self.header_only, self.line_end)
        self.weights = [1 if kind in rare else 10 for kind in self.kinds]

    def header(self, number, *more, end="\r\n"):
        day, month = self.random.randrange(1, 29), self.random.choice(["Jan", "Feb", "Aug", "Dec"])
        lines = [f"Return-Path: <sender{number}@example.net>", f"From: Sender {number} <sender{number}@example.net>",
                 "To: alice@example.org", f"Subject: Message {number} {self.random.choice(WORDS)}",
                 f"Date: {day} {month} {self.random.randrange(1990, 2030)} 10:11:12 +0100",
                 f"Message-ID: <{self.random.choice([number, number // 3])}@example.net>", *more]
        return (end.join(lines) + end + end).encode()

    def text(self, lines=None, end="\r\n"):
        count = lines or self.random.randrange(1, 40)
        return "".join(" ".join(self.random.choices(WORDS, k=9)) + end for _ in range(count)).encode()

    def plain(self, number):
        return self.header(number) + self.text()

    def charset_raw(self, number):
        charset, text = self.random.choice(list(CHARSETS.items()))
        octets = text.encode(charset, "replace")
        return (b"Subject: " + octets.replace(b"\r", b"").replace(b"\n", b"") + b"\r\n" +
                self.header(number, "MIME-Version: 1.0", f"Content-Type: text/plain; charset={charset}",
                            "Content-Transfer-Encoding: 8bit") + octets + b"\r\n")

    def charset_encoded(self, number):
        charset, text = self.random.choice(list(CHARSETS.items()))
        octets = text.encode(charset, "replace")
        word = f"=?{charset}?B?{base64.b64encode(octets).decode()}?="
        return self.header(number, f"X-Subject: {word}", "MIME-Version: 1.0", f"Content-Type: text/plain; charset={charset}",
                           "Content-Transfer-Encoding: quoted-printable") + quopri.encodestring(octets) + b"\r\n"

    def attachment(self, number):
        octets = self.random.randbytes(self.random.choice([10, 1000, 30000, 200000 if number % 50 == 0 else 5000]))
        return (self.header(number, "MIME-Version: 1.0", 'Content-Type: multipart/mixed; boundary="b"') +
                b"preamble\r\n--b\r\nContent-Type: text/plain\r\n\r\n" + self.text(3) +
                b"--b\r\nContent-Type: application/octet-stream; name*=utf-8''%C3%A4.bin\r\n"
                b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(octets).replace(b"\n", b"\r\n") + b"--b--\r\nepilogue\r\n")

    def nested(self, number):
        inner = self.attachment(number)
        return self.header(number, "MIME-Version: 1.0", 'Content-Type: multipart/digest; boundary="d"') + \
            b"--d\r\n\r\n" + inner + b"\r\n--d--\r\n"

    def lf_only(self, number):
        return self.header(number, end="\n") + self.text(end="\n")

    def mixed_ends(self, number):
        return self.header(number, end="\n") + self.text(2) + self.text(2, end="\n") + self.text(1)

    def no_header(self, number):
        return b"just a line of text, number %d\r\n" % number + self.text(2)

    def header_only(self, number):
        return self.header(number)[:-2]

    def odd_header(self, number):
        return (b"From nobody Mon Jan  1 00:00:00 2001\r\nSubject:\r\n folded\r\n\tagain %d\r\n: no name\r\nX-Empty:\r\nDate: yesterday"
                b"\r\nTo: \xff\xfe\x80raw\r\n no-colon\r\n\r\n" % number) + self.text(2)

    def long_lines(self, number):
        return self.header(number) + b"x" * self.random.choice([998, 1000, 8191, 8192, 70000]) + b"\r\n" + b"From here\r\n.\r\n..\r\n"

    def broken_mime(self, number):
        return self.header(number, 'Content-Type: multipart/mixed; boundary="never"') + b"--never\r\n\r\n" + self.text(2)

    def no_last_newline(self, number):
        return self.header(number) + b"the end has no newline"

    def bare_cr(self, number):
        return self.header(number) + b"a\rb\r\rc\r\n\r\r\n"

    def octets(self, number):
        return self.header(number) + bytes(range(1, 256)) + b"\r\n"

    def spaces(self, number):
        return self.header(number) + b" \r\n\r\n\r\n   trailing   \r\n\r\n"

    def line_end(self, number):
        return b"\r\n" if number % 2 else b"\n"

    def message(self, number):
        return self.random.choices(self.kinds, weights=self.weights)[0](number)


def write(folder, name, octets, date):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(octets)
    os.utime(path, (date, date))


def make(path, count, seed):
    """COUNT messages in a new Maildir++ at PATH. Every tenth is there twice, some with another date."""
    maker = Maker(seed)
    choose = maker.random
    folders = []
    for name in FOLDERS:
        folder = os.path.join(path, "." + name if name else "")
        folders.append(folder)
        for sub in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(folder, sub), exist_ok=True)
        with open(os.path.join(folder, "dovecot-keywords"), "w", encoding="ascii") as file:
            file.writelines(f"{index} {keyword}\n" for index, keyword in enumerate(KEYWORDS))
    with open(os.path.join(path, "subscriptions"), "w", encoding="ascii") as file:
        file.write("V\t2\n\n" + "".join(name.replace(".", "\t") + "\n" for name in FOLDERS[1:6]))
    last, names = None, {folder: [] for folder in folders}
    for number in range(count):
        again = number % 10 == 9
        if not again:
            last = (maker.message(number), choose.choice(DATES) if number % 7 == 0 else 1000000000 + number * 60)
        octets, date = last
        letters = "".join(sorted(choose.sample(LETTERS, choose.randrange(4)))) + \
            "".join(sorted(choose.sample("abcdef"[:len(KEYWORDS)], choose.choice([0, 0, 1, 2, 6]))))
        folder = choose.choices(folders, weights=[6] + [1] * (len(folders) - 1))[0] if not again else folder
        names[folder].append(number)
        name = f"{1000000000 + number}.M{number}P1.example"
        if number % 13 == 0:
            write(os.path.join(folder, "new"), name, octets, date)
        else:
            write(os.path.join(folder, "cur"), f"{name}:2,{letters}", octets, date + (3600 if number % 20 == 19 else 0))
    for index, folder in enumerate(folders):
        with open(os.path.join(folder, "dovecot-uidlist"), "w", encoding="ascii") as file:
            file.write(f"3 V{1400000000 + index} N{3 * count}\n")
            file.writelines(f"{2 * place + 7} :{1000000000 + number}.M{number}P1.example\n"
                            for place, number in enumerate(names[folder]))
