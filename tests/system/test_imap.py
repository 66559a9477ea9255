# SPDX-License-Identifier: ISC
"""IMAP behind the login, octet by octet (RFC 9051, RFC 3501 and the extensions that are announced)."""

import re
import zlib

import pytest

from imap_client import Imap, Refused

ONE = b"From: Ann <ann@example.net>\r\nTo: alice@example.org\r\nSubject: one\r\n" \
      b"Date: Mon, 7 Feb 1994 21:52:25 -0800\r\nMessage-ID: <1@example.net>\r\n\r\nHello one\r\n"


@pytest.fixture
def server(fresh_account):
    return fresh_account


@pytest.fixture
def imap(server):
    with Imap(server) as client:
        yield client


def fill(client, count, mailbox="INBOX", options=""):
    return [client.append(ONE.replace(b"one", b"number %d" % i), mailbox, options)
            for i in range(1, count + 1)]


# -- Any state ---------------------------------------------------------------------------


def test_capabilities_and_noop(imap):
    words = imap.do("CAPABILITY")[0].split()
    assert words[0] == b"CAPABILITY" and {b"IMAP4rev1", b"IMAP4rev2", b"IDLE"} <= set(words)
    assert imap.do("NOOP") == []
    assert imap.do('ID ("name" "test" "version" "1")')[0].startswith(b"ID (")
    assert imap.do("NAMESPACE") == [b'NAMESPACE (("" "/")) NIL NIL']
    assert "logged in" in imap.bad("LOGIN a b")
    status, _, untagged = imap.ask("LOGOUT")
    assert status == "OK" and untagged[0].startswith(b"* BYE")
    assert imap.response() == b""


def test_errors_say_what_was_wrong(imap):
    assert "SELECT" in imap.bad("FETCH 1 FLAGS")
    imap.select()
    assert "found" in imap.bad("UID FETCH x FLAGS")
    imap.bad("NOSUCHCOMMAND")
    imap.bad("FETCH 1 FLAGS")  # there is no message 1
    assert imap.do("FETCH 1:* FLAGS") == []


# -- Folders -------------------------------------------------------------------------------


def test_folders(imap):
    names = {line.rsplit(b" ", 1)[1] for line in imap.do('LIST "" *')}
    assert names == {b'"INBOX"', b'"Archive"', b'"Drafts"', b'"Junk"', b'"Sent"', b'"Trash"'}
    imap.do("CREATE work/2026/may")
    assert imap.no("CREATE work/2026/may", "[ALREADYEXISTS]")
    lines = imap.do('LIST "" work*')
    assert [line for line in lines if b"Noselect" in line] == [
        b'LIST (\\Noselect \\HasChildren) "/" "work"', b'LIST (\\Noselect \\HasChildren) "/" "work/2026"']
    assert imap.do('LIST "" work/%') == [b'LIST (\\Noselect \\HasChildren) "/" "work/2026"']
    imap.do("RENAME work job")
    assert imap.do('LIST "" "job/2026/may"') == [b'LIST (\\HasNoChildren) "/" "job/2026/may"']
    imap.no("DELETE nothing", "[NONEXISTENT]")
    imap.no("DELETE INBOX", "[CANNOT]")
    imap.no("CREATE inbox")
    imap.do("DELETE job/2026/may")
    assert imap.do('LIST "" job*') == []
    assert imap.do('LIST "" ""') == [b'LIST (\\Noselect) "/" ""']


def test_special_use(imap):
    lines = imap.do('LIST (SPECIAL-USE) "" * RETURN (SPECIAL-USE)')
    assert {re.search(rb"\\(Archive|Drafts|Junk|Sent|Trash)\b", line).group(1) for line in lines} == {
        b"Archive", b"Drafts", b"Junk", b"Sent", b"Trash"}
    imap.do("CREATE all (USE (\\All))")
    assert b"\\All" in imap.do('LIST "" all')[0]
    imap.no("CREATE other (USE (\\Trash))", "[USEATTR]")
    imap.no("CREATE other (USE (\\Nothing))", "[USEATTR]")


