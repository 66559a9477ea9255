/* SPDX-License-Identifier: ISC */
/* Which octets become which IMAP commands, and what is said of those that don't. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/imap_dump.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

struct row {
	const char *in;
	const char *out;
};

static void
add(char *out, size_t size, const char *text)
{
	if (*out != '\0')
		strlcat(out, "; ", size);
	strlcat(out, text, size);
}

static void
add_step(struct imap_parser *parser, enum imap_step step, char *out, size_t size)
{
	char text[2048] = "";
	const struct imap_literal *literal = imap_parser_literal(parser);

	switch (step) {
	case IMAP_STEP_MORE:
		return;
	case IMAP_STEP_CONTINUE:
		strlcpy(text, "+", sizeof(text));
		break;
	case IMAP_STEP_MESSAGE:
		snprintf(text, sizeof(text), "message %llu%s", (unsigned long long)literal->octets,
			 literal->sync ? " +" : "");
		break;
	case IMAP_STEP_COMMAND:
		imap_dump(imap_parser_command(parser), text, sizeof(text));
		break;
	case IMAP_STEP_BAD:
		snprintf(text, sizeof(text), "%s BAD %s", imap_parser_tag(parser),
			 imap_parser_error(parser));
		break;
	case IMAP_STEP_FATAL:
		snprintf(text, sizeof(text), "BYE %s", imap_parser_error(parser));
		break;
	}
	add(out, size, text);
}

/* All steps of LENGTH octets that come in pieces of PIECE. */
static void
run(struct imap_parser *parser, const char *in, size_t length, size_t piece, char *out, size_t size)
{
	size_t used, n;

	*out = '\0';
	while (length > 0) {
		char *copy; /* on the heap, so that reading past it shows */
		enum imap_step step;

		n = length < piece ? length : piece;
		copy = malloc(n);
		assert_non_null(copy);
		memcpy(copy, in, n);
		step = imap_parser_feed(parser, copy, n, &used);
		free(copy);
		assert_true(used <= n);
		assert_true(step != IMAP_STEP_MORE || used == n);
		in += used;
		length -= used;
		add_step(parser, step, out, size);
		if (step == IMAP_STEP_FATAL)
			return;
		if (step == IMAP_STEP_MESSAGE) {
			assert_true(imap_parser_literal(parser)->octets <= length);
			in += imap_parser_literal(parser)->octets;
			length -= imap_parser_literal(parser)->octets;
		}
	}
}

static void
check_rows_as(const struct row *rows, size_t count, bool utf8, bool administrator)
{
	char in[4096], out[4096];
	const size_t pieces[] = {4096, 1, 7};
	size_t i, p;

	for (i = 0; i < count; i++) {
		snprintf(in, sizeof(in), "%s\r\n", rows[i].in);
		for (p = 0; p < COUNT(pieces); p++) {
			struct imap_parser *parser = imap_parser_new();

			assert_non_null(parser);
			imap_parser_set_utf8(parser, utf8);
			if (administrator)
				imap_parser_set_administrator(parser);
			run(parser, in, strlen(in), pieces[p], out, sizeof(out));
			if (strcmp(out, rows[i].out) != 0)
				print_error("of: %s\n", rows[i].in);
			assert_string_equal(out, rows[i].out);
			assert_false(imap_parser_busy(parser));
			imap_parser_free(parser);
		}
	}
}

static void
check_rows(const struct row *rows, size_t count, bool utf8)
{
	check_rows_as(rows, count, utf8, false);
}

