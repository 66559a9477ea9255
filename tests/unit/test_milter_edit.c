/* SPDX-License-Identifier: ISC */
/* What a milter is shown of a mail, and what its changes make of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/filter/milter_edit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char text[] = "Received: ours\r\nFrom: x@y\r\nX-Old: one\r\nReceived: theirs\r\n"
			   "X-Old:  two\r\n\tfolded\r\n\r\nbody\r\n";

struct fixture {
	struct message *message;
	struct milter_edit edit;
};

static void
begin(struct fixture *f)
{
	f->message = message_new(text, -1, sizeof(text) - 1);
	assert_non_null(f->message);
	assert_int_equal(milter_edit_open(&f->edit, f->message, 16), 0);
}

static void
end(struct fixture *f)
{
	milter_edit_close(&f->edit);
	message_free(f->message);
}

static int
say(struct fixture *f, enum milter_reply_type type, uint32_t index, const char *name,
    const char *value)
{
	const struct milter_reply reply = {
	    .type = type, .index = index, .name = name, .value = value};

	return milter_edit_change(&f->edit, &reply);
}

static int
say_body(struct fixture *f, const char *data)
{
	const struct milter_reply reply = {
	    .type = MILTER_REPLBODY, .data = data, .length = strlen(data)};

	return milter_edit_change(&f->edit, &reply);
}

static void
must_be(const struct fixture *f, const char *expected)
{
	char out[1024];
	size_t size = message_header_size(f->message) + (size_t)message_body_size(f->message);

	assert_true(size < sizeof(out));
	assert_true(message_write(f->message, out));
	out[size] = '\0';
	assert_string_equal(out, expected);
}

/* The Received field of this server is its own, and nobody else's; as with Sendmail. */
static void
what_is_shown(void **state)
{
	static const struct {
		const char *name, *value;
	} rows[] = {{"From", " x@y"},
		    {"X-Old", " one"},
		    {"Received", " theirs"},
		    {"X-Old", "  two\r\n\tfolded"}};
	struct milter_field field;
	struct fixture f;
	char body[16];

	(void)state;
	begin(&f);
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_true(milter_edit_field(&f.edit, i, &field));
		assert_int_equal(field.name_length, strlen(rows[i].name));
		assert_memory_equal(field.name, rows[i].name, field.name_length);
		assert_int_equal(field.value_length, strlen(rows[i].value));
		assert_memory_equal(field.value, rows[i].value, field.value_length);
	}
	assert_false(milter_edit_field(&f.edit, COUNT(rows), &field));
	assert_false(milter_edit_field(&f.edit, SIZE_MAX, &field));
	assert_int_equal(milter_edit_body(&f.edit, 0, body, sizeof(body)), 6);
	assert_int_equal(milter_edit_body(&f.edit, 4, body, sizeof(body)), 2);
	assert_int_equal(milter_edit_body(&f.edit, 6, body, sizeof(body)), 0);
	end(&f);
}

/* Nothing before the last word. Numbers are as they were shown. */
static void
changes_are_made_at_the_end(void **state)
{
	struct fixture f;
	unsigned bad;

	(void)state;
	begin(&f);
	assert_int_equal(say(&f, MILTER_ADDHEADER, 0, "X-Last", " a"), 0);
	assert_int_equal(say(&f, MILTER_INSHEADER, 0, "X-First", "b"), 0);
	assert_int_equal(say(&f, MILTER_INSHEADER, 2, "X-Second", "c"), 0);
	assert_int_equal(say(&f, MILTER_CHGHEADER, 1, "x-old", ""), 0);
	assert_int_equal(say(&f, MILTER_CHGHEADER, 2, "X-Old", "new"), 0);
	assert_int_equal(say(&f, MILTER_CHGHEADER, 3, "X-Old", "third"), 0);
	assert_int_equal(say(&f, MILTER_CHGHEADER, 0, "From", "z@y"), 0); /* as 1 */
	assert_int_equal(say(&f, MILTER_CHGHEADER, 9, "From", ""), 0);    /* there is none */
	assert_int_equal(say_body(&f, "new "), 0);
	assert_int_equal(say_body(&f, "body\r\n"), 0);
	must_be(&f, text);
	assert_false(f.message->changed);
	assert_int_equal(milter_edit_apply(&f.edit, &bad), 0);
	assert_int_equal(bad, 0);
	must_be(&f, "X-First: b\r\nReceived: ours\r\nX-Second: c\r\nFrom: z@y\r\n"
		    "Received: theirs\r\nX-Old: new\r\nX-Last: a\r\nX-Old: third\r\n\r\n"
		    "new body\r\n");
	assert_true(f.message->changed);
	end(&f);
}