def test_subscriptions(imap):
    imap.do("CREATE a/b")
    imap.do("SUBSCRIBE a/b")
    assert b'LSUB (\\HasNoChildren) "/" "a/b"' in imap.do('LSUB "" *')
    assert b'LSUB (\\Noselect \\HasChildren) "/" "a"' in imap.do('LSUB "" %')
    assert imap.do('LIST (SUBSCRIBED) "" a/*') == [b'LIST (\\Subscribed \\HasNoChildren) "/" "a/b"']
    assert imap.do('LIST (SUBSCRIBED RECURSIVEMATCH) "" "a"') == [
        b'LIST (\\NonExistent \\HasChildren) "/" "a" ("CHILDINFO" ("SUBSCRIBED"))']
    imap.do("DELETE a/b")
    assert imap.do('LIST (SUBSCRIBED) "" a/*')[0].startswith(b"LIST (\\NonExistent \\Subscribed")
    imap.do("UNSUBSCRIBE a/b")
    assert imap.do('LIST (SUBSCRIBED) "" a/*') == []


def test_names_in_both_encodings(server, imap):
    imap.do("CREATE Entw&APw-rfe")
    assert imap.do('LIST "" Entw*') == [b'LIST (\\HasNoChildren) "/" "Entw&APw-rfe"']
    with Imap(server) as other:
        assert other.do("ENABLE IMAP4rev2") == [b"ENABLED IMAP4rev2"]
        assert other.do('LIST "" Entw*') == ['LIST (\\HasNoChildren) "/" "Entwürfe"'.encode()]
        other.do('RENAME "Entwürfe" "Skizzen ÄÖ"')
    assert imap.do('LIST "" Sk*') == [b'LIST (\\HasNoChildren) "/" "Skizzen &AMQA1g-"']
    imap.bad("CREATE Entw&APw")


def test_status(imap):
    imap.do("CREATE box")
    fill(imap, 3, "box")
    imap.append(ONE, "box", "(\\Seen \\Deleted)")
    line = imap.do("STATUS box (MESSAGES UNSEEN UIDNEXT UIDVALIDITY SIZE DELETED HIGHESTMODSEQ MAILBOXID)")[0]
    assert re.fullmatch(rb'STATUS "box" \(MESSAGES 4 UIDNEXT 5 UIDVALIDITY \d+ UNSEEN 3 DELETED 1 SIZE \d+'
                        rb' HIGHESTMODSEQ \d+ MAILBOXID \([0-9A-Za-z]+\)\)', line)
    lines = imap.do('LIST "" box RETURN (STATUS (MESSAGES))')
    assert lines[1] == b'STATUS "box" (MESSAGES 4)'
    imap.no("STATUS nothing (MESSAGES)", "[NONEXISTENT]")


def test_uidvalidity_never_repeats(imap):
    def validity():
        imap.do("CREATE again")
        line = imap.do("STATUS again (UIDVALIDITY)")[0]
        imap.do("DELETE again")
        return int(re.search(rb"UIDVALIDITY (\d+)", line).group(1))

    seen = [validity() for _ in range(5)]
    assert seen == sorted(set(seen))


# -- The selected mailbox ------------------------------------------------------------------


def test_select(imap):
    lines = imap.select()
    assert b"FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)" in lines
    assert b"0 EXISTS" in lines and b"0 RECENT" in lines
    fill(imap, 2)
    lines = imap.select()
    assert lines[0].startswith(b"OK [CLOSED]")
    assert b"2 EXISTS" in lines and any(line.startswith(b"OK [UNSEEN 1]") for line in lines)
    imap.no("SELECT nothing", "[NONEXISTENT]")
    imap.bad("FETCH 1 FLAGS")  # the failure has left none selected
    status, text, _ = imap.ask("EXAMINE INBOX")
    assert status == "OK" and text.startswith("[READ-ONLY]")
    imap.no("STORE 1 +FLAGS (\\Seen)")
    imap.do("UNSELECT")


