/* SPDX-License-Identifier: ISC */
/* BDAT (RFC 3030), and what MAIL and RCPT tell queue beside the addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/proto/gate_queue.h"
#include "tests/unit/smtp_house.h"

#define QUEUED "250 2.0.0 Ok: queued as " QUEUE_ID "\r\n"
#define OK_MAIL "250 2.1.0 Ok\r\n"
#define OK_RCPT "250 2.1.5 Ok\r\n"
#define ENVELOPE "MAIL FROM:<a@b>\r\nRCPT TO:<bob@b>\r\n"
#define BINARY "MAIL FROM:<a@b> BODY=BINARYMIME\r\nRCPT TO:<bob@b>\r\n"
#define BAD "501 5.5.4 Expected a number of octets and LAST or nothing after BDAT, found "
#define NO_MAIL "503 5.5.1 Send MAIL and RCPT first\r\n"
#define BARE_LF                                                                              \
	"550 5.6.0 Message refused: it has a bare LF (LF without CR before it) in it (SMTP " \
	"smuggling); lines end with CRLF\r\n"
#define BARE_CR                                                                              \
	"550 5.6.0 Message refused: it has a bare CR (CR without LF behind it) in it (SMTP " \
	"smuggling); lines end with CRLF\r\n"
#define NUL_IN_IT "550 5.6.0 Message refused: it has a NUL octet in it\r\n"

static void
open_with_ehlo(void)
{
	house_open(SERVICE_SMTP);
	client_says("EHLO client.example\r\n");
	(void)client_hears();
}

static void
talk_bytes(const char *bytes, size_t length, const char *hear)
{
	client_says_bytes(bytes, length);
	assert_string_equal(client_hears(), hear);
}
#define SAY(literal, hear) talk_bytes(literal, sizeof(literal) - 1, hear)

/* What is behind our Received: field. */
static size_t
content(const char **text)
{
	const char *p = queue_log.body;

	do
		p = strstr(p, "\r\n") + 2;
	while (*p == '\t');
	*text = p;
	return queue_log.body_length - (size_t)(p - queue_log.body);
}

static void
expect(const char *bytes, size_t length, enum body_type type)
{
	const char *text;

	assert_int_equal(content(&text), length);
	assert_memory_equal(text, bytes, length);
	assert_int_equal(queue_log.commit_type, type);
}
#define EXPECT(literal, type) expect(literal, sizeof(literal) - 1, type)

static void
one_chunk(void **state)
{
	(void)state;
	open_with_ehlo();
	SAY(ENVELOPE, OK_MAIL OK_RCPT);
	SAY("BDAT 12 LAST\r\nA: b\r\n\r\n.\r\nx", QUEUED);
	/* A dot is a dot here; the last line gets the end it lacks. */
	EXPECT("A: b\r\n\r\n.\r\nx\r\n", BODY_7BIT);
	SAY("NOOP\r\n", "250 2.0.0 Ok\r\n");
	house_close();
	assert_int_equal(queue_log.aborts, 0);
}

static void
many_chunks(void **state)
{
	static const char burst[] =
	    ENVELOPE "BDAT 6\r\nA: b\r\nbdat 0\r\nBDAT 1\r\n\rBDAT 6\r\n\n.\r\n.\rBDAT 1\r\n\nBDAT "
		     "0 last\r\n" ENVELOPE "BDAT 3 LAST\r\n\r\nxQUIT\r\n";
	static const char replies[] =
	    OK_MAIL OK_RCPT "250 2.0.0 Ok: 6 octets so far\r\n250 2.0.0 Ok: 6 octets so far\r\n"
			    "250 2.0.0 Ok: 6 octets so far\r\n250 2.0.0 Ok: 12 octets so far\r\n"
			    "250 2.0.0 Ok: 14 octets so far\r\n" QUEUED OK_MAIL OK_RCPT QUEUED
			    "221 2.0.0 mx.example.org closes the connection\r\n";

	(void)state;
	/* Cut everywhere, to one byte at a time. */
	for (size_t piece = 1; piece < sizeof(burst); piece++) {
		open_with_ehlo();
		client_says_in_pieces(burst, sizeof(burst) - 1, piece);
		assert_string_equal(client_hears(), replies);
		EXPECT("\r\nx\r\n", BODY_7BIT);
		assert_int_equal(queue_log.commits, 2);
		house_close();
	}
	open_with_ehlo();
	SAY(ENVELOPE "BDAT 6\r\nA: b\r\n", OK_MAIL OK_RCPT "250 2.0.0 Ok: 6 octets so far\r\n");
	assert_true(protocol_busy());
	SAY("BDAT 3\r\n\r\n\r", "250 2.0.0 Ok: 8 octets so far\r\n");
	SAY("BDAT 5 LAST\r\n\n.\r\n.", QUEUED);
	EXPECT("A: b\r\n\r\n\r\n.\r\n.\r\n", BODY_7BIT);
	house_close();
}

