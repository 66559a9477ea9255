/* SPDX-License-Identifier: ISC */
/* Who waits, and for how long: the clock is the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/unit/queue_world.h"
#include "worker/queue/greylist.h"
#include "worker/queue/greylist_db.h"

#define HOUR INT64_C(3600)
#define DAY (24 * HOUR)
#define START INT64_C(1800000000)

static const struct greylist_rules usual = {.enabled = 1,
					    .delay = 300,
					    .retry_window = 2 * 86400,
					    .passes = 5,
					    .remember = 35 * 86400,
					    .ipv4_prefix = 24,
					    .ipv6_prefix = 64,
					    .entries = 2000};

static struct greylist_rules rules;
static struct greylist *greylist;
static struct greylist_answer answer;
static char folder[64];

static void
open_at(int64_t now)
{
	struct error err;

	greylist = greylist_open(&rules, now, &err);
	if (greylist == NULL)
		fail_msg("%s", err.text);
}

static int
set_up(void **state)
{
	(void)state;
	rules = usual;
	world_make_folder(folder);
	open_at(START);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	greylist_close(greylist);
	greylist = NULL;
	world_remove_folder(folder);
	return 0;
}

/* The verdict, with the rest in answer. An IPv4 address is one as it is written. */
static int
ask_from(const char *address, const char *from, const char *to, int64_t now)
{
	char text[64];
	struct in6_addr peer;

	snprintf(text, sizeof(text), "%s%s", strchr(address, ':') == NULL ? "::ffff:" : "",
		 address);
	assert_int_equal(inet_pton(AF_INET6, text, &peer), 1);
	answer = greylist_ask(greylist, &peer, from, to, now);
	return (int)answer.verdict;
}

static int
ask(const char *from, int64_t now)
{
	return ask_from("192.0.2.1", from, "alice@example.org", now);
}

static void
waits_then_comes_in(void **state)
{
	(void)state;
	assert_int_equal(ask("a@b.example", START), GREYLIST_WAIT);
	assert_int_equal(answer.seconds, 300);
	assert_int_equal(ask("a@b.example", START + 1), GREYLIST_WAIT);
	assert_int_equal(answer.seconds, 299);
	/* What is too soon does not begin anew. */
	assert_int_equal(ask("a@b.example", START + 299), GREYLIST_WAIT);
	assert_int_equal(answer.seconds, 1);
	assert_int_equal(ask("a@b.example", START + 300), GREYLIST_WAITED);
	assert_int_equal(answer.seconds, 300);
	assert_int_equal(ask("a@b.example", START + 301), GREYLIST_SEEN);
	assert_int_equal(ask("a@b.example", START + 30 * DAY), GREYLIST_SEEN);
	/* Each use counts. */
	assert_int_equal(ask("a@b.example", START + 60 * DAY), GREYLIST_SEEN);
	assert_int_equal(ask("a@b.example", START + 95 * DAY + 1), GREYLIST_WAIT);
	assert_int_equal(answer.seconds, 300);
}

static void
who_comes_too_late_begins_anew(void **state)
{
	(void)state;
	assert_int_equal(ask("a@b.example", START), GREYLIST_WAIT);
	assert_int_equal(ask("b@b.example", START), GREYLIST_WAIT);
	assert_int_equal(ask("a@b.example", START + 2 * DAY), GREYLIST_WAITED);
	assert_int_equal(ask("b@b.example", START + 2 * DAY + 1), GREYLIST_WAIT);
	assert_int_equal(answer.seconds, 300);
	assert_int_equal(ask("b@b.example", START + 2 * DAY + 301), GREYLIST_WAITED);
}

static void
what_counts(void **state)
{
	static const struct {
		const char *address, *from, *to;
		bool same;
	} cases[] = {
	    {"192.0.2.1", "a@b.example", "alice@example.org", true},
	    {"192.0.2.255", "a@b.example", "alice@example.org", true},
	    {"192.0.3.1", "a@b.example", "alice@example.org", false},
	    {"192.0.2.1", "A@B.EXAMPLE", "Alice@Example.ORG", true},
	    {"192.0.2.1", "a@c.example", "alice@example.org", false},
	    {"192.0.2.1", "", "alice@example.org", false},
	    {"192.0.2.1", "a@b.example", "bob@example.org", false},
	    /* Where one path ends and the next begins counts, too. */
	    {"192.0.2.1",
	     "a@b.example"
	     "alice",
	     "@example.org", false},
	    {"::192.0.2.1", "a@b.example", "alice@example.org", false},
	};

	(void)state;
	assert_int_equal(ask("a@b.example", START), GREYLIST_WAIT);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int verdict = ask_from(cases[i].address, cases[i].from, cases[i].to, START + 300);

		print_message("%zu\n", i);
		assert_true((verdict != GREYLIST_WAIT) == cases[i].same);
	}
	/* The null reverse-path is one as others are. */
	assert_int_equal(ask("", START + 600), GREYLIST_WAITED);
}