def test_fetch(imap):
    uid = imap.append(ONE, options='(\\Flagged $Work) "07-Feb-1994 21:52:25 -0800"')
    imap.select()
    line = imap.do("FETCH 1 (UID FLAGS INTERNALDATE RFC822.SIZE)")[0]
    assert line == b'1 FETCH (UID %d FLAGS (\\Flagged $Work \\Recent) INTERNALDATE' \
                   b' " 8-Feb-1994 05:52:25 +0000" RFC822.SIZE %d)' % (uid, len(ONE)) or \
        line == b'1 FETCH (UID %d FLAGS (\\Flagged \\Recent $Work) INTERNALDATE' \
                b' " 8-Feb-1994 05:52:25 +0000" RFC822.SIZE %d)' % (uid, len(ONE))
    assert imap.do("FETCH 1 ENVELOPE")[0] == \
        b'1 FETCH (ENVELOPE ("Mon, 7 Feb 1994 21:52:25 -0800" "one" (("Ann" NIL "ann" "example.net"))' \
        b' (("Ann" NIL "ann" "example.net")) (("Ann" NIL "ann" "example.net"))' \
        b' ((NIL NIL "alice" "example.org")) NIL NIL NIL "<1@example.net>"))'
    header, body = ONE[:ONE.index(b"\r\n\r\n") + 4], b"Hello one\r\n"
    for item, octets in [("BODY.PEEK[]", ONE), ("BODY.PEEK[HEADER]", header), ("BODY.PEEK[TEXT]", body),
                         ("BODY.PEEK[1]", body), ("RFC822.HEADER", header),
                         ("BODY.PEEK[HEADER.FIELDS (SUBJECT X)]", b"Subject: one\r\n\r\n"),
                         ("BODY.PEEK[]<6.3>", ONE[6:9]), ("BODY.PEEK[]<9999.3>", b"")]:
        line = imap.do(f"FETCH 1 {item}")[0]
        assert b"{%d}\r\n%b" % (len(octets), octets) in line, item
    assert imap.do("FETCH 1 BODY.PEEK[2]")[0] == b"1 FETCH (BODY[2] NIL)"
    assert b"\\Seen" not in imap.do("FETCH 1 FLAGS")[0]
    imap.do("FETCH 1 BODY[TEXT]")
    assert b"\\Seen" in imap.do("FETCH 1 FLAGS")[0]
    assert b'BODYSTRUCTURE ("TEXT" "PLAIN"' in imap.do("FETCH 1 BODYSTRUCTURE")[0].upper()
    assert b'BODY ("TEXT" "PLAIN"' in imap.do("FETCH 1 BODY")[0].upper()
    assert b'PREVIEW "Hello one"' in imap.do("FETCH 1 PREVIEW")[0]
    assert re.search(rb"EMAILID \([0-9A-Za-z]+\)", imap.do("FETCH 1 EMAILID")[0])
    assert b"SAVEDATE \"" in imap.do("FETCH 1 SAVEDATE")[0]


def test_binary(imap):
    imap.append(b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
                b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
                b"AAECAwQ=\r\n--b\r\nContent-Transfer-Encoding: x-odd\r\n\r\nodd\r\n--b--\r\n")
    imap.select()
    assert imap.do("FETCH 1 BINARY.PEEK[1]")[0] == b"1 FETCH (BINARY[1] ~{5}\r\n\x00\x01\x02\x03\x04)"
    assert imap.do("FETCH 1 BINARY.SIZE[1]")[0] == b"1 FETCH (BINARY.SIZE[1] 5)"
    assert imap.do("FETCH 1 BINARY.PEEK[1]<1.2>")[0] == b"1 FETCH (BINARY[1]<1> ~{2}\r\n\x01\x02)"
    imap.no("FETCH 1 BINARY[2]", "[UNKNOWN-CTE]")