static void
test_simple(void **state)
{
	static const struct row rows[] = {
	    {"a CAPABILITY", "a CAPABILITY"},
	    {"a noop", "a NOOP"},
	    {"a NOOP  ", "a NOOP"},
	    {"a LOGOUT", "a LOGOUT"},
	    {"a NAMESPACE", "a NAMESPACE"},
	    {"a CHECK", "a CHECK"},
	    {"a CLOSE", "a CLOSE"},
	    {"a UNSELECT", "a UNSELECT"},
	    {"a EXPUNGE", "a EXPUNGE"},
	    {"a UID EXPUNGE 3:5,*", "a UID EXPUNGE 3:5,*"},
	    {"a IDLE", "a IDLE"},
	    {"a ID NIL", "a ID"},
	    {"a ID (\"name\" \"x\" \"os\" NIL)", "a ID 'name' 'x' 'os' NIL"},
	    {"a ENABLE QRESYNC IMAP4rev2 X-OTHER UTF8=ACCEPT", "a ENABLE 14"},
	    {"a COMPRESS DEFLATE", "a COMPRESS DEFLATE"},
	    {"a LOGIN x y", "a AUTHENTICATE"},
	    {"a GETACL INBOX", "a DELETEACL"},
	    {"a MYRIGHTS inbox", "a MYRIGHTS <INBOX>"},
	    {"a CANCELUPDATE \"a1\" \"a2\"", "a CANCELUPDATE 'a1' 'a2'"},
	    {"a GETQUOTA \"\"", "a GETQUOTA "},
	    {"a GETQUOTAROOT INBOX", "a GETQUOTAROOT <INBOX>"},
	    {"a SETQUOTA \"\" (STORAGE 512 MESSAGE 1)", "a SETQUOTA <> STORAGE=512 MESSAGE=1"},
	    {"a SETQUOTA # ()", "a SETQUOTA <#>"},
	    {"]x.1 NOOP", "]x.1 NOOP"},
	};

	(void)state;
	check_rows(rows, COUNT(rows), false);
}

static void
test_folders(void **state)
{
	static const struct row rows[] = {
	    {"a SELECT inbox", "a SELECT <INBOX>"},
	    {"a SELECT inBox/x", "a SELECT <INBOX/x>"},
	    {"a SELECT inboxes", "a SELECT <inboxes>"},
	    {"a EXAMINE \"a \\\"b\\\\\"", "a EXAMINE <a \"b\\>"},
	    {"a SELECT {3}\r\nabc", "+; a SELECT <abc>"},
	    {"a SELECT {3+}\r\nabc (CONDSTORE)", "a SELECT <abc> condstore"},
	    {"a SELECT {0}\r\n", "+; a SELECT <>"},
	    {"a SELECT x (QRESYNC (7 9))", "a SELECT <x> qresync 7 9"},
	    {"a SELECT x (QRESYNC (7 9 1:4))", "a SELECT <x> qresync 7 9 1:4"},
	    {"a SELECT x (QRESYNC (7 9 (1,2 5,6)))", "a SELECT <x> qresync 7 9 1,2 5,6"},
	    {"a SELECT x (QRESYNC (7 9 1:4 (1,2 5,6)) CONDSTORE)",
	     "a SELECT <x> condstore qresync 7 9 1:4 1,2 5,6"},
	    {"a CREATE x", "a CREATE <x> use=0"},
	    {"a CREATE x (USE (\\Sent \\Drafts))", "a CREATE <x> use=68"},
	    {"a CREATE x (USE (\\Odd))", "a CREATE <x> use=0 unknown=Odd"},
	    {"a DELETE x", "a DELETE <x>"},
	    {"a RENAME a {1+}\r\nb", "a RENAME <a> <b>"},
	    {"a SUBSCRIBE &-", "a SUBSCRIBE <&>"},
	    {"a UNSUBSCRIBE a&AOQ-b", "a UNSUBSCRIBE <a\xc3\xa4"
				      "b>"},
	    {"a STATUS x (MESSAGES UIDNEXT deleted-storage)", "a STATUS <x> items=69"},
	    {"a STATUS x (RECENT UIDVALIDITY UNSEEN DELETED SIZE HIGHESTMODSEQ MAILBOXID "
	     "APPENDLIMIT)",
	     "a STATUS <x> items=1978"},
	    {"a LIST \"\" %", "a LIST select=0 give=0 <> <%>"},
	    {"a LIST \"\" \"\"", "a LIST select=0 give=0 <> <>"},
	    {"a LIST \"\" \"*\" ", "a LIST select=0 give=0 <> <*>"},
	    {"a LSUB x/ a*b%", "a LSUB select=0 give=0 <x/> <a*b%>"},
	    {"a LIST () \"\" x", "a LIST select=0 give=0 extended <> <x>"},
	    {"a LIST (SUBSCRIBED RECURSIVEMATCH) \"\" (a% {1}\r\nb) RETURN (CHILDREN)",
	     "+; a LIST select=5 give=16 extended <> <a%> <b>"},
	    {"a LIST (REMOTE SPECIAL-USE) \"\" * RETURN (SUBSCRIBED SPECIAL-USE MYRIGHTS STATUS "
	     "(SIZE) METADATA (/private/Comment \"/shared/x\"))",
	     "a LIST select=10 give=233 extended <> <*> status=128 '/private/comment' "
	     "'/shared/x'"},
	    {"a LIST \"\" * RETURN ()", "a LIST select=0 give=0 extended <> <*>"},
	    {"a GETMETADATA \"\" /shared/comment", "a GETMETADATA <> depth=0 '/shared/comment'"},
	    {"a GETMETADATA (MAXSIZE 10 DEPTH infinity) INBOX (/private/a /shared/b)",
	     "a GETMETADATA <INBOX> depth=2 max=10 '/private/a' '/shared/b'"},
	    {"a GETMETADATA INBOX (DEPTH 1) (/private/a)",
	     "a GETMETADATA <INBOX> depth=1 '/private/a'"},
	    {"a SETMETADATA x (/private/a \"v\" /private/b NIL /private/c ~{3}\r\na\tb)",
	     "+; a SETMETADATA <x> '/private/a' 'v' '/private/b' NIL '/private/c' 'a\tb'"},
	    {"a NOTIFY NONE", "a NOTIFY none"},
	    {"a NOTIFY SET STATUS (selected (MessageNew (UID BODY.PEEK[]) MessageExpunge "
	     "FlagChange)) (subtree (a b) (MessageNew MessageExpunge MailboxName)) (mailboxes c "
	     "NONE)",
	     "a NOTIFY set status filter=0 events=7 items=1 BODY[]! filter=5 <a> <b> events=11 "
	     "filter=7 <c> events=0"},
	    {"a NOTIFY SET (personal (AnnotationChange))", "a NOTIFY set filter=3 events=128"},
	};

	(void)state;
	check_rows(rows, COUNT(rows), false);
}

