/* SPDX-License-Identifier: ISC */
/*
 * Mails that wait for filter, more than it has at once: what becomes of those whose turn does not
 * come, and of those whose filter ends. Queue's wait for a turn is shortened (queue.mk).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>
#include <event2/event.h>

#include "common/proto/master_filter.h"
#include "common/proto/queue_filter.h"
#include "tests/unit/queue_world.h"
#include "worker/queue/check.h"
#include "worker/queue/check_turns.h"

#define MAILS (CHECK_SOURCE_MAX + 1)
#define TURN_SECONDS 75
#define TURN_MILLISECONDS 200

int __real_event_add(struct event *, const struct timeval *);
int __wrap_event_add(struct event *, const struct timeval *);
int
__wrap_event_add(struct event *event, const struct timeval *wait)
{
	static const struct timeval turn = {.tv_usec = TURN_MILLISECONDS * 1000};

	return __real_event_add(event, wait != NULL && wait->tv_sec == TURN_SECONDS ? &turn : wait);
}

static struct world world;
static const char *const to_alice[] = {"alice@example.org", NULL};
static struct mail mails[MAILS];

/* -- The filter ------------------------------------------------------------------------------- */

static struct ipc_channel *filter;
static uint32_t requests[MAILS]; /* of checks that it has */
static size_t asked;

static int
ignore(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	(void)message;
	(void)context;
	return 0;
}

static int
on_check(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	(void)context;
	assert_true(asked < MAILS);
	requests[asked++] = message->id;
	return 0;
}

static const struct ipc_handler handlers[] = {
    {QF_MAIL, ignore}, {QF_RCPT, ignore}, {QF_CHECK, on_check}, {QF_CANCEL, ignore}, {0, NULL},
};

static void
answer(size_t n)
{
	const struct qf_verdict verdict = {.verdict = FILTER_ACCEPT};

	assert_int_equal(ipc_send(filter, QF_VERDICT, requests[n], &verdict, NULL, 0, -1), 0);
}

static bool
has(void *arg)
{
	return asked == *(size_t *)arg;
}

/* Filter has as many mails as it takes of one source, and the last one waits. */
static void
send_all(void)
{
	size_t most = CHECK_SOURCE_MAX;

	for (size_t i = 0; i < MAILS; i++) {
		mails[i] = (struct mail){.world = &world,
					 .sender = "x@example.net",
					 .recipients = to_alice,
					 .transaction = (uint32_t)i + 1,
					 .size = 100};
		mail_start(&mails[i]);
		if (i == CHECK_SOURCE_MAX - 1)
			world_run_until(&world, has, &most);
	}
}

static void
on_ended(struct ipc_channel *channel, void *context)
{
	(void)context;
	if (channel == filter)
		filter = NULL;
}

/* In place of the one that was there. */
static int
open_filter(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == -1 ||
	    checker_open(world.queue.checker, ends[0]) == -1)
		return -1;
	filter = ipc_open(world.base, ends[1], &queue_filter_boundary, IPC_SERVER, handlers,
			  on_ended, NULL, "queue");
	return filter == NULL ? -1 : 0;
}

static int
set_up(void **state)
{
	(void)state;
	world_make_folder(world.folder);
	world_open(&world);
	world.queue.settings.filter_kinds = FILTER_STRANGER;
	world.queue.settings.filter_local = 1;
	world.queue.settings.filter_failure = FILTER_FAIL_ACCEPT;
	asked = 0;
	return open_filter();
}

static int
tear_down(void **state)
{
	char folder[sizeof(world.folder)];

	(void)state;
	memcpy(folder, world.folder, sizeof(folder));
	ipc_close(filter);
	world_close(&world);
	world_remove_folder(folder);
	return 0;
}

/* Otherwise who sends many at once would have the last ones taken unseen. */
static void
whose_turn_does_not_come_is_put_off(void **state)
{
	(void)state;
	send_all();
	world_run_until(&world, mail_is_over, &mails[MAILS - 1]);
	assert_false(mails[MAILS - 1].committed);
	assert_int_equal(mails[MAILS - 1].failure, QUEUE_UNAVAILABLE);
	assert_int_equal(asked, CHECK_SOURCE_MAX);
}

static void
from_its_turn_on_it_has_all_of_the_time(void **state)
{
	size_t all = MAILS;

	(void)state;
	send_all();
	answer(0);
	world_run_until(&world, has, &all);
	world_run_for(&world, 2 * TURN_MILLISECONDS);
	assert_false(mail_is_over(&mails[MAILS - 1]));
	answer(MAILS - 1);
	world_run_until(&world, mail_is_over, &mails[MAILS - 1]);
	assert_true(mails[MAILS - 1].committed);
}

