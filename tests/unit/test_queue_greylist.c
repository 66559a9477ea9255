/* SPDX-License-Identifier: ISC */
/* A gate asks queue, which remembers across its own end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/proto/gate_queue.h"
#include "tests/unit/queue_world.h"
#include "worker/queue/greylister.h"

#define DELAY 3600
#define COMMIT_SECONDS 3

static struct world world;
static char folder[64];
static int64_t wait;

static void
greylist_again(void)
{
	greylister_free(world.queue.greylister);
	world.queue.settings.greylist = (struct greylist_rules){.enabled = 1,
								.delay = DELAY,
								.retry_window = 2 * DELAY,
								.passes = 5,
								.remember = 86400,
								.ipv4_prefix = 24,
								.ipv6_prefix = 64,
								.entries = 1000};
	world.queue.greylister = greylister_new(&world.queue);
	assert_non_null(world.queue.greylister);
}

static int
set_up(void **state)
{
	(void)state;
	world_make_folder(folder);
	world_open(&world);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	world_close(&world);
	world_remove_folder(folder);
	return 0;
}

static int
on_reply(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	(void)channel;
	(void)arg;
	assert_non_null(message);
	assert_int_equal(message->type, GQ_GREYLISTED);
	wait = ((const struct gq_greylisted *)message->body)->wait;
	return 0;
}

static bool
is_answered(void *arg)
{
	(void)arg;
	return wait != -1;
}

static int64_t
ask(void)
{
	static const char tail[] = "alice@example.org\0a@b.example";
	struct gq_greylist question = {.conn = 1};

	wait = -1;
	assert_int_not_equal(ipc_request(world.gate, GQ_GREYLIST, &question, tail, sizeof(tail) - 1,
					 -1, 20, on_reply, NULL),
			     0);
	world_run_until(&world, is_answered, NULL);
	return wait;
}

static void
is_off_by_default(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(ask(), 0);
	assert_int_equal(ask(), 0);
	assert_int_equal(stat("greylist.db", &st), -1);
}

static void
waits(void **state)
{
	struct stat st;

	(void)state;
	greylist_again();
	assert_in_range(ask(), DELAY / 2, DELAY);
	assert_in_range(ask(), DELAY / 2, DELAY);
	assert_int_equal(stat("greylist.db", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static off_t
written(void)
{
	struct stat st;

	assert_int_equal(stat("greylist.db-wal", &st), 0);
	return st.st_size;
}

static bool
has_grown(void *before)
{
	return written() > *(const off_t *)before;
}

static int64_t
seconds(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return now.tv_sec;
}

/* Without being told to: what it has learned is committed soon, and not at once. */
static void
commits_by_itself(void **state)
{
	off_t before;
	int64_t begun = seconds();

	(void)state;
	greylist_again();
	before = written();
	(void)ask();
	assert_true(written() == before || seconds() - begun >= COMMIT_SECONDS - 1);
	world_run_until(&world, has_grown, &before);
}

/* The folder of a queue that can't have the database: mail comes in. */
static void
without_a_database(void **state)
{
	(void)state;
	assert_int_equal(mkdir("greylist.db", 0700), 0);
	greylist_again();
	assert_int_equal(ask(), 0);
	assert_int_equal(ask(), 0);
}

static void
questions(void **state)
{
	static const struct {
		size_t length;
		const char *tail;
		bool is;
	} cases[] = {
	    {7, "a@b\0c@d", true},
	    {4, "a@b\0", true},
	    {3, "a@b", false},
	    {0, "", false},
	    {4, "\0c@d", false},
	    {8, "a@b\0c@d\0", false},
	    {8, "a@b\0c\n@d", false},
	    {8, "a\r@b\0c@d", false},
	    {8, "\xc3\xa4@b\0c@d", true},
	    {7, "\xc3@b\0c@d", false},
	    {1, "", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%zu\n", i);
		assert_int_equal(greylister_is_question(cases[i].tail, cases[i].length),
				 cases[i].is);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(is_off_by_default, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(waits, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(commits_by_itself, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(without_a_database, set_up, tear_down),
	    cmocka_unit_test(questions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