static void
test_fetch(void **state)
{
	static const struct row rows[] = {
	    {"a FETCH 1 ALL", "a FETCH 1 items=30"},
	    {"a FETCH 1 fast", "a FETCH 1 items=14"},
	    {"a FETCH 2:4,7,9,12:* FULL", "a FETCH 2:4,7,9,12:* items=62"},
	    {"a UID FETCH $ FLAGS", "a UID FETCH $ items=2"},
	    {"a FETCH *:4,4294967295 (UID)", "a FETCH *:4,4294967295 items=1"},
	    {"a FETCH 1 BODY", "a FETCH 1 items=32"},
	    {"a FETCH 1 BODY[]", "a FETCH 1 items=0 BODY[]"},
	    {"a FETCH 1 (BODY BODYSTRUCTURE MODSEQ EMAILID THREADID SAVEDATE PREVIEW)",
	     "a FETCH 1 items=4064"},
	    {"a FETCH 1 (PREVIEW (LAZY) UID)", "a FETCH 1 items=6145"},
	    {"a FETCH 1 PREVIEW (CHANGEDSINCE 3)", "a FETCH 1 items=2048 since=3"},
	    {"a FETCH 1 BODY.PEEK[HEADER]<0.10>", "a FETCH 1 items=0 BODY[HEADER]<0>!+10"},
	    {"a FETCH 1 BODY[1.2.3.MIME]", "a FETCH 1 items=0 BODY[1.2.3.MIME]"},
	    {"a FETCH 1 body[4.text]", "a FETCH 1 items=0 BODY[4.TEXT]"},
	    {"a FETCH 1 BODY[header.fields.not (From \"X Y\")]",
	     "a BAD After HEADER.FIELDS.NOT stands what is no header field's name"},
	    {"a FETCH 1 BODY[1.header.fields (From {2}\r\nTo \"a\\\"(b\")]<1.2>",
	     "+; a FETCH 1 items=0 BODY[1.HEADER.FIELDS (From To \"a\\\"(b\")]<1>+2"},
	    {"a FETCH 1 (BINARY[1] BINARY.PEEK[1.2]<3.4> BINARY.SIZE[2] BINARY[])",
	     "a FETCH 1 items=0 BINARY[1] BINARY[1.2]<3>!+4 BINARY.SIZE[2]! BINARY[]"},
	    {"a FETCH 1 (RFC822 RFC822.HEADER RFC822.TEXT RFC822.SIZE)",
	     "a FETCH 1 items=8 RFC822 RFC822.HEADER! RFC822.TEXT"},
	    {"a UID FETCH 1:* FLAGS (CHANGEDSINCE 9 VANISHED)",
	     "a UID FETCH 1:* items=2 since=9 vanished"},
	    {"a UID FETCH 1:* FLAGS (PARTIAL -5:-1)", "a UID FETCH 1:* items=2 partial=-1:-5"},
	    {"a STORE 1 FLAGS (\\Seen \\Deleted $Junk a)", "a STORE 1 how=2 flags=9[$Junk a]"},
	    {"a STORE 1 flags ()", "a STORE 1 how=2 flags=0[]"},
	    {"a UID STORE 1:2 +FLAGS.SILENT \\Answered \\Flagged x",
	     "a UID STORE 1:2 how=0 silent flags=6[x]"},
	    {"a STORE 1 (UNCHANGEDSINCE 0) -FLAGS (\\Draft \\Recent)",
	     "a STORE 1 how=1 flags=16[] unchanged=0"},
	    {"a COPY 1:2 x", "a COPY 1:2 <x>"},
	    {"a UID MOVE $ inbox", "a UID MOVE $ <INBOX>"},
	};

	(void)state;
	check_rows(rows, COUNT(rows), false);
}

