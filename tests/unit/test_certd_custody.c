/* SPDX-License-Identifier: ISC */
/* Uses are counted where they are made, and a channel asks no faster than a gate can. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "certd/audit.h"

static const struct gc_listener smtp = {.service = SERVICE_SMTP, .port = 25};
static const struct gc_listener pop3 = {.service = SERVICE_POP3, .port = 995};

static void
test_counts(void **state)
{
	struct uses uses = {NULL, 0}, all = {NULL, 0};
	char label[USE_LABEL_SIZE];

	(void)state;
	for (int i = 0; i < 3; i++)
		uses_count(&uses, &smtp, USE_TLS13);
	uses_count(&uses, &smtp, USE_REFUSED);
	uses_count(&uses, &pop3, USE_TLS12);
	uses_count(&uses, NULL, USE_TLS12);
	assert_int_equal(uses.count, 3);
	assert_int_equal(uses.list[0].total[USE_TLS13], 3);
	assert_int_equal(uses.list[0].total[USE_REFUSED], 1);
	assert_string_equal(use_label(&uses.list[0], label), "smtp:25");
	assert_string_equal(use_label(&uses.list[1], label), "pop3:995");
	assert_string_equal(use_label(&uses.list[2], label), "unknown");
	uses_add(&all, &uses);
	uses_add(&all, &uses);
	assert_int_equal(all.count, 3);
	assert_int_equal(all.list[0].total[USE_TLS13], 6);
	assert_int_equal(all.list[2].total[USE_TLS12], 2);

	/* The summary begins anew, the totals stay. */
	audit_summary(&uses, "gate 1", "mail");
	assert_int_equal(uses.list[0].recent[USE_TLS13], 0);
	assert_int_equal(uses.list[0].total[USE_TLS13], 3);
	uses_free(&uses);
	uses_free(&all);
}

static unsigned
take(struct rate *rate, int64_t now, unsigned tries)
{
	unsigned taken = 0;

	while (tries-- > 0)
		taken += rate_take(rate, now);
	return taken;
}

static void
test_rate(void **state)
{
	struct rate rate = {0, 0};

	(void)state;
	assert_int_equal(take(&rate, 5000, 2 * RATE_BURST), RATE_BURST);
	assert_int_equal(take(&rate, 5000, 10), 0);
	assert_int_equal(take(&rate, 5100, RATE_BURST), RATE_PER_SECOND / 10);
	/* A clock that stands still or goes back gives nothing, a long time no more than a burst.
	 */
	assert_int_equal(take(&rate, 5000, 10), 0);
	assert_int_equal(take(&rate, INT64_MAX, 2 * RATE_BURST), RATE_BURST);
	/* Somewhat below the limit it never refuses. */
	rate = (struct rate){0, 0};
	for (int64_t now = 1; now < 10000; now++)
		assert_int_equal(take(&rate, now, RATE_PER_SECOND / 1000 - 1),
				 RATE_PER_SECOND / 1000 - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_counts),
	    cmocka_unit_test(test_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