/* No octet of a chunk is a command, whatever became of the chunk. */
static void
refused_chunks_are_swallowed(void **state)
{
	(void)state;
	house_open(SERVICE_SMTP);
	SAY("BDAT 6\r\nQUIT\r\nNOOP\r\n", "503 5.5.1 Send EHLO first\r\n250 2.0.0 Ok\r\n");
	house_close();
	open_with_ehlo();
	SAY("BDAT 6 LAST\r\nQUIT\r\n", NO_MAIL);
	SAY("BDAT 0 LAST\r\n", NO_MAIL);
	SAY("MAIL FROM:<a@b>\r\nRCPT TO:<none@b>\r\nBDAT 6 LAST\r\nQUIT\r\n",
	    OK_MAIL "550 5.1.1 <none@b>: there is no such mailbox here\r\n"
		    "554 5.5.1 No valid recipients\r\n");
	SAY("RSET\r\n", "250 2.0.0 Ok\r\n");
	assert_int_equal(queue_log.mails, 0);
	/* A fault is told with the chunk it is in; those behind it belong to nothing. */
	SAY(ENVELOPE "BDAT 3\r\na\nbBDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nRSET\r\nNOOP\r\n",
	    OK_MAIL OK_RCPT BARE_LF NO_MAIL NO_MAIL "250 2.0.0 Ok\r\n");
	assert_int_equal(queue_log.aborts, 1);
	orders.data_failure = QUEUE_NO_SPACE;
	SAY(ENVELOPE "BDAT 6\r\nQUIT\r\nNOOP\r\n",
	    OK_MAIL OK_RCPT "452 4.3.1 There is no space for the message now, try again later\r\n"
			    "250 2.0.0 Ok\r\n");
	house_close();
	assert_int_equal(queue_log.commits, 0);
}

/* Where a chunk's end is not known, nothing behind it can be trusted. */
static void
a_size_that_is_none_ends_the_session(void **state)
{
	static const char *const lines[] = {"BDAT", "BDAT x", "BDAT -1 LAST", "BDAT 1 LAST x",
					    "BDAT 18446744073709551616"};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		open_with_ehlo();
		client_says(ENVELOPE);
		(void)client_hears();
		client_says(lines[i]);
		client_says("\r\nNOOP\r\n");
		assert_int_equal(strncmp(client_hears(), BAD, strlen(BAD)), 0);
		assert_true(connection_finished());
		assert_string_equal(finish_reason(), "bad-chunk");
		house_close();
	}
}

static void
commands_between_chunks(void **state)
{
	static const char begun[] = "503 5.5.1 BDAT has begun the message: more BDAT, or RSET\r\n";

	(void)state;
	open_with_ehlo();
	SAY(ENVELOPE "BDAT 2\r\n\r\n", OK_MAIL OK_RCPT "250 2.0.0 Ok: 2 octets so far\r\n");
	SAY("DATA\r\n", begun);
	SAY("RCPT TO:<carol@b>\r\n", begun);
	SAY("MAIL FROM:<a@b>\r\n", begun);
	SAY("NOOP\r\n", "250 2.0.0 Ok\r\n");
	SAY("BDAT 0 LAST\r\n", QUEUED);
	assert_string_equal(queue_log.rcpts, "bob@b ");
	SAY(ENVELOPE "BDAT 2\r\n\r\nRSET\r\n",
	    OK_MAIL OK_RCPT "250 2.0.0 Ok: 2 octets so far\r\n250 2.0.0 Ok\r\n");
	assert_int_equal(queue_log.aborts, 1);
	SAY("BDAT 0 LAST\r\n", NO_MAIL);
	SAY(ENVELOPE "DATA\r\n",
	    OK_MAIL OK_RCPT "354 Send the message, end it with <CRLF>.<CRLF>\r\n");
	SAY("BDAT 0 LAST\r\n.\r\n", QUEUED);
	EXPECT("\r\nBDAT 0 LAST\r\n", BODY_7BIT);
	house_close();
}

