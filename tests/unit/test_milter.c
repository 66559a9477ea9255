/* SPDX-License-Identifier: ISC */
/* The milter protocol: octets, and the course of a session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <string.h>

#include "worker/filter/milter_session.h"

#define MANY 80000 /* octets of a body of two chunks */

static const struct milter_field fields[] = {
    {"Subject", 7, " a\r\n b", 6},
    {"X-Nul", 5, "\tx\0y", 4},
};

/* What the milter has changed: a letter each. */
static char changes[32];
static size_t body_size;

static bool
field(void *context, size_t index, struct milter_field *out)
{
	(void)context;
	if (index >= sizeof(fields) / sizeof(fields[0]))
		return false;
	*out = fields[index];
	return true;
}

static ssize_t
body(void *context, uint64_t offset, void *buffer, size_t room)
{
	size_t left = body_size - (size_t)offset;

	(void)context;
	if (left > room)
		left = room;
	memset(buffer, 'b', left);
	return (ssize_t)left;
}

static int
note_change(void *context, const struct milter_reply *reply)
{
	size_t n = strlen(changes);

	(void)context;
	changes[n] = (char)('A' + (reply->type - MILTER_ADDHEADER));
	changes[n + 1] = '\0';
	return 0;
}

static const struct milter_mail mail = {
    .hostname = "mx.test",
    .queue_id = "0000000000000001",
    .client = "192.0.2.1",
    .family = '4',
    .port = 1234,
    .helo = "client.test",
    .sender = "a@client.test",
    .recipients = "b@test\0c@test",
    .recipient_count = 2,
    .tls_version = "TLSv1.3",
    .field = field,
    .body = body,
    .change = note_change,
};

/* One session and what it has said. */
struct talk {
	struct milter_session session;
	struct evbuffer *out;
	struct error err;
};

static void
begin(struct talk *t)
{
	changes[0] = '\0';
	body_size = 4;
	t->out = evbuffer_new();
	milter_session_start(&t->session, &mail);
}

static void
end(struct talk *t)
{
	evbuffer_free(t->out);
}

/* Says all that it may say now. */
static void
speaks(struct talk *t)
{
	int result;

	do
		result = milter_session_speak(&t->session, t->out, &t->err);
	while (result == 1);
	assert_int_equal(result, 0);
}

static void
expect(struct talk *t, const char *bytes, size_t length)
{
	char got[1024];

	speaks(t);
	assert_true(length <= sizeof(got));
	assert_int_equal(evbuffer_get_length(t->out), length);
	assert_int_equal(evbuffer_remove(t->out, got, sizeof(got)), length);
	assert_memory_equal(got, bytes, length);
}

#define PACKET(literal) literal, sizeof(literal) - 1
#define EXPECT(t, literal) expect(t, PACKET(literal))

static int
hears(struct talk *t, const char *packet, size_t length)
{
	return milter_session_hear(&t->session, packet, length, &t->err);
}

#define HEARS(t, literal) assert_int_equal(hears(t, PACKET(literal)), 0)
#define REFUSES(t, literal) assert_int_equal(hears(t, PACKET(literal)), -1)

#define OPTIONS_ALL "O\0\0\0\006\0\0\0\377\0\0\0\0"

/* Up to END, without looking. */
static void
negotiate(struct talk *t, const char *options)
{
	begin(t);
	EXPECT(t, "\0\0\0\015O\0\0\0\006\0\0\0\377\0\037\367\377");
	assert_int_equal(hears(t, options, 13), 0);
}

static void
hurry(struct talk *t, enum milter_state to)
{
	while (speaks(t), t->session.state < to)
		HEARS(t, "c");
	evbuffer_drain(t->out, evbuffer_get_length(t->out));
}

