# SPDX-License-Identifier: ISC
"""Searches whose results are kept up to date (RFC 5267, CONTEXT=SEARCH and CONTEXT=SORT)."""

import random
import re

import pytest

from imap_client import Imap


@pytest.fixture
def server(fresh_account):
    return fresh_account


@pytest.fixture
def imap(server):
    with Imap(server) as client:
        for n in range(1, 5):
            client.append(message(f"s{n}"))
        client.select()
        yield client


@pytest.fixture
def other(server):
    with Imap(server) as client:
        client.select()
        yield client


def message(subject, body="b"):
    return f"From: a@x\r\nSubject: {subject}\r\n\r\n{body}\r\n"


def heads(lines):
    """What was told, in its order, shortened."""
    return [re.sub(rb"FETCH .*", b"FETCH", line.removeprefix(b"* ")).decode() for line in lines
            if b"RECENT" not in line and not line.startswith((b"* FLAGS", b"FLAGS", b"OK [PERM"))]


def test_flags_of_others(imap, other):
    tag = imap.begin("SEARCH RETURN (UPDATE COUNT) FLAGGED")
    assert imap.end(tag)[2] == [f'* ESEARCH (TAG "{tag}") COUNT 0'.encode()]
    other.do("STORE 2:3 +FLAGS.SILENT (\\Flagged)")
    assert heads(imap.do("NOOP")) == ["2 FETCH", "3 FETCH", f'ESEARCH (TAG "{tag}") ADDTO (0 2:3)']
    other.do("STORE 2 -FLAGS.SILENT (\\Flagged)")
    other.do("STORE 4 +FLAGS.SILENT (\\Flagged)")
    assert heads(imap.do("NOOP")) == ["2 FETCH", "4 FETCH", f'ESEARCH (TAG "{tag}") REMOVEFROM (0 2) ADDTO (0 4)']
    # What changes nothing in the result is not told.
    other.do("STORE 1,4 +FLAGS.SILENT (\\Seen)")
    assert heads(imap.do("NOOP")) == ["1 FETCH", "4 FETCH"]


def test_own_changes(imap):
    tag = imap.begin("UID SEARCH RETURN (UPDATE) DELETED")
    assert imap.end(tag)[2] == [f'* ESEARCH (TAG "{tag}") UID'.encode()]
    assert heads(imap.do("STORE 1:2 +FLAGS (\\Deleted)")) == ["1 FETCH", "2 FETCH", f'ESEARCH (TAG "{tag}") UID ADDTO (0 1:2)']
    assert heads(imap.do("STORE 3 +FLAGS.SILENT (\\Deleted)")) == [f'ESEARCH (TAG "{tag}") UID ADDTO (0 3)']
    # Before the numbers are gone.
    assert heads(imap.do("EXPUNGE")) == [f'ESEARCH (TAG "{tag}") UID REMOVEFROM (0 1:3)',
                                         "1 EXPUNGE", "1 EXPUNGE", "1 EXPUNGE"]


def test_new_ones(imap, other, server):
    tag = imap.begin('SEARCH RETURN (UPDATE ALL) SUBJECT "find me"')
    imap.end(tag)
    idle = imap.begin("IDLE")
    assert imap.response().startswith(b"+")
    with server.smtp() as smtp:
        smtp.sendmail("bob@example.net", [f"{server.user}@example.org"], message("please find me").encode())
    assert imap.response() == b"* 5 EXISTS"
    assert imap.response().endswith(b"RECENT")
    assert imap.response() == f'* ESEARCH (TAG "{tag}") ADDTO (0 5)'.encode()
    imap.send("DONE\r\n")
    imap.end(idle)
    other.append(message("not so"))
    assert heads(imap.do("NOOP")) == ["6 EXISTS"]


def test_numbers_are_those_before_the_expunge(imap, other):
    tag = imap.begin("SEARCH RETURN (UPDATE) ALL")
    imap.end(tag)
    other.do("STORE 2:3 +FLAGS.SILENT (\\Deleted)")
    other.do("EXPUNGE")
    lines = imap.do("NOOP")
    assert heads(lines) == [f'ESEARCH (TAG "{tag}") REMOVEFROM (0 2:3)', "2 EXPUNGE", "2 EXPUNGE"]


def test_numbers_in_the_program_are_those_of_its_time(imap, other):
    tag = imap.begin("UID SEARCH RETURN (UPDATE) 2:3 FLAGGED")
    imap.end(tag)
    other.do("STORE 1 +FLAGS.SILENT (\\Deleted)")
    other.do("EXPUNGE")
    other.do("UID STORE 4 +FLAGS.SILENT (\\Flagged)")  # number 3 now, and not then
    assert heads(imap.do("NOOP")) == ["1 EXPUNGE", "3 FETCH"]
    other.do("UID STORE 2 +FLAGS.SILENT (\\Flagged)")
    assert heads(imap.do("NOOP")) == ["1 FETCH", f'ESEARCH (TAG "{tag}") UID ADDTO (0 2)']