static void
test_search(void **state)
{
	static const struct row rows[] = {
	    {"a SEARCH ALL", "a SEARCH all"},
	    {"a UID SEARCH 1:3 UID 5 $", "a UID SEARCH and( numbers 1:3 uid 5 numbers $)"},
	    {"a SEARCH UNSEEN NOT ANSWERED NOT NOT DELETED",
	     "a SEARCH and( !flag=1 !flag=2 flag=8)"},
	    {"a SEARCH NEW", "a SEARCH and( recent !flag=1)"},
	    {"a SEARCH NOT OLD RECENT", "a SEARCH and( recent recent)"},
	    {"a SEARCH OR FROM a OR TO b CC c", "a SEARCH or( from 'a' to 'b' cc 'c')"},
	    {"a SEARCH OR OR SEEN DRAFT (FLAGGED)", "a SEARCH or( or( flag=1 flag=16) flag=4)"},
	    {"a SEARCH NOT (BCC x BODY {2}\r\nhi) TEXT \"\"",
	     "+; a SEARCH and( !and( bcc 'x' body 'hi') text '')"},
	    {"a SEARCH HEADER Message-ID <x> SUBJECT s", "a SEARCH and( header=Message-ID '<x>' "
							 "subject 's')"},
	    {"a SEARCH SINCE 1-Jan-1970 BEFORE \"02-jan-1970\" ON 29-Feb-2024",
	     "a SEARCH and( since=0 before=1 on=19782)"},
	    {"a SEARCH SENTON 1-Jan-1969 SENTBEFORE 1-Jan-0000 SENTSINCE 31-Dec-9999",
	     "a SEARCH and( senton=-365 sentbefore=-719528 sentsince=2932896)"},
	    {"a SEARCH LARGER 0 SMALLER 9223372036854775807 OLDER 1 YOUNGER 60",
	     "a SEARCH and( larger=0 smaller=9223372036854775807 older=1 younger=60)"},
	    {"a SEARCH MODSEQ 5 MODSEQ \"/flags/\\\\draft\" all 6",
	     "a SEARCH and( modseq=5 modseq=6)"},
	    {"a SEARCH EMAILID M1 THREADID T1 KEYWORD $Junk UNKEYWORD x",
	     "a SEARCH and( emailid 'M1' threadid 'T1' keyword '$Junk' !keyword 'x')"},
	    {"a SEARCH SAVEDBEFORE 1-Jan-1970 SAVEDON 1-Jan-1970 SAVEDSINCE 1-Jan-1970 "
	     "SAVEDATESUPPORTED",
	     "a SEARCH and( savedbefore=0 savedon=0 savedsince=0 savedate)"},
	    {"a SEARCH CHARSET utf-8 FROM x", "a SEARCH charset=UTF-8 from 'x'"},
	    {"a SEARCH RETURN () 1", "a SEARCH return=4 numbers 1"},
	    {"a SEARCH RETURN (MIN MAX COUNT SAVE) CHARSET \"US-ASCII\" ALL",
	     "a SEARCH return=27 charset=US-ASCII all"},
	    {"a SEARCH RETURN (PARTIAL 10:1 CONTEXT) ALL", "a SEARCH return=192 partial=1:10 all"},
	    {"a SEARCH RETURN (UPDATE (UID FLAGS) ALL) ALL", "a SEARCH return=36 items=3 all"},
	    {"a ESEARCH FROM x", "a ESEARCH return=4 from 'x'"},
	    {"a ESEARCH IN (selected personal subtree-one (a b) mailboxes inbox) RETURN (COUNT) "
	     "ALL",
	     "a ESEARCH return=8 filter=0 filter=3 filter=6 <a> <b> filter=7 <INBOX> all"},
	    {"a SORT (REVERSE DATE SUBJECT) UTF-8 ALL", "a SORT charset=UTF-8 by-2 by+5 all"},
	    {"a UID SORT RETURN (COUNT) (ARRIVAL CC FROM SIZE TO DISPLAYFROM DISPLAYTO) US-ASCII 1",
	     "a UID SORT return=8 charset=US-ASCII by+0 by+1 by+3 by+4 by+6 by+7 by+8 numbers 1"},
	    {"a THREAD REFERENCES UTF-8 ALL", "a THREAD charset=UTF-8 all"},
	    {"a UID THREAD orderedsubject UTF-8 SEEN", "a UID THREAD charset=UTF-8 flag=1"},
	};

	(void)state;
	check_rows(rows, COUNT(rows), false);
}

