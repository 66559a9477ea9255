/* SPDX-License-Identifier: ISC */
/* Whose mail is next: ten thousand mails of one sender hold up nobody else's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/proto/gate_queue.h"
#include "common/proto/queue_relay.h"
#include "tests/unit/queue_world.h"
#include "worker/queue/flow.h"
#include "worker/queue/mailbox.h"
#include "worker/queue/schedule.h"

#define JOBS_MAX 200 /* as remote.c has it */
#define LANES_MAX 1024
#define RECIPIENTS 100

static char folder[64];
static struct world world;

/* A relay that answers when it is told to. */
static struct {
	struct ipc_channel *channel;
	unsigned count, answered;
	struct {
		uint32_t id, recipients;
		char domain[64], sender[64];
	} jobs[4096];
	bool silent;
	bool later; /* not now, it says */
	unsigned recipients;
} relay;

static void
answer_one(void)
{
	static const struct qr_result none;
	struct qr_recipient results[RELAY_RECIPIENTS_MAX];
	struct qr_result body = none;

	memset(results, 0, sizeof(results));
	body.recipients = relay.jobs[relay.answered].recipients;
	for (uint32_t i = 0; i < body.recipients; i++) {
		results[i].outcome = relay.later ? RELAY_LATER : RELAY_DELIVERED;
		results[i].code = relay.later ? 450 : 250;
		strlcpy(results[i].status, relay.later ? "4.0.0" : "2.0.0",
			sizeof(results[i].status));
	}
	assert_int_equal(ipc_send(relay.channel, QR_RESULT, relay.jobs[relay.answered].id, &body,
				  (const char *)results, body.recipients * sizeof(results[0]), -1),
			 0);
	relay.recipients += body.recipients;
	relay.answered++;
}

static int
on_send(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct qr_send *body = message->body;

	(void)channel;
	(void)context;
	assert_true(relay.count < sizeof(relay.jobs) / sizeof(relay.jobs[0]));
	relay.jobs[relay.count].id = message->id;
	relay.jobs[relay.count].recipients = body->recipients;
	strlcpy(relay.jobs[relay.count].domain, body->domain, 64);
	strlcpy(relay.jobs[relay.count].sender, message->tail, 64);
	relay.count++;
	if (!relay.silent)
		answer_one();
	return 0;
}

static void
open_relay(void)
{
	static const struct ipc_handler handlers[] = {{QR_SEND, on_send}, {0, NULL}};
	int sv[2];

	assert_int_equal(ipc_pair(sv), 0);
	relay.channel = ipc_open(world.base, sv[0], &queue_relay_boundary, IPC_SERVER, handlers,
				 NULL, NULL, "queue");
	assert_int_equal(schedule_open_relay(world.queue.schedule, sv[1]), 0);
}

static void
open_world(void)
{
	memset(&relay, 0, sizeof(relay));
	world_open(&world);
	world.queue.settings.relay = REACH_DOMAINS;
	world.queue.settings.expire = 86400;
	world.queue.settings.max_recipients = RECIPIENTS;
}

static int
set_up(void **state)
{
	(void)state;
	world_make_folder(folder);
	open_world();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	ipc_close(relay.channel);
	world_close(&world);
	world_remove_folder(folder);
	return 0;
}

static void
submit(struct ipc_channel *channel, const char *sender, const char *const *recipients)
{
	static uint32_t number;
	struct mail mail = {.world = &world,
			    .channel = channel,
			    .transaction = ++number,
			    .sender = sender,
			    .recipients = recipients,
			    .size = 10};

	mail_send(&mail);
	assert_true(mail.committed);
}

/* A newsletter: COUNT domains, or COUNT recipients at one. */
static void
send_newsletter(size_t count, bool one_domain)
{
	struct ipc_channel *channel = world_open_gate(&world, "news@example.org");
	char names[RECIPIENTS][64];
	const char *recipients[RECIPIENTS + 1];

	for (size_t sent = 0; sent < count;) {
		size_t n = 0;

		for (; n < RECIPIENTS && sent < count; n++, sent++) {
			snprintf(names[n], sizeof(names[n]), "u%zu@elsewhere.example%zu", sent,
				 one_domain ? (size_t)0 : sent);
			recipients[n] = names[n];
		}
		recipients[n] = NULL;
		submit(channel, "news@example.org", recipients);
	}
	ipc_close(channel);
}

static void
send_letter(const char *recipient)
{
	struct ipc_channel *channel = world_open_gate(&world, "anna@example.org");
	const char *recipients[] = {recipient, NULL};

	submit(channel, "anna@example.org", recipients);
	ipc_close(channel);
}

/* Which job was the letter? */
static unsigned
letter(void)
{
	unsigned i = 0;

	while (i < relay.count && strcmp(relay.jobs[i].sender, "anna@example.org") != 0)
		i++;
	return i;
}

