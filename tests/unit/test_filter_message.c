/* SPDX-License-Identifier: ISC */
/* A mail that filter changes, and the results that it writes down. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/mime/authserv_id.h"
#include "worker/filter/message.h"
#include "worker/filter/results.h"
#include "worker/queue/check_verdict.h"

static const char text[] = "A: 1\r\nB: 2\r\n b\r\nA: 3\r\n\r\nbody\r\n";

static struct message *
in_file(const char *octets, size_t length, uint64_t size)
{
	int fd = memfd_create("message", MFD_CLOEXEC);

	assert_int_equal(pwrite(fd, octets, length, 0), length);
	return message_new(NULL, fd, size);
}

static void
check_header(const struct message *message, const char *expected)
{
	char out[1024];
	size_t size = message_header_size(message);

	assert_int_equal(size, strlen(expected));
	message_write_header(message, out);
	assert_memory_equal(out, expected, size);
}

static void
change(struct message *message)
{
	struct message_field *field = message_came(message, "a", NULL);
	char body[16];

	assert_int_equal(message_body(message, 0, body, sizeof(body)), 6);
	assert_memory_equal(body, "body\r\n", 6);
	assert_int_equal(message_body(message, 6, body, sizeof(body)), 0);
	check_header(message, "A: 1\r\nB: 2\r\n b\r\nA: 3\r\n\r\n");
	assert_false(message->changed);
	message_remove(message, field);
	assert_non_null(message_insert(message, field, "C", "in\r\n\tside"));
	assert_non_null(message_prepend(message, "First", "x"));
	assert_non_null(message_append(message, "Last", "y"));
	check_header(message,
		     "First: x\r\nC: in\r\n\tside\r\nB: 2\r\n b\r\nA: 3\r\nLast: y\r\n\r\n");
	/* What came is still there to be seen, and what was added isn't. */
	assert_ptr_equal(message_came(message, "A", NULL), field);
	assert_null(message_came(message, "First", NULL));
	assert_memory_equal(message_is(message, "a", NULL)->text.value.at, "3", 1);
	assert_true(message->changed);
	message_free(message);
}

static void
changes(void **state)
{
	(void)state;
	change(message_new(text, -1, sizeof(text) - 1));
	change(in_file(text, sizeof(text) - 1, sizeof(text) - 1));
}

static void
fields_that_are_none(void **state)
{
	static const struct {
		const char *name, *value;
	} bad[] = {{"", "x"},       {"A B", "x"},   {"A:", "x"},
		   {"A", "x\r\ny"}, {"A", "x\n y"}, {"A", "x\ry"},
		   {"A", "x\r\n"},  {"A\xc3", "x"}, {"A", "x\r\n\r\n y"}};
	struct message *message = message_new(text, -1, sizeof(text) - 1);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		assert_null(message_prepend(message, bad[i].name, bad[i].value));
		assert_int_equal(errno, EINVAL);
	}
	assert_false(message->changed);
	message_free(message);
}

static void
odd_messages(void **state)
{
	static const char *const odd[] = {"\r\nbody\r\n", "A: 1\r\n", "x\r\n", "no line end", "\n"};
	char *many = calloc(1, MESSAGE_HEADER_MAX + 200000);

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct message *a = message_new(odd[i], -1, strlen(odd[i]));
		struct message *b = in_file(odd[i], strlen(odd[i]), strlen(odd[i]));

		assert_non_null(a);
		assert_non_null(b);
		assert_int_equal(a->body_begin, b->body_begin);
		assert_int_equal(a->field_count, b->field_count);
		message_free(a);
		message_free(b);
	}
	/* A file that is not as long as was said. */
	assert_null(in_file("A: 1\r\n", 6, 7));
	assert_null(in_file("A: 1\r\n\r\n", 8, 7));
	memset(many, 'x', MESSAGE_HEADER_MAX + 200000);
	assert_null(in_file(many, MESSAGE_HEADER_MAX + 200000, MESSAGE_HEADER_MAX + 200000));
	assert_int_equal(errno, EMSGSIZE);
	for (size_t i = 0; i < 10001; i++)
		memcpy(many + 6 * i, "A: 1\r\n", 6);
	assert_null(in_file(many, 60006, 60006));
	assert_int_equal(errno, EMSGSIZE);
	free(many);
}