static void
test_append(void **state)
{
	static const struct row rows[] = {
	    {"a APPEND x {3}\r\nabc", "message 3 +; a APPEND <x> 1 data=0/3 flags=0[]"},
	    {"a APPEND inbox (\\Seen k) \" 1-Jan-1970 01:00:00 +0100\" {3+}\r\n\r\n)",
	     "message 3; a APPEND <INBOX> 1 data=0/3 flags=1[k] date=0"},
	    {"a APPEND {1}\r\nx \"01-Jan-1970 00:00:01 -0030\" ~{1}\r\n\n",
	     "+; message 1 +; a APPEND <x> 1 data=1/1 flags=0[] date=1801"},
	    {"a APPEND x {0}\r\n", "message 0 +; a APPEND <x> 1 data=0/0 flags=0[]"},
	    {"a APPEND x {1+}\r\nq (a) {2}\r\nqq {3+}\r\nqqq",
	     "message 1; message 2 +; message 3; a APPEND <x> 3 data=0/1 flags=0[] data=0/2 "
	     "flags=0[a] data=0/3 flags=0[]"},
	    {"a APPEND x UTF8 (~{2}\r\nab)", "message 2 +; a APPEND <x> 1 data=2/2 flags=0[]"},
	    {"a APPEND x UTF8 (~{2+}\r\nab) {1+}\r\nx",
	     "message 2; message 1; a APPEND <x> 2 data=2/2 flags=0[] data=0/1 flags=0[]"},
	    {"a APPEND x CATENATE (URL \"/a\")", "a APPEND <x> 1 data=3/0 flags=0[] part=4/0 '/a'"},
	    {"a APPEND x CATENATE (URL {2}\r\n/a TEXT {3+}\r\nabc URL {1}\r\nx URL y UTF8 "
	     "(~{1}\r\nz) TEXT {1}\r\nw) {2}\r\nvv",
	     "+; message 3; +; message 1 +; message 1 +; message 2 +; a APPEND <x> 2 data=3/0 "
	     "flags=0[] part=4/0 '/a' part=0/3 part=4/0 'x' part=4/0 'y' part=2/1 part=0/1 "
	     "data=0/2 flags=0[]"},
	    {"a APPEND x CATENATE (TEXT {1}\r\nx) CATENATE (URL a)",
	     "message 1 +; a APPEND <x> 2 data=3/0 flags=0[] part=0/1 data=3/0 flags=0[] part=4/0 "
	     "'a'"},
	    {"a REPLACE 4 x {1}\r\nx", "message 1 +; a REPLACE4 <x> 1 data=0/1 flags=0[]"},
	    {"a UID REPLACE * {1}\r\nx (\\Draft) {1+}\r\nx",
	     "+; message 1; a UID REPLACE* <x> 1 data=0/1 flags=16[]"},
	};

	(void)state;
	check_rows(rows, COUNT(rows), false);
}