static void
size_is_bounded(void **state)
{
	char *big = malloc(60000);

	(void)state;
	memset(big, 'x', 60000);
	for (size_t i = 0; i + 1 < 60000; i += 100)
		memcpy(big + i, "\r\n", 2);
	open_with_ehlo();
	client_says(ENVELOPE "BDAT 60000\r\n");
	client_says_bytes(big, 60000);
	assert_non_null(strstr(client_hears(), "250 2.0.0 Ok: 60000 octets so far\r\n"));
	client_says("BDAT 60000 LAST\r\n");
	client_says_bytes(big, 60000);
	assert_string_equal(client_hears(), "552 5.3.4 Message refused: it is bigger than this "
					    "server takes\r\n");
	SAY("NOOP\r\n", "250 2.0.0 Ok\r\n");
	house_close();
	assert_int_equal(queue_log.commits, 0);
	free(big);
}

/* Nor in chunks is the first line taken for more of our Received field, wherever they are cut. */
static void
first_line_with_a_blank(void **state)
{
	static const char *const mails[] = {ENVELOPE, BINARY};
	const char *text;

	(void)state;
	open_with_ehlo();
	for (size_t i = 0; i < 2; i++) {
		client_says(mails[i]);
		(void)client_hears();
		SAY("BDAT 0\r\n", "250 2.0.0 Ok: 0 octets so far\r\n");
		SAY("BDAT 1\r\n\t", "250 2.0.0 Ok: 1 octets so far\r\n");
		SAY("BDAT 11 LAST\r\nby forged\r\n", QUEUED);
		assert_int_equal(content(&text), 14);
		assert_memory_equal(text, "\r\n\tby forged\r\n", 14);
		assert_true(queue_log.commit_size == queue_log.body_length);
	}
	house_close();
}

/* The public variants of SMTP smuggling, in a chunk of text: none is taken, none ends anything. */
static void
smuggling(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
		const char *reply;
	} cases[] = {
#define CASE(literal, reply) {literal, sizeof(literal) - 1, reply}
	    CASE("a\n.\nQUIT\r\n", BARE_LF),         CASE("a\n.\r\nQUIT\r\n", BARE_LF),
	    CASE("a\r\n.\nQUIT\r\n", BARE_LF),       CASE("a\r.\rQUIT\r\n", BARE_CR),
	    CASE("a\r.\r\nQUIT\r\n", BARE_CR),       CASE("a\r\n.\rQUIT\r\n", BARE_CR),
	    CASE("a\r\n\0.\r\nQUIT\r\n", NUL_IN_IT), CASE("a\r\n.\0\r\nQUIT\r\n", NUL_IN_IT),
	    CASE("a\n\n.\r\nQUIT\r\n", BARE_LF),     CASE("a\r\r\n.\r\nQUIT\r\n", BARE_CR),
	    CASE("a\r\n.\r\n\r", BARE_CR),           CASE("a\r\n.\r\r\nQUIT\r\n", BARE_CR),
#undef CASE
	};
	char line[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		open_with_ehlo();
		SAY(ENVELOPE, OK_MAIL OK_RCPT);
		(void)snprintf(line, sizeof(line), "BDAT %zu LAST\r\n", cases[i].length);
		client_says(line);
		talk_bytes(cases[i].bytes, cases[i].length, cases[i].reply);
		SAY("NOOP\r\n", "250 2.0.0 Ok\r\n");
		assert_int_equal(queue_log.commits, 0);
		house_close();
	}
}