static void
networks(void **state)
{
	static const struct {
		const char *address, *network;
	} cases[] = {
	    {"::ffff:192.0.2.77", "::ffff:192.0.2.0"},
	    {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"},
	};
	struct in6_addr address, network, expected;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(inet_pton(AF_INET6, cases[i].address, &address), 1);
		assert_int_equal(inet_pton(AF_INET6, cases[i].network, &expected), 1);
		greylist_network(&rules, &address, &network);
		assert_memory_equal(&network, &expected, sizeof(network));
	}
	rules.ipv4_prefix = 28;
	rules.ipv6_prefix = 128;
	assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.77", &address), 1);
	assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.64", &expected), 1);
	greylist_network(&rules, &address, &network);
	assert_memory_equal(&network, &expected, sizeof(network));
	assert_int_equal(inet_pton(AF_INET6, "2001:db8:1:2:3:4:5:6", &address), 1);
	greylist_network(&rules, &address, &network);
	assert_memory_equal(&network, &address, sizeof(network));
}

/* First attempts at NOW, second ones a delay later. */
static void
pass(const char *address, const char *from, int64_t now)
{
	(void)ask_from(address, from, "alice@example.org", now);
	assert_int_equal(ask_from(address, from, "alice@example.org", now + 300), GREYLIST_WAITED);
}

/* From 192.0.2.0/24. */
static void
become_known(void)
{
	char from[16];

	for (int i = 0; i < 5; i++) {
		snprintf(from, sizeof(from), "%d@b.example", i);
		pass("192.0.2.1", from, START + i * HOUR);
		assert_int_equal(answer.now_known, i == 4);
	}
}

static void
known_networks(void **state)
{
	(void)state;
	become_known();
	assert_int_equal(ask("new@b.example", START + 5 * HOUR), GREYLIST_KNOWN);
	assert_int_equal(ask_from("192.0.2.9", "x@y", "bob@example.org", START + 5 * HOUR),
			 GREYLIST_KNOWN);
	assert_int_equal(ask_from("192.0.3.9", "x@y", "bob@example.org", START + 5 * HOUR),
			 GREYLIST_WAIT);
	/* For 35 days from its last mail, or nearly: not each is written down. */
	assert_int_equal(ask("x@y", START + 33 * DAY), GREYLIST_KNOWN);
	assert_int_equal(ask("x@y", START + 60 * DAY), GREYLIST_KNOWN);
	assert_int_equal(ask("x@y", START + 96 * DAY), GREYLIST_WAIT);
	/* Then it begins anew. */
	assert_int_equal(ask("x@y", START + 96 * DAY + 300), GREYLIST_WAITED);
	assert_int_equal(ask("z@y", START + 96 * DAY + 300), GREYLIST_WAIT);
}

/* Many at once are one pass. */
static void
passes_have_a_delay_between_them(void **state)
{
	char from[16];

	(void)state;
	for (int i = 0; i < 40; i++) {
		snprintf(from, sizeof(from), "%d@b.example", i % 20);
		assert_int_equal(ask(from, START + i % 20 + (i < 20 ? 0 : 300)),
				 i < 20 ? GREYLIST_WAIT : GREYLIST_WAITED);
	}
	assert_int_equal(ask("new@b.example", START + 400), GREYLIST_WAIT);
	/* What has passed before counts as well. */
	for (int i = 1; i < 5; i++) {
		assert_int_equal(ask("0@b.example", START + i * HOUR), GREYLIST_SEEN);
		assert_int_equal(answer.now_known, i == 4);
	}
	assert_int_equal(ask("other@b.example", START + 5 * HOUR), GREYLIST_KNOWN);
}

static void
no_network_is_known_without_passes(void **state)
{
	(void)state;
	rules.passes = 0;
	greylist_close(greylist);
	open_at(START);
	for (int i = 0; i < 20; i++)
		pass("192.0.2.1", i % 2 == 0 ? "a@b" : "c@d", START + i * 40 * DAY);
	assert_int_equal(ask("e@f", START + 800 * DAY), GREYLIST_WAIT);
}

