/* SPDX-License-Identifier: ISC */
/* Who is asked about whom, where hosts put recipients off: each host once, and the last one counts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "worker/relay/asked.h"

#define P OUTCOME_PENDING
#define D OUTCOME_DELIVERED
#define O OUTCOME_PUT_OFF
#define L OUTCOME_LATER
#define F OUTCOME_FAILED

#define RECIPIENTS 2

/* Two addresses of the first host; the second is there once more, behind the third. */
enum { FIRST, FIRST_TOO, SECOND, THIRD, SECOND_AGAIN, TARGETS };
static const char *const hosts[TARGETS] = {"first.example", "first.example", "second.example",
					   "third.example", "SECOND.example"};

struct world {
	struct asked asked;
	struct route_answer way;
	struct client_recipient recipients[RECIPIENTS];
	struct client_mail mail;
};

static void
world_open(struct world *w, size_t targets)
{
	memset(w, 0, sizeof(*w));
	w->mail = (struct client_mail){.recipients = w->recipients, .count = RECIPIENTS};
	w->way.count = targets;
	for (size_t i = 0; i < targets; i++)
		strlcpy(w->way.targets[i].host, hosts[i], HOST_NAME_SIZE);
}

/* TARGET leaves those that it was asked about as it is said: P, and it broke off. */
static void
ask(struct world *w, size_t target, enum client_outcome first, enum client_outcome second)
{
	const enum client_outcome outcomes[RECIPIENTS] = {first, second};
	bool broke_off = false;

	assert_true(asked_wants(&w->asked, &w->mail, target));
	asked_begin(&w->asked, &w->mail, &w->way, target);
	for (size_t i = 0; i < RECIPIENTS; i++) {
		if (w->recipients[i].outcome != P)
			continue;
		w->recipients[i].outcome = outcomes[i];
		broke_off = broke_off || outcomes[i] == P;
	}
	if (broke_off)
		w->asked.tried[target] = true;
	else
		asked_is_done(&w->asked, &w->way, hosts[target]);
	asked_end(&w->asked, &w->mail, &w->way, hosts[target]);
}

static void
is_left(const struct world *w, size_t i, enum client_outcome outcome, const char *host)
{
	assert_int_equal(w->recipients[i].outcome, outcome);
	assert_string_equal(w->asked.recipients[i].host, host);
}

static void
who_is_put_off_is_for_the_next_host(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, TARGETS);
	ask(&w, FIRST, D, O);
	assert_false(asked_wants(&w.asked, &w.mail, FIRST_TOO));
	ask(&w, SECOND, F, O); /* it isn't asked about the first */
	is_left(&w, 0, D, "first.example");
	is_left(&w, 1, O, "second.example");
	assert_false(asked_wants(&w.asked, &w.mail, SECOND_AGAIN));
	ask(&w, THIRD, F, F);
	is_left(&w, 0, D, "first.example");
	is_left(&w, 1, F, "third.example");
	assert_false(asked_wants_any(&w.asked, &w.mail, &w.way));
}

static void
what_came_of_the_message_is_final(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, TARGETS);
	ask(&w, FIRST, L, F);
	assert_false(asked_wants_any(&w.asked, &w.mail, &w.way));
}

static void
all_put_it_off(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, TARGETS);
	ask(&w, FIRST, O, O);
	ask(&w, SECOND, O, O);
	ask(&w, THIRD, O, O);
	assert_false(asked_wants_any(&w.asked, &w.mail, &w.way));
	is_left(&w, 0, O, "third.example");
	is_left(&w, 1, O, "third.example");
}

/* Its other address is asked only about those of whom it has said nothing. */
static void
a_host_that_breaks_off_is_not_asked_twice(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, SECOND + 1);
	ask(&w, FIRST, O, P);
	ask(&w, FIRST_TOO, F, O);
	is_left(&w, 0, O, "first.example");
	ask(&w, SECOND, D, D);
	is_left(&w, 0, D, "second.example");
	is_left(&w, 1, D, "second.example");
}

/* What a host said counts until another one says something. */
static void
a_host_that_says_nothing_changes_nothing(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, THIRD + 1);
	ask(&w, FIRST, O, P);
	ask(&w, SECOND, P, P);
	is_left(&w, 0, O, "first.example");
	is_left(&w, 1, P, "second.example");
	assert_true(asked_wants(&w.asked, &w.mail, FIRST_TOO));
	ask(&w, THIRD, P, F);
	is_left(&w, 0, O, "first.example");
	is_left(&w, 1, F, "third.example");
	assert_false(asked_wants_any(&w.asked, &w.mail, &w.way));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_is_put_off_is_for_the_next_host),
	    cmocka_unit_test(what_came_of_the_message_is_final),
	    cmocka_unit_test(all_put_it_off),
	    cmocka_unit_test(a_host_that_breaks_off_is_not_asked_twice),
	    cmocka_unit_test(a_host_that_says_nothing_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
