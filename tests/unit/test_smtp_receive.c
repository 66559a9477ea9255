/* SPDX-License-Identifier: ISC */
/* A message from MAIL to the queue, and what may go wrong on its way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/hop_limit.h"
#include "common/proto/gate_queue.h"
#include "tests/unit/smtp_house.h"
#include "worker/gate/smtp/data.h"
#include "worker/gate/smtp/first_line.h"
#include "worker/gate/smtp/received.h"

#define EHLO_REPLY \
	"250-mx.example.org greets client.example\r\n" EXTENSIONS "250-STARTTLS\r\n250 HELP\r\n"
#define GO "354 Send the message, end it with <CRLF>.<CRLF>\r\n"
#define QUEUED "250 2.0.0 Ok: queued as " QUEUE_ID "\r\n"
#define TEXT "Subject: hi\r\n\r\n.one\r\ntwo\r\n"
#define ENVELOPE "MAIL FROM:<a@b>\r\nRCPT TO:<bob@b>\r\nDATA\r\n"
#define ENVELOPE_REPLY "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n" GO

static void
open_with_ehlo(void)
{
	house_open(SERVICE_SMTP);
	talk("EHLO client.example\r\n", EHLO_REPLY);
}

/* The body behind our Received: field. */
static const char *
content(void)
{
	static const char begin[] = "Received: from client.example ([192.0.2.1])\r\n\tby ";
	const char *p = queue_log.body;

	assert_int_equal(strncmp(p, begin, sizeof(begin) - 1), 0);
	do
		p = strstr(p, "\r\n") + 2;
	while (*p == '\t');
	return p;
}

static void
a_message(void **state)
{
	const char *for_clause;

	(void)state;
	open_with_ehlo();
	talk("MAIL FROM:<Alice@Example.org> SIZE=123\r\n", "250 2.1.0 Ok\r\n");
	talk("RCPT TO:<bob@b>\r\n", "250 2.1.5 Ok\r\n");
	talk("DATA\r\n", GO);
	assert_true(protocol_busy());
	assert_true(protocol_content());
	talk("Subject: hi\r\n\r\n..one\r\ntwo\r\n.\r\n", QUEUED);
	assert_false(protocol_busy());
	assert_string_equal(queue_log.from, "Alice@example.org");
	assert_string_equal(queue_log.rcpts, "bob@b ");
	assert_true(queue_log.declared_size == 123);
	assert_true(queue_log.commit_size == queue_log.body_length);
	assert_string_equal(content(), TEXT);
	assert_non_null(strstr(queue_log.body, "by mx.example.org (Postern) with ESMTP\r\n"));
	assert_non_null(strstr(queue_log.body, "\r\n\tid " QUEUE_ID "\r\n"));
	for_clause = strstr(queue_log.body, "\r\n\tfor <bob@b>;\r\n\t");
	assert_non_null(for_clause);
	assert_non_null(strstr(for_clause, " +0000\r\n"));

	/* Another one, to two: neither is told of the other. */
	talk("MAIL FROM:<>\r\n", "250 2.1.0 Ok\r\n");
	talk("RCPT TO:<bob@b>\r\nRCPT TO:<none@b>\r\nRCPT TO:<carol@b>\r\n",
	     "250 2.1.5 Ok\r\n550 5.1.1 <none@b>: there is no such mailbox here\r\n"
	     "250 2.1.5 Ok\r\n");
	talk("DATA\r\n", GO);
	talk(".\r\n", QUEUED);
	assert_string_equal(queue_log.from, "");
	assert_string_equal(queue_log.rcpts, "bob@b carol@b ");
	assert_null(strstr(queue_log.body, "for <"));
	assert_string_equal(content(), "");
	house_close();
	assert_int_equal(queue_log.aborts, 0);
	assert_int_equal(queue_log.commits, 2);
}

/* What a stranger says first is not taken for more of our own Received field, nor text for header.
 */