/* A reload may have changed how many passes make a network known. */
static void
open_with_passes(uint32_t passes, int64_t now)
{
	greylist_close(greylist);
	rules.passes = passes;
	open_at(now);
}

static void
passes_are_those_of_now(void **state)
{
	(void)state;
	become_known();
	open_with_passes(0, START + DAY);
	assert_int_equal(ask("new@b.example", START + DAY), GREYLIST_WAIT);
	assert_int_equal(ask("0@b.example", START + DAY), GREYLIST_SEEN);
	assert_false(answer.now_known);
	open_with_passes(5, START + DAY);
	assert_int_equal(ask("other@b.example", START + DAY), GREYLIST_KNOWN);
	/* What it has passed before counts. */
	open_with_passes(7, START + DAY);
	assert_int_equal(ask("0@b.example", START + DAY), GREYLIST_SEEN);
	assert_false(answer.now_known);
	assert_int_equal(ask("other@b.example", START + DAY), GREYLIST_WAIT);
	assert_int_equal(ask("0@b.example", START + DAY + 300), GREYLIST_SEEN);
	assert_true(answer.now_known);
	assert_int_equal(ask("other@b.example", START + DAY + 300), GREYLIST_KNOWN);
}

/* Nothing renews what is not asked for. */
static void
without_passes_networks_are_forgotten(void **state)
{
	(void)state;
	become_known();
	open_with_passes(0, START + 30 * DAY);
	assert_int_equal(ask("new@b.example", START + 30 * DAY), GREYLIST_WAIT);
	open_with_passes(5, START + 40 * DAY);
	assert_int_equal(ask("new@b.example", START + 40 * DAY), GREYLIST_WAIT);
}

static void
is_kept(void **state)
{
	(void)state;
	become_known();
	assert_int_equal(ask_from("198.51.100.1", "a@b", "c@d", START + DAY), GREYLIST_WAIT);
	assert_true(greylist_is_dirty(greylist));
	greylist_close(greylist);
	open_at(START + DAY + 300);
	assert_int_equal(ask_from("198.51.100.1", "a@b", "c@d", START + DAY + 300),
			 GREYLIST_WAITED);
	assert_int_equal(ask("new@b.example", START + DAY + 300), GREYLIST_KNOWN);
	assert_int_equal(ask("0@b.example", START + DAY + 300), GREYLIST_KNOWN);
}

/* What was written with a clock that was ahead is as if it were of now. */
static void
clocks_that_went_back(void **state)
{
	(void)state;
	assert_int_equal(ask("a@b.example", START + 100 * DAY), GREYLIST_WAIT);
	greylist_close(greylist);
	open_at(START);
	assert_int_equal(ask("a@b.example", START + 1), GREYLIST_WAIT);
	assert_int_equal(answer.seconds, 299);
	assert_int_equal(ask("a@b.example", START + 300), GREYLIST_WAITED);
	/* Within a run, too: it is a fault, and nothing is waited for longer. */
	assert_int_equal(ask("c@b.example", START + 300), GREYLIST_WAIT);
	assert_int_equal(ask("c@b.example", START), GREYLIST_WAIT);
	assert_int_equal(answer.seconds, 300);
}

/* -- Bounds ------------------------------------------------------------------------------ */

/* N new ones, each from another network, 50 a second. */
static void
flood(unsigned n, int64_t now)
{
	char address[32];

	for (unsigned i = 0; i < n; i++) {
		snprintf(address, sizeof(address), "10.%u.%u.1", i / 256, i % 256);
		assert_int_equal(ask_from(address, "spam@x", "alice@example.org", now + i / 50),
				 GREYLIST_WAIT);
	}
}

static void
a_flood_pushes_out_what_waits_only(void **state)
{
	(void)state;
	become_known();
	pass("198.51.100.1", "passed@x", START + DAY);
	assert_int_equal(ask_from("203.0.113.1", "waits@x", "alice@example.org", START + DAY),
			 GREYLIST_WAIT);
	flood(5000, START + DAY + 100);
	assert_int_equal(ask("new@b.example", START + DAY + 500), GREYLIST_KNOWN);
	assert_int_equal(
	    ask_from("198.51.100.1", "passed@x", "alice@example.org", START + DAY + 500),
	    GREYLIST_SEEN);
	/* The oldest went first. */
	assert_int_equal(ask_from("203.0.113.1", "waits@x", "alice@example.org", START + DAY + 500),
			 GREYLIST_WAIT);
	assert_int_equal(answer.seconds, 300);
	assert_int_equal(ask_from("10.19.135.1", "spam@x", "alice@example.org", START + DAY + 500),
			 GREYLIST_WAITED);
}

