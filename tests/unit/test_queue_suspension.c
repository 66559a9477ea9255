/* SPDX-License-Identifier: ISC */
/* A domain of which no host can be connected to: one mail is tried, the others wait with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/proto/ctl_queue.h"
#include "common/proto/gate_queue.h"
#include "common/proto/queue_relay.h"
#include "tests/unit/queue_world.h"
#include "worker/queue/admin.h"
#include "worker/queue/batch.h"
#include "worker/queue/clock.h"
#include "worker/queue/mailbox.h"
#include "worker/queue/schedule.h"

#define MANY 150 /* mails: more than a lane has in memory, and than are put off in one turn */
#define EACH 2   /* recipients of one */
#define WHY "no route to host, in the connection"

static char folder[64];
static struct world world;

/* A relay that answers when it is told to. */
static struct {
	struct ipc_channel *channel;
	unsigned count, answered;
	struct {
		uint32_t id, recipients;
	} jobs[1024];
} relay;

enum answer { UNREACHED, NOT_NOW, TAKEN };

/* The next job's. */
static void
answer(enum answer answer)
{
	struct qr_recipient results[RELAY_RECIPIENTS_MAX];
	struct qr_result body = {.recipients = relay.jobs[relay.answered].recipients,
				 .unreached = answer == UNREACHED ? 1 : 0};

	assert_true(relay.answered < relay.count);
	memset(results, 0, sizeof(results));
	for (uint32_t i = 0; i < body.recipients; i++) {
		results[i].outcome = answer == TAKEN ? RELAY_DELIVERED : RELAY_LATER;
		results[i].code = answer == TAKEN ? 250 : 451;
		results[i].said = answer == UNREACHED ? 0 : 1;
		strlcpy(results[i].status, answer == TAKEN ? "2.0.0" : "4.4.1",
			sizeof(results[i].status));
		strlcpy(results[i].text, WHY, sizeof(results[i].text));
		strlcpy(results[i].host, "mx.elsewhere.example", sizeof(results[i].host));
	}
	assert_int_equal(ipc_send(relay.channel, QR_RESULT, relay.jobs[relay.answered].id, &body,
				  (const char *)results, body.recipients * sizeof(results[0]), -1),
			 0);
	relay.answered++;
}

static int
on_send(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	(void)context;
	assert_true(relay.count < sizeof(relay.jobs) / sizeof(relay.jobs[0]));
	relay.jobs[relay.count].id = message->id;
	relay.jobs[relay.count++].recipients = ((const struct qr_send *)message->body)->recipients;
	return 0;
}

static void
open_world(void)
{
	static const struct ipc_handler handlers[] = {{QR_SEND, on_send}, {0, NULL}};
	int sv[2];

	memset(&relay, 0, sizeof(relay));
	world_open(&world);
	world.queue.settings.relay = REACH_DOMAINS;
	world.queue.settings.expire = 864000;
	world.queue.settings.retry = 3600; /* nothing comes by itself */
	assert_int_equal(ipc_pair(sv), 0);
	relay.channel = ipc_open(world.base, sv[0], &queue_relay_boundary, IPC_SERVER, handlers,
				 NULL, NULL, "queue");
	assert_int_equal(schedule_open_relay(world.queue.schedule, sv[1]), 0);
}

static int
set_up(void **state)
{
	(void)state;
	world_make_folder(folder);
	open_world();
	return 0;
}

static void
close_world(void)
{
	ipc_close(relay.channel);
	world_close(&world);
}

static int
tear_down(void **state)
{
	(void)state;
	close_world();
	world_remove_folder(folder);
	return 0;
}

static void
submit(unsigned mails)
{
	static const char *const recipients[] = {"ben@elsewhere.example", "eve@elsewhere.example",
						 NULL};
	struct ipc_channel *channel = world_open_gate(&world, "anna@example.org");

	for (unsigned i = 0; i < mails; i++) {
		struct mail mail = {.world = &world,
				    .channel = channel,
				    .transaction = i + 1,
				    .sender = "anna@example.org",
				    .recipients = recipients,
				    .size = 10};

		mail_send(&mail);
		assert_true(mail.committed);
	}
	ipc_close(channel);
}

static bool
has_jobs(void *arg)
{
	return relay.count >= *(const unsigned *)arg;
}

static void
await_jobs(unsigned count)
{
	world_run_until(&world, has_jobs, &count);
	assert_int_equal(relay.count, count);
}