static void
first_lines(void **state)
{
	static const struct {
		const char *said;
		const char *kept;
	} cases[] = {
	    {" by forged\r\nX: y\r\n\r\nz\r\n", "\r\n by forged\r\nX: y\r\n\r\nz\r\n"},
	    {"\tby forged\r\n", "\r\n\tby forged\r\n"},
	    {". by forged\r\n", "\r\n by forged\r\n"},
	    {" \r\n", "\r\n \r\n"},
	    {"X: y\r\n z\r\n", "X: y\r\n z\r\n"},
	    {"\r\n z\r\n", "\r\n z\r\n"},
	    {"X : y\r\n\r\nz\r\n", "X : y\r\n\r\nz\r\n"},
	    {"x\r\n", "\r\nx\r\n"},
	    {"x\r\nX: y\r\n", "\r\nx\r\nX: y\r\n"},
	    {"Two words: y\r\n", "\r\nTwo words: y\r\n"},
	    {": y\r\n", "\r\n: y\r\n"},
	    {"\xc3\xa4: y\r\n", "\r\n\xc3\xa4: y\r\n"},
	    {"From x Mon\r\nX: y\r\n\r\nz\r\n", "From x Mon\r\nX: y\r\n\r\nz\r\n"},
	    {">From x Mon\r\nX: y\r\n", ">From x Mon\r\nX: y\r\n"},
	    {"Frog x Mon\r\nX: y\r\n", "\r\nFrog x Mon\r\nX: y\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t piece = 1; piece < 40; piece += 12) {
			open_with_ehlo();
			talk(ENVELOPE, ENVELOPE_REPLY);
			client_says_in_pieces(cases[i].said, strlen(cases[i].said), piece);
			talk(".\r\n", QUEUED);
			assert_string_equal(content(), cases[i].kept);
			assert_true(queue_log.commit_size == queue_log.body_length);
			house_close();
		}
	}
}

/* A field's name has an end. */
static void
a_long_first_word(void **state)
{
	char text[FIRST_LINE_MAX + 8];

	(void)state;
	for (size_t length = FIRST_LINE_MAX - 1; length < FIRST_LINE_MAX + 2; length++) {
		memset(text, 'x', length);
		memcpy(text + length, ":\r\n", 4);
		open_with_ehlo();
		talk(ENVELOPE, ENVELOPE_REPLY);
		client_says_in_pieces(text, length + 3, 100);
		talk(".\r\n", QUEUED);
		assert_string_equal(content() + (length > FIRST_LINE_MAX ? 2 : 0), text);
		house_close();
	}
}

/* RFC 2920: all of it in one go, cut everywhere, to one byte at a time. */
static void
pipelined_in_pieces(void **state)
{
	static const char burst[] =
	    "EHLO client.example\r\n" ENVELOPE "Subject: hi\r\n\r\n..one\r\ntwo\r\n.\r\n" ENVELOPE
	    "x\r\n.\r\nQUIT\r\n";
	static const char replies[] = EHLO_REPLY ENVELOPE_REPLY QUEUED ENVELOPE_REPLY QUEUED
	    "221 2.0.0 mx.example.org closes the connection\r\n";
	size_t length = sizeof(burst) - 1, i;

	(void)state;
	for (i = 0; i <= length; i++) {
		house_open(SERVICE_SMTP);
		client_says_bytes(burst, i);
		client_says_bytes(burst + i, length - i);
		assert_string_equal(client_hears(), replies);
		assert_int_equal(queue_log.commits, 2);
		assert_string_equal(content(), "\r\nx\r\n");
		assert_true(connection_finished());
		house_close();
	}
	for (i = 1; i < 10; i++) {
		house_open(SERVICE_SMTP);
		client_says_in_pieces(burst, length, i);
		assert_string_equal(client_hears(), replies);
		house_close();
	}
}

static void
a_big_message(void **state)
{
	size_t length = 90000, i;
	char *text = malloc(length + 4);

	(void)state;
	for (i = 0; i < length; i++)
		text[i] = (char)('a' + i % 26);
	for (i = 78; i < length; i += 80)
		memcpy(text + i, "\r\n", 2);
	memcpy(text + length - 2, "\r\n.\r\n", 5);
	text[8] = ':';
	open_with_ehlo();
	talk(ENVELOPE, ENVELOPE_REPLY);
	client_says_in_pieces(text, length + 3, 8000);
	assert_string_equal(client_hears(), QUEUED);
	assert_int_equal(strlen(content()), length);
	assert_memory_equal(content(), text, length);
	assert_true(queue_log.commit_size == queue_log.body_length);
	house_close();
	free(text);
}