def test_store(imap):
    uids = fill(imap, 3)
    imap.select()
    lines = imap.do("STORE 1:2 +FLAGS (\\Seen $Forwarded)")
    assert any(b"FLAGS (" in line and line.startswith(b"FLAGS") and b"$Forwarded" in line for line in lines)
    assert sum(b"FETCH" in line and b"\\Seen" in line for line in lines) == 2
    assert imap.do("STORE 1 +FLAGS.SILENT (\\Answered)") == []
    imap.do(f"UID STORE {uids[0]} -FLAGS (\\Seen)")
    line = imap.do("FETCH 1 FLAGS")[0]
    assert b"\\Seen" not in line and b"\\Answered" in line and b"$Forwarded" in line
    assert b"FLAGS (\\Draft" in imap.do("STORE 1 FLAGS (\\Draft)")[0].replace(b"UID %d " % uids[0], b"")


def test_expunge_and_close(imap):
    uids = fill(imap, 5)
    imap.select()
    imap.do("STORE 2:4 +FLAGS.SILENT (\\Deleted)")
    assert imap.do(f"UID EXPUNGE {uids[3]}") == [b"4 EXPUNGE"]
    assert imap.do("EXPUNGE") == [b"2 EXPUNGE", b"2 EXPUNGE"]
    assert [int(re.search(rb"UID (\d+)", line).group(1)) for line in imap.do("FETCH 1:* UID")] == [uids[0], uids[4]]
    imap.do("STORE 1 +FLAGS.SILENT (\\Deleted)")
    assert imap.do("CLOSE") == []
    assert b"1 EXISTS" in imap.select()


def test_copy_and_move(imap):
    uids = fill(imap, 3)
    imap.do("CREATE box")
    imap.select()
    imap.no("COPY 1 nothing", "[TRYCREATE]")
    status, text, _ = imap.ask("COPY 1,3 box")
    assert status == "OK" and re.match(rf"\[COPYUID \d+ {uids[0]},{uids[2]} 1:2\]", text)
    lines = imap.do("MOVE 2:3 box")
    assert re.match(rb"OK \[COPYUID \d+ %d:%d 3:4\]" % (uids[1], uids[2]), lines[0])
    assert lines[1:] == [b"2 EXPUNGE", b"2 EXPUNGE"]
    assert imap.do("STATUS box (MESSAGES)") == [b'STATUS "box" (MESSAGES 4)']


def test_append_many_and_parts(imap):
    status, text, _ = imap.end(imap.begin(b"APPEND INBOX (\\Seen) {3+}\r\none {5+}\r\ntwo\r\n"))
    assert status == "OK" and re.search(r"APPENDUID \d+ 1:2\]", text)
    imap.select()
    lines = imap.do("FETCH 1:2 (FLAGS BODY.PEEK[])")
    assert b"\\Seen" in lines[0] and b"{3}\r\none" in lines[0] and b"{5}\r\ntwo\r\n" in lines[1]
    imap.no(b"APPEND nothing {3+}\r\none", "[TRYCREATE]")
    assert imap.do("NOOP") == []
    imap.do(b'APPEND INBOX CATENATE (TEXT {7+}\r\nX: y\r\n\r URL "/INBOX/;UID=2" TEXT {2+}\r\n!!)')
    assert b"{14}\r\nX: y\r\n\rtwo\r\n!!" in imap.do("FETCH 3 BODY.PEEK[]")[0]
    imap.no(b'APPEND INBOX CATENATE (URL "/INBOX/;UID=99")', "[BADURL]")


def test_append_waits_for_its_literal(imap):
    tag = imap.begin("APPEND INBOX {3}")
    assert imap.response().startswith(b"+")
    imap.send(b"abc\r\n")
    assert imap.end(tag)[0] == "OK"
    imap.no("APPEND nothing {3}", "[TRYCREATE]")  # before a single octet is sent
    imap.no("APPEND INBOX {99999999999}")
    imap.do("NOOP")


def test_replace(imap):
    fill(imap, 2)
    imap.select()
    lines = imap.do(b"REPLACE 1 INBOX {3+}\r\nnew")
    assert re.match(rb"OK \[APPENDUID \d+ 3\]", lines[0]) and b"1 EXPUNGE" in lines and b"2 EXISTS" in lines


# -- Others' changes -----------------------------------------------------------------------