static void
a_whole_mail(void **state)
{
	struct talk t;

	(void)state;
	negotiate(&t, OPTIONS_ALL);
	EXPECT(&t, "\0\0\0\230DCj\0mx.test\0v\0Postern\0{daemon_name}\0mx.test\0"
		   "{client_addr}\000192.0.2.1\0{client_name}\0unknown\0{client_ptr}\0unknown\0"
		   "{client_port}\0001234\0_\0unknown [192.0.2.1]\0"
		   "\0\0\0\026Cunknown\0004\004\322192.0.2.1\0");
	HEARS(&t, "c");
	EXPECT(&t, "\0\0\0\030DH{tls_version}\0TLSv1.3\0\0\0\0\015Hclient.test\0");
	HEARS(&t, "c");
	EXPECT(&t, "\0\0\0\057DMi\0000000000000000001\0{mail_addr}\0a@client.test\0"
		   "\0\0\0\021M<a@client.test>\0");
	HEARS(&t, "c");
	EXPECT(&t, "\0\0\0\050DRi\0000000000000000001\0{rcpt_addr}\0b@test\0"
		   "\0\0\0\012R<b@test>\0");
	HEARS(&t, "c");
	EXPECT(&t, "\0\0\0\050DRi\0000000000000000001\0{rcpt_addr}\0c@test\0"
		   "\0\0\0\012R<c@test>\0");
	HEARS(&t, "c");
	EXPECT(&t, "\0\0\0\025DTi\0000000000000000001\0\0\0\0\001T");
	HEARS(&t, "c");
	EXPECT(&t, "\0\0\0\016LSubject\0a\n b\0");
	HEARS(&t, "c");
	EXPECT(&t, "\0\0\0\013LX-Nul\0x y\0");
	HEARS(&t, "c");
	EXPECT(&t, "\0\0\0\025DNi\0000000000000000001\0\0\0\0\001N");
	HEARS(&t, "c");
	EXPECT(&t, "\0\0\0\005Bbbbb");
	HEARS(&t, "c");
	EXPECT(&t, "\0\0\0\025DEi\0000000000000000001\0\0\0\0\001E");
	HEARS(&t, "p");
	HEARS(&t, "hX-Spam\0Yes\0");
	HEARS(&t, "i\0\0\0\001X-Two\0\0");
	HEARS(&t, "m\0\0\0\001Subject\0\0");
	HEARS(&t, "bnew body");
	HEARS(&t, "+<d@test>\0");
	HEARS(&t, "2<e@test>\0NOTIFY=NEVER\0");
	HEARS(&t, "-<b@test>\0");
	HEARS(&t, "e<x@test>\0");
	HEARS(&t, "qlooks bad\0");
	assert_string_equal(changes, "ABCDEEFGH");
	HEARS(&t, "c");
	assert_int_equal(t.session.state, MILTER_OVER);
	assert_int_equal(t.session.outcome, MILTER_ACCEPT);
	speaks(&t);
	REFUSES(&t, "c");
	end(&t);
}

/* What a milter doesn't want is not said, and what it doesn't answer is not waited for. */
static void
steps_are_negotiated(void **state)
{
	struct talk t;

	(void)state;
	/* Without all but CONNECT and BODY; no reply to CONNECT. */
	negotiate(&t, "O\0\0\0\006\0\0\0\0\0\0\022\156");
	body_size = MANY;
	speaks(&t);
	assert_int_equal(t.session.state, MILTER_IN_BODY);
	evbuffer_drain(t.out, evbuffer_get_length(t.out));
	HEARS(&t, "c");
	speaks(&t);
	assert_int_equal(evbuffer_get_length(t.out), 5 + MANY - MILTER_DATA_MAX);
	end(&t);

	/* No more of the body. */
	negotiate(&t, OPTIONS_ALL);
	body_size = MANY;
	hurry(&t, MILTER_IN_BODY);
	HEARS(&t, "s");
	EXPECT(&t, "\0\0\0\025DEi\0000000000000000001\0\0\0\0\001E");
	REFUSES(&t, "s");
	end(&t);

	/* Version 2 has no DATA. */
	negotiate(&t, "O\0\0\0\002\0\0\0\077\0\0\0\057");
	hurry(&t, MILTER_IN_EOH);
	end(&t);

	/* Blanks as they are. */
	negotiate(&t, "O\0\0\0\006\0\0\0\0\0\020\0\0");
	hurry(&t, MILTER_IN_DATA);
	HEARS(&t, "c");
	EXPECT(&t, "\0\0\0\017LSubject\0 a\n b\0");
	end(&t);
}

#define CONNECT_TO_RCPT                                                               \
	"\0\0\0\230DCj\0mx.test\0v\0Postern\0{daemon_name}\0mx.test\0"                \
	"{client_addr}\000192.0.2.1\0{client_name}\0unknown\0{client_ptr}\0unknown\0" \
	"{client_port}\0001234\0_\0unknown [192.0.2.1]\0"                             \
	"\0\0\0\030DH{tls_version}\0TLSv1.3\0"                                        \
	"\0\0\0\057DMi\0000000000000000001\0{mail_addr}\0a@client.test\0"             \
	"\0\0\0\050DRi\0000000000000000001\0{rcpt_addr}\0b@test\0"                    \
	"\0\0\0\050DRi\0000000000000000001\0{rcpt_addr}\0c@test\0"