/* One neighbourhood keeps nobody else out, however much it sends: of IPv6 it has many networks. */
static void
a_flood_from_one_place(void **state)
{
	char address[64], from[32];

	(void)state;
	assert_int_equal(ask_from("203.0.113.1", "waits@x", "alice@example.org", START),
			 GREYLIST_WAIT);
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(address, sizeof(address), i % 2 == 0 ? "192.0.2.%u" : "2001:db8:7:%x::1",
			 i % 256);
		snprintf(from, sizeof(from), "%u@spam.example", i);
		assert_int_equal(ask_from(address, from, "alice@example.org", START + i / 100),
				 GREYLIST_WAIT);
		assert_int_equal(answer.seconds, 300);
	}
	assert_int_equal(ask_from("203.0.113.1", "waits@x", "alice@example.org", START + 300),
			 GREYLIST_WAITED);
	/* Its own first ones are in, and it has a share again. */
	assert_int_equal(ask("0@spam.example", START + 300), GREYLIST_WAITED);
	assert_int_equal(ask("19998@spam.example", START + 300), GREYLIST_WAIT);
	assert_int_equal(ask("19998@spam.example", START + 600), GREYLIST_WAITED);
}

/* Of a network of which nothing is known: it has a share, and is remembered from now on. */
static bool
begins_to_wait(const char *address)
{
	assert_int_equal(ask_from(address, "new@x", "alice@example.org", START), GREYLIST_WAIT);
	assert_int_equal(ask_from(address, "new@x", "alice@example.org", START + 1), GREYLIST_WAIT);
	return answer.seconds == 299;
}

static void
fill_share(const char *address)
{
	char from[32];

	for (unsigned i = 0; i < 40; i++) {
		snprintf(from, sizeof(from), "%u@spam.example", i);
		assert_int_equal(ask_from(address, from, "alice@example.org", START),
				 GREYLIST_WAIT);
	}
	assert_false(begins_to_wait(address));
}

/* Some share its count, but which is another matter each time: no one can be chosen. */
static void
nobody_finds_whose_share_is_his(void **state)
{
	enum { VICTIMS = 3 };
	char victims[VICTIMS][64];
	unsigned found = 0, kept_out = 0;

	(void)state;
	fill_share("2001:db8:7::1");
	for (unsigned i = 0; found < VICTIMS; i++) {
		snprintf(victims[found], sizeof(victims[found]), "2001:%x:%x::1",
			 0x1000 + i / 65536, i % 65536);
		if (!begins_to_wait(victims[found]))
			found++;
	}
	greylist_close(greylist);
	open_at(START);
	fill_share("2001:db8:7::1");
	for (unsigned i = 0; i < VICTIMS; i++)
		kept_out += begins_to_wait(victims[i]) ? 0 : 1;
	assert_int_not_equal(kept_out, VICTIMS);
}

/* Networks that have passed, but not often, push out no known one. */
static void
a_flood_that_comes_again(void **state)
{
	char address[32];

	(void)state;
	become_known();
	for (unsigned i = 0; i < 3000; i++) {
		snprintf(address, sizeof(address), "10.%u.%u.1", i / 256, i % 256);
		pass(address, "spam@x", START + DAY + i);
	}
	assert_int_equal(ask("new@b.example", START + 2 * DAY), GREYLIST_KNOWN);
}

