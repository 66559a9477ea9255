/* SPDX-License-Identifier: ISC */
/* Before a submitter's mail is taken, accounts says whether he may have written it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/proto/gate_queue.h"
#include "tests/unit/queue_world.h"

static struct world world;
static const char *const to_alice[] = {"alice@example.org", NULL};

static int
set_up(void **state)
{
	(void)state;
	world_make_folder(world.folder);
	world_open(&world);
	world.queue.settings.check_author = 1;
	return 0;
}

static int
tear_down(void **state)
{
	char folder[sizeof(world.folder)];

	(void)state;
	memcpy(folder, world.folder, sizeof(folder));
	world_close(&world);
	world_remove_folder(folder);
	return 0;
}

static struct mail
submit_as(const char *sender, const char *submitter, size_t size, bool in_file)
{
	static uint32_t number;
	struct mail mail = {.world = &world,
			    .sender = sender,
			    .recipients = to_alice,
			    .transaction = ++number,
			    .size = size,
			    .in_file = in_file};

	mail.channel = world_open_gate(&world, submitter);
	mail_send(&mail);
	ipc_close(mail.channel);
	return mail;
}

static struct mail
submit(const char *submitter, size_t size, bool in_file)
{
	return submit_as("alice@example.org", submitter, size, in_file);
}

static bool
stored_all(void *arg)
{
	return world.stored_count == *(unsigned *)arg;
}

/* Accounts sees what will be kept, small or in a file. */
static void
his_own(void **state)
{
	unsigned three = 3;

	(void)state;
	assert_true(submit("alice@example.org", 1000, false).committed);
	assert_int_equal(world.author_size, 1000);
	assert_string_equal(world.author_account, "alice@example.org");
	assert_true(submit("alice@example.org", 1001, true).committed);
	assert_int_equal(world.author_size, 1001);
	assert_true(submit("alice@example.org", GQ_INLINE_MAX + 10, false).committed);
	assert_int_equal(world.author_size, GQ_INLINE_MAX + 10);
	assert_int_equal(world.authors, 3);
	world_run_until(&world, stored_all, &three);
}

static void
somebody_elses(void **state)
{
	(void)state;
	for (unsigned verdict = AUTHOR_FOREIGN; verdict <= AUTHOR_LONG_HEADER; verdict++) {
		world.author = (enum author_verdict)verdict;
		assert_int_equal(submit("alice@example.org", 1000, false).failure, QUEUE_AUTHOR);
		assert_int_equal(submit("alice@example.org", 1000, true).failure, QUEUE_AUTHOR);
	}
	world_run_for(&world, 50);
	assert_int_equal(world.stored_count, 0);
	assert_true(queue_is_quiet(&world.queue));
}

/* Without a sender, as reports are: there need be no author, and no other one may be there. */
static void
nobodys(void **state)
{
	(void)state;
	for (unsigned verdict = AUTHOR_FOREIGN; verdict <= AUTHOR_LONG_HEADER; verdict++) {
		struct mail mail;

		world.author = (enum author_verdict)verdict;
		mail = submit_as("", "alice@example.org", 1000, false);
		assert_int_equal(mail.committed, verdict == AUTHOR_MISSING);
		if (!mail.committed)
			assert_int_equal(mail.failure, QUEUE_AUTHOR);
	}
}

/* A stranger's is not asked about, nor any where that is not wanted. */
static void
not_asked(void **state)
{
	(void)state;
	world.author = AUTHOR_FOREIGN;
	assert_true(submit("", 1000, false).committed);
	world.queue.settings.check_author = 0;
	assert_true(submit("alice@example.org", 1000, false).committed);
	assert_int_equal(world.authors, 0);
}

/* Accounts dies while it is asked: its successor is. */
static bool
was_asked(void *arg)
{
	(void)arg;
	return world.authors > 0;
}

static void
accounts_dies(void **state)
{
	struct mail mail = {.world = &world,
			    .sender = "alice@example.org",
			    .recipients = to_alice,
			    .transaction = 100,
			    .size = 1000,
			    .in_file = true};

	(void)state;
	world.author_silent = true;
	mail.channel = world_open_gate(&world, "alice@example.org");
	mail_start(&mail);
	world_run_until(&world, was_asked, NULL);
	world.author_silent = false;
	ipc_close(world.accounts);
	world_open_accounts(&world);
	world_run_until(&world, mail_is_over, &mail);
	ipc_close(mail.channel);
	assert_true(mail.committed);
	assert_int_equal(world.authors, 2);
}

/* The gate goes meanwhile: nobody has heard that it was taken, and it is not. */
static void
the_gate_goes(void **state)
{
	struct mail mail = {.world = &world,
			    .sender = "alice@example.org",
			    .recipients = to_alice,
			    .transaction = 100,
			    .size = 1000};

	(void)state;
	world.author_silent = true;
	mail.channel = world_open_gate(&world, "alice@example.org");
	mail_start(&mail);
	world_run_until(&world, was_asked, NULL);
	ipc_close(mail.channel);
	world_run_for(&world, 50);
	assert_true(queue_is_quiet(&world.queue));
	assert_int_equal(world.stored_count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(his_own, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(somebody_elses, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(nobodys, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(not_asked, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(accounts_dies, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(the_gate_goes, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
