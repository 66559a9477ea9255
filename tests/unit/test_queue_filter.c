/* SPDX-License-Identifier: ISC */
/* posternctl queue: which recipients are meant, and what the queue says of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/queue.h"

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

/* What a terminal would obey is not shown. */
static void
control_characters_are_not_shown(void **state)
{
	char tail[] = "\033[2J\0b\0c\0d\0\x9b\n";
	struct cq_entry fixed = {.state = CQ_WAITING};
	struct queue_entry entry;

	(void)state;
	assert_int_equal(queue_entry_read(&entry, &fixed, tail, sizeof(tail)), 0);
	assert_string_equal(entry.sender, "?[2J");
	assert_string_equal(entry.reason, "??");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ids_are_hexadecimal),
	    cmocka_unit_test(filters_fit),
	    cmocka_unit_test(entries_are_five_texts),
	    cmocka_unit_test(control_characters_are_not_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