static void
refused_content(void **state)
{
	static const struct {
		const char *text;
		const char *code;
	} cases[] = {
	    {"a\n.\nMAIL FROM:<smuggled@b>\r\n.\r\n", "550 5.6.0"},
	    {"a\r\n.\nb\r\n.\r\n", "550 5.6.0"},
	    {"a\r.\rb\r\n.\r\n", "550 5.6.0"},
	    {"a\r\n.\rb\r\n.\r\n", "550 5.6.0"},
	};
	size_t i;

	(void)state;
	open_with_ehlo();
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *reply;

		talk(ENVELOPE, ENVELOPE_REPLY);
		client_says(cases[i].text);
		reply = client_hears();
		assert_int_equal(strncmp(reply, cases[i].code, 9), 0);
		assert_non_null(strstr(reply, "bare"));
		assert_null(strstr(strchr(reply, '\n') + 1, "\n")); /* one reply */
	}
	talk(ENVELOPE, ENVELOPE_REPLY);
	client_says_bytes("a\0b\r\n.\r\n", 8);
	assert_string_equal(client_hears(),
			    "550 5.6.0 Message refused: it has a NUL octet in it\r\n");
	house_settings()->max_message_size = 10;
	talk(ENVELOPE, ENVELOPE_REPLY);
	talk("0123456789\r\n.\r\n",
	     "552 5.3.4 Message refused: it is bigger than this server takes\r\n");
	talk(ENVELOPE, ENVELOPE_REPLY);
	talk("01234567\r\n.\r\n", QUEUED);
	house_close();
	assert_int_equal(queue_log.commits, 1);
	assert_int_equal(queue_log.aborts, 6);
}

static void
client_goes_in_each_state(void **state)
{
	static const char all[] =
	    "EHLO client.example\r\n" ENVELOPE "Subject: hi\r\n\r\nbody\r\n.\r";
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all); i++) {
		house_open(SERVICE_SMTP);
		client_says_bytes(all, i);
		house_close();
		assert_int_equal(queue_log.commits, 0);
		assert_int_equal(queue_log.aborts, queue_log.datas);
	}
	house_open(SERVICE_SMTP);
	orders.queue_silent_on_data = true;
	client_says_bytes(all, sizeof(all) - 1);
	house_close();
	assert_int_equal(queue_log.datas, 1);
	assert_int_equal(queue_log.aborts, 1);
}

static void
queue_refuses(void **state)
{
	static const struct {
		uint32_t failure;
		const char *reply;
	} cases[] = {
	    {QUEUE_NO_SPACE,
	     "452 4.3.1 There is no space for the message now, try again later\r\n"},
	    {QUEUE_TOO_BIG, "552 5.3.4 Message refused: it is bigger than this server takes\r\n"},
	    {QUEUE_REFUSED, "554 5.5.1 Transaction failed: a recipient is not known any more\r\n"},
	    {QUEUE_UNAVAILABLE,
	     "451 4.3.0 The mail queue can't be reached now, try again later\r\n"},
	    {99, "451 4.3.0 The mail queue can't be reached now, try again later\r\n"},
	};
	char want[600];
	size_t i;

	(void)state;
	open_with_ehlo();
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		orders.data_failure = cases[i].failure;
		snprintf(want, sizeof(want), "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n%s", cases[i].reply);
		talk(ENVELOPE, want);
		orders.data_failure = 0;
		orders.commit_failure = cases[i].failure;
		talk(ENVELOPE, ENVELOPE_REPLY);
		talk("x\r\n.\r\n", cases[i].reply);
		orders.commit_failure = 0;
	}
	talk(ENVELOPE, ENVELOPE_REPLY);
	talk("x\r\n.\r\n", QUEUED);
	house_close();
	assert_int_equal(queue_log.aborts, 0);
}