static bool
has_jobs(void *arg)
{
	return relay.count >= *(const unsigned *)arg;
}

static bool
all_is_written(void *arg)
{
	flow_id flow;

	(void)arg;
	return queue_is_quiet(&world.queue) && db_next_flow(world.queue.db, -1, &flow) == 0;
}

/* -- The flow ------------------------------------------------------------------------------ */

static void
flows_are_of_submitters(void **state)
{
	(void)state;
	assert_int_equal(flow_of("a@example.org", "x@example.org", "x@here.example"),
			 flow_of("a@example.org", "y@example.net", "x@here.example"));
	assert_int_not_equal(flow_of("a@example.org", "", "x@here.example"),
			     flow_of("b@example.org", "", "x@here.example"));
	assert_true(flow_of("a@example.org", "", "x@here.example") >= FLOW_STRANGERS);
}

static void
flows_are_of_strangers_domains(void **state)
{
	(void)state;
	assert_int_equal(flow_of("", "bounce-1@News.example", "x@here.example"),
			 flow_of("", "bounce-2@news.EXAMPLE", "x@here.example"));
	assert_int_not_equal(flow_of("", "a@one.example", "x@here.example"),
			     flow_of("", "a@two.example", "x@here.example"));
	assert_in_range(flow_of("", "a@one.example", "x@here.example"), 0, FLOW_STRANGERS - 1);
	assert_in_range(flow_of("", "", "x@here.example"), 0, FLOW_STRANGERS - 1);
	assert_in_range(flow_of("", "postmaster", "x@here.example"), 0, FLOW_STRANGERS - 1);
}

/* Reports have no sender: a host that takes them slowly holds up only those for its own domain. */
static void
flows_are_of_domains_of_reports(void **state)
{
	(void)state;
	assert_int_equal(flow_of("", "", "@Slow.example"), flow_of("", "", "@slow.EXAMPLE"));
	assert_int_not_equal(flow_of("", "", "@slow.example"), flow_of("", "", "@quick.example"));
	assert_int_equal(flow_of("", "", "alice@example.org"), flow_of("", "", "bob@example.org"));
	assert_int_equal(flow_of("a@example.org", "", "@slow.example"),
			 flow_of("a@example.org", "", "@quick.example"));
}

/* -- Other domains --------------------------------------------------------------------------- */

/* To the same domain: the letter has the place that is free next but one. */
static void
a_letter_to_the_same_domain(void **state)
{
	unsigned window = REMOTE_WINDOW, more = REMOTE_WINDOW + 2;

	(void)state;
	relay.silent = true;
	open_relay();
	send_newsletter(3000, true);
	world_run_until(&world, has_jobs, &window);
	send_letter("ben@elsewhere.example0");
	world_run_for(&world, 20);
	assert_int_equal(relay.count, REMOTE_WINDOW);
	answer_one();
	answer_one();
	world_run_until(&world, has_jobs, &more);
	assert_in_range(letter(), REMOTE_WINDOW, REMOTE_WINDOW + 1);
	relay.silent = false;
	while (relay.answered < relay.count)
		answer_one();
	world_run_until(&world, all_is_written, NULL);
	assert_int_equal(relay.recipients, 3001);
}

/* To another: though none of the newsletter's hosts has answered. */
static void
a_letter_to_another_domain(void **state)
{
	unsigned half = JOBS_MAX / 2, more = half + 1;

	(void)state;
	relay.silent = true;
	open_relay();
	send_newsletter(3000, false);
	world_run_until(&world, has_jobs, &half);
	world_run_for(&world, 20);
	assert_int_equal(relay.count, half);
	send_letter("ben@elsewhere.example.net");
	world_run_until(&world, has_jobs, &more);
	assert_int_equal(letter(), half);
	/* What it has in memory is bounded. */
	assert_true(
	    flow_find(world.queue.schedule, flow_of("news@example.org", "", "x@here.example"))
		->lane_count <= LANES_MAX);
	relay.silent = false;
	while (relay.answered < relay.count)
		answer_one();
	world_run_until(&world, all_is_written, NULL);
	assert_int_equal(relay.recipients, 3001);
	assert_int_equal(relay.count, 3001);
}

/* The same order after a restart: each once, the letter among the first. */
static void
after_a_restart(void **state)
{
	(void)state;
	send_newsletter(2000, false);
	send_newsletter(500, true);
	send_letter("ben@elsewhere.example0");
	world_close(&world);
	open_world();
	open_relay();
	world_run_until(&world, all_is_written, NULL);
	assert_true(letter() < JOBS_MAX);
	assert_int_equal(relay.recipients, 2501);
}