static void
test_errors(void **state)
{
	static const struct row rows[] = {
	    {"a UID FETCH x FLAGS", "a BAD Expected a number after UID FETCH, found \"x\""},
	    {"", "* BAD Expected a tag of at most 256 octets, a space and a command"},
	    {"a", "* BAD Expected a tag of at most 256 octets, a space and a command"},
	    {"a+ NOOP", "* BAD Expected a tag of at most 256 octets, a space and a command"},
	    {" a NOOP", "* BAD Expected a tag of at most 256 octets, a space and a command"},
	    {"a ", "a BAD Expected a command after the tag, found the end of the command"},
	    {"a XYZZY {3+}\r\nabc foo {2+}\r\n12", "a BAD Expected a command after the tag, found "
						   "\"XYZZY\""},
	    {"a XYZZY {3}", "a BAD Expected a command after the tag, found \"XYZZY\""},
	    {"a UID NOOP", "a BAD Expected a command after UID, found \"NOOP\""},
	    {"a NOOP x", "a BAD Expected the end of the command after NOOP, found \"x\""},
	    {"a SELECT",
	     "a BAD Expected a mailbox name after SELECT, found the end of the command"},
	    {"a SELECT  x", "a BAD Expected a mailbox name after SELECT, found a space"},
	    {"a SELECT (x)", "a BAD Expected a mailbox name after SELECT, found \"(x\""},
	    {"a SELECT \"x", "a BAD A quoted string after SELECT that does not end, or a \"\\\" in "
			     "it before something else than a quote or \"\\\""},
	    {"a SELECT \"\xff\"", "a BAD A quoted string after SELECT that is not UTF-8"},
	    {"a SELECT ~{1+}\r\nx",
	     "a BAD Expected the end of the command after SELECT, found \"{1+}\""},
	    {"a SELECT &AOQ", "a BAD The mailbox name after SELECT is not valid modified UTF-7 "
			      "(RFC 3501 5.1.3)"},
	    {"a SELECT {1+}\r\n\xff", "a BAD The mailbox name after SELECT is not UTF-8"},
	    {"a SELECT x (QRESYNC (7 9 1:*))",
	     "a BAD Expected known UIDs after QRESYNC, found \"*\""},
	    {"a FETCH 0 FLAGS", "a BAD Expected a number after FETCH, found \"0\""},
	    {"a FETCH 4294967296 FLAGS", "a BAD Expected a number after FETCH, found "
					 "\"4294967296\""},
	    {"a FETCH 1,,2 FLAGS", "a BAD Expected a number after FETCH, found \",2\""},
	    {"a FETCH 1 (FLAGS ALL)",
	     "a BAD Expected a data item like FLAGS or BODY[] after FLAGS, found \"ALL\""},
	    {"a FETCH 1 ()", "a BAD Expected a data item after FETCH, found \")\""},
	    {"a FETCH 1 BODY[0]", "a BAD Expected a part's number after BODY, found \"0]\""},
	    {"a FETCH 1 BODY[MIME]",
	     "a BAD MIME needs a part's number before it, like BODY[1.MIME]"},
	    {"a FETCH 1 BODY[1.]", "a BAD Expected HEADER, HEADER.FIELDS, HEADER.FIELDS.NOT, TEXT, "
				   "MIME or a part's number after BODY, found \"]\""},
	    {"a FETCH 1 BINARY[TEXT]",
	     "a BAD Expected a part's number or \"]\" after BINARY, found \"TEXT]\""},
	    {"a FETCH 1 BODY[]<0>",
	     "a BAD Expected a dot and a number of octets after BODY, found \">\""},
	    {"a FETCH 1 FLAGS (VANISHED)",
	     "a BAD VANISHED is for UID FETCH with CHANGEDSINCE only"},
	    {"a STORE 1 FLAGS (\\Odd)",
	     "a BAD Expected one of the flags \\Answered, \\Deleted, \\Draft, \\Flagged, \\Seen "
	     "after FLAGS, found \"Odd\""},
	    {"a STORE 1 FLAGS", "a BAD Expected flags after FLAGS, found the end of the command"},
	    {"a SEARCH", "a BAD Expected search keys after SEARCH, found the end of the command"},
	    {"a SEARCH XKEY", "a BAD Expected a search key after SEARCH, found \"XKEY\""},
	    {"a SEARCH BEFORE 30-Feb-2020",
	     "a BAD Expected a date like 1-Feb-2026 after BEFORE, found \"30-Feb-2020\""},
	    {"a SEARCH RETURN (ALL PARTIAL 1:2) ALL",
	     "a BAD PARTIAL and ALL can't be both asked for (RFC 9394 3.1)"},
	    {"a SORT (DATE) ALL",
	     "a BAD Expected search keys after DATE, found the end of the command"},
	    {"a LIST (RECURSIVEMATCH) \"\" *",
	     "a BAD RECURSIVEMATCH needs SUBSCRIBED or SPECIAL-USE beside it"},
	    {"a APPEND x", "a BAD Expected flags, a date or a message's literal after APPEND, "
			   "found the end of the command"},
	    {"a APPEND x (\\Odd {5+}\r\n12345) {3+}\r\nabc",
	     "a BAD Expected one of the flags \\Answered, \\Deleted, \\Draft, \\Flagged, \\Seen "
	     "after the mailbox name, found \"Odd\""},
	    {"a APPEND x (\\Odd {5}", "a BAD Expected one of the flags \\Answered, \\Deleted, "
				      "\\Draft, \\Flagged, \\Seen after the mailbox name, found "
				      "\"Odd\""},
	    {"a APPEND x {2}\r\nab x",
	     "message 2 +; a BAD Expected a message's literal after the message, found \"x\""},
	    {"a APPEND x {2}\r\nabx",
	     "message 2 +; a BAD Expected the end of the command after the message, found \"x\""},
	    {"a REPLACE 1 x {1}\r\na {1}",
	     "message 1 +; a BAD Expected the end of the command after the message, found "
	     "\"{1}\""},
	    {"a NOTIFY SET (personal (MessageNew))",
	     "a BAD MessageNew and MessageExpunge go together (RFC 5465 5)"},
	    {"a GETMETADATA x /other/x", "a BAD A metadata entry after GETMETADATA begins with "
					 "neither /private/ nor /shared/"},
	    {"a SETMETADATA x (/private//x \"\")",
	     "a BAD A metadata entry after SETMETADATA with a character in it that can't be there, "
	     "or an empty level (RFC 5464 3.2)"},
	    {"a NOOP {9223372036854775808}",
	     "a BAD A command with its literals can't have more than 1048576 octets"},
	    {"a APPEND x {9223372036854775808}",
	     "a BAD A literal after the mailbox name of more than 2^63 - 1 octets"},
	};

	(void)state;
	check_rows(rows, COUNT(rows), false);
}