/* A field that was changed is changed again, or goes. */
static void
the_last_word_counts(void **state)
{
	struct fixture f;
	unsigned bad;

	(void)state;
	begin(&f);
	assert_int_equal(say(&f, MILTER_CHGHEADER, 1, "X-Old", "1"), 0);
	assert_int_equal(say(&f, MILTER_CHGHEADER, 1, "X-Old", "2"), 0);
	assert_int_equal(say(&f, MILTER_CHGHEADER, 2, "X-Old", "3"), 0);
	assert_int_equal(say(&f, MILTER_CHGHEADER, 2, "X-Old", ""), 0);
	assert_int_equal(say(&f, MILTER_CHGHEADER, 2, "X-Old", ""), 0);
	assert_int_equal(say(&f, MILTER_CHGHEADER, 1, "From", ""), 0);
	assert_int_equal(say(&f, MILTER_CHGHEADER, 1, "From", "back"), 0);
	assert_int_equal(milter_edit_apply(&f.edit, &bad), 0);
	must_be(&f, "Received: ours\r\nFrom: back\r\nX-Old: 2\r\nReceived: theirs\r\n\r\nbody\r\n");
	end(&f);
}

static void
values_stay_one_field(void **state)
{
	static const struct {
		const char *name, *value, *field;
		unsigned bad;
	} rows[] = {
	    {"X", "a\n\tb", "X: a\r\n\tb\r\n", 0},
	    {"X", "a\r\n b", "X: a\r\n\tb\r\n", 0},
	    {"X", "a\nEvil: b", "X: a\r\n\tEvil: b\r\n", 0},
	    {"X", "a\n\n\nb", "X: a\r\n\tb\r\n", 0},
	    {"X", "a\n \t\r\n b", "X: a\r\n\tb\r\n", 0},
	    {"X", "a\r\n\r\n", "X: a\r\n", 0},
	    {"X", "a\rb", "X: ab\r\n", 0},
	    {"X", "  a", "X: a\r\n", 0},
	    {"X", "", "X: \r\n", 0},
	    {"X Y", "a", "", 1},
	    {"X:", "a", "", 1},
	    {"", "a", "", 1},
	    {"X\r\nY", "a", "", 1},
	    {"\xc3\xa4", "a", "", 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		static const char rest[] = "body\r\n";
		char expected[1024];
		struct fixture f;
		unsigned bad;
		size_t n = sizeof(text) - sizeof(rest) - 2;

		begin(&f);
		assert_int_equal(say(&f, MILTER_ADDHEADER, 0, rows[i].name, rows[i].value), 0);
		assert_int_equal(milter_edit_apply(&f.edit, &bad), 0);
		assert_int_equal(bad, rows[i].bad);
		memcpy(expected, text, n);
		expected[n] = '\0';
		(void)strlcat(expected, rows[i].field, sizeof(expected));
		(void)strlcat(expected, "\r\nbody\r\n", sizeof(expected));
		must_be(&f, expected);
		end(&f);
	}
}

static void
there_is_an_end(void **state)
{
	static char value[MILTER_CHANGES_OCTETS / 4];
	struct fixture f;

	(void)state;
	begin(&f);
	assert_int_equal(say_body(&f, "0123456789abcdef"), 0);
	assert_int_equal(say_body(&f, ""), 0);
	assert_int_equal(say_body(&f, "x"), -1);
	assert_int_equal(errno, EMSGSIZE);
	for (unsigned i = 0; i < MILTER_CHANGES_MAX; i++)
		assert_int_equal(say(&f, MILTER_QUARANTINE, 0, "why", NULL), 0);
	assert_int_equal(say(&f, MILTER_ADDRCPT, 0, "a@b", NULL), -1);
	assert_int_equal(errno, EMSGSIZE);
	end(&f);

	memset(value, 'x', sizeof(value) - 1);
	begin(&f);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(say(&f, MILTER_ADDHEADER, 0, "X", value), 0);
	assert_int_equal(say(&f, MILTER_ADDHEADER, 0, "X", value), -1);
	assert_int_equal(errno, EMSGSIZE);
	end(&f);
}

/* What the second milter is shown is what the first has left. */
static void
one_after_the_other(void **state)
{
	struct milter_field field;
	struct fixture f;
	unsigned bad;

	(void)state;
	begin(&f);
	assert_int_equal(say(&f, MILTER_INSHEADER, 0, "Received", "a milter's"), 0);
	assert_int_equal(say(&f, MILTER_CHGHEADER, 1, "From", ""), 0);
	assert_int_equal(say_body(&f, "x"), 0);
	assert_int_equal(milter_edit_apply(&f.edit, &bad), 0);
	milter_edit_close(&f.edit);
	assert_int_equal(milter_edit_open(&f.edit, f.message, 16), 0);
	assert_true(milter_edit_field(&f.edit, 0, &field));
	assert_memory_equal(field.value, " a milter's", field.value_length);
	assert_true(milter_edit_field(&f.edit, 1, &field));
	assert_memory_equal(field.name, "X-Old", field.name_length);
	assert_true(milter_edit_field(&f.edit, 3, &field));
	assert_false(milter_edit_field(&f.edit, 4, &field));
	end(&f);
}

/* As large as it will be, but what is changed twice may be smaller. */
static void
its_size_is_known_before(void **state)
{
	static const struct {
		enum milter_reply_type type;
		uint32_t index;
		const char *name, *value;
	} changes[] = {
	    {MILTER_ADDHEADER, 0, "X-New", "1"},
	    {MILTER_INSHEADER, 1, "X-New", "two\nlines\n\n  more"},
	    {MILTER_CHGHEADER, 1, "From", ""},
	    {MILTER_CHGHEADER, 1, "X-Old", "another"},
	    {MILTER_CHGHEADER, 9, "X-Old", "one more"},
	    {MILTER_QUARANTINE, 0, "why", NULL},
	    {MILTER_CHGHEADER, 1, "X-Old", "again"},
	};
	struct fixture f;
	uint64_t size;
	unsigned bad;

	(void)state;
	for (size_t count = 0; count <= 2 * sizeof(changes) / sizeof(changes[0]); count++) {
		begin(&f);
		for (size_t i = 0; i < count / 2; i++)
			assert_int_equal(say(&f, changes[i].type, changes[i].index, changes[i].name,
					     changes[i].value),
					 0);
		if (count % 2 == 1)
			assert_int_equal(say_body(&f, "new"), 0);
		assert_true(milter_edit_size(&f.edit, &size));
		assert_int_equal(milter_edit_apply(&f.edit, &bad), 0);
		if (count / 2 == sizeof(changes) / sizeof(changes[0]))
			size -= strlen("X-Old: another\r\n");
		assert_int_equal(message_header_size(f.message) + message_body_size(f.message),
				 size);
		end(&f);
	}
}

/* For its length, not for anything else. */
static void
what_is_too_much_is_noted(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	assert_int_equal(say_body(&f, "0123456789abcdef"), 0);
	assert_false(f.edit.too_much);
	assert_int_equal(say_body(&f, "x"), -1);
	assert_true(f.edit.too_much);
	end(&f);
	begin(&f);
	for (size_t i = 0; i < MILTER_CHANGES_MAX; i++)
		assert_int_equal(say(&f, MILTER_ADDHEADER, 0, "X", "1"), 0);
	assert_false(f.edit.too_much);
	assert_int_equal(say(&f, MILTER_ADDHEADER, 0, "X", "1"), -1);
	assert_true(f.edit.too_much);
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_shown),
	    cmocka_unit_test(changes_are_made_at_the_end),
	    cmocka_unit_test(the_last_word_counts),
	    cmocka_unit_test(values_stay_one_field),
	    cmocka_unit_test(there_is_an_end),
	    cmocka_unit_test(one_after_the_other),
	    cmocka_unit_test(its_size_is_known_before),
	    cmocka_unit_test(what_is_too_much_is_noted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
