/* SPDX-License-Identifier: ISC */
/*
 * A postern-lookup that lies to posternctl, which is root's: what it says is no answer, or text
 * that moves no cursor. And the other way round, for postern-lookup is a boundary as any other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctl/lookup.h"
#include "tests/attack/house.h"

#define DNS_A 1
#define DNS_TXT 16

/* -- lookup lies ------------------------------------------------------------------------------ */

struct fixture {
	struct lookup lookup; /* posternctl's */
	int other;            /* lookup's end */
};

static void
open_pair(struct fixture *f)
{
	int sv[2];

	assert_int_equal(ipc_pair(sv), 0);
	f->lookup = (struct lookup){.control = sv[0], .pid = -1};
	f->other = sv[1];
}

static void
close_pair(struct fixture *f)
{
	lookup_close(&f->lookup);
	close(f->other);
}

static void
say(const struct fixture *f, uint32_t id, const struct cl_answer *answer, const char *tail,
    size_t length, int fd)
{
	assert_int_equal(
	    ipc_send_fd(f->other, CL_ANSWER, id, answer, sizeof(*answer), tail, length, fd), 0);
}

static void
answers_that_lie(void **state)
{
	static const struct {
		const char *what;
		uint32_t id;
		struct cl_answer answer;
		size_t length;
		const char *tail;
	} lies[] = {
	    {"to no question", 0, {.count = 1}, 2, "a"},
	    {"an unknown status", 1, {.status = LOOKUP_STATUS_COUNT}, 0, ""},
	    {"half proved", 1, {.secure = 2}, 0, ""},
	    {"fewer than it says", 1, {.count = 2}, 2, "a"},
	    {"more than it says", 1, {.count = 1}, 4, "a\0b"},
	    {"none of many", 1, {.count = UINT32_MAX}, 0, ""},
	    {"half a record", 1, {.count = 1}, 3, "a\0b"},
	    {"a record without an end", 1, {.count = 0}, 1, "a"},
	};
	struct lookup_answer answer;
	struct fixture f;
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		print_message("%s\n", lies[i].what);
		open_pair(&f);
		say(&f, lies[i].id, &lies[i].answer, lies[i].tail, lies[i].length, -1);
		assert_int_equal(lookup_receive(&f.lookup, &answer, &err), 0);
		assert_null(answer.tail);
		close_pair(&f);
	}
}

/* Other messages than an answer, a descriptor that nobody wants, too much, and the end. */
static void
no_answers(void **state)
{
	static const struct cl_ask ask = {.name = "x", .type = DNS_A};
	static const struct cl_answer good = {.count = 1};
	static char octets[LOOKUP_TAIL_MAX + 1];
	struct lookup_answer answer;
	struct fixture f;
	struct error err;

	(void)state;
	open_pair(&f); /* posternctl's own */
	assert_int_equal(ipc_send_fd(f.other, CL_ASK, 1, &ask, sizeof(ask), NULL, 0, -1), 0);
	assert_int_equal(lookup_receive(&f.lookup, &answer, &err), 0);
	close_pair(&f);

	open_pair(&f); /* what a child says when it is up */
	assert_int_equal(ipc_send_fd(f.other, MC_READY, 1, &(struct ipc_empty){{0}},
				     sizeof(struct ipc_empty), NULL, 0, -1),
			 0);
	assert_int_equal(lookup_receive(&f.lookup, &answer, &err), 0);
	close_pair(&f);

	open_pair(&f);
	assert_int_equal(ipc_send_fd(f.other, 999, 1, "babble", 6, NULL, 0, -1), 0);
	assert_int_equal(lookup_receive(&f.lookup, &answer, &err), 0);
	close_pair(&f);

	open_pair(&f);
	say(&f, 1, &good, "a", 2, STDERR_FILENO);
	assert_int_equal(lookup_receive(&f.lookup, &answer, &err), 0);
	close_pair(&f);

	open_pair(&f);
	say(&f, 1, &good, octets, sizeof(octets), -1);
	assert_int_equal(lookup_receive(&f.lookup, &answer, &err), 0);
	close_pair(&f);

	open_pair(&f);
	close(f.other);
	assert_int_equal(lookup_receive(&f.lookup, &answer, &err), 0);
	lookup_close(&f.lookup);
}

/* A terminal obeys none of it. */
static void
records_are_printable(void **state)
{
	static const char tail[] = "\033[2J\rv=spf1\0\x9b\xc3\xa4\x7f\n";
	struct lookup_answer answer;
	struct fixture f;
	struct error err;

	(void)state;
	open_pair(&f);
	say(&f, 3, &(struct cl_answer){.count = 2}, tail, sizeof(tail), -1);
	assert_int_equal(lookup_receive(&f.lookup, &answer, &err), 3);
	assert_int_equal(answer.count, 2);
	assert_string_equal(answer.tail, "?[2J?v=spf1");
	assert_string_equal(answer.tail + strlen(answer.tail) + 1, "?????");
	lookup_answer_free(&answer);
	close_pair(&f);
}

/* -- posternctl lies -------------------------------------------------------------------------- */

static void
questions_that_lie(void **state)
{
	static const struct {
		const char *what;
		uint32_t id;
		struct cl_ask ask;
	} lies[] = {
	    {"nobody waits", 0, {.name = "example.org", .type = DNS_TXT}},
	    {"of no type", 1, {.name = "example.org"}},
	    {"of a zone", 1, {.name = "example.org", .type = 252}}, /* AXFR */
	    {"of all types", 1, {.name = "example.org", .type = 255}},
	    {"not zero", 1, {.name = "example.org", .type = DNS_TXT, .zero = {0, 1}}},
	};
	struct cl_ask endless = {.type = DNS_TXT};
	struct house_child lookup;

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		lookup = house_lookup();
		print_message("%s\n", lies[i].what);
		assert_int_equal(ipc_send_fd(lookup.control, CL_ASK, lies[i].id, &lies[i].ask,
					     sizeof(lies[i].ask), NULL, 0, -1),
				 0);
		house_must_end(&lookup);
	}
	memset(endless.name, 'a', sizeof(endless.name));
	lookup = house_lookup();
	assert_int_equal(
	    ipc_send_fd(lookup.control, CL_ASK, 1, &endless, sizeof(endless), NULL, 0, -1), 0);
	house_must_end(&lookup);
}

/* Names that DNS can't have. */
static void
names_that_are_none(void **state)
{
	static const char *const names[] = {
	    "..", "a..b", ".a",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	struct house_child lookup = house_lookup();
	struct ipc_message message;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct cl_ask ask = {.type = DNS_TXT};

		strlcpy(ask.name, names[i], sizeof(ask.name));
		assert_int_equal(ipc_send_fd(lookup.control, CL_ASK, (uint32_t)i + 1, &ask,
					     sizeof(ask), NULL, 0, -1),
				 0);
		assert_int_equal(
		    house_receive(lookup.control, &ctl_lookup_boundary, IPC_CLIENT, &message), 1);
		assert_int_equal(message.type, CL_ANSWER);
		assert_int_equal(message.id, i + 1);
		assert_int_not_equal(((const struct cl_answer *)message.body)->status,
				     LOOKUP_ANSWERED);
	}
	house_end(&lookup);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(answers_that_lie),      cmocka_unit_test(no_answers),
	    cmocka_unit_test(records_are_printable), cmocka_unit_test(questions_that_lie),
	    cmocka_unit_test(names_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
