/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "worker/accounts/throttle.h"

static struct throttle *throttle;
static int64_t now;

static int
setup(void **state)
{
	(void)state;
	throttle = throttle_new(64, 0x123456789abcdefU);
	now = 1000000;
	return throttle == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	throttle_free(throttle);
	return 0;
}

static struct in6_addr
address(const char *text)
{
	struct in6_addr out;

	assert_int_equal(inet_pton(AF_INET6, text, &out), 1);
	return out;
}

/* One attempt to its end, the clock going on while it waits. Returns how long it waited, or -1. */
static int64_t
attempt(const char *from, const char *account, enum throttle_result result)
{
	struct in6_addr in6 = address(from);
	struct throttle_attempt a;
	int64_t start = now, wait;

	throttle_begin(&a, &in6, account, now);
	for (;;) {
		switch (throttle_ask(throttle, &a, now, &wait)) {
		case THROTTLE_GO:
			throttle_done(throttle, &a, result, now);
			return now - start;
		case THROTTLE_WAIT:
			assert_true(wait > 0 && wait <= THROTTLE_WAIT_MAX);
			now += wait;
			break;
		case THROTTLE_REFUSE:
		case THROTTLE_BUSY:
			return -1;
		}
	}
}

static void
test_growing(void **state)
{
	static const int64_t waits[] = {0, 0, 0, 0, 1000, 2000, 4000, 8000, 16000, 30000, 30000};

	(void)state;
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		int64_t waited = attempt("::ffff:192.0.2.1", "a@x", THROTTLE_WRONG);

		/* A failure may have been forgotten on the way: never more than in the table. */
		if (waited > waits[i] || waited < waits[i] / 2)
			fail_msg("attempt %zu waited %lld", i, (long long)waited);
	}
	/* Others are not held up. */
	assert_int_equal(attempt("::ffff:192.0.2.2", "b@x", THROTTLE_RIGHT), 0);
	assert_int_equal(attempt("::ffff:192.0.2.2", "a@x", THROTTLE_RIGHT), 0);
}

static void
test_refused_and_forgotten(void **state)
{
	int64_t start;
	int guesses = 0;

	(void)state;
	while (attempt("::ffff:192.0.2.1", "a@x", THROTTLE_WRONG) != -1)
		assert_true(++guesses < 100);
	assert_true(guesses >= 20);
	/* What is refused is not counted: after some minutes there is a way again. */
	start = now;
	for (int i = 0; i < 1000; i++)
		(void)attempt("::ffff:192.0.2.1", "a@x", THROTTLE_WRONG);
	now = start + 2 * 60 * 1000;
	assert_true(attempt("::ffff:192.0.2.1", "a@x", THROTTLE_RIGHT) >= 0);
	now += 60 * 60 * 1000;
	assert_int_equal(attempt("::ffff:192.0.2.1", "c@x", THROTTLE_WRONG), 0);
}

/* A guesser for an hour from one address: bounded by what is forgotten meanwhile. */
static void
test_guesses_an_hour(void **state)
{
	int guesses = 0;
	int64_t end = now + 3600 * 1000;

	(void)state;
	while (now < end) {
		if (attempt("::ffff:192.0.2.1", "a@x", THROTTLE_WRONG) != -1)
			guesses++;
		now += 10;
	}
	assert_in_range(guesses, 20, 90);
}

static void
test_parallel(void **state)
{
	struct in6_addr in6 = address("::ffff:192.0.2.1");
	struct throttle_attempt a[100];
	int gone = 0, refused = 0;
	int64_t wait;

	(void)state;
	for (int i = 0; i < 100; i++) {
		throttle_begin(&a[i], &in6, "a@x", now);
		if (throttle_ask(throttle, &a[i], now, &wait) == THROTTLE_GO)
			gone++;
	}
	assert_int_equal(gone, 8);
	for (int i = 0; i < 8; i++)
		throttle_done(throttle, &a[i], THROTTLE_WRONG, now);
	/* The others now meet the failures, and take turns until their time is over. */
	gone = 0;
	for (int64_t t = 0; t <= 31000; t += 100) {
		for (int i = 8; i < 100; i++) {
			switch (throttle_ask(throttle, &a[i], now + t, &wait)) {
			case THROTTLE_GO:
				gone++;
				throttle_done(throttle, &a[i], THROTTLE_WRONG, now + t);
				a[i].since = -100000; /* has had its turn */
				break;
			case THROTTLE_REFUSE:
				refused++;
				break;
			default:
				break;
			}
		}
	}
	assert_in_range(gone, 1, 3);
	assert_true(refused > 0);
}

static void
test_many_at_once(void **state)
{
	struct in6_addr in6 = address("2001:db8::1");
	struct throttle_attempt a[9];
	int64_t wait = 0;

	(void)state;
	for (int i = 0; i < 9; i++)
		throttle_begin(&a[i], &in6, "a@x", now);
	for (int i = 0; i < 8; i++)
		assert_int_equal(throttle_ask(throttle, &a[i], now, &wait), THROTTLE_GO);
	assert_int_equal(throttle_ask(throttle, &a[8], now, &wait), THROTTLE_WAIT);
	assert_true(wait > 0 && wait < 1000);
	assert_int_equal(throttle_ask(throttle, &a[8], now + THROTTLE_WAIT_MAX, &wait),
			 THROTTLE_BUSY);
	throttle_done(throttle, &a[0], THROTTLE_RIGHT, now);
	assert_int_equal(throttle_ask(throttle, &a[8], now + 100, &wait), THROTTLE_GO);
}

