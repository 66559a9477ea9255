/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "worker/queue/limit.h"

static struct limiter *limiter;
static uint32_t limit, wait;

static int
set_up(void **state)
{
	(void)state;
	limiter = limiter_new();
	return limiter == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	limiter_free(limiter);
	return 0;
}

static enum submit_limit
take(const char *account, struct submit_limits limits, uint32_t recipients, uint64_t now)
{
	limit = wait = 0;
	return limiter_take(limiter, account, &limits, recipients, now, &limit, &wait);
}

static void
messages(void **state)
{
	const struct submit_limits three = {.messages_per_hour = 3};

	(void)state;
	assert_int_equal(take("a", three, 1, 1000), LIMIT_NONE);
	assert_int_equal(take("a", three, 1, 1010), LIMIT_NONE);
	assert_int_equal(take("a", three, 1, 2000), LIMIT_NONE);
	assert_int_equal(take("a", three, 1, 2001), LIMIT_MESSAGES);
	assert_int_equal(limit, 3);
	/* What was sent in the minute from 960 on is forgotten with the minute from 4560 on. */
	assert_int_equal(wait, 4560 - 2001);
	assert_int_equal(take("b", three, 1, 2001), LIMIT_NONE);
	assert_int_equal(take("a", three, 1, 4559), LIMIT_MESSAGES);
	assert_int_equal(wait, 1);
	assert_int_equal(take("a", three, 1, 4560), LIMIT_NONE);
	assert_int_equal(take("a", three, 1, 4560), LIMIT_NONE);
	assert_int_equal(take("a", three, 1, 4560), LIMIT_MESSAGES);
	/* Long after, and far in the future, all is new. */
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(take("a", three, 1, 1000000), LIMIT_NONE);
	assert_int_equal(take("a", three, 1, 1000000), LIMIT_MESSAGES);
	assert_int_equal(take("a", three, 1, UINT64_MAX / 2), LIMIT_NONE);
}

static void
recipients(void **state)
{
	const struct submit_limits ten = {.messages_per_hour = 100, .recipients_per_hour = 10};

	(void)state;
	assert_int_equal(take("a", ten, 6, 0), LIMIT_NONE);
	assert_int_equal(take("a", ten, 4, 600), LIMIT_NONE);
	assert_int_equal(take("a", ten, 1, 700), LIMIT_RECIPIENTS);
	assert_int_equal(limit, 10);
	assert_int_equal(wait, 3600 - 700);
	/* For more, more has to be forgotten. */
	assert_int_equal(take("a", ten, 7, 700), LIMIT_RECIPIENTS);
	assert_int_equal(wait, 3600 + 600 - 700);
	assert_int_equal(take("a", ten, 6, 3600), LIMIT_NONE);
	/* What never fits is told so. */
	assert_int_equal(take("a", ten, 11, 100000), LIMIT_MESSAGE);
	assert_int_equal(limit, 10);
	assert_int_equal(wait, 0);
}

static void
one_message(void **state)
{
	const struct submit_limits five = {.recipients_per_message = 5};
	const struct submit_limits none = {0};

	(void)state;
	assert_int_equal(take("a", five, 5, 0), LIMIT_NONE);
	assert_int_equal(take("a", five, 6, 0), LIMIT_MESSAGE);
	assert_int_equal(limit, 5);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(take("a", none, UINT32_MAX, 0), LIMIT_NONE);
}

/* Thousands of accounts over days: who is silent is forgotten (LeakSanitizer sees to the rest). */
static void
many_accounts(void **state)
{
	const struct submit_limits one = {.messages_per_hour = 1};
	char name[32];

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "%u", i % 5000);
		assert_int_equal(take(name, one, 1, (uint64_t)(i / 5000) * 7200 + i % 5000 / 100),
				 LIMIT_NONE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(messages, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(recipients, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(one_message, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(many_accounts, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
