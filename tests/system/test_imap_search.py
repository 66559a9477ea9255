# SPDX-License-Identifier: ISC
"""SEARCH, SORT and THREAD (RFC 9051 6.4.4, RFC 5256 and their extensions), and the same by a plain scan."""

import base64
import contextlib
import imaplib
import os
import random
import re
import shutil
import sqlite3
import unicodedata

import pytest

from conftest import DOMAIN, HOST, PASSWORD, wait_for
from imap_client import Imap


@pytest.fixture
def server(fresh_account):
    return fresh_account


@pytest.fixture
def imap(server):
    with Imap(server) as client:
        yield client


def message(subject="s", body="b", sender="a@x", date="Mon, 7 Feb 1994 21:52:25 -0800", more=""):
    return (f"From: {sender}\r\nTo: bob@x\r\nSubject: {subject}\r\nDate: {date}\r\n{more}\r\n{body}\r\n").encode()


def numbers(lines, what=b"SEARCH"):
    line, = [line for line in lines if line.startswith(what)]
    return [int(n) for n in line[len(what):].split()]


@pytest.fixture
def three(imap):
    imap.append(message("one", "Hello World"), options="(\\Seen work)")
    imap.append(message("=?utf-8?Q?Gr=C3=BC=C3=9Fe?=", "bye", "=?iso-8859-1?q?J=FCrgen?= <j@y>"),
                options="(\\Flagged)")
    imap.append(message("Re: one", "third", more="Message-ID: <3@x>\r\n"))
    imap.select()
    return imap


@pytest.mark.parametrize("program, found", [
    ("ALL", [1, 2, 3]), ("SEEN", [1]), ("NOT SEEN FLAGGED", [2]), ("KEYWORD work", [1]), ("2:*", [2, 3]),
    ("BODY hello", [1]), ("TEXT one", [1, 3]), ("SUBJECT one", [1, 3]), ("FROM j@", [2]), ("HEADER message-id 3@x", [3]),
    ("OR BODY bye BODY third", [2, 3]), ("SENTON 7-Feb-1994", [1, 2, 3]), ("SINCE 1-Jan-2020", [1, 2, 3]),
    ("BEFORE 1-Jan-2020", []), ("LARGER 1000", []), ("MODSEQ 1 SEEN", None), ("YOUNGER 1000", [1, 2, 3]), ("OLDER 1000", []),
    ("CHARSET UTF-8 SUBJECT {7+}\r\ngr\xc3\xbc\xc3\x9fe", [2]),
    ("CHARSET ISO-8859-1 FROM {3+}\r\nj\xfcr", [2]), ("SUBJECT {7+}\r\nGR\xc3\x9cSSE", [2]),
])
def test_programs(three, program, found):
    lines = three.do(b"SEARCH " + program.encode("latin-1"))
    if found is None:
        assert re.fullmatch(rb"SEARCH 1 \(MODSEQ \d+\)", lines[-1])
    else:
        assert numbers(lines) == found


def test_results(three):
    uids = numbers(three.do("UID SEARCH ALL"))
    assert len(uids) == 3
    line, = three.do("SEARCH RETURN (MIN MAX COUNT ALL) UNSEEN")
    assert line.endswith(b" MIN 2 MAX 3 COUNT 2 ALL 2:3")
    line, = three.do("UID SEARCH RETURN () ALL")
    assert line.endswith(b") UID ALL %d:%d" % (uids[0], uids[2]))
    line, = three.do("SEARCH RETURN (COUNT MIN) DELETED")
    assert line.endswith(b") COUNT 0")
    line, = three.do("SEARCH RETURN (PARTIAL 2:10) ALL")
    assert line.endswith(b") PARTIAL (2:10 2:3)")
    line, = three.do("SEARCH RETURN (PARTIAL -1:-2) ALL")
    assert line.endswith(b") PARTIAL (-1:-2 2:3)")
    line, = three.do("SEARCH RETURN (PARTIAL 5:6) ALL")
    assert line.endswith(b") PARTIAL (5:6 NIL)")


def test_saved(three):
    assert three.do("SEARCH RETURN (SAVE) UNSEEN") == []
    assert numbers(three.do("SEARCH $")) == [2, 3]
    assert numbers(three.do("SEARCH UID $ NOT FLAGGED")) == [3]
    three.do("SEARCH RETURN (SAVE MIN) ALL")
    assert numbers(three.do("SEARCH $")) == [1]
    three.do("STORE $ +FLAGS (\\Deleted)")
    assert numbers(three.do("SEARCH DELETED")) == [1]
    three.no("SEARCH RETURN (SAVE) CHARSET KLINGON ALL", "BADCHARSET")
    assert numbers(three.do("SEARCH $")) == []
    three.select()
    assert numbers(three.do("SEARCH $")) == []


def test_rev2(three):
    three.do("ENABLE IMAP4rev2")
    line, = three.do("SEARCH SEEN")
    assert re.fullmatch(rb'ESEARCH \(TAG "a\d+"\) ALL 1', line)


def test_sort(three):
    assert numbers(three.do("SORT (SUBJECT REVERSE ARRIVAL) UTF-8 ALL"), b"SORT") in ([2, 3, 1], [2, 1, 3])
    assert numbers(three.do("SORT (SIZE) UTF-8 ALL"), b"SORT")[0] in (1, 2, 3)
    assert numbers(three.do("SORT (REVERSE FROM) UTF-8 ALL"), b"SORT") == [2, 1, 3]
    assert numbers(three.do("SORT (DISPLAYFROM) UTF-8 ALL"), b"SORT") == [1, 3, 2]
    line, = three.do("SORT RETURN (MIN ALL COUNT) (REVERSE FROM) UTF-8 ALL")
    assert line.endswith(b" MIN 2 COUNT 3 ALL 2,1,3")
    assert three.do("SORT (DATE) UTF-8 DELETED") == [b"SORT"]
    three.no("SORT (DATE) KLINGON ALL", "BADCHARSET")