/* What is in the database. */
struct rows {
	unsigned count, waiting, put_off; /* of them: with WHY */
	uint32_t attempts;                /* of the last one that is waiting */
	size_t names;
	struct cq_name name[MANY * EACH + 10];
};

static void
count_row(const struct db_entry *entry, void *arg)
{
	struct rows *rows = arg;
	bool waits = entry->next_attempt > clock_now() && entry->next_attempt != DB_HELD;

	rows->name[rows->count++] =
	    (struct cq_name){.message = entry->message, .index = entry->index};
	rows->waiting += waits ? 1 : 0;
	rows->put_off += waits && strstr(entry->reason, WHY) != NULL ? 1 : 0;
	if (waits)
		rows->attempts = entry->attempts;
}

static struct rows
look(void)
{
	struct rows rows = {0};

	assert_int_equal(db_entries(world.queue.db, NULL, MANY * EACH + 10, count_row, &rows),
			 DB_OK);
	return rows;
}

static bool
all_wait(void *arg)
{
	struct rows rows = look();

	return rows.count == *(const unsigned *)arg && rows.waiting == rows.count;
}

static bool
is_empty(void *arg)
{
	(void)arg;
	return queue_is_quiet(&world.queue) && look().count == 0;
}

/* Sends them, and has the first ones fail: relay has had REMOTE_WINDOW jobs then. */
static void
suspend(unsigned mails)
{
	unsigned rows = mails * EACH;

	submit(mails);
	await_jobs(REMOTE_WINDOW);
	for (unsigned i = 0; i < REMOTE_WINDOW; i++)
		answer(UNREACHED);
	world_run_until(&world, all_wait, &rows);
	assert_int_equal(relay.count, REMOTE_WINDOW);
}

static struct cq_done told;
static bool is_told;

static int
on_done(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	(void)context;
	memcpy(&told, message->body, sizeof(told));
	is_told = true;
	return 0;
}

static bool
has_told(void *arg)
{
	(void)arg;
	return is_told;
}

/* posternctl queue retry. */
static void
retry(const struct cq_name *names, size_t count)
{
	static const struct ipc_handler handlers[] = {{CQ_DONE, on_done}, {0, NULL}};
	struct cq_change change = {.action = CQ_RETRY, .count = (uint32_t)count};
	struct ipc_channel *channel;
	int sv[2];

	assert_int_equal(ipc_pair(sv), 0);
	channel = ipc_open(world.base, sv[0], &ctl_queue_boundary, IPC_CLIENT, handlers, NULL, NULL,
			   "queue");
	admin_open(&world.queue, sv[1]);
	is_told = false;
	assert_int_equal(ipc_send(channel, CQ_CHANGE, 7, &change, (const char *)names,
				  count * sizeof(*names), -1),
			 0);
	world_run_until(&world, has_told, NULL);
	assert_int_equal(told.count, count);
	ipc_close(channel);
}

/* -- The tests ------------------------------------------------------------------------------- */

/* With the same reason, each for as long as it would wait itself; without a job. */
static void
the_others_are_put_off(void **state)
{
	struct rows rows;

	(void)state;
	suspend(MANY);
	rows = look();
	assert_int_equal(rows.put_off, MANY * EACH);
	assert_int_equal(rows.attempts, 1);
	world_run_for(&world, 20);
	assert_int_equal(relay.count, REMOTE_WINDOW);
}

/* New mail waits with the others: nothing else would become of it. */
static void
new_mail_is_put_off(void **state)
{
	unsigned rows = (REMOTE_WINDOW + 1) * EACH;

	(void)state;
	suspend(REMOTE_WINDOW);
	submit(1);
	world_run_until(&world, all_wait, &rows);
	assert_int_equal(look().put_off, rows);
	assert_int_equal(relay.count, REMOTE_WINDOW);
}

/* What is alone is tried each time, as if nobody had noticed. */
static void
one_mail_is_tried_each_time(void **state)
{
	(void)state;
	world.queue.settings.retry = 1;
	submit(1);
	await_jobs(1);
	answer(UNREACHED);
	await_jobs(2);
	assert_int_equal(relay.jobs[1].recipients, EACH);
	answer(TAKEN);
	world_run_until(&world, is_empty, NULL);
}

/* All at once, but one is tried; when it fails the others are put off once more. */
static void
a_flush_tries_one(void **state)
{
	unsigned all = MANY * EACH;
	struct rows rows;

	(void)state;
	suspend(MANY);
	rows = look();
	retry(rows.name, rows.count);
	await_jobs(REMOTE_WINDOW + 1);
	world_run_for(&world, 20);
	assert_int_equal(relay.count, REMOTE_WINDOW + 1);
	answer(UNREACHED);
	world_run_until(&world, all_wait, &all);
	assert_int_equal(relay.count, REMOTE_WINDOW + 1);
	assert_int_equal(look().attempts, 2);
}