static void
binary(void **state)
{
	(void)state;
	open_with_ehlo();
	SAY(BINARY, OK_MAIL OK_RCPT);
	SAY("DATA\r\n", "503 5.5.1 A message of BODY=BINARYMIME comes by BDAT\r\n");
	SAY("BDAT 17 LAST\r\nA: b\r\n\r\n\0\n.\r\n\r.\r\r", QUEUED);
	EXPECT("A: b\r\n\r\n\0\n.\r\n\r.\r\r", BODY_BINARYMIME);
	/* Lines of text after all. */
	SAY(BINARY "BDAT 9 LAST\r\nA: b\r\n\r\n\xff", OK_MAIL OK_RCPT QUEUED);
	EXPECT("A: b\r\n\r\n\xff\r\n", BODY_8BITMIME);
	/* A header is lines, always: where it ends must not be a question. */
	SAY(BINARY "BDAT 10 LAST\r\nA: b\nB: c\r", OK_MAIL OK_RCPT BARE_LF);
	SAY(BINARY "BDAT 10 LAST\r\nA: b\r\nB:\0c", OK_MAIL OK_RCPT NUL_IN_IT);
	SAY(BINARY "BDAT 7\r\nA: b\r\n\rBDAT 3 LAST\r\n\n\r\r",
	    OK_MAIL OK_RCPT "250 2.0.0 Ok: 6 octets so far\r\n" QUEUED);
	EXPECT("A: b\r\n\r\n\r\r", BODY_BINARYMIME);
	/* Without BODY=BINARYMIME it is as it was. */
	SAY(ENVELOPE "BDAT 9 LAST\r\nA: b\r\n\r\n\n", OK_MAIL OK_RCPT BARE_LF);
	house_close();
}

static void
what_queue_is_told(void **state)
{
	(void)state;
	open_with_ehlo();
	SAY("MAIL FROM:<a@b> BODY=8BITMIME RET=HDRS ENVID=x+2By SMTPUTF8\r\n", OK_MAIL);
	SAY("RCPT TO:<\xc3\xa4@b> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;o@b\r\n", OK_RCPT);
	SAY("RCPT TO:<carol@b> NOTIFY=NEVER\r\n", OK_RCPT);
	SAY("RCPT TO:<dave@b> ORCPT=utf-8;\xc3\xa4@b\r\n", OK_RCPT);
	SAY("BDAT 2 LAST\r\n\r\n", QUEUED);
	assert_string_equal(queue_log.rcpts, "\xc3\xa4@b carol@b dave@b ");
	assert_string_equal(queue_log.notes, "10 rfc822;o@b 1  0 utf-8;\xc3\xa4@b ");
	assert_int_equal(queue_log.parameters.flags, MAIL_SMTPUTF8);
	assert_int_equal(queue_log.parameters.ret, DSN_RETURN_HDRS);
	assert_string_equal(queue_log.parameters.envid, "x+y");
	assert_int_equal(queue_log.commit_type, BODY_8BITMIME);
	assert_non_null(strstr(queue_log.body, " with UTF8SMTP\r\n"));

	/* RFC 6531 3.5: only after SMTPUTF8. */
	SAY("MAIL FROM:<a@b>\r\n", OK_MAIL);
	client_says("RCPT TO:<\xc3\xa4@b>\r\n");
	assert_int_equal(strncmp(client_hears(),
				 "553 5.6.7 <?"
				 "?@b>: ",
				 17),
			 0);
	client_says("RCPT TO:<a@b> ORCPT=utf-8;\xc3\xa4\r\n");
	assert_int_equal(strncmp(client_hears(), "553 5.6.7 <a@b>: ", 17), 0);
	SAY("RCPT TO:<a@b> ORCPT=utf-8;\\x{E4}\r\nRSET\r\n", OK_RCPT "250 2.0.0 Ok\r\n");
	SAY("MAIL FROM:<a@b> REQUIRETLS\r\n", "555 5.7.10 REQUIRETLS is not known without TLS\r\n");
	house_set_tls(TLS_IMPLICIT, true);
	client_says("EHLO x\r\n");
	assert_non_null(strstr(client_hears(), "250-REQUIRETLS\r\n"));
	SAY("MAIL FROM:<a@b> REQUIRETLS\r\nRCPT TO:<b@b>\r\nBDAT 0 LAST\r\n",
	    OK_MAIL OK_RCPT QUEUED);
	assert_int_equal(queue_log.parameters.flags, MAIL_REQUIRETLS);
	house_close();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_chunk),
	    cmocka_unit_test(many_chunks),
	    cmocka_unit_test(refused_chunks_are_swallowed),
	    cmocka_unit_test(a_size_that_is_none_ends_the_session),
	    cmocka_unit_test(commands_between_chunks),
	    cmocka_unit_test(size_is_bounded),
	    cmocka_unit_test(first_line_with_a_blank),
	    cmocka_unit_test(smuggling),
	    cmocka_unit_test(binary),
	    cmocka_unit_test(what_queue_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