def test_thread(three):
    assert three.do("THREAD REFERENCES UTF-8 ALL") == [b"THREAD (1 3)(2)"]
    assert three.do("THREAD ORDEREDSUBJECT UTF-8 ALL") == [b"THREAD (1 3)(2)"]
    assert three.do("THREAD REFERENCES UTF-8 DELETED") == [b"THREAD"]


def test_uidonly(three):
    three.do("ENABLE UIDONLY")
    assert "UIDREQUIRED" in three.bad("SEARCH ALL")
    assert "UIDREQUIRED" in three.bad("UID SEARCH 1:2")
    assert len(numbers(three.do("UID SEARCH ALL"))) == 3


def test_others_go_on(server, three):
    """A message that another one expunges meanwhile keeps its number in a search without UID."""
    with Imap(server) as other:
        other.select()
        other.do("STORE 1 +FLAGS (\\Deleted)")
        other.do("EXPUNGE")
    assert numbers(three.do("SEARCH SUBJECT one")) == [3]
    lines = three.do("UID SEARCH SUBJECT one")
    assert any(line.endswith(b"EXPUNGE") for line in lines)


WORDS = ["Hello", "Straße", "GRÜSSE", "naïve", "Привет", "мир", "こんにちは", "世界", "안녕", "你好", "ab", "x", "Ångström", "ﬁne"]
CHARSETS = {"utf-8": None, "iso-8859-1": None, "windows-1252": None, "koi8-r": None, "windows-1251": None, "iso-2022-jp": None,
            "shift_jis": None, "euc-jp": None, "euc-kr": None, "gb18030": None, "big5": None, "utf-16": None, "utf-7": None}


def fold(text):
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())


def generate(choice, many):
    """(octets, {field: text}, body) of mails in all charsets and encodings."""
    for i in range(many):
        charset = choice.choice(sorted(CHARSETS))
        words = []
        for word in choice.choices(WORDS, k=6):
            try:
                word.encode(charset)
                words.append(word)
            except UnicodeEncodeError:
                pass
        words = words or ["Hello"]
        subject, body = " ".join(words[:3]), " ".join(words)
        encoding = choice.choice(["base64", "quoted-printable", "8bit"] if charset not in ("utf-16", "utf-7") else ["base64"])
        raw = body.encode(charset)
        coded = {"base64": lambda: base64.encodebytes(raw).replace(b"\n", b"\r\n"), "8bit": lambda: raw + b"\r\n",
                 "quoted-printable": lambda: "".join(f"={o:02X}" for o in raw).encode() + b"\r\n"}[encoding]()
        word = base64.b64encode(subject.encode(charset)).decode()
        head = (f"From: u{i}@x\r\nSubject: =?{charset}?B?{word}?=\r\nContent-Type: text/plain; charset={charset}\r\n"
                f"Content-Transfer-Encoding: {encoding}\r\n\r\n").encode()
        yield head + coded, subject, body


def wait_for_index(server, folder, mails):
    """What came by APPEND is indexed as what is delivered, some time after."""
    def indexed():
        for name in ("search.db", "search.db-wal"):  # copied: the session has it for itself
            if not os.path.exists(f"{path}/{name}"):
                return False
            shutil.copyfile(f"{path}/{name}", f"{folder}/{name}")
        try:
            with contextlib.closing(sqlite3.connect(f"{folder}/search.db")) as db:
                return db.execute("SELECT rows FROM state").fetchone()[0] == mails
        except sqlite3.DatabaseError:  # half copied
            return False

    path = os.path.join(server.state, "mail", DOMAIN, server.user)
    wait_for(indexed, "the index")


@pytest.mark.parametrize("indexed", (False, True))
def test_as_a_plain_scan(server, imap, indexed, tmp_path):
    choice = random.Random(4)
    mails = list(generate(choice, 120))
    for octets, _, _ in mails:
        imap.append(octets)
    imap.select()
    if indexed:
        wait_for_index(server, tmp_path, len(mails))
    for word in WORDS + ["hel", "strasse", "grüsse", "при", "にちは", "ab x", "ngstr", "zzz"]:
        octets = word.encode()
        for key, where in (("SUBJECT", 1), ("BODY", 2)):
            expected = [i + 1 for i, mail in enumerate(mails) if fold(word) in fold(mail[where])]
            got = numbers(imap.do(b"SEARCH CHARSET UTF-8 %s {%d+}\r\n%s" % (key.encode(), len(octets), octets)))
            assert got == expected, (key, word, set(got) ^ set(expected))


def test_imaplib(server, three):
    client = imaplib.IMAP4_SSL(HOST, server.ports["imaps"], ssl_context=server.context())
    client.login(f"{server.user}@{DOMAIN}", PASSWORD)
    client.select()
    assert client.search(None, "BODY", "hello") == ("OK", [b"1"])
    assert client.uid("SEARCH", "SUBJECT", "one")[0] == "OK"
    assert client.sort("FROM", "UTF-8", "ALL") == ("OK", [b"1 3 2"])
    assert client.thread("REFERENCES", "UTF-8", "ALL") == ("OK", [b"(1 3)(2)"])
    client.logout()
