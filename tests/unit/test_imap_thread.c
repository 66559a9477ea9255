/* SPDX-License-Identifier: ISC */
/* SORT's order and THREAD's trees (RFC 5256). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "worker/session/imap/sort.h"
#include "worker/session/imap/thread.h"

#define MESSAGES 10

struct row {
	enum imap_thread_algorithm algorithm;
	struct thread_message messages[MESSAGES];
	const char *answer;
};

#define REFS IMAP_THREAD_REFERENCES
#define SUBJ IMAP_THREAD_ORDEREDSUBJECT

static const struct row rows[] = {
    {REFS, {{0, 0, NULL, false, NULL}}, ""},
    {REFS,
     {{1, 1, "", false, "a@x"}, {2, 2, "", false, "b@x\na@x"}, {3, 3, "", false, "c@x\na@x\nb@x"}},
     "(1 2 3)"},
    /* Siblings by date; the parent comes later. */
    {REFS,
     {{1, 9, "", false, "b@x\na@x"}, {2, 5, "", false, "c@x\na@x"}, {3, 1, "", false, "a@x"}},
     "(3 (2)(1))"},
    /* A parent that is not there: two children keep it, one does not. */
    {REFS, {{1, 1, "", false, "b@x\na@x"}, {2, 2, "", false, "c@x\na@x"}}, "((1)(2))"},
    {REFS, {{1, 1, "", false, "b@x\na@x"}}, "(1)"},
    /* Dummies in a row, and below a message. */
    {REFS, {{1, 1, "", false, "c@x\na@x\nb@x"}, {2, 2, "", false, "d@x\na@x\nb@x"}}, "((1)(2))"},
    {REFS,
     {{1, 1, "", false, "a@x"},
      {2, 2, "", false, "d@x\na@x\nb@x"},
      {3, 3, "", false, "e@x\na@x\nb@x"}},
     "(1 (2)(3))"},
    /* Loops are not made. */
    {REFS, {{1, 1, "", false, "a@x\nb@x"}, {2, 2, "", false, "b@x\na@x"}}, "(2 1)"},
    {REFS, {{1, 1, "", false, "a@x\na@x"}}, "(1)"},
    {REFS, {{1, 1, "", false, "a@x\nb@x\nc@x\nb@x"}, {2, 2, "", false, "b@x"}}, "(2 1)"},
    /* The same id twice, and none. */
    {REFS,
     {{1, 1, "", false, "a@x"},
      {2, 2, "", false, "a@x"},
      {3, 3, "", false, "c@x\na@x"},
      {4, 4, "", false, ""}},
     "(1 3)(2)(4)"},
    /* What the message itself says of its parent counts more than what another one says. */
    {REFS,
     {{1, 1, "", false, "c@x\na@x\nb@x"}, {2, 2, "", false, "b@x"}, {3, 3, "", false, "a@x"}},
     "(2 1)(3)"},
    /* Step 5: by subjects. */
    {REFS,
     {{1, 1, "s", false, "a@x"}, {2, 2, "s", true, "b@x"}, {3, 3, "s", true, "c@x"}},
     "(1 (2)(3))"},
    {REFS, {{1, 1, "s", true, "a@x"}, {2, 2, "s", false, "b@x"}}, "(2 1)"},
    {REFS,
     {{1, 1, "s", false, "a@x"}, {2, 2, "s", false, "b@x"}, {3, 3, "s", false, "c@x"}},
     "((1)(2)(3))"},
    {REFS, {{1, 1, "s", true, "a@x"}, {2, 2, "s", true, "b@x"}}, "((1)(2))"},
    {REFS, {{1, 1, "", true, "a@x"}, {2, 2, "", true, "b@x"}}, "(1)(2)"},
    /* Two dummies, a dummy and a message, of one subject. */
    {REFS,
     {{1, 1, "s", true, "b@x\na@x"},
      {2, 2, "s", true, "c@x\na@x"},
      {3, 3, "s", true, "e@x\nd@x"},
      {4, 4, "s", true, "f@x\nd@x"},
      {5, 5, "s", false, "g@x"}},
     "((1)(2)(3)(4)(5))"},
    {SUBJ,
     {{1, 5, "b", false, ""},
      {2, 3, "a", false, ""},
      {3, 4, "b", false, ""},
      {4, 6, "b", false, ""}},
     "(2)(3 (1)(4))"},
    {SUBJ, {{1, 5, "b", false, ""}, {2, 6, "b", false, ""}}, "(1 2)"},
};

static void
test_threads(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct threads threads;
		struct mime_out out = {0};
		size_t count = 0;

		while (count < MESSAGES && rows[i].messages[count].number != 0)
			count++;
		assert_int_equal(
		    thread_messages(rows[i].algorithm, rows[i].messages, count, &threads), 0);
		assert_int_equal(threads_format(&threads, &out), 0);
		mime_out_char(&out, '\0');
		if (strcmp(out.at, rows[i].answer) != 0)
			fail_msg("row %zu: %s instead of %s", i, out.at, rows[i].answer);
		mime_out_free(&out);
		threads_free(&threads);
	}
}