#define AT_END "\0\0\0\025DEi\0000000000000000001\0\0\0\0\001E"

/* It may need at END what it could not say anything about: who has logged in, for one. */
static void
macros_are_told_whatever_it_declines(void **state)
{
	struct talk t;

	(void)state;
	negotiate(&t, "O\0\0\0\006\0\0\0\0\0\0\002\177");
	EXPECT(&t, CONNECT_TO_RCPT "\0\0\0\025DTi\0000000000000000001\0"
				   "\0\0\0\025DNi\0000000000000000001\0" AT_END);
	HEARS(&t, "c");
	assert_int_equal(t.session.state, MILTER_OVER);
	end(&t);

	/* Of version 2, it would not know those of DATA, and of the end of the header. */
	negotiate(&t, "O\0\0\0\002\0\0\0\077\0\0\0\177");
	EXPECT(&t, CONNECT_TO_RCPT AT_END);
	HEARS(&t, "c");
	end(&t);
}

static void
refusals(void **state)
{
	static const struct {
		const char *packet;
		size_t length;
		enum milter_reply_type outcome;
		unsigned code;
		const char *status, *text;
	} rows[] = {
	    {PACKET("r"), MILTER_REJECT, 550, "5.7.1", "Command rejected"},
	    {PACKET("t"), MILTER_TEMPFAIL, 451, "4.7.1", "Service unavailable, try again later"},
	    {PACKET("f"), MILTER_TEMPFAIL, 451, "4.7.1", "Service unavailable, try again later"},
	    {PACKET("4"), MILTER_TEMPFAIL, 421, "4.7.0", "Service unavailable, try again later"},
	    {PACKET("d"), MILTER_DISCARD, 0, "", ""},
	    {PACKET("a"), MILTER_ACCEPT, 0, "", ""},
	    {PACKET("y554 5.7.1 Spam\0"), MILTER_REJECT, 554, "5.7.1", "Spam"},
	    {PACKET("y451 later\0"), MILTER_TEMPFAIL, 451, "4.7.1", "later"},
	    {PACKET("y550-5.7.1 one\r\n550 5.7.1 two\0"), MILTER_REJECT, 550, "5.7.1", "one\ntwo"},
	    {PACKET("y550-5.7.2\r\n550 5.7.2 two\0"), MILTER_REJECT, 550, "5.7.2", "two"},
	    {PACKET("y550-5.7.2 100%%\r\n550-5.7.1 \r\n550-two\r\nthree\n550 5.7.2 end%%\r\n\0"),
	     MILTER_REJECT, 550, "5.7.2", "100%\n\ntwo\nthree\nend%"},
	    {PACKET("y550-5.7.2\r\n550 5.7.2\0"), MILTER_REJECT, 550, "5.7.2",
	     "Refused by a filter"},
	    {PACKET("y550 5.7 x\tz\0"), MILTER_REJECT, 550, "5.7.1", "5.7 x?z"},
	    {PACKET("y550 5..1 x\0"), MILTER_REJECT, 550, "5.7.1", "5..1 x"},
	    {PACKET("y451 5.7.1 mixed\0"), MILTER_TEMPFAIL, 451, "4.7.1", "mixed"},
	    {PACKET("y550 2.1.5 fine\0"), MILTER_REJECT, 550, "5.7.1", "fine"},
	    {PACKET("y550 4.7.1\0"), MILTER_REJECT, 550, "5.7.1", "Refused by a filter"},
	    {PACKET("y550 3.7.1 x\0"), MILTER_REJECT, 550, "5.7.1", "3.7.1 x"},
	    {PACKET("y550 5.7.1 100%% spam%%\0"), MILTER_REJECT, 550, "5.7.1", "100% spam%"},
	    {PACKET("y550 5.7.1 %%%% %%% %\0"), MILTER_REJECT, 550, "5.7.1", "%% %% %"},
	    {PACKET("y450\0"), MILTER_TEMPFAIL, 450, "4.7.1", "Refused by a filter"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct talk t;

		negotiate(&t, OPTIONS_ALL);
		hurry(&t, i % 2 == 0 ? MILTER_IN_MAIL : MILTER_IN_END);
		assert_int_equal(hears(&t, rows[i].packet, rows[i].length), 0);
		assert_int_equal(t.session.state, MILTER_OVER);
		assert_int_equal(t.session.outcome, rows[i].outcome);
		assert_int_equal(t.session.code.code, rows[i].code);
		assert_string_equal(t.session.code.status, rows[i].status);
		assert_string_equal(t.session.code.text, rows[i].text);
		end(&t);
	}
}

static void
what_is_no_milter(void **state)
{
	static const char *const strange[] = {
	    "O\0\0\0\001\0\0\0\0\0\0\0\0", "O\0\0\0\007\0\0\0\0\0\0\0\0",
	    "O\0\0\0\006\0\0\002\0\0\0\0\0", "O\0\0\0\006\0\0\0\0\0\0\010\0",
	    "c\0\0\0\006\0\0\0\0\0\0\0\0"};
	struct talk t;

	(void)state;
	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
		begin(&t);
		speaks(&t);
		assert_int_equal(hears(&t, strange[i], 13), -1);
		end(&t);
	}
	begin(&t);
	REFUSES(&t, OPTIONS_ALL); /* before it was asked */
	end(&t);

	/* Changes too early, or never announced. */
	negotiate(&t, OPTIONS_ALL);
	speaks(&t);
	REFUSES(&t, "hX\0Y\0");
	end(&t);
	negotiate(&t, "O\0\0\0\006\0\0\0\001\0\0\0\0");
	hurry(&t, MILTER_IN_END);
	HEARS(&t, "hX\0Y\0");
	REFUSES(&t, "m\0\0\0\001X\0Y\0");
	end(&t);

	/* Replies that are none. */
	static const struct {
		const char *packet;
		size_t length;
	} rows[] = {{PACKET("")},
		    {PACKET("z")},
		    {PACKET("h")},
		    {PACKET("hX\0Y")},
		    {PACKET("hX\0")},
		    {PACKET("hX\0Y\0Z\0")},
		    {PACKET("i\0\0\0\1X\0")},
		    {PACKET("m\0\0")},
		    {PACKET("+a")},
		    {PACKET("y\0")},
		    {PACKET("y250 ok\0")},
		    {PACKET("y55\0")},
		    {PACKET("y550x\0")},
		    {PACKET("O")},
		    {PACKET("-")},
		    {PACKET("e\0x")}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		negotiate(&t, OPTIONS_ALL);
		hurry(&t, MILTER_IN_END);
		assert_int_equal(hears(&t, rows[i].packet, rows[i].length), -1);
		end(&t);
	}
}