static void
each_kind_has_its_bound(void **state)
{
	struct error err;
	struct greylist_db *db;
	struct grey_entry old, entry;

	(void)state;
	greylist_close(greylist);
	greylist = NULL;
	db = greylist_db_open(10, START, &err);
	assert_non_null(db);
	for (int64_t key = 0; key < 100; key++) {
		entry =
		    (struct grey_entry){.key = key, .kind = (uint32_t)key % 2, .at = START + key};
		assert_int_equal(greylist_db_put(db, &entry, NULL), 0);
	}
	assert_int_equal(greylist_db_count(db, GREY_WAITING), 10);
	assert_int_equal(greylist_db_count(db, GREY_PASSED), 10);
	assert_int_equal(greylist_db_get(db, 79, &old), 0);
	assert_int_equal(greylist_db_get(db, 80, &old), 1);
	/* One becomes another kind. */
	entry = old;
	entry.kind = GREY_PASSED;
	entry.at = START + 200;
	assert_int_equal(greylist_db_put(db, &entry, &old), 0);
	assert_int_equal(greylist_db_count(db, GREY_WAITING), 9);
	assert_int_equal(greylist_db_count(db, GREY_PASSED), 10);
	assert_int_equal(greylist_db_get(db, 81, &old), 0);
	/* The counts are right after it was opened again, and what is too old goes. */
	greylist_db_close(db);
	db = greylist_db_open(10, START + 1000, &err);
	assert_non_null(db);
	assert_int_equal(greylist_db_count(db, GREY_WAITING), 9);
	assert_int_equal(greylist_db_count(db, GREY_PASSED), 10);
	assert_int_equal(greylist_db_tidy(db, GREY_WAITING, START + 97, START + 1000), 0);
	assert_int_equal(greylist_db_count(db, GREY_WAITING), 1);
	assert_true(greylist_db_is_dirty(db));
	assert_int_equal(greylist_db_commit(db), 0);
	assert_false(greylist_db_is_dirty(db));
	greylist_db_close(db);
}

/* The database, with MAX of each kind; what greylist has is closed. */
static struct greylist_db *
open_database(uint32_t max, int64_t now)
{
	struct error err;
	struct greylist_db *db;

	greylist_close(greylist);
	greylist = NULL;
	db = greylist_db_open(max, now, &err);
	if (db == NULL)
		fail_msg("%s", err.text);
	return db;
}

/* Keys from 0, each a second after the one before. */
static void
put_entries(struct greylist_db *db, int64_t n, int64_t at)
{
	for (int64_t key = 0; key < n; key++) {
		struct grey_entry entry = {.key = key, .kind = GREY_WAITING, .at = at + key};

		assert_int_equal(greylist_db_put(db, &entry, NULL), 0);
	}
}

/* After a reload with less entries queue does not stand still until the rest is gone. */
static void
a_lower_bound_takes_steps(void **state)
{
	struct greylist_db *db;
	struct grey_entry entry = {.key = 5000, .kind = GREY_WAITING, .at = START + 5000};
	uint32_t count;

	(void)state;
	db = open_database(1000, START);
	put_entries(db, 1000, START);
	greylist_db_close(db);
	db = open_database(10, START + 5000);
	assert_int_equal(greylist_db_put(db, &entry, NULL), 0);
	count = greylist_db_count(db, GREY_WAITING);
	assert_in_range(count, 900, 999);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(greylist_db_tidy(db, GREY_WAITING, START, START + 5000), 0);
		assert_in_range(greylist_db_count(db, GREY_WAITING), count > 210 ? count - 200 : 10,
				count);
		count = greylist_db_count(db, GREY_WAITING);
	}
	assert_int_equal(count, 10);
	/* The oldest went. */
	assert_int_equal(greylist_db_get(db, 990, &entry), 0);
	assert_int_equal(greylist_db_get(db, 991, &entry), 1);
	assert_int_equal(greylist_db_get(db, 5000, &entry), 1);
	greylist_db_close(db);
}

/* Puts alone do it, too. */
static void
a_lower_bound_without_commits(void **state)
{
	struct greylist_db *db;

	(void)state;
	db = open_database(1000, START);
	put_entries(db, 1000, START);
	greylist_db_close(db);
	db = open_database(10, START + 5000);
	for (int64_t key = 5000; key < 5100; key++) {
		struct grey_entry entry = {.key = key, .kind = GREY_WAITING, .at = START + key};

		assert_int_equal(greylist_db_put(db, &entry, NULL), 0);
	}
	assert_int_equal(greylist_db_count(db, GREY_WAITING), 10);
	greylist_db_close(db);
}

static unsigned
count_ahead(struct greylist_db *db, int64_t n, int64_t now)
{
	struct grey_entry entry;
	unsigned ahead = 0;

	for (int64_t key = 0; key < n; key++) {
		assert_int_equal(greylist_db_get(db, key, &entry), 1);
		ahead += entry.at > now ? 1 : 0;
	}
	return ahead;
}

/* Nor does it after a clock was ahead. */
static void
a_clock_that_was_ahead_takes_steps(void **state)
{
	enum { N = 3000, ONCE = 500 };
	struct greylist_db *db;
	unsigned ahead, before = N;

	(void)state;
	db = open_database(N, START);
	put_entries(db, N, START + 100 * DAY);
	greylist_db_close(db);
	db = open_database(N, START);
	for (int i = 0; i < N / ONCE; i++) {
		ahead = count_ahead(db, N, START + i);
		assert_int_equal(ahead, before - ONCE);
		before = ahead;
		assert_int_equal(greylist_db_tidy(db, GREY_WAITING, START - DAY, START + i + 1), 0);
	}
	assert_int_equal(greylist_db_count(db, GREY_WAITING), N);
	greylist_db_close(db);
}

