/* SPDX-License-Identifier: ISC */
/*
 * A mail whose time is over: which stages have their turn all the same, and what becomes of it by
 * those that don't. Check.c, with stages that never end; seconds are milliseconds (filter.mk).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "worker/filter/filter.h"

int __real_event_add(struct event *, const struct timeval *);
int __wrap_event_add(struct event *, const struct timeval *);
int
__wrap_event_add(struct event *event, const struct timeval *wait)
{
	struct timeval shorter = {.tv_sec = 0};

	if (wait == NULL)
		return __real_event_add(event, NULL);
	shorter.tv_usec = (suseconds_t)(wait->tv_sec * 1000 + wait->tv_usec / 1000);
	return __real_event_add(event, &shorter);
}

/* -- Stages ----------------------------------------------------------------------------------- */

static char events[256]; /* what stages were asked to do */
static bool own_hangs;

static void
note(const char *what)
{
	strlcat(events, what, sizeof(events));
	strlcat(events, " ", sizeof(events));
}

static void
hang(struct check *check)
{
	note("slow");
	check->stage = check;
}

static void
cancel(struct check *check)
{
	note("cancelled");
	check->stage = NULL;
}

static void
skip_it(struct check *check)
{
	note(check->stage != NULL ? "skipped-within" : "skipped");
}

static void
quick(struct check *check)
{
	note("results");
	check_next(check);
}

static void
own(struct check *check)
{
	note("own");
	if (own_hangs)
		check->stage = check;
	else
		check_next(check);
}

static const struct stage stage_slow = {
    .name = "slow", .kinds = FILTER_STRANGER, .start = hang, .cancel = cancel, .skip = skip_it};
static const struct stage stage_next = {
    .name = "next", .kinds = FILTER_STRANGER, .start = hang, .cancel = cancel, .skip = skip_it};
static const struct stage stage_quick = {.name = "quick", .kinds = FILTER_STRANGER, .start = quick};
static const struct stage stage_own = {.name = "own",
				       .kinds = FILTER_STRANGER | FILTER_OWN,
				       .start = own,
				       .cancel = cancel,
				       .own = true,
				       .skip = skip_it};

const struct stage *const stages[] = {
    &stage_slow, &stage_next, &stage_quick, &stage_milters, &stage_own, NULL,
};

/* -- A mail ----------------------------------------------------------------------------------- */

static struct filter filter;
static struct qf_verdict verdict;

void
check_finish(struct check_private *private)
{
	verdict = private->verdict;
	check_free(private);
	assert_int_equal(event_base_loopbreak(filter.base), 0);
}

static void
run(unsigned kind)
{
	struct check_private *private = calloc(1, sizeof(*private));

	assert_non_null(private);
	private->check.filter = &filter;
	private->check.private = private;
	private->check.mail.kind = kind;
	private->check.sender = strdup("");
	private->check.recipients = "";
	LIST_INSERT_HEAD(&filter.checks, private, entry);
	filter.check_count++;
	events[0] = '\0';
	memset(&verdict, 0, sizeof(verdict));
	assert_int_equal(check_start(private), 0);
	assert_int_equal(event_base_dispatch(filter.base), 0);
	assert_int_equal(filter.check_count, 0);
}

/* Each: about which mail it is asked, and what its failure means. */
static void
set_milters(size_t count, const uint8_t (*milters)[2])
{
	filter.settings.milter_count = (uint32_t)count;
	for (size_t i = 0; i < count; i++) {
		filter.settings.milters[i].kinds = milters[i][0];
		filter.settings.milters[i].failure = milters[i][1];
	}
}

/* -- What becomes of it ----------------------------------------------------------------------- */

static void
those_that_wait_for_nobody_have_their_turn(void **state)
{
	(void)state;
	filter.settings.failure = FILTER_FAIL_ACCEPT;
	set_milters(0, NULL);
	own_hangs = false;
	run(FILTER_STRANGER);
	assert_int_equal(verdict.verdict, FILTER_ACCEPT);
	assert_string_equal(events, "slow skipped-within cancelled skipped results own ");
}

static void
this_host_has_more_time(void **state)
{
	(void)state;
	filter.settings.failure = FILTER_FAIL_ACCEPT;
	set_milters(0, NULL);
	own_hangs = true;
	run(FILTER_STRANGER);
	assert_int_equal(verdict.verdict, FILTER_ACCEPT);
	assert_string_equal(
	    events, "slow skipped-within cancelled skipped results own skipped-within cancelled ");
	/* One's own mail is taken in any case. */
	filter.settings.failure = FILTER_FAIL_LATER;
	run(FILTER_OWN);
	assert_int_equal(verdict.verdict, FILTER_ACCEPT);
	assert_string_equal(events, "own skipped-within cancelled ");
	own_hangs = false;
}

/* A virus scanner that has to answer is not got rid of by slow DNS. */
static void
milters_that_were_not_asked_have_failed(void **state)
{
	static const struct {
		uint8_t milters[2][2];
		enum filter_verdict verdict;
	} mails[] = {
	    {{{FILTER_STRANGER, FILTER_FAIL_ACCEPT}, {FILTER_STRANGER, FILTER_FAIL_ACCEPT}},
	     FILTER_ACCEPT},
	    {{{FILTER_STRANGER, FILTER_FAIL_LATER}, {FILTER_STRANGER, FILTER_FAIL_ACCEPT}},
	     FILTER_LATER},
	    {{{FILTER_STRANGER, FILTER_FAIL_ACCEPT}, {FILTER_STRANGER, FILTER_FAIL_LATER}},
	     FILTER_LATER},
	    /* It is not asked about such mail. */
	    {{{FILTER_SUBMITTER, FILTER_FAIL_LATER}, {FILTER_STRANGER, FILTER_FAIL_ACCEPT}},
	     FILTER_ACCEPT},
	};

	(void)state;
	filter.settings.failure = FILTER_FAIL_ACCEPT;
	for (size_t i = 0; i < sizeof(mails) / sizeof(mails[0]); i++) {
		set_milters(2, mails[i].milters);
		run(FILTER_STRANGER);
		assert_int_equal(verdict.verdict, mails[i].verdict);
		assert_int_equal(verdict.code, mails[i].verdict == FILTER_LATER ? 451 : 0);
	}
}

static void
by_default_it_comes_again(void **state)
{
	(void)state;
	filter.settings.failure = FILTER_FAIL_LATER;
	set_milters(0, NULL);
	run(FILTER_STRANGER);
	assert_int_equal(verdict.verdict, FILTER_LATER);
	assert_int_equal(verdict.code, 451);
	assert_string_equal(events, "slow cancelled ");
}

static int
set_up(void **state)
{
	(void)state;
	LIST_INIT(&filter.checks);
	strlcpy(filter.settings.hostname, "mx.example.org", sizeof(filter.settings.hostname));
	filter.base = event_base_new();
	return filter.base == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	event_base_free(filter.base);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(those_that_wait_for_nobody_have_their_turn),
	    cmocka_unit_test(this_host_has_more_time),
	    cmocka_unit_test(milters_that_were_not_asked_have_failed),
	    cmocka_unit_test(by_default_it_comes_again),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