def test_connections_see_each_other(server, imap):
    imap.select()
    with Imap(server) as other:
        other.select()
        uids = fill(other, 2)
        assert b"2 EXISTS" in imap.do("NOOP")
        other.do("STORE 1 +FLAGS ($Label)")
        lines = imap.do("NOOP")
        assert lines[0].startswith(b"FLAGS (") and b"$Label" in lines[0]
        assert b"1 FETCH (UID %d FLAGS (" % uids[0] in lines[2]
        other.do("STORE 1 +FLAGS.SILENT (\\Deleted)")
        other.do("EXPUNGE")
        # RFC 9051 7.5.1: no numbers move under a FETCH by numbers.
        assert not [line for line in imap.do("FETCH 2 FLAGS") if b"EXPUNGE" in line]
        assert b"1 EXPUNGE" in imap.do("NOOP")


def test_idle(server, imap):
    imap.select()
    tag = imap.begin("IDLE")
    assert imap.response().startswith(b"+")
    with Imap(server) as other:
        other.append(ONE)
        assert imap.response() == b"* 1 EXISTS"
        assert imap.response() == b"* 1 RECENT"
        other.select()
        other.do("STORE 1 +FLAGS (\\Deleted)")
        assert b"\\Deleted" in imap.response()
        other.do("EXPUNGE")
        assert imap.response() == b"* 1 EXPUNGE"
    imap.send("DONE\r\n")
    assert imap.end(tag)[0] == "OK"


def test_a_delivery_wakes_idle(server, imap):
    imap.select()
    tag = imap.begin("IDLE")
    assert imap.response().startswith(b"+")
    with server.smtp() as smtp:
        smtp.sendmail("bob@example.net", [f"{server.user}@example.org"], ONE)
    assert imap.response() == b"* 1 EXISTS"
    imap.send("DONE\r\n")
    assert imap.end(tag)[0] == "OK"


def test_the_selected_folder_is_deleted(server, imap):
    imap.do("CREATE box")
    imap.select("box")
    with Imap(server) as other:
        other.do("DELETE box")
    _, _, untagged = imap.ask("NOOP")
    assert untagged[0].startswith(b"* BYE")
    assert imap.response() == b""


# -- CONDSTORE, QRESYNC, UIDONLY ----------------------------------------------------------------


def highest(lines):
    return int(re.search(rb"HIGHESTMODSEQ (\d+)", b"\n".join(lines)).group(1))


def test_condstore(server, imap):
    uids = fill(imap, 3)
    before = highest(imap.select("INBOX", " (CONDSTORE)"))
    with Imap(server) as other:
        other.select()
        other.do("STORE 2 +FLAGS.SILENT (\\Seen)")
    status, text, lines = imap.ask(f"STORE 1:3 (UNCHANGEDSINCE {before}) +FLAGS.SILENT (\\Flagged)")
    assert status == "OK" and "[MODIFIED 2]" in text
    assert sum(b"MODSEQ (" in line for line in lines) == 3  # two changed here, one there
    changed = imap.do(f"FETCH 1:* (FLAGS) (CHANGEDSINCE {before})")
    assert len(changed) == 3 and all(b"MODSEQ (" in line for line in changed)
    assert imap.do(f"UID FETCH {uids[0]} (MODSEQ) (CHANGEDSINCE 99999999)") == []


def test_qresync(server, imap):
    uids = fill(imap, 6)
    lines = imap.select()
    since = highest(lines)
    validity = int(re.search(rb"UIDVALIDITY (\d+)", b"\n".join(lines)).group(1))
    imap.do("STORE 2:3 +FLAGS.SILENT (\\Deleted)")
    imap.do("EXPUNGE")
    imap.do("STORE 1 +FLAGS.SILENT (\\Seen)")
    with Imap(server) as other:
        other.bad(f"SELECT INBOX (QRESYNC ({validity} {since}))")
        other.do("ENABLE QRESYNC")
        lines = other.select("INBOX", f" (QRESYNC ({validity} {since} 1:{uids[-1]}))")
        assert b"VANISHED (EARLIER) %d:%d" % (uids[1], uids[2]) in lines
        assert [line for line in lines if b"FETCH" in line and b"UID %d " % uids[0] in line and b"\\Seen" in line]
        assert len([line for line in lines if b"FETCH" in line]) == 1
        imap.do("STORE 2 +FLAGS.SILENT (\\Deleted)")
        imap.do("EXPUNGE")
        assert b"VANISHED %d" % uids[3] in other.do("NOOP")
        lines = other.do(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {since} VANISHED)")
        assert lines[0] == b"VANISHED (EARLIER) %d:%d" % (uids[1], uids[3])