#define MANY 100000
enum shape { CHAIN, BACKWARDS, STAR, TO_THE_END, SUBJECTS, REAL };

/* Ids that strangers chose so that it costs most. */
static void
shape(enum shape which, size_t i, char *ids, size_t room)
{
	switch (which) {
	case CHAIN:
		(void)snprintf(ids, room, "%zu@x\n%zu@x", i, i - 1);
		break;
	case BACKWARDS:
		(void)snprintf(ids, room, "%zu@x\n%zu@x", i, i + 1);
		break;
	case STAR:
		(void)snprintf(ids, room, "%zu@x\n0@x", i);
		break;
	case TO_THE_END: /* a chain, then links from its end to its beginning */
		if (i < MANY / 2)
			(void)snprintf(ids, room, "%zu@x\n%zu@x", i, i - 1);
		else
			(void)snprintf(ids, room, "%zu@x\n%d@x\n0@x", i, MANY / 2 - 1);
		break;
	case SUBJECTS:
		(void)snprintf(ids, room, "%zu@x", i);
		break;
	case REAL:
		(void)snprintf(ids, room, "%zu@x\n%zu@x\n%zu@x\n%zu@x", i, i / 10 * 10, i - i % 4,
			       i - 1);
		break;
	}
}

static void
test_many(void **state)
{
	struct thread_message *messages = calloc(MANY, sizeof(*messages));
	char(*ids)[64] = calloc(MANY, sizeof(*ids));

	(void)state;
	for (enum shape which = CHAIN; which <= REAL; which++) {
		struct threads threads;
		struct mime_out out = {0};
		size_t numbers = 0;
		clock_t begin;

		for (size_t i = 0; i < MANY; i++) {
			shape(which, i, ids[i], sizeof(ids[i]));
			messages[i] = (struct thread_message){
			    (uint32_t)i + 1, (int64_t)i * 7919 % MANY,
			    which == SUBJECTS ? "same" : "", i % 3 == 0, ids[i]};
		}
		begin = clock();
		assert_int_equal(thread_messages(REFS, messages, MANY, &threads), 0);
		assert_int_equal(threads_format(&threads, &out), 0);
		print_message("shape %d: %ld ms\n", which,
			      (long)((clock() - begin) * 1000 / CLOCKS_PER_SEC));
		assert_true(clock() - begin < 10 * CLOCKS_PER_SEC);
		for (size_t i = 0; i < out.length; i++)
			numbers += out.at[i] >= '0' && out.at[i] <= '9' &&
				   (i == 0 || out.at[i - 1] < '0' || out.at[i - 1] > '9');
		assert_int_equal(numbers, MANY);
		mime_out_free(&out);
		threads_free(&threads);
	}
	free(messages);
	free(ids);
}

static const struct {
	struct imap_sort_by by[3];
	size_t count;
	uint32_t order[4];
} orders[] = {
    {{{IMAP_SORT_ARRIVAL, false}}, 1, {2, 3, 1, 4}},
    {{{IMAP_SORT_ARRIVAL, true}}, 1, {1, 4, 3, 2}}, /* equal ones stay in their order */
    {{{IMAP_SORT_SUBJECT, false}, {IMAP_SORT_DATE, true}}, 2, {4, 1, 2, 3}},
    {{{IMAP_SORT_SUBJECT, true}, {IMAP_SORT_SUBJECT, false}, {IMAP_SORT_SIZE, false}},
     3,
     {3, 2, 1, 4}},
    {{{IMAP_SORT_FROM, false}, {IMAP_SORT_SUBJECT, false}}, 2, {1, 3, 4, 2}},
};

static void
test_sort(void **state)
{
	static const struct store_summary summaries[] = {
	    {.subject = "a", .from = "x"},
	    {.subject = "b", .from = "z"},
	    {.subject = "c", .from = "x"},
	    {.subject = "a", .from = "y"},
	};
	static const struct sort_message messages[] = {
	    {.uid = 1, .internaldate = 30, .sent = 1, .size = 1},
	    {.uid = 2, .internaldate = 10, .sent = 2, .size = 2},
	    {.uid = 3, .internaldate = 20, .sent = 3, .size = 3},
	    {.uid = 4, .internaldate = 30, .sent = 4, .size = 4},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
		struct sort_message sorted[4];
		const char *texts[4][SORT_TEXTS];
		struct sort_order order;

		sort_order(&order, orders[i].by, orders[i].count);
		memcpy(sorted, messages, sizeof(sorted));
		for (size_t j = 0; j < 4; j++) {
			sorted[j].texts = texts[j];
			for (size_t k = 0; k < order.text_count; k++)
				texts[j][k] = sort_text(order.texts[k], &summaries[j]);
		}
		sort_messages(&order, sorted, 4);
		for (size_t j = 0; j < 4; j++)
			assert_int_equal(sorted[j].uid, orders[i].order[j]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_threads),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_sort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