def test_sorted(imap, other):
    tag = imap.begin("UID SORT RETURN (UPDATE ALL) (REVERSE SUBJECT) UTF-8 NOT DELETED")
    assert imap.end(tag)[2] == [f'* ESEARCH (TAG "{tag}") UID ALL 4,3,2,1'.encode()]
    other.append(message("s25"))
    assert heads(imap.do("NOOP"))[-1] == f'ESEARCH (TAG "{tag}") UID ADDTO (3 5)'
    other.do("STORE 4,1 +FLAGS.SILENT (\\Deleted)")
    assert heads(imap.do("NOOP"))[-1] == f'ESEARCH (TAG "{tag}") UID REMOVEFROM (5 1 1 4)'
    other.do("STORE 1 -FLAGS.SILENT (\\Deleted)")
    assert heads(imap.do("NOOP"))[-1] == f'ESEARCH (TAG "{tag}") UID ADDTO (4 1)'


def apply(results, line, is_sorted):
    """What a client does with a response."""
    for what, pairs in re.findall(rb"(ADDTO|REMOVEFROM) \(([^)]*)\)", line):
        words = pairs.decode().split()
        for position, text in zip(words[::2], words[1::2]):
            uids = []
            for piece in text.split(","):
                first, _, last = piece.partition(":")
                uids += range(int(first), int(last or first) + 1)
            for uid in uids:
                if what == b"REMOVEFROM":
                    if is_sorted:
                        assert results[int(position) - 1] == uid
                    results.remove(uid)
                elif is_sorted:
                    results.insert(int(position) - 1, uid)
                else:
                    results.append(uid)
    if not is_sorted:
        results.sort()


def test_at_random(imap, other):
    """After any changes, what a client has made of the updates is what a search finds."""
    random.seed(5267)
    search = imap.begin("UID SEARCH RETURN (UPDATE) UNDELETED OR FLAGGED SUBJECT b")
    imap.end(search)
    order = imap.begin("UID SORT RETURN (UPDATE) (SUBJECT REVERSE ARRIVAL) UTF-8 UNDELETED")
    imap.end(order)
    found = {search: [], order: [1, 2, 3, 4]}
    for turn in range(40):
        who = random.choice([imap, other])
        who.do("NOOP") if who is other else None
        count = int(re.search(rb"MESSAGES (\d+)", b" ".join(other.do("STATUS INBOX (MESSAGES)"))).group(1))
        lines = []
        for _ in range(random.randint(1, 3)):
            what = random.choice(["append", "flag", "unflag", "delete", "undelete", "expunge"])
            if what == "append":
                other.append(message(random.choice("abc") + str(turn)))
            elif what == "expunge" and turn % 4 == 0:
                lines += who.do("EXPUNGE")
            elif what != "expunge":
                sign, flag = {"flag": "+\\Flagged", "unflag": "-\\Flagged", "delete": "+\\Deleted",
                              "undelete": "-\\Deleted"}[what].split("\\")
                lines += who.do(f"UID STORE {random.randint(1, count + 5)} {sign}FLAGS (\\{flag})")
        if who is other:
            lines = []
        lines += imap.do("NOOP")
        for line in lines:
            match = re.match(rb'ESEARCH \(TAG "(\w+)"\) UID', line)
            if match:
                tag = match.group(1).decode()
                apply(found[tag], line, tag == order)
        assert found[search] == [int(n) for n in imap.do("UID SEARCH UNDELETED OR FLAGGED SUBJECT b")[-1].split()[1:]]
        assert found[order] == [int(n) for n in imap.do("UID SORT (SUBJECT REVERSE ARRIVAL) UTF-8 UNDELETED")[-1].split()[1:]]


def test_recent_ones(imap, other):
    tag = imap.begin("UID SEARCH RETURN (UPDATE) NEW YOUNGER 1000")
    imap.end(tag)
    other.do("UNSELECT")  # or it would be recent there
    other.append(message("new"))
    assert heads(imap.do("NOOP"))[-1] == f'ESEARCH (TAG "{tag}") UID ADDTO (0 5)'
    other.select()
    other.do("STORE 5 +FLAGS.SILENT (\\Seen)")
    assert heads(imap.do("NOOP"))[-1] == f'ESEARCH (TAG "{tag}") UID REMOVEFROM (0 5)'