static void
test_prefix(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		char from[40];

		snprintf(from, sizeof(from), "2001:db8:0:1::%d", i + 1);
		(void)attempt(from, "a@x", THROTTLE_WRONG);
	}
	assert_true(attempt("2001:db8:0:1::99", "a@x", THROTTLE_WRONG) > 0);
	assert_int_equal(attempt("2001:db8:0:2::1", "a@x", THROTTLE_WRONG), 0);
}

/* Somebody hammers the account from one address; the owner comes from others. */
static void
test_owner(void **state)
{
	(void)state;
	for (int i = 0; i < 60; i++)
		(void)attempt("::ffff:192.0.2.1", "a@x", THROTTLE_WRONG);
	assert_int_equal(attempt("::ffff:198.51.100.1", "a@x", THROTTLE_RIGHT), 0);
	assert_int_equal(attempt("::ffff:198.51.100.2", "a@x", THROTTLE_RIGHT), 0);
}

static void
test_at_once(void)
{
	struct throttle_attempt a[40];
	int64_t wait;
	int gone = 0;

	for (int i = 0; i < 40; i++) {
		char from[40];
		struct in6_addr in6;

		snprintf(from, sizeof(from), "2001:db8:1:%d::1", i);
		in6 = address(from);
		throttle_begin(&a[i], &in6, "a@x", now);
	}
	now += 5000;
	for (int i = 0; i < 40; i++) {
		if (throttle_ask(throttle, &a[i], now, &wait) == THROTTLE_GO)
			gone++;
	}
	assert_int_equal(gone, 16);
	for (int i = 0; i < 16; i++)
		throttle_done(throttle, &a[i], THROTTLE_WRONG, now);
	assert_int_equal(throttle_ask(throttle, &a[20], now, &wait), THROTTLE_GO);
	throttle_done(throttle, &a[20], THROTTLE_UNDECIDED, now);
	assert_int_equal(throttle_ask(throttle, &a[21], now + THROTTLE_WAIT_MAX, &wait),
			 THROTTLE_GO);
	throttle_done(throttle, &a[21], THROTTLE_UNDECIDED, now);
}

/* A botnet hammers the account, with a few guesses an address. */
static void
test_botnet(void **state)
{
	int64_t waited;

	(void)state;
	/* The owner's phone was there before. */
	assert_int_equal(attempt("::ffff:198.51.100.1", "a@x", THROTTLE_RIGHT), 0);
	for (int i = 0; i < 60; i++) {
		char from[40];

		snprintf(from, sizeof(from), "::ffff:203.0.113.%d", i);
		(void)attempt(from, "a@x", THROTTLE_WRONG);
	}
	/* From where it is known: at once. From elsewhere: slowly, but in. */
	assert_int_equal(attempt("::ffff:198.51.100.1", "a@x", THROTTLE_RIGHT), 0);
	waited = attempt("::ffff:198.51.100.2", "a@x", THROTTLE_RIGHT);
	assert_in_range(waited, 1, 5000);
	/* Second guesses of the botnet's addresses take turns. */
	waited = 0;
	for (int i = 0; i < 5; i++) {
		char from[40];
		int64_t one;

		snprintf(from, sizeof(from), "::ffff:203.0.113.%d", 59 - i);
		one = attempt(from, "a@x", THROTTLE_WRONG);
		waited += one == -1 ? 30000 : one;
	}
	assert_true(waited > 30000);
	/* First guesses of fresh addresses wait for each other: the threads have others to serve.
	 */
	test_at_once();
	/* Another account is not concerned. */
	assert_int_equal(attempt("::ffff:198.51.100.3", "b@x", THROTTLE_RIGHT), 0);
}

/* A guesser with an account of his own doesn't clear his count with it. */
static void
test_own_account(void **state)
{
	int64_t waited = 0;

	(void)state;
	for (int i = 0; i < 10; i++) {
		int64_t one;

		assert_int_equal(attempt("::ffff:192.0.2.1", "mallory@x", THROTTLE_RIGHT), 0);
		one = attempt("::ffff:192.0.2.1", "a@x", THROTTLE_WRONG);
		waited += one;
	}
	assert_true(waited >= 30000);
	/* The owner behind the same NAT, known there from better days, is not held up. */
	throttle_free(throttle);
	throttle = throttle_new(64, 1);
	assert_int_equal(attempt("::ffff:192.0.2.1", "a@x", THROTTLE_RIGHT), 0);
	for (int i = 0; i < 30; i++)
		(void)attempt("::ffff:192.0.2.1", "b@x", THROTTLE_WRONG);
	assert_int_equal(attempt("::ffff:192.0.2.1", "a@x", THROTTLE_RIGHT), 0);
}

static void
test_bounded(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++) {
		char from[40], account[40];

		snprintf(from, sizeof(from), "2001:db8:0:%x::1", i);
		snprintf(account, sizeof(account), "user%d@x", i);
		(void)attempt(from, account, i % 2 == 0 ? THROTTLE_WRONG : THROTTLE_RIGHT);
	}
	assert_true(throttle_size(throttle) <= 3 * 64);
}

/* Logins that go well leave nothing but what is known. */
static void
test_clean(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(attempt("::ffff:192.0.2.1", "a@x", THROTTLE_RIGHT), 0);
	assert_int_equal(attempt("::ffff:192.0.2.9", "a@x", THROTTLE_UNDECIDED), 0);
	assert_int_equal(throttle_size(throttle), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_growing),         TEST(test_refused_and_forgotten),
	    TEST(test_guesses_an_hour), TEST(test_parallel),
	    TEST(test_many_at_once),    TEST(test_prefix),
	    TEST(test_owner),           TEST(test_botnet),
	    TEST(test_own_account),     TEST(test_bounded),
	    TEST(test_clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