/* What ends a connection, since what comes next can't be found. */
static void
test_fatal(void **state)
{
	static const char *const in[] = {
	    "a NOOP {9223372036854775808+}\r\n",
	    "a SELECT {99999999999999999999999+}\r\n",
	    "a XYZZY {9223372036854775807+}\r\n",
	    "a APPEND x (\\Odd {268435457+}\r\n",
	};
	char out[1024];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(in); i++) {
		struct imap_parser *parser = imap_parser_new();

		run(parser, in[i], strlen(in[i]), 1000, out, sizeof(out));
		assert_string_equal(out, "BYE A literal too large to wait for its end");
		imap_parser_free(parser);
	}
}

static void
test_utf8_names(void **state)
{
	static const struct row rows[] = {
	    {"a SELECT a&b", "a SELECT <a&b>"},
	    {"a SELECT \"\xc3\xa4\"", "a SELECT <\xc3\xa4>"},
	};
	static const struct row always[] = {
	    {"a SELECT \"&\xc3\xa4\"", "a SELECT <&\xc3\xa4>"},
	    {"a SELECT \"a\xcc\x88\"", "a SELECT <\xc3\xa4>"}, /* NFC */
	    {"a SELECT a&Awg-", "a SELECT <\xc3\xa4>"},
	};

	(void)state;
	check_rows(rows, COUNT(rows), true);
	check_rows(always, COUNT(always), false);
}