/* What is put off comes in its time, whatever else its flow has. */
static void
what_is_held_back_is_not_forgotten(void **state)
{
	unsigned many = 1500 - 50;

	(void)state;
	relay.silent = true;
	open_relay();
	send_newsletter(1500, false);
	/* Relay dies with its jobs, again and again. */
	for (int i = 0; i < 4; i++) {
		world_run_for(&world, 20);
		ipc_close(relay.channel);
		relay.count = relay.answered = 0;
		open_relay();
	}
	relay.silent = false;
	world_run_until(&world, has_jobs, &many);
	world_run_until(&world, all_is_written, NULL);
	assert_int_equal(relay.recipients, 1500);
}

/* All that a domain has is put off: the next time it is asked with one mail, not with four. */
static void
a_domain_that_took_nothing_is_asked_gently(void **state)
{
	unsigned first = REMOTE_WINDOW, again = REMOTE_WINDOW + 1, all = 2 * REMOTE_WINDOW;

	(void)state;
	relay.silent = true;
	relay.later = true;
	open_relay();
	for (unsigned i = 0; i < REMOTE_WINDOW; i++)
		send_letter("ben@elsewhere.example0");
	world_run_until(&world, has_jobs, &first);
	while (relay.answered < relay.count)
		answer_one();
	relay.later = false;
	/* Retries come after 1 s, give or take a quarter: by now all are due. */
	world_run_until(&world, has_jobs, &again);
	world_run_for(&world, 700);
	assert_int_equal(relay.count, again);
	while (relay.answered < all) {
		if (relay.answered < relay.count)
			answer_one();
		world_run_for(&world, 1);
	}
	world_run_until(&world, all_is_written, NULL);
	assert_int_equal(relay.count, all);
}

/* -- Mailboxes here ---------------------------------------------------------------------------- */

static bool
stored_all(void *arg)
{
	return world.stored_count >= *(const unsigned *)arg;
}

/* Two senders to one mailbox: one mail each in turn. */
static void
a_letter_to_the_same_mailbox(void **state)
{
	static const char *const to_alice[] = {"alice@example.org", NULL};
	struct stored *stored;
	unsigned all = 301, after = 0;

	(void)state;
	world.attach_fails = true;
	for (int i = 0; i < 300; i++)
		submit(world.gate, "news@example.net", to_alice);
	submit(world.gate, "anna@friends.example", to_alice);
	world.attach_fails = false;
	world_run_until(&world, stored_all, &all);
	/* The last one stored is the first in the list. */
	SLIST_FOREACH (stored, &world.stored, entry) {
		if (strcmp(stored->sender, "anna@friends.example") == 0)
			break;
		after++;
	}
	assert_in_range(after, 298, 300);
	world_run_until(&world, all_is_written, NULL);
}

#define HUNG 20

/* Nothing more can begin. */
static bool
all_hang(void *arg)
{
	const struct schedule *schedule = world.queue.schedule;

	(void)arg;
	return schedule->attached == HUNG && TAILQ_EMPTY(&schedule->reading) &&
	       TAILQ_EMPTY(&schedule->turns[PLACE_LINE]) &&
	       TAILQ_EMPTY(&schedule->turns[PLACE_READY]) && world.deliveries == schedule->running;
}

static bool
anna_has_it(void *arg)
{
	const struct stored *stored;

	(void)arg;
	SLIST_FOREACH (stored, &world.stored, entry) {
		if (strcmp(stored->mailbox, "anna@example.org") == 0)
			return true;
	}
	return false;
}

/* Sessions that do not answer, each with more mail than it may have at once. */
static void
a_letter_beside_sessions_that_hang(void **state)
{
	static const char *const to_anna[] = {"anna@example.org", NULL};
	char names[HUNG][64];
	const char *recipients[HUNG + 1] = {NULL};

	(void)state;
	for (size_t i = 0; i < HUNG; i++) {
		snprintf(names[i], sizeof(names[i]), "u%zu@example.org", i);
		recipients[i] = names[i];
	}
	world.conduct = KEEPS_SILENT;
	for (int i = 0; i < WINDOW_MAX + 1; i++)
		submit(world.gate, "news@example.net", recipients);
	world_run_until(&world, all_hang, NULL);
	assert_in_range(world.queue.schedule->running, RUNNING_MAX / 2, RUNNING_MAX + HUNG);
	world.conduct = STORES;
	submit(world.gate, "news@example.net", to_anna);
	world_run_until(&world, anna_has_it, NULL);
}

int
main(void)
{
#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(flows_are_of_submitters),
	    cmocka_unit_test(flows_are_of_strangers_domains),
	    cmocka_unit_test(flows_are_of_domains_of_reports),
	    WITH_WORLD(a_letter_to_the_same_domain),
	    WITH_WORLD(a_letter_to_another_domain),
	    WITH_WORLD(after_a_restart),
	    WITH_WORLD(what_is_held_back_is_not_forgotten),
	    WITH_WORLD(a_domain_that_took_nothing_is_asked_gently),
	    WITH_WORLD(a_letter_to_the_same_mailbox),
	    WITH_WORLD(a_letter_beside_sessions_that_hang),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