static void
send_one(void)
{
	mails[0] = (struct mail){.world = &world,
				 .sender = "x@example.net",
				 .recipients = to_alice,
				 .transaction = 1,
				 .size = 100};
	mail_start(&mails[0]);
}

/* It is the filter that fails then. */
static void
without_a_filter_it_is_taken(void **state)
{
	(void)state;
	ipc_close(filter);
	filter = NULL;
	world_run_for(&world, 1);
	send_one();
	world_run_until(&world, mail_is_over, &mails[0]);
	assert_true(mails[0].committed);
}

/* Filter has the only mail, for the Nth time. */
static void
asked_again(size_t n)
{
	world_run_until(&world, has, &n);
	assert_false(mail_is_over(&mails[0]));
}

/* With its last word or without one, and then there is another. */
static void
filter_ends(bool told)
{
	if (told)
		assert_int_equal(ipc_send(filter, QF_LEAVING, 0, NULL, NULL, 0, -1), 0);
	ipc_close(filter);
	filter = NULL;
	world_run_for(&world, 1);
	assert_int_equal(open_filter(), 0);
}

/* Otherwise two reloads in turn would have a mail taken that filter is about to refuse. */
static void
a_filter_that_is_told_to_end_dies_of_no_mail(void **state)
{
	(void)state;
	send_one();
	for (size_t n = 1; n <= 3; n++) {
		asked_again(n);
		filter_ends(true);
	}
	asked_again(4);
	answer(3);
	world_run_until(&world, mail_is_over, &mails[0]);
	assert_true(mails[0].committed);
}

/* And what kills it is found out, whatever else ends it meanwhile. */
static void
deaths_are_counted(void **state)
{
	(void)state;
	world.queue.settings.filter_failure = FILTER_FAIL_LATER;
	send_one();
	asked_again(1);
	filter_ends(false);
	asked_again(2);
	filter_ends(true);
	asked_again(3);
	filter_ends(false);
	world_run_until(&world, mail_is_over, &mails[0]);
	assert_false(mails[0].committed);
	assert_int_equal(mails[0].failure, QUEUE_UNAVAILABLE);
	assert_int_equal(asked, 3);
}

/* It has said that it ends: until it does, there is none. */
static void
who_leaves_gets_no_more(void **state)
{
	size_t one = 1;

	(void)state;
	assert_int_equal(ipc_send(filter, QF_LEAVING, 0, NULL, NULL, 0, -1), 0);
	world_run_for(&world, 1);
	send_one();
	world_run_for(&world, TURN_MILLISECONDS / 4);
	assert_int_equal(asked, 0);
	assert_null(filter);
	assert_int_equal(open_filter(), 0);
	world_run_until(&world, has, &one);
}

static bool
one_is_stored(void *arg)
{
	(void)arg;
	return world.stored_count > 0;
}

/* The gate waits no longer, and its client comes again: the mail must not be taken after that. */
static void
what_the_gate_withdraws_is_not_taken(void **state)
{
	const struct gq_transaction transaction = {1};
	struct mail confirmed = {.world = &world};
	struct gq_body body = {.queue_id = ""};

	(void)state;
	send_one();
	asked_again(1);
	memcpy(body.queue_id, mails[0].queue_id, sizeof(body.queue_id));
	assert_int_equal(ipc_send(world.gate, GQ_ABORT, 0, &transaction, NULL, 0, -1), 0);
	assert_int_not_equal(
	    ipc_request(world.gate, GQ_CONFIRM, &body, NULL, 0, -1, 60, mail_on_reply, &confirmed),
	    0);
	world_run_until(&world, mail_is_over, &confirmed);
	assert_int_equal(confirmed.failure, QUEUE_UNKNOWN);
	/* What comes after it is stored, and it is not. */
	answer(0);
	mails[1] = mails[0];
	mails[1].transaction = 2;
	mail_start(&mails[1]);
	asked_again(2);
	answer(1);
	world_run_until(&world, mail_is_over, &mails[1]);
	assert_true(mails[1].committed);
	world_run_until(&world, one_is_stored, NULL);
	assert_false(mail_is_over(&mails[0]));
	assert_int_equal(world.stored_count, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(whose_turn_does_not_come_is_put_off, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(from_its_turn_on_it_has_all_of_the_time, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(without_a_filter_it_is_taken, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_filter_that_is_told_to_end_dies_of_no_mail, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(what_the_gate_withdraws_is_not_taken, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(deaths_are_counted, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(who_leaves_gets_no_more, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
