/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "common/scores.h"

static struct score
score_of(const char *text, uint32_t group)
{
	struct score score = {.group = group, .forget = 1000};

	assert_int_equal(inet_pton(AF_INET6, text, &score.address), 1);
	return score;
}

static void
counts_and_fades(void **state)
{
	struct scores *scores = scores_new(8);
	struct score a = score_of("::ffff:192.0.2.1", 0), b = score_of("::ffff:192.0.2.2", 0);
	struct score other = score_of("::ffff:192.0.2.1", 1);

	(void)state;
	assert_int_equal(scores_get(scores, &a, 0), 0);
	assert_int_equal(scores_size(scores), 0);
	assert_int_equal(scores_add(scores, &a, 0), 1);
	assert_int_equal(scores_add(scores, &a, 10), 2);
	assert_int_equal(scores_add(scores, &b, 10), 1);
	assert_int_equal(scores_add(scores, &other, 10), 1);
	assert_int_equal(scores_get(scores, &a, 999), 2);
	assert_int_equal(scores_get(scores, &a, 1000), 1);
	assert_int_equal(scores_get(scores, &a, 2000), 0);
	assert_int_equal(scores_add(scores, &a, 5000), 1);
	assert_int_equal(scores_get(scores, &a, 5999), 1);
	scores_free(scores);
	scores_free(NULL);
}

static void
a_host_owns_its_64_bits(void **state)
{
	struct scores *scores = scores_new(8);
	struct score a = score_of("2001:db8::1", 0), b = score_of("2001:db8::2", 0);
	struct score c = score_of("2001:db8:0:1::1", 0), loopback = score_of("::1", 0);

	(void)state;
	assert_int_equal(scores_add(scores, &a, 0), 1);
	assert_int_equal(scores_add(scores, &b, 0), 2);
	assert_int_equal(scores_add(scores, &c, 0), 1);
	assert_int_equal(scores_add(scores, &loopback, 0), 1);
	assert_int_equal(scores_get(scores, &a, 0), 2);
	scores_free(scores);
}

static void
the_one_unused_longest_goes(void **state)
{
	struct scores *scores = scores_new(2);
	struct score a = score_of("::ffff:192.0.2.1", 0), b = score_of("::ffff:192.0.2.2", 0);
	struct score c = score_of("::ffff:192.0.2.3", 0);

	(void)state;
	(void)scores_add(scores, &a, 0);
	(void)scores_add(scores, &b, 0);
	assert_int_equal(scores_get(scores, &a, 0), 1); /* used */
	(void)scores_add(scores, &c, 0);
	assert_int_equal(scores_size(scores), 2);
	assert_int_equal(scores_get(scores, &b, 0), 0);
	assert_int_equal(scores_get(scores, &a, 0), 1);
	assert_int_equal(scores_get(scores, &c, 0), 1);
	scores_free(scores);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(counts_and_fades),
	    cmocka_unit_test(a_host_owns_its_64_bits),
	    cmocka_unit_test(the_one_unused_longest_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