def test_cancelled(imap, other):
    tag = imap.begin("SEARCH RETURN (UPDATE) FLAGGED")
    imap.end(tag)
    imap.do(f'CANCELUPDATE "{tag}" "none"')
    other.do("STORE 1 +FLAGS.SILENT (\\Flagged)")
    assert heads(imap.do("NOOP")) == ["1 FETCH"]
    tag = imap.begin("SEARCH RETURN (UPDATE) FLAGGED")
    imap.end(tag)
    imap.select()  # as does leaving the mailbox
    other.do("STORE 2 +FLAGS.SILENT (\\Flagged)")
    assert heads(imap.do("NOOP")) == ["2 FETCH"]


def test_refused(imap):
    tags = [imap.begin("SEARCH RETURN (UPDATE) ALL") for _ in range(17)]
    ends = [imap.end(tag) for tag in tags]
    assert all(status == "OK" for status, _, _ in ends)
    assert not any(b"NOUPDATE" in line for _, _, lines in ends[:16] for line in lines)
    assert f'* NO [NOUPDATE "{tags[16]}"] '.encode() in b"\n".join(ends[16][2])
    imap.send(f"{tags[0]} SEARCH RETURN (UPDATE) ALL\r\n")
    status, text, _ = imap.end(tags[0])
    assert status == "BAD" and "tag" in text


def test_of_many_mailboxes(imap, other):
    tag = imap.begin("ESEARCH IN (selected) RETURN (UPDATE) FLAGGED")
    imap.end(tag)
    other.do("STORE 1 +FLAGS.SILENT (\\Flagged)")
    assert re.fullmatch(rf'ESEARCH \(TAG "{tag}" MAILBOX "?INBOX"? UIDVALIDITY \d+\) UID ADDTO \(0 1\)',
                        heads(imap.do("NOOP"))[-1])
    tag = imap.begin("ESEARCH IN (mailboxes Sent) RETURN (UPDATE) FLAGGED")
    assert any(b"NOUPDATE" in line for line in imap.end(tag)[2])


def test_no_numbers_with_uidonly(imap, other):
    by_number = imap.begin("SEARCH RETURN (UPDATE) ALL")
    imap.end(by_number)
    by_uid = imap.begin("UID SEARCH RETURN (UPDATE) ALL")
    imap.end(by_uid)
    lines = imap.do("ENABLE UIDONLY")
    assert any(b"NOUPDATE" in line and by_number.encode() in line for line in lines)
    other.append(message("s5"))
    assert [line for line in imap.do("NOOP") if b"ESEARCH" in line] == [f'ESEARCH (TAG "{by_uid}") UID ADDTO (0 5)'.encode()]


def test_bodies_are_not_read_again(imap, other):
    """Flags don't change what a program of words finds; one that needs too much reading ends."""
    large = message("large", "x" * 70 + "\r\n" + "words of a body\r\n" * 1_100_000)
    for _ in range(2):
        other.append(large)
    imap.do("NOOP")
    words = imap.begin("SEARCH RETURN (UPDATE COUNT) BODY nowhere")
    imap.end(words)
    both = imap.begin("SEARCH RETURN (UPDATE COUNT) BODY nowhere FLAGGED")
    imap.end(both)
    other.do("STORE 5:6 +FLAGS.SILENT (\\Flagged)")
    lines = imap.do("NOOP")
    ended = [line for line in lines if b"NOUPDATE" in line]
    assert len(ended) == 1 and both.encode() in ended[0]
    other.append(message("new", "nowhere"))
    assert any(f'(TAG "{words}") ADDTO (0 7)'.encode() in line for line in imap.do("NOOP"))


def test_many_at_once(imap, other):
    """Positions of many that go and come, in the middle and at both ends."""
    for n in range(40):
        other.append(message(f"{n * 7 % 40:02}"))
    tag = imap.begin("UID SORT RETURN (UPDATE ALL) (SUBJECT) UTF-8 UNFLAGGED")
    imap.end(imap.begin("NOOP"))
    order = sorted_uids(imap)
    for change in ("STORE 1:9,20:30,43 +FLAGS.SILENT (\\Flagged)", "STORE 3:25,43 -FLAGS.SILENT (\\Flagged)"):
        other.do("NOOP")
        other.do(change)
        for line in imap.do("NOOP"):
            if tag.encode() in line:
                for what, positions in re.findall(rb"(REMOVEFROM|ADDTO) \(([^)]*)\)", line):
                    words = positions.split()
                    for position, uid in zip(map(int, words[::2]), map(int, words[1::2])):
                        if what == b"ADDTO":
                            order.insert(position - 1, uid)
                        else:
                            assert order.pop(position - 1) == uid
        assert order == sorted_uids(imap)


def sorted_uids(client):
    line, = [line for line in client.do("UID SORT (SUBJECT) UTF-8 UNFLAGGED") if line.startswith(b"SORT")]
    return [int(word) for word in line.split()[1:]]
