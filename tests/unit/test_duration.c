/* SPDX-License-Identifier: ISC */
/* Durations in words: what they are, one or several. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/duration.h"

static void
it_is_told_as_it_is(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} cases[] = {
	    {0, "0 seconds"},
	    {1, "1 second"},
	    {2, "2 seconds"},
	    {59, "59 seconds"},
	    {60, "1 minute"},
	    {90, "1 minute 30 seconds"},
	    {3600, "1 hour"},
	    {3601, "1 hour 1 second"},
	    {5400, "1 hour 30 minutes"},
	    {86400, "1 day"},
	    {2 * 86400, "2 days"},
	    {90061, "1 day 1 hour 1 minute 1 second"},
	    {INT64_MAX, "106751991167300 days 15 hours 30 minutes 7 seconds"},
	};
	char out[DURATION_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(duration_text(cases[i].seconds, out), cases[i].text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(it_is_told_as_it_is)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
