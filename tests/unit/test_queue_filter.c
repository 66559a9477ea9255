/* SPDX-License-Identifier: ISC */
/* posternctl queue: which recipients are meant, and what the queue says of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/queue.h"
#include "ctl/text.h"

static struct queue_entry
an_entry(void)
{
	return (struct queue_entry){
	    .fixed = {.name = {.message = 0x0123456789abcdef, .index = 3}, .state = CQ_WAITING},
	    .sender = "alice@example.org",
	    .submitter = "alice@example.org",
	    .path = "Bob@Sub.example.net",
	    .mailbox = "@sub.example.net",
	    .reason = ""};
}

static void
ids_are_hexadecimal(void **state)
{
	static const struct {
		const char *text;
		int result;
		bool fits;
	} ids[] = {
	    {"0123456789abcdef", 0, true},
	    {"0123456789abcdef.3", 0, true},
	    {"0123456789abcdef.2", 0, false},
	    {"fedcba9876543210", 0, false},
	    {"0123456789ABCDEF", -1, false},
	    {"0123456789abcde", -1, false},
	    {"0123456789abcdef0", -1, false},
	    {"0123456789abcdef.", -1, false},
	    {"0123456789abcdef.-1", -1, false},
	    {"0123456789abcdef.4294967296", -1, false},
	    {"", -1, false},
	};
	struct queue_entry entry = an_entry();
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct queue_filter filter = {0};

		assert_int_equal(queue_filter_add(&filter, ids[i].text, &err), ids[i].result);
		if (ids[i].result == 0)
			assert_int_equal(queue_filter_fits(&filter, &entry), ids[i].fits);
	}
}

static void
filters_fit(void **state)
{
	static const struct {
		const char *from, *to;
		uint32_t state;
		bool fits;
	} filters[] = {
	    {NULL, NULL, 0, true},
	    {"ALICE@example.org", NULL, 0, true},
	    {"@example.org", NULL, CQ_WAITING, true},
	    {"@example.net", NULL, 0, false},
	    {NULL, "bob@sub.example.net", 0, true},
	    {NULL, "@sub.example.net", 0, true},
	    {NULL, "@example.net", 0, false}, /* of that domain alone */
	    {NULL, NULL, CQ_HELD, false},
	};
	struct queue_entry entry = an_entry();

	(void)state;
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		struct queue_filter filter = {
		    .from = filters[i].from, .to = filters[i].to, .state = filters[i].state};

		assert_int_equal(queue_filter_fits(&filter, &entry), filters[i].fits);
	}
}

static void
entries_are_five_texts(void **state)
{
	static const struct {
		const char *tail;
		size_t length;
		uint32_t state;
		int result;
	} cases[] = {
	    {"a\0b\0c\0d\0e", 10, CQ_WAITING, 0},  {"\0\0\0\0", 5, CQ_BUSY, 0},
	    {"a\0b\0c\0d\0e", 9, CQ_WAITING, -1},  {"a\0b\0c\0d", 8, CQ_WAITING, -1},
	    {"a\0b\0c\0d\0e\0f", 12, CQ_HELD, -1}, {"", 0, CQ_HELD, -1},
	    {"a\0b\0c\0d\0e", 10, 0, -1},          {"a\0b\0c\0d\0e", 10, CQ_BUSY + 1, -1},
	};
	char tail[16];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cq_entry fixed = {.state = cases[i].state};
		struct queue_entry entry;

		memcpy(tail, cases[i].tail, cases[i].length);
		assert_int_equal(queue_entry_read(&entry, &fixed, tail, cases[i].length),
				 cases[i].result);
	}
}

static void
details_are_two_texts(void **state)
{
	static char long_envid[ENVID_SIZE + 2]; /* an empty text, and one that is too long */
	static const struct {
		const char *tail;
		size_t length;
		struct cq_shown shown;
		int result;
	} cases[] = {
	    {"rfc822;a@b\0Q1", 14, {.found = 1, .notify = DSN_NOTIFY_DELAY, .ret = 1}, 0},
	    {"\0", 2, {.found = 0}, 0},
	    {"\0", 1, {.found = 1}, -1},
	    {"a\0b", 3, {.found = 1}, -1},
	    {"a\0b\0c", 6, {.found = 1}, -1},
	    {"", 0, {.found = 1}, -1},
	    {"\0", 2, {.found = 2}, -1},
	    {"\0", 2, {.found = 1, .notify = 16}, -1},
	    {"\0", 2, {.found = 1, .ret = DSN_RETURNS}, -1},
	    {"\0", 2, {.found = 1, .zero = 1}, -1},
	    {long_envid, sizeof(long_envid), {.found = 1}, -1},
	};
	struct queue_details details;

	(void)state;
	memset(long_envid + 1, 'x', ENVID_SIZE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
		    queue_details_read(&details, &cases[i].shown, cases[i].tail, cases[i].length),
		    cases[i].result);
		if (i == 0) {
			assert_string_equal(details.orcpt, "rfc822;a@b");
			assert_string_equal(details.envid, "Q1");
			assert_int_equal(details.notify, DSN_NOTIFY_DELAY);
		}
	}
}