/* What has as many fields as may be gets its results all the same, and more than that. */
static void
room_for_more_fields(void **state)
{
	char *many = malloc(60000);
	struct message *message;
	size_t added = 0;

	(void)state;
	for (size_t i = 0; i < 10000; i++)
		memcpy(many + 6 * i, "A: 1\r\n", 6);
	message = message_new(many, -1, 60000);
	assert_non_null(message);
	while (message_prepend(message, "B", "2") != NULL)
		added++;
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(added, 100);
	message_free(message);
	free(many);
}

/* -- Authentication-Results ---------------------------------------------------------------------
 */

static void
results_are_written(void **state)
{
	static const char *const properties[] = {"header", "d",        "example.net",
						 "header", "i",        "@example.net",
						 "smtp",   "mailfrom", "\"a b\"@example.net"};
	struct results results;
	char long_text[2000];

	(void)state;
	results_begin(&results, "mx.example.org");
	assert_string_equal(results_end(&results), "mx.example.org; none");
	results_begin(&results, "mx.example.org");
	assert_true(results_add(&results, "dkim", "pass", "good \"key\"\r\n", properties, 3));
	assert_true(results_add(&results, "spf", "none", NULL, NULL, 0));
	assert_string_equal(results_end(&results),
			    "mx.example.org;\r\n\tdkim=pass reason=\"good \\\"key\\\"??\" "
			    "header.d=example.net\r\n\theader.i=@example.net "
			    "smtp.mailfrom=\"\\\"a b\\\"@example.net\";\r\n\tspf=none");
	/* What doesn't fit is left out as a whole. */
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	results_begin(&results, "h");
	assert_false(results_add(&results, "dkim", "pass", long_text, NULL, 0));
	assert_string_equal(results_end(&results), "h; none");
}

static void
whose_results(void **state)
{
	static const struct {
		const char *value, *id; /* NULL: nobody's */
	} cases[] = {
	    {"mx.example.org; none", "mx.example.org"},
	    {"MX.Example.ORG 1; spf=pass", "mx.example.org"},
	    {"(a (nested \\) ) comment)\r\n mx.example.org;", "mx.example.org"},
	    {"\"mx.ex\\ample.org\" ; none", "mx.example.org"},
	    {"mx.example.org", "mx.example.org"},
	    {"mx.example.org (a)", "mx.example.org"},
	    {"mx.example.org(a)1(b);", "mx.example.org"},
	    /* As somebody who compares may read them. */
	    {"mx.example.org.; none", "mx.example.org"},
	    {"\" mx.example\r\n .org\"; none", "mx.example.org"},
	    {"mx.B\xc3\xbc"
	     "cher.example; none",
	     "mx.xn--bcher-kva.example"},
	    {"\"mx.b\xc3\xbc"
	     "cher.example\"; none",
	     "mx.xn--bcher-kva.example"},
	    {"\xc2\xa0mx.example.org; none", "mx.example.org"},
	    /* Nobody's who writes by the book. */
	    {"mx.(x)example.org; none", NULL},
	    {"mx (a) . (b) example.org; none", NULL},
	    {"mx.\"example\".org; none", NULL},
	    {"\"mx\".example.org; none", NULL},
	    {"mx.example.org @; none", NULL},
	    {"mx.example.org (never closed; none", NULL},
	    {"mx.\xff.example; none", NULL},
	    {"\".\"; none", NULL},
	    {"\" \"; none", NULL},
	    /* Exchange's have no id. */
	    {"spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=a.example", "spf"},
	    {"(never closed; mx.example.org", NULL},
	    {"\"never closed", NULL},
	    {"", NULL},
	    {";", NULL},
	    {"()", NULL},
	};
	char id[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mime_text value = {cases[i].value, strlen(cases[i].value)};
		bool found = authserv_id(value, id, sizeof(id));

		assert_int_equal(found, cases[i].id != NULL);
		if (found)
			assert_string_equal(id, cases[i].id);
	}
	assert_false(authserv_id((struct mime_text){"mx.example.org", 14}, id, 14));
	assert_false(authserv_id((struct mime_text){"\"mx\0\"; none", 11}, id, sizeof(id)));
}

/* -- What queue takes for a verdict --------------------------------------------------------------
 */

