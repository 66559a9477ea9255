/* SPDX-License-Identifier: ISC */
/* What relay remembers that hosts have taken: per message and path, with the reply, so many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "worker/relay/taken.h"

#define D OUTCOME_DELIVERED
#define MAX 3

static struct taken *taken;

static int
set_up(void **state)
{
	(void)state;
	taken = taken_new(MAX);
	return taken == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	taken_free(taken);
	return 0;
}

static void
only_what_was_delivered(void **state)
{
	struct client_recipient before[] = {
	    {.path = "a@x.example",
	     .outcome = D,
	     .dsn = true,
	     .reply = {250, "2.6.0", "Yes", true}},
	    {.path = "b@x.example", .outcome = OUTCOME_LATER},
	    {.path = "c@x.example", .outcome = OUTCOME_FAILED},
	    {.path = "d@x.example", .outcome = OUTCOME_PENDING},
	};
	struct client_recipient after[] = {{.path = "d@x.example"},
					   {.path = "c@x.example"},
					   {.path = "b@x.example"},
					   {.path = "a@x.example"},
					   {.path = "A@x.example"}};
	const struct client_mail first = {.recipients = before, .count = 4};
	struct client_mail second = {.recipients = after, .count = 5};

	(void)state;
	taken_add(taken, 7, &first);
	assert_int_equal(taken_apply(taken, 8, &second), 0);
	assert_int_equal(taken_apply(taken, 7, &second), 1);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(after[i].outcome, i == 3 ? D : OUTCOME_PENDING);
	assert_true(after[3].dsn);
	assert_int_equal(after[3].reply.code, 250);
	assert_string_equal(after[3].reply.status, "2.6.0");
	assert_string_equal(after[3].reply.text, "Yes");
}

/* One more, and the first is forgotten; what is known already takes no room. */
static void
so_many(void **state)
{
	struct client_recipient recipient = {.path = "a@x.example", .outcome = D};
	struct client_mail mail = {.recipients = &recipient, .count = 1};

	(void)state;
	for (uint64_t id = 0; id <= MAX; id++) {
		taken_add(taken, id, &mail);
		taken_add(taken, id, &mail);
	}
	for (uint64_t id = 0; id <= MAX; id++)
		assert_int_equal(taken_apply(taken, id, &mail), id == 0 ? 0 : 1);
}

/* Its path need not live as long. */
static void
paths_are_copied(void **state)
{
	char path[] = "a@x.example";
	struct client_recipient recipient = {.path = path, .outcome = D};
	struct client_mail mail = {.recipients = &recipient, .count = 1};

	(void)state;
	taken_add(taken, UINT64_MAX, &mail);
	path[0] = 'b';
	assert_int_equal(taken_apply(taken, UINT64_MAX, &mail), 0);
	path[0] = 'a';
	assert_int_equal(taken_apply(taken, UINT64_MAX, &mail), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(only_what_was_delivered, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(so_many, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(paths_are_copied, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