/* In the locale that LC_ALL names. */
static const char *
shown(const char *text)
{
	static char *out;
	size_t size;
	FILE *file;

	free(out);
	out = NULL;
	assert_non_null(file = open_memstream(&out, &size));
	text_print(file, text);
	assert_int_equal(fclose(file), 0);
	return out;
}

/* RFC 6531: an address is compared as it is, whatever is shown of it. */
static void
utf8_addresses_fit_themselves_alone(void **state)
{
	static const char tail[] = "s@example.org\0\0j\xc3\xbcrgen@one.example\0@one.example\0";
	struct queue_filter filter = {.to = "J\xc3\xbcrgen@one.example"};
	struct cq_entry fixed = {.state = CQ_WAITING};
	struct queue_entry entry;

	(void)state;
	assert_int_equal(queue_entry_read(&entry, &fixed, tail, sizeof(tail)), 0);
	assert_true(queue_filter_fits(&filter, &entry));
	filter.to = "j??rgen@one.example";
	assert_false(queue_filter_fits(&filter, &entry));
	filter.to = "j\xc3\xb6rgen@one.example";
	assert_false(queue_filter_fits(&filter, &entry));
	assert_string_equal(shown(entry.path), "j\xc3\xbcrgen@one.example");
}

/* RFC 5890 2.3.2.4: U-labels and A-labels of one name are the same, on either side. */
static void
a_domain_fits_in_both_of_its_forms(void **state)
{
	static const char *const paths[] = {"anna@xn--bcher-kva.example", "anna@b\xc3\xbc"
									  "cher.example"};
	static const char *const fit[] = {"@xn--bcher-kva.example",
					  "@B\xc3\x9c"
					  "cher.example",
					  "Anna@b\xc3\xbc"
					  "cher.example",
					  "anna@XN--bcher-kva.example"};
	static const char *const others[] = {"@bucher.example", "@\xff.example",
					     "ann@b\xc3\xbc"
					     "cher.example",
					     "b\xc3\xbc"
					     "cher.example",
					     "@"};
	struct queue_filter filter = {.count = 0};

	(void)state;
	for (size_t p = 0; p < sizeof(paths) / sizeof(paths[0]); p++) {
		struct queue_entry entry = an_entry();

		entry.path = paths[p];
		for (size_t i = 0; i < sizeof(fit) / sizeof(fit[0]); i++) {
			filter.to = fit[i];
			assert_true(queue_filter_fits(&filter, &entry));
		}
		for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
			filter.to = others[i];
			assert_false(queue_filter_fits(&filter, &entry));
		}
	}
}

/* What a terminal would obey is not shown. */
static void
control_characters_are_not_shown(void **state)
{
	(void)state;
	assert_string_equal(shown("\033[2J\x7f"), "?[2J?");
	assert_string_equal(shown("\x9b\n"), "??");
	assert_string_equal(shown("a\xc2\x9b[2J"), "a?[2J");
	assert_string_equal(shown("a\xe2\x82"), "a??");
	/* Nor what has it show the rest in another order, or on another line. */
	assert_string_equal(shown("a\xe2\x80\xae@\xe2\x80\xac \xe2\x81\xa6 \xe2\x81\xa9"),
			    "a?@? ? ?");
	assert_string_equal(shown("\xe2\x80\x8e \xe2\x80\x8f \xd8\x9c \xe2\x80\xa8"), "? ? ? ?");
	assert_string_equal(shown("\xe2\x80\x90 \xe2\x82\xac \xf0\x9f\x93\xac"),
			    "\xe2\x80\x90 \xe2\x82\xac \xf0\x9f\x93\xac");
}

/* To a terminal of Latin-1 the second octet of U+00DB is CSI. */
static void
utf8_is_shown_where_it_is_known(void **state)
{
	(void)state;
	assert_int_equal(setenv("LC_ALL", "C", 1), 0);
	assert_string_equal(shown("j\xc3\xbcrgen \xc3\x9b[2J"), "j?rgen ?[2J");
	assert_int_equal(setenv("LC_ALL", "no such locale", 1), 0);
	assert_string_equal(shown("\xc3\x9b[2J \xf0\x9f\x93\xac"), "?[2J ?");
	assert_int_equal(setenv("LC_ALL", "C.UTF-8", 1), 0);
	assert_string_equal(shown("\xc3\x9b[2J"), "\xc3\x9b[2J");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ids_are_hexadecimal),
	    cmocka_unit_test(filters_fit),
	    cmocka_unit_test(entries_are_five_texts),
	    cmocka_unit_test(details_are_two_texts),
	    cmocka_unit_test(utf8_addresses_fit_themselves_alone),
	    cmocka_unit_test(a_domain_fits_in_both_of_its_forms),
	    cmocka_unit_test(control_characters_are_not_shown),
	    cmocka_unit_test(utf8_is_shown_where_it_is_known),
	};

	if (setenv("LC_ALL", "C.UTF-8", 1) == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