static void
disk_is_full(void **state)
{
	(void)state;
	open_with_ehlo();
	orders.body_is_full = true;
	talk(ENVELOPE, ENVELOPE_REPLY);
	/* More than fits into the commit. */
	for (size_t i = 0; i <= GQ_INLINE_MAX / 64; i++)
		talk("sixty-four octets a line, so many lines until a file is needed\r\n", "");
	talk(".\r\n", "452 4.3.1 There is no space for the message now, try again later\r\n");
	house_close();
	assert_int_equal(queue_log.commits, 0);
	assert_int_equal(queue_log.aborts, 1);
}

#define UNREACHABLE "451 4.3.0 The mail queue can't be reached now, try again later\r\n"

static void
queue_is_not_there(void **state)
{
	(void)state;
	open_with_ehlo();
	house_kill_queue();
	talk(ENVELOPE, "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n" UNREACHABLE);
	house_new_queue();
	talk(ENVELOPE, ENVELOPE_REPLY);
	talk("x\r\n.\r\n", QUEUED);
	/* Before DATA it doesn't matter. */
	talk("MAIL FROM:<a@b>\r\nRCPT TO:<bob@b>\r\n", "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n");
	house_kill_queue();
	house_new_queue();
	talk("DATA\r\n", GO);
	talk("x\r\n.\r\n", QUEUED);
	house_close();
}

static void
queue_dies_while_it_opens(void **state)
{
	(void)state;
	open_with_ehlo();
	orders.queue_dies_on_data = true;
	talk(ENVELOPE, "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n" UNREACHABLE);
	house_new_queue();
	talk("NOOP\r\n", "250 2.0.0 Ok\r\n");
	house_close();
}

static void
queue_dies_while_the_client_sends(void **state)
{
	(void)state;
	open_with_ehlo();
	talk(ENVELOPE, ENVELOPE_REPLY);
	house_kill_queue();
	talk("x\r\n.\r\n", UNREACHABLE);
	house_new_queue();
	talk(ENVELOPE, ENVELOPE_REPLY);
	house_kill_queue();
	house_new_queue();
	talk("x\r\n.\r\n", UNREACHABLE);
	house_close();
	assert_int_equal(queue_log.commits, 0);
	assert_int_equal(queue_log.aborts, 0); /* the new one knows nothing of it */
}

static void
queue_dies_while_it_commits(void **state)
{
	(void)state;
	open_with_ehlo();
	orders.queue_dies_on_commit = true;
	talk(ENVELOPE, ENVELOPE_REPLY);
	talk("x\r\n.\r\n", "");
	orders.queue_dies_on_commit = false;
	house_new_queue();
	assert_int_equal(queue_log.confirms, 1);
	assert_string_equal(client_hears(), QUEUED);

	orders.queue_dies_on_commit = true;
	orders.confirm_failure = QUEUE_UNKNOWN;
	talk(ENVELOPE, ENVELOPE_REPLY);
	talk("x\r\n.\r\nNOOP\r\n", "");
	orders.queue_dies_on_commit = false;
	house_new_queue();
	assert_string_equal(client_hears(),
			    "451 4.3.0 The message was not kept, try again later\r\n"
			    "250 2.0.0 Ok\r\n");
	house_close();
	assert_int_equal(queue_log.aborts, 0);
}

/* The time that queue has is over at once. */
int __real_event_add(struct event *, const struct timeval *);
int __wrap_event_add(struct event *, const struct timeval *);
int
__wrap_event_add(struct event *event, const struct timeval *wait)
{
	static const struct timeval soon = {.tv_sec = 0};

	return __real_event_add(event, wait != NULL && wait->tv_sec == GQ_COMMIT_SECONDS &&
					       orders.queue_silent_on_commit
					   ? &soon
					   : wait);
}