static void
test_pipeline_and_idle(void **state)
{
	static const char in[] = "a NOOP\r\nb IDLE\r\n";
	static const char more[] = "done\r\nc NOOP\nd IDLE\r\n";
	static const char wrong[] = "e NOOP\r\nf NOOP\r\n";
	struct imap_parser *parser = imap_parser_new();
	char out[1024];

	(void)state;
	run(parser, in, sizeof(in) - 1, 1000, out, sizeof(out));
	assert_string_equal(out, "a NOOP; b IDLE");
	imap_parser_idle(parser);
	run(parser, more, sizeof(more) - 1, 1000, out, sizeof(out));
	assert_string_equal(out, " DONE; c NOOP; d IDLE");
	imap_parser_idle(parser);
	run(parser, wrong, sizeof(wrong) - 1, 1000, out, sizeof(out));
	assert_string_equal(out, "* BAD Expected DONE after IDLE, found \"e\"; f NOOP");
	imap_parser_rest(parser);
	imap_parser_free(parser);
}

static void
test_octets_that_cannot_be(void **state)
{
	static const char in[] = "a NOOP\0\r\nb NOOP\rx\r\nc SELECT {3+}\r\na\0b\r\nd NOOP\r\n";
	struct imap_parser *parser = imap_parser_new();
	char out[1024];

	(void)state;
	run(parser, in, sizeof(in) - 1, 1000, out, sizeof(out));
	assert_string_equal(out, "a BAD A NUL octet outside a literal; b BAD A CR without LF; "
				 "c BAD A NUL octet in the literal after SELECT; d NOOP");
	imap_parser_free(parser);
}

/* What posternctl's import says, and that nobody else can say it. */
static void
test_administrator(void **state)
{
	static const struct row own[] = {
	    {"a XUIDS inbox 7 9", "a XUIDS <INBOX> 7 9"},
	    {"a XUIDS inbox 7 9 done", "a XUIDS <INBOX> 7 9 done"},
	    {"a XUIDS INBOX 0 9", "a BAD Expected a UIDVALIDITY after XUIDS, found \"0\""},
	    {"a XUIDS INBOX 7 4294967296",
	     "a BAD Expected a UIDNEXT after XUIDS, found \"4294967296\""},
	    {"a XUIDS INBOX 7 9 1",
	     "a BAD Expected the end of the command after XUIDS, found \"1\""},
	    {"a APPEND x UID 5 {1+}\r\n.", "message 1; a APPEND <x> 1 data=0/1 flags=0[] uid=5"},
	    {"a APPEND x () UID 0 {1+}\r\n.", "a BAD Expected a number after UID, found \"0\""},
	    {"a APPEND x (\\Seen) UID 5 {1+}\r\n. {1+}\r\n.",
	     "message 1; message 1; a APPEND <x> 2 data=0/1 flags=1[] uid=5 data=0/1 flags=0[]"},
	};
	static const struct row others[] = {
	    {"a XUIDS INBOX 7 9", "a BAD Expected a command after the tag, found \"XUIDS\""},
	    {"a APPEND x UID 5 {1+}\r\n.",
	     "a BAD Expected a message's literal after the mailbox name, found \"UID\""},
	};

	(void)state;
	check_rows_as(own, COUNT(own), false, true);
	check_rows(others, COUNT(others), false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_simple),
	    cmocka_unit_test(test_folders),
	    cmocka_unit_test(test_fetch),
	    cmocka_unit_test(test_search),
	    cmocka_unit_test(test_append),
	    cmocka_unit_test(test_administrator),
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_fatal),
	    cmocka_unit_test(test_utf8_names),
	    cmocka_unit_test(test_pipeline_and_idle),
	    cmocka_unit_test(test_octets_that_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
