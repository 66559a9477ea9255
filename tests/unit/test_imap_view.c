/* SPDX-License-Identifier: ISC */
/* The client's message numbers, and sets of numbers and UIDs (RFC 9051 2.3.1, 9). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/session/imap/command.h"
#include "worker/session/imap/view.h"

#define STAR IMAP_STAR
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* The view of a folder with the UIDs 2, 4, 6 ... */
static struct view
even_view(size_t count)
{
	struct view view = {.folder = 1};

	for (size_t i = 1; i <= count; i++)
		assert_int_equal(view_add(&view, (uint32_t)(2 * i)), 0);
	return view;
}

static void
expect(const struct ranges *ranges, const char *text)
{
	char out[256] = "";
	size_t used = 0;

	assert_false(ranges->failed);
	for (size_t i = 0; i < ranges->count; i++)
		used +=
		    (size_t)snprintf(out + used, sizeof(out) - used, "%s%u:%u", i > 0 ? "," : "",
				     ranges->list[i].first, ranges->list[i].last);
	assert_string_equal(out, text);
}

static const struct {
	size_t messages;
	struct store_range set[3];
	size_t count;
	const char *uids; /* NULL: refused */
} numbers[] = {
    {5, {{1, 1}}, 1, "2:2"},
    {5, {{1, 3}}, 1, "2:6"},
    {5, {{3, 1}}, 1, "2:6"},
    {5, {{2, STAR}}, 1, "4:10"},
    {5, {{STAR, STAR}}, 1, "10:10"},
    {5, {{STAR, 2}}, 1, "4:10"},
    {5, {{5, 5}, {1, 1}, {1, 2}}, 3, "2:4,10:10"},
    {5, {{6, 6}}, 1, NULL},
    {5, {{1, 6}}, 1, NULL},
    {5, {{6, STAR}}, 1, NULL},
    {0, {{1, STAR}}, 1, ""},
    {0, {{STAR, STAR}}, 1, ""},
    {0, {{1, 1}}, 1, NULL},
};

static void
test_numbers_become_uids(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(numbers); i++) {
		struct view view = even_view(numbers[i].messages);
		struct ranges uids = {.list = NULL};
		struct error err;

		if (view_uids_of_numbers(&view, numbers[i].set, numbers[i].count, &uids, &err)) {
			assert_non_null(numbers[i].uids);
			expect(&uids, numbers[i].uids);
		} else {
			assert_null(numbers[i].uids);
			assert_non_null(strstr(err.text, "There is no message"));
		}
		ranges_clear(&uids);
		view_close(&view);
	}
}

static const struct {
	struct store_range set[2];
	size_t count;
	const char *uids;
} uid_sets[] = {
    {{{1, 5}}, 1, "1:5"},         {{{7, STAR}}, 1, "7:10"}, {{{99, STAR}}, 1, "10:10"},
    {{{11, 99}}, 1, ""},          {{{8, 4000}}, 1, "8:10"}, {{{STAR, STAR}}, 1, "10:10"},
    {{{4, 6}, {1, 5}}, 2, "1:6"},
};

static void
test_uids_are_those_the_client_knows(void **state)
{
	struct view view = even_view(5);

	(void)state;
	for (size_t i = 0; i < LENGTH(uid_sets); i++) {
		struct ranges uids = {.list = NULL};

		view_uids_of_uids(&view, uid_sets[i].set, uid_sets[i].count, &uids);
		expect(&uids, uid_sets[i].uids);
		ranges_clear(&uids);
	}
	view_close(&view);
}

struct log {
	char text[256];
};

static void
note(uint32_t number, uint32_t uid, void *arg)
{
	struct log *log = arg;
	size_t used = strlen(log->text);

	snprintf(log->text + used, sizeof(log->text) - used, "%u=%u ", number, uid);
}

/* RFC 9051 7.5.1: each EXPUNGE moves the numbers of those behind it. */
static void
test_expunged_numbers_move(void **state)
{
	struct view view = even_view(8);
	struct store_range gone[] = {{1, 2}, {5, 10}, {16, 99}};
	struct log log = {.text = ""};

	(void)state;
	view_remove(&view, gone, LENGTH(gone), note, &log);
	assert_string_equal(log.text, "1=2 2=6 2=8 2=10 4=16 ");
	assert_int_equal(view.count, 3);
	assert_int_equal(view_number(&view, 4), 1);
	assert_int_equal(view_number(&view, 12), 2);
	assert_int_equal(view_number(&view, 14), 3);
	assert_int_equal(view_number(&view, 16), 0);
	assert_int_equal(view_number_from(&view, 5), 2);
	assert_int_equal(view_number_from(&view, 99), 4);
	view_close(&view);
}

static void
fill(struct ranges *ranges, const struct store_range *list, size_t count)
{
	*ranges = (struct ranges){.list = NULL};
	for (size_t i = 0; i < count; i++)
		ranges_append(ranges, list[i].first, list[i].last);
}

static void
test_ranges_as_sets(void **state)
{
	static const struct store_range many[] = {{1, 3}, {5, 9}, {20, UINT32_MAX}};
	static const struct store_range some[] = {{2, 2}, {4, 6}, {9, 30}};
	struct ranges a, b, both = {.list = NULL};

	(void)state;
	fill(&a, many, LENGTH(many));
	fill(&b, some, LENGTH(some));
	assert_int_equal(ranges_intersect(a.list, a.count, b.list, b.count, &both), 0);
	expect(&both, "2:2,5:6,9:9,20:30");
	assert_int_equal(ranges_subtract(&a, &b), 0);
	expect(&a, "1:1,3:3,7:8,31:4294967295");
	assert_int_equal(ranges_unite(&a, &b), 0);
	expect(&a, "1:4294967295");
	assert_int_equal(ranges_subtract(&a, &b), 0);
	expect(&a, "1:1,3:3,7:8,31:4294967295");
	ranges_clear(&a);
	ranges_clear(&b);
	ranges_clear(&both);
}

static void
test_ranges_are_joined(void **state)
{
	struct store_range list[] = {{9, 9}, {1, 3}, {2, 5}, {6, 7}, {UINT32_MAX, UINT32_MAX}};

	(void)state;
	assert_int_equal(ranges_normalise(list, LENGTH(list)), 3);
	assert_int_equal(list[0].first, 1);
	assert_int_equal(list[0].last, 7);
	assert_int_equal(list[1].first, 9);
	assert_true(ranges_contain(list, 3, 7));
	assert_false(ranges_contain(list, 3, 8));
	assert_true(ranges_contain(list, 3, UINT32_MAX));
	assert_int_equal(ranges_total(list, 3), 9);
	assert_int_equal(ranges_normalise(list, 0), 0);
	assert_false(ranges_contain(list, 0, 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_numbers_become_uids),
	    cmocka_unit_test(test_uids_are_those_the_client_knows),
	    cmocka_unit_test(test_expunged_numbers_move),
	    cmocka_unit_test(test_ranges_are_joined),
	    cmocka_unit_test(test_ranges_as_sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