/* Of what the client hears that it was not kept queue must not keep: it comes again. */
static void
queue_is_silent_on_the_commit(void **state)
{
	(void)state;
	open_with_ehlo();
	orders.queue_silent_on_commit = true;
	orders.confirm_failure = QUEUE_UNKNOWN;
	talk(ENVELOPE, ENVELOPE_REPLY);
	client_says("x\r\n.\r\n");
	assert_string_equal(client_hears(),
			    "451 4.3.0 The message was not kept, try again later\r\n");
	assert_int_equal(queue_log.aborts, 1);
	assert_int_equal(queue_log.confirms, 1);
	house_close();
}

static void
client_goes_while_queue_is_away(void **state)
{
	(void)state;
	open_with_ehlo();
	orders.queue_dies_on_commit = true;
	talk(ENVELOPE, ENVELOPE_REPLY);
	talk("x\r\n.\r\n", "");
	house_close();
}

static void
queue_breaks_the_protocol(void **state)
{
	(void)state;
	open_with_ehlo();
	orders.bad_queue_id = true;
	talk(ENVELOPE, "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n" UNREACHABLE);
	house_close();
}

static void
submission(void **state)
{
	(void)state;
	house_open(SERVICE_SUBMISSION);
	house_set_tls(TLS_IMPLICIT, true);
	client_says("EHLO client.example\r\nAUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n");
	client_hears();
	talk(ENVELOPE, ENVELOPE_REPLY);
	talk(TEXT ".\r\n", QUEUED);
	assert_true(queue_log.in_the_name_of);
	assert_non_null(
	    strstr(queue_log.body, "with ESMTPSA\r\n\t(TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n"));

	/* The gate's own channel dies first, then the account's. */
	house_kill_queue();
	orders.queue_dies_on_commit = true;
	talk(ENVELOPE, ENVELOPE_REPLY);
	talk("x\r\n.\r\n", "");
	house_new_queue();
	assert_string_equal(client_hears(), QUEUED);
	assert_int_equal(queue_log.confirms, 1);
	client_says("MAIL FROM:<a@b>\r\n");
	assert_string_equal(client_hears(),
			    "421 4.3.0 The mail queue was restarted, please connect again\r\n");
	house_close();
}

#define CLAIMS                                                                        \
	"Return-Path: <x@y>\r\nAuthentication-Results: mx.example.org; dkim=pass\r\n" \
	"Authentication-Results: mx.example.net; dkim=pass\r\n"

/* Of a stranger's mail that filter looks at, all of it: it may be signed. */
static void
what_claims_to_be_ours_is_removed(void **state)
{
	for (int filtered = 0; filtered <= 1; filtered++) {
		(void)state;
		open_with_ehlo();
		orders.filtered = filtered == 1;
		talk(ENVELOPE, ENVELOPE_REPLY);
		talk(CLAIMS TEXT ".\r\n", QUEUED);
		assert_int_equal(strstr(queue_log.body, "Return-Path") != NULL, filtered);
		assert_int_equal(strstr(queue_log.body, "mx.example.org; dkim") != NULL, filtered);
		assert_non_null(strstr(queue_log.body, "mx.example.net; dkim"));
		assert_true(queue_log.commit_size == queue_log.body_length);
		house_close();

		house_open(SERVICE_SUBMISSION);
		house_set_tls(TLS_IMPLICIT, true);
		orders.filtered = filtered == 1;
		client_says("EHLO client.example\r\nAUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n");
		client_hears();
		talk(ENVELOPE, ENVELOPE_REPLY);
		talk("text\r\n" CLAIMS ".\r\n", QUEUED);
		/* It is no header. */
		assert_non_null(strstr(queue_log.body, "text\r\n" CLAIMS));
		talk(ENVELOPE, ENVELOPE_REPLY);
		talk(CLAIMS TEXT ".\r\n", QUEUED);
		assert_null(strstr(queue_log.body, "Return-Path"));
		assert_null(strstr(queue_log.body, "mx.example.org; dkim"));
		assert_non_null(strstr(queue_log.body, "mx.example.net; dkim"));
		house_close();
	}
}