static void
verdicts_that_are_none(void **state)
{
	const struct qf_verdict good = {.verdict = FILTER_REJECT,
					.change = FILTER_SAME,
					.code = 550,
					.status = "5.7.1",
					.text = "no"};
	const struct qf_verdict accept = {.verdict = FILTER_ACCEPT, .change = FILTER_SAME};
	const struct qf_mail mail = {.kind = FILTER_STRANGER}, own = {.kind = FILTER_OWN};
	const struct qf_mail long_ones = {.kind = FILTER_SUBMITTER, .seven_bit = 1};
	struct qf_verdict v;

	(void)state;
	assert_true(check_verdict_is_sound(&good, &mail, 0, 100));
	assert_false(check_verdict_is_sound(&good, &own, 0, 100)); /* of our own */
	assert_true(check_verdict_is_sound(&accept, &own, 0, 100));
#define LIE(field, value)                                                \
	do {                                                             \
		v = good;                                                \
		v.field = (value);                                       \
		assert_false(check_verdict_is_sound(&v, &mail, 0, 100)); \
	} while (0)
	LIE(verdict, 0);
	LIE(verdict, FILTER_VERDICT_COUNT);
	LIE(verdict, FILTER_ACCEPT); /* with a code */
	LIE(verdict, FILTER_LATER);  /* with 550 */
	LIE(change, FILTER_CHANGE_COUNT);
	LIE(change, FILTER_IN_TAIL); /* without one */
	LIE(junk, 2);
	LIE(code, 250);
	LIE(code, 0);
	LIE(code, 600);
	LIE(size, 1);
	LIE(text[0], '\0');
	LIE(text[1], '\r');
	LIE(text[1], '\x80');
	LIE(status[0], '4');
	LIE(status[1], '7');
	LIE(status[4], 'x');
	LIE(status[4], '\0');
	v = good;
	memset(v.text, 'x', sizeof(v.text));
	assert_false(check_verdict_is_sound(&v, &mail, 0, 100));
	/* Lines: not too long, and not too many. */
	v.text[FILTER_TEXT_SIZE] = '\0';
	assert_false(check_verdict_is_sound(&v, &mail, 0, 100));
	v.text[FILTER_TEXT_SIZE - 1] = '\n';
	assert_true(check_verdict_is_sound(&v, &mail, 0, 100));
	v.verdict = FILTER_HOLD;
	v.code = 0;
	v.status[0] = '\0';
	assert_false(check_verdict_is_sound(&v, &mail, 0, 100));
	v.text[FILTER_TEXT_SIZE - 1] = '\0';
	assert_true(check_verdict_is_sound(&v, &mail, 0, 100));
	v = good;
	memset(v.text, '\n', FILTER_LINES_MAX - 1);
	v.text[FILTER_LINES_MAX - 1] = '\0';
	assert_true(check_verdict_is_sound(&v, &mail, 0, 100));
	v.text[FILTER_LINES_MAX - 1] = '\n';
	v.text[FILTER_LINES_MAX] = '\0';
	assert_false(check_verdict_is_sound(&v, &mail, 0, 100));
	v = accept;
	v.change = FILTER_IN_TAIL;
	v.size = 5;
	assert_true(check_verdict_is_sound(&v, &mail, 5, 100));
	assert_false(check_verdict_is_sound(&v, &mail, 6, 100));
	v.change = FILTER_IN_FILE;
	assert_true(check_verdict_is_sound(&v, &mail, 0, 100));
	assert_false(check_verdict_is_sound(&v, &mail, 5, 100));
	v.size = 100 + QF_FIELDS_MAX + 1; /* larger than a message may become */
	assert_false(check_verdict_is_sound(&v, &mail, 0, 100));
	v.size = 0;
	assert_false(check_verdict_is_sound(&v, &mail, 0, 100));
	/* To 7 bits, where that was wished: it may be half as long again. */
	v.size = 100 + 50 + QF_FIELDS_MAX;
	assert_false(check_verdict_is_sound(&v, &long_ones, 0, 100));
	v.seven_bit = 1;
	assert_true(check_verdict_is_sound(&v, &long_ones, 0, 100));
	assert_false(check_verdict_is_sound(&v, &mail, 0, 100));
	v.size++;
	assert_false(check_verdict_is_sound(&v, &long_ones, 0, 100));
	v = accept;
	v.seven_bit = 1; /* and it is as it was */
	assert_false(check_verdict_is_sound(&v, &long_ones, 0, 100));
	v.seven_bit = 2;
	v.change = FILTER_IN_TAIL;
	v.size = 5;
	assert_false(check_verdict_is_sound(&v, &long_ones, 5, 100));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(changes),
	    cmocka_unit_test(fields_that_are_none),
	    cmocka_unit_test(odd_messages),
	    cmocka_unit_test(room_for_more_fields),
	    cmocka_unit_test(results_are_written),
	    cmocka_unit_test(whose_results),
	    cmocka_unit_test(verdicts_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