/* Sends all that comes. */
static bool
all_are_taken(void *arg)
{
	while (relay.answered < relay.count)
		answer(TAKEN);
	return is_empty(arg);
}

/* Their own time would come in an hour. A mail's recipients are together as before. */
static void
what_gets_through_brings_the_others(void **state)
{
	struct rows rows;

	(void)state;
	suspend(MANY);
	rows = look();
	retry(rows.name, EACH);
	await_jobs(REMOTE_WINDOW + 1);
	world_run_until(&world, all_are_taken, NULL);
	assert_int_equal(relay.count, REMOTE_WINDOW + MANY);
}

/* So it is after a restart; but what the host itself has put off waits for its time. */
static void
also_after_a_restart(void **state)
{
	unsigned rows = (MANY + 1) * EACH, left = EACH;

	(void)state;
	submit(1);
	await_jobs(1);
	answer(NOT_NOW);
	world_run_until(&world, all_wait, &left);
	submit(MANY);
	await_jobs(2);
	answer(UNREACHED);
	world_run_until(&world, all_wait, &rows);
	assert_int_equal(relay.count, 2);
	close_world();
	open_world();
	world_run_for(&world, 20);
	assert_int_equal(relay.count, 0);
	submit(1);
	await_jobs(1);
	while (look().count > left) {
		while (relay.answered < relay.count)
			answer(TAKEN);
		world_run_for(&world, 1);
	}
	assert_int_equal(relay.count, 1 + MANY);
	assert_int_equal(look().waiting, left);
}

/* A host that answers is one, whatever it says: each mail is tried. */
static void
a_host_that_says_not_now_is_reached(void **state)
{
	unsigned rows = 2 * EACH;

	(void)state;
	submit(2);
	await_jobs(2);
	answer(NOT_NOW);
	answer(NOT_NOW);
	world_run_until(&world, all_wait, &rows);
	submit(1);
	await_jobs(3);
	answer(TAKEN);
}

static bool
stored_all(void *arg)
{
	return world.stored_count >= *(const unsigned *)arg;
}

static bool
is_old(void *arg)
{
	return clock_now() > *(const int64_t *)arg;
}

/* Their senders hear it of each, though none but the first ones were tried. */
static void
each_is_late_by_itself(void **state)
{
	unsigned mails = MANY, rows = MANY * EACH;
	int64_t old;

	(void)state;
	world.queue.settings.delay_notice = 1;
	submit(mails);
	old = clock_now() + CLOCK_SECOND;
	await_jobs(REMOTE_WINDOW);
	world_run_until(&world, is_old, &old);
	for (unsigned i = 0; i < REMOTE_WINDOW; i++)
		answer(UNREACHED);
	world_run_until(&world, stored_all, &mails);
	world_run_until(&world, all_wait, &rows);
	assert_int_equal(relay.count, REMOTE_WINDOW);
	assert_int_equal(world.stored_count, mails);
	assert_non_null(strstr(SLIST_FIRST(&world.stored)->text, "Action: delayed"));
	assert_int_equal(look().put_off, rows);
}

/* And what is too old comes back, one report for a mail. */
static void
each_expires_by_itself(void **state)
{
	unsigned mails = MANY;
	int64_t old;

	(void)state;
	world.queue.settings.expire = 1;
	submit(mails);
	old = clock_now() + CLOCK_SECOND;
	await_jobs(REMOTE_WINDOW);
	world_run_until(&world, is_old, &old);
	for (unsigned i = 0; i < REMOTE_WINDOW; i++)
		answer(UNREACHED);
	world_run_until(&world, stored_all, &mails);
	world_run_until(&world, is_empty, NULL);
	assert_int_equal(relay.count, REMOTE_WINDOW);
	assert_int_equal(world.stored_count, mails);
	assert_non_null(strstr(SLIST_FIRST(&world.stored)->text, "Action: failed"));
	assert_non_null(strstr(SLIST_FIRST(&world.stored)->text, WHY));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(the_others_are_put_off, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(new_mail_is_put_off, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(one_mail_is_tried_each_time, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_flush_tries_one, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_gets_through_brings_the_others, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(also_after_a_restart, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_host_that_says_not_now_is_reached, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(each_is_late_by_itself, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(each_expires_by_itself, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