/* What steps have not come to yet is of when it is asked for, and keeps nobody out. */
static void
full_of_times_ahead(void **state)
{
	static const char *const last = "10.7.207.1";

	(void)state;
	flood(2000, START + 100 * DAY);
	greylist_close(greylist);
	open_at(START);
	assert_int_equal(ask_from(last, "spam@x", "alice@example.org", START + 1), GREYLIST_WAIT);
	assert_int_equal(answer.seconds, 300);
	assert_int_equal(ask("a@b.example", START + 1), GREYLIST_WAIT);
	for (int i = 2; i < 300; i += 3) {
		char address[32];

		snprintf(address, sizeof(address), "198.51.%d.1", i % 256);
		(void)ask_from(address, "b@b.example", "alice@example.org", START + i);
		assert_int_equal(greylist_commit(greylist, START + i), 0);
	}
	assert_int_equal(ask("a@b.example", START + 301), GREYLIST_WAITED);
	assert_int_equal(ask_from(last, "spam@x", "alice@example.org", START + 301),
			 GREYLIST_WAITED);
	assert_int_equal(answer.seconds, 300);
}

static void
commits_forget_what_is_too_old(void **state)
{
	struct greylist_db *db;
	struct error err;

	(void)state;
	become_known();
	flood(100, START + 5 * HOUR);
	assert_int_equal(greylist_commit(greylist, START + 3 * DAY), 0);
	greylist_close(greylist);
	greylist = NULL;
	db = greylist_db_open(1000, START + 3 * DAY, &err);
	assert_non_null(db);
	assert_int_equal(greylist_db_count(db, GREY_WAITING), 0);
	assert_int_equal(greylist_db_count(db, GREY_PASSED), 5);
	assert_int_equal(greylist_db_count(db, GREY_KNOWN), 1);
	greylist_db_close(db);
}

/* -- Damage ------------------------------------------------------------------------------ */

static void
overwrite(const char *text)
{
	int fd = open("greylist.db", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_int_not_equal(fd, -1);
	for (int i = 0; i < 512; i++)
		assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	(void)unlink("greylist.db-wal");
}

static void
a_damaged_file_is_replaced(void **state)
{
	(void)state;
	become_known();
	greylist_close(greylist);
	overwrite("this is no database ");
	open_at(START + DAY);
	assert_int_equal(ask("new@b.example", START + DAY), GREYLIST_WAIT);
	pass("192.0.2.1", "a@b", START + DAY);
}

/* What can't be written is lost, and nothing else. */
static void
a_full_disk(void **state)
{
	struct rlimit before, none;

	(void)state;
	become_known();
	assert_int_equal(greylist_commit(greylist, START + DAY), 0);
	assert_int_equal(ask_from("198.51.100.1", "a@b", "c@d", START + DAY), GREYLIST_WAIT);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(greylist_commit(greylist, START + DAY), -1);
	assert_non_null(strstr(greylist_error(greylist), "greylist.db: "));
	assert_false(greylist_is_dirty(greylist));
	assert_int_equal(ask("new@b.example", START + DAY), GREYLIST_KNOWN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(ask_from("198.51.100.1", "a@b", "c@d", START + DAY + 300), GREYLIST_WAIT);
	assert_int_equal(answer.seconds, 300);
	assert_int_equal(greylist_commit(greylist, START + DAY + 300), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(waits_then_comes_in, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(who_comes_too_late_begins_anew, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_counts, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(networks, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(known_networks, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(passes_have_a_delay_between_them, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(no_network_is_known_without_passes, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(passes_are_those_of_now, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(without_passes_networks_are_forgotten, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(is_kept, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(clocks_that_went_back, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_flood_pushes_out_what_waits_only, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_flood_from_one_place, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(nobody_finds_whose_share_is_his, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_flood_that_comes_again, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(each_kind_has_its_bound, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_lower_bound_takes_steps, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_lower_bound_without_commits, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_clock_that_was_ahead_takes_steps, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(full_of_times_ahead, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(commits_forget_what_is_too_old, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_damaged_file_is_replaced, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_full_disk, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