/* Each line has the code, and no other (RFC 5321 4.2.1). */
static void
a_filter_may_say_more(void **state)
{
	static const struct {
		const char *said, *heard;
	} cases[] = {
	    {"550 5.7.1 no", "550 5.7.1 no\r\n"},
	    {"451 4.7.1 a\n451 4.7.1 \n451 \n451 d",
	     "451-4.7.1 a\r\n451-4.7.1 \r\n451-\r\n451 d\r\n"},
	    {"550 5.7.1 a\n551 5.7.1 b", UNREACHABLE},
	    {"550 5.7.1 a\n", UNREACHABLE},
	    {"550 5.7.1 a\n250 ok", UNREACHABLE},
	    {"550-5.7.1 a\n550 b", UNREACHABLE},
	    {"550 5.7.1 a\r\n550 b", UNREACHABLE},
	    {"\n550 b", UNREACHABLE},
	    {"250 ok", UNREACHABLE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		open_with_ehlo();
		orders.commit_reply = cases[i].said;
		talk(ENVELOPE, ENVELOPE_REPLY);
		talk(TEXT ".\r\n", cases[i].heard);
		house_close();
	}
}

/* The account's channel dies first: the gate's own still answers. */
static void
submitter_dies_while_queue_commits(void **state)
{
	(void)state;
	house_open(SERVICE_SUBMISSION);
	house_set_tls(TLS_IMPLICIT, true);
	client_says("EHLO client.example\r\nAUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n");
	client_hears();
	orders.queue_dies_on_commit = true;
	talk(ENVELOPE, ENVELOPE_REPLY);
	talk("x\r\n.\r\n", QUEUED);
	assert_int_equal(queue_log.confirms, 1);
	house_close();
}

/* A channel that is full must not be overfilled: that would end it for all. */
static void
many_recipients_of_one_message(void **state)
{
	size_t n = 20000, i, size = n * 32, length = 0;
	char *burst = malloc(size);

	(void)state;
	open_with_ehlo();
	house_settings()->max_recipients = (uint32_t)n;
	talk("MAIL FROM:<a@b>\r\n", "250 2.1.0 Ok\r\n");
	for (i = 0; i < n; i++) {
		length +=
		    (size_t)snprintf(burst + length, size - length, "RCPT TO:<u%zu@b>\r\n", i);
		if (length < 8000 && i + 1 < n)
			continue;
		client_says_bytes(burst, length);
		client_says("");
		client_says("");
		client_says("");
		length = 0;
	}
	client_hears();
	client_says("DATA\r\n");
	for (i = 0; i < 100000 && queue_log.datas == 0; i++)
		client_says("");
	assert_string_equal(client_hears(), GO);
	assert_int_equal(queue_log.rcpt_count, n);
	talk("x\r\n.\r\n", QUEUED);
	house_close();
	free(burst);
}

static void
received_fields(void **state)
{
	char longest[HOST_NAME_SIZE], path[ADDRESS_SIZE], text[RECEIVED_FIELD_SIZE];
	struct peer peer = {0};
	struct received received = {
	    .helo = "[IPv6:2001:db8::1]",
	    .peer = &peer,
	    .hostname = "mx",
	    .protocol = "SMTP",
	    .queue_id = QUEUE_ID,
	    .when = 1,
	};

	(void)state;
	peer.address.s6_addr[0] = 0x20;
	peer.address.s6_addr[1] = 0x01;
	(void)received_format(&received, text);
	assert_string_equal(text, "Received: from [IPv6:2001:db8::1] ([IPv6:2001::])\r\n"
				  "\tby mx (Postern) with SMTP\r\n"
				  "\tid " QUEUE_ID ";\r\n"
				  "\tThu, 01 Jan 1970 00:00:01 +0000\r\n");
	received.helo = NULL;
	(void)received_format(&received, text);
	assert_string_equal(text, "Received: by mx (Postern) with SMTP\r\n"
				  "\tid " QUEUE_ID ";\r\n"
				  "\tThu, 01 Jan 1970 00:00:01 +0000\r\n");
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	memset(path, 'y', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	received.helo = received.hostname = longest;
	received.recipient = path;
	received.tls_version = "TLSv1.3";
	received.tls_cipher = "TLS_AES_256_GCM_SHA384";
	assert_true(received_format(&received, text) < RECEIVED_FIELD_SIZE - 500);

	assert_string_equal(received_protocol(false, true, false, true), "SMTP");
	assert_string_equal(received_protocol(true, false, false, false), "ESMTP");
	assert_string_equal(received_protocol(true, false, true, false), "ESMTPA");
	assert_string_equal(received_protocol(true, true, false, false), "ESMTPS");
	assert_string_equal(received_protocol(true, true, true, false), "ESMTPSA");
	assert_string_equal(received_protocol(true, true, true, true), "UTF8SMTPSA");
	assert_string_equal(received_protocol(true, false, false, true), "UTF8SMTP");
}

/* The content ends at END for us, and perhaps not for who sent it. */
static void
end_doubtfully(const char *begin, size_t length, const char *end)
{
	open_with_ehlo();
	talk(ENVELOPE, ENVELOPE_REPLY);
	client_says_bytes(begin, length);
	client_says(end);
	assert_int_equal(strncmp(client_hears(), "55", 2), 0);
	assert_true(connection_finished());
	assert_string_equal(finish_reason(), "smuggling");
	assert_int_equal(queue_log.mails, 1);
	assert_int_equal(queue_log.aborts, 1);
	house_close();
}

/*
 * There is a real end mark, but not where the sender's server saw one: what follows is no command,
 * and whether it comes at once or later makes no difference.
 */
static void
commands_behind_a_doubtful_end(void **state)
{
	static const char *const ends[] = {
	    "a\r\r\n.\r\nMAIL FROM:<evil@b>\r\n",
	    "a\n\r\n.\r\nMAIL FROM:<evil@b>\r\n",
	    "a\r\r\n.\r\n",
	    "a\n\r\n.\r\n",
	};
	static const char received[] = "Received: x\r\n";
	size_t length = SMTP_TEXT_LINE_MAX + 10, fields = HOP_LIMIT * (sizeof(received) - 1);
	char *line = malloc(length), *loop = malloc(fields);

	(void)state;
	memset(line, 'x', length);
	memcpy(line + length - 2, "\r\n", 2);
	for (size_t i = 0; i < fields; i++)
		loop[i] = received[i % (sizeof(received) - 1)];
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		end_doubtfully("", 0, ends[i]);
		/* What else is wrong, and was seen first. */
		end_doubtfully("X: \0\r\n", 6, ends[i]);
		end_doubtfully(line, length, ends[i]);
		end_doubtfully(loop, fields, ends[i]);
	}
	free(line);
	free(loop);
	/* A client that waits for its reply is told, and may go on. */
	open_with_ehlo();
	talk(ENVELOPE, ENVELOPE_REPLY);
	client_says("a\nb\r\n.\r\n");
	assert_int_equal(strncmp(client_hears(), "550 5.6.0 ", 10), 0);
	talk("NOOP\r\n", "250 2.0.0 Ok\r\n");
	house_close();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(commands_behind_a_doubtful_end),
	    cmocka_unit_test(a_message),
	    cmocka_unit_test(first_lines),
	    cmocka_unit_test(what_claims_to_be_ours_is_removed),
	    cmocka_unit_test(a_filter_may_say_more),
	    cmocka_unit_test(a_long_first_word),
	    cmocka_unit_test(pipelined_in_pieces),
	    cmocka_unit_test(a_big_message),
	    cmocka_unit_test(refused_content),
	    cmocka_unit_test(client_goes_in_each_state),
	    cmocka_unit_test(queue_refuses),
	    cmocka_unit_test(disk_is_full),
	    cmocka_unit_test(queue_is_not_there),
	    cmocka_unit_test(queue_dies_while_it_opens),
	    cmocka_unit_test(queue_dies_while_the_client_sends),
	    cmocka_unit_test(queue_dies_while_it_commits),
	    cmocka_unit_test(queue_is_silent_on_the_commit),
	    cmocka_unit_test(client_goes_while_queue_is_away),
	    cmocka_unit_test(queue_breaks_the_protocol),
	    cmocka_unit_test(submission),
	    cmocka_unit_test(submitter_dies_while_queue_commits),
	    cmocka_unit_test(many_recipients_of_one_message),
	    cmocka_unit_test(received_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