def test_uidonly(imap):
    uids = fill(imap, 3)
    imap.do("ENABLE UIDONLY")
    imap.select()
    assert "[UIDREQUIRED]" in imap.bad("FETCH 1 FLAGS")
    assert imap.do(f"UID FETCH {uids[1]} (RFC822.SIZE)")[0].startswith(b"%d UIDFETCH (RFC822.SIZE" % uids[1])
    imap.do(f"UID STORE {uids[1]} +FLAGS.SILENT (\\Deleted)")
    assert imap.do("EXPUNGE") == [b"VANISHED %d" % uids[1]]


# -- Others ----------------------------------------------------------------------------------------


def test_compress(imap):
    imap.do("COMPRESS DEFLATE")
    out, back = zlib.compressobj(wbits=-15), zlib.decompressobj(wbits=-15)

    def talk(text, tag):
        imap.socket.sendall(out.compress(text) + out.flush(zlib.Z_SYNC_FLUSH))
        got = b""
        while tag + b" OK" not in got:
            got += back.decompress(imap.socket.recv(65536))
        return got

    assert b"* CAPABILITY" in talk(b"x1 CAPABILITY\r\n", b"x1")
    big = ONE + b"0123456789" * 50000 + b"\r\n"
    talk(b"x2 APPEND INBOX {%d+}\r\n%b\r\n" % (len(big), big), b"x2")
    talk(b"x3 SELECT INBOX\r\n", b"x3")
    assert big in talk(b"x4 FETCH 1 BODY[]\r\n", b"x4")


def test_metadata(imap):
    imap.do(b'SETMETADATA INBOX (/private/comment "mine" /shared/v/x {3+}\r\na"b)')
    assert imap.do("GETMETADATA INBOX (/private/comment /private/none)") == [
        b'METADATA "INBOX" (/private/comment "mine" /private/none NIL)']
    assert imap.do("GETMETADATA (DEPTH infinity) INBOX /shared/v")[0].endswith(b'(/shared/v/x "a\\"b")')
    imap.do('SETMETADATA "" (/private/admin "x")')
    imap.do("SETMETADATA INBOX (/private/comment NIL)")
    assert imap.do("GETMETADATA INBOX /private/comment") == [b'METADATA "INBOX" (/private/comment NIL)']


def test_quota(imap):
    lines = imap.do("GETQUOTAROOT INBOX")
    assert lines[0] == b'QUOTAROOT "INBOX" ""' and lines[1].startswith(b'QUOTA "" (')
    imap.no("SETQUOTA \"\" (STORAGE 1)", "[NOPERM]")
    imap.no("GETQUOTA other", "[NONEXISTENT]")


def test_many_messages_in_pieces(imap):
    """More than the server keeps waiting, read slowly, while others are served."""
    fill(imap, 200)
    imap.select()
    tag = imap.begin("FETCH 1:* (UID FLAGS ENVELOPE BODY.PEEK[])")
    assert len(imap.end(tag)[2]) == 200


def test_commands_that_go_on_by_themselves_pipelined(imap):
    """None of them is forgotten when others have their turn in between (mbsync sends so)."""
    fill(imap, 20)
    imap.select()
    tags = [imap.begin(f"UID FETCH {1 + n % 20} (BODY.PEEK[])") for n in range(300)]
    for tag in tags:
        status, _, untagged = imap.end(tag)
        assert status == "OK" and len(untagged) == 1


def test_refusals_raise(imap):
    with pytest.raises(Refused):
        imap.do("SELECT nothing")