static void
packets(void **state)
{
	(void)state;
	assert_int_equal(milter_packet("", 0), 0);
	assert_int_equal(milter_packet("\0\0\0", 3), 0);
	assert_int_equal(milter_packet("\0\0\0\0", 4), -1);
	assert_int_equal(milter_packet("\0\0\0\001", 4), 0);
	assert_int_equal(milter_packet("\0\0\0\001c", 5), 1);
	assert_int_equal(milter_packet("\0\0\0\001cc", 6), 1);
	assert_int_equal(milter_packet("\0\002\0\001", 4), -1);
	assert_int_equal(milter_packet("\377\377\377\377", 4), -1);
}

/* A packet has an end, whatever a mail has in its header. */
static void
long_strings_are_cut(void **state)
{
	static char value[MILTER_DATA_MAX + 100];
	const char *const strings[] = {"Name", value, "never"};
	struct evbuffer *out = evbuffer_new();

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	assert_int_equal(milter_write_strings(out, MILTER_HEADER, strings, 3), 0);
	assert_int_equal(evbuffer_get_length(out), 5 + MILTER_DATA_MAX);
	assert_int_equal(
	    milter_packet((const char *)evbuffer_pullup(out, -1), evbuffer_get_length(out)),
	    1 + MILTER_DATA_MAX);
	evbuffer_free(out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_whole_mail),
	    cmocka_unit_test(steps_are_negotiated),
	    cmocka_unit_test(macros_are_told_whatever_it_declines),
	    cmocka_unit_test(refusals),
	    cmocka_unit_test(what_is_no_milter),
	    cmocka_unit_test(packets),
	    cmocka_unit_test(long_strings_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
