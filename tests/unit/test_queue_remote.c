/* SPDX-License-Identifier: ISC */
/* The queue's mails to other domains: who may send them, what becomes of them, a relay that lies.
 */
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
#include "worker/queue/schedule.h"

static char folder[64];
static struct world world;

/* What the relay answers, and what it was told. */
static struct {
	struct ipc_channel *channel;
	uint32_t outcome;
	void (*lie)(struct qr_result *, struct qr_recipient *, size_t *length);
	unsigned sends, ended;
	struct qr_send last;
	char tail[1024];
	size_t tail_length;
} relay;

static const char *const to_bob[] = {"bob@elsewhere.example", NULL};
static const char *const to_two[] = {"bob@elsewhere.example", "carol@ELSEWHERE.example", NULL};
static const char *const to_literal[] = {"bob@[127.0.0.1]", NULL};

static int
on_send(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct qr_recipient results[RELAY_RECIPIENTS_MAX + 1];
	struct qr_result body = {.host = "mx.elsewhere.example"};
	size_t length;

	(void)context;
	relay.sends++;
	memcpy(&relay.last, message->body, sizeof(relay.last));
	assert_true(message->tail_length <= sizeof(relay.tail));
	memcpy(relay.tail, message->tail, message->tail_length);
	relay.tail_length = message->tail_length;
	memset(results, 0, sizeof(results));
	body.recipients = relay.last.recipients;
	for (uint32_t i = 0; i < body.recipients; i++) {
		results[i].outcome = relay.outcome;
		results[i].code = 550;
		strlcpy(results[i].status, "5.1.1", sizeof(results[i].status));
		strlcpy(results[i].text, "as the test says", sizeof(results[i].text));
	}
	length = body.recipients * sizeof(results[0]);
	if (relay.lie != NULL)
		relay.lie(&body, results, &length);
	if (relay.outcome != 0)
		(void)ipc_send(channel, QR_RESULT, message->id, &body, (const char *)results,
			       length, -1);
	return 0;
}

static const struct ipc_handler relay_handlers[] = {
    {QR_SEND, on_send},
    {0, NULL},
};

static void
on_ended(struct ipc_channel *channel, void *context)
{
	(void)context;
	relay.ended++;
	if (relay.channel == channel)
		relay.channel = NULL;
}

static void
open_relay(void)
{
	int sv[2];

	assert_int_equal(ipc_pair(sv), 0);
	relay.channel = ipc_open(world.base, sv[0], &queue_relay_boundary, IPC_SERVER,
				 relay_handlers, on_ended, NULL, "queue");
	assert_int_equal(schedule_open_relay(world.queue.schedule, sv[1]), 0);
}

static int
set_up(void **state)
{
	(void)state;
	memset(&relay, 0, sizeof(relay));
	world_make_folder(folder);
	world_open(&world);
	world.queue.settings.relay = 1;
	world.queue.settings.expire = 86400;
	relay.outcome = RELAY_DELIVERED;
	open_relay();
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

static bool
all_is_written(void *arg)
{
	char name[ADDRESS_SIZE];

	(void)arg;
	return queue_is_quiet(&world.queue) && db_next_mailbox(world.queue.db, "", name) == 0;
}

static bool
sent_at_least(void *arg)
{
	return relay.sends >= *(const unsigned *)arg;
}

static bool
stored_one(void *arg)
{
	(void)arg;
	return world.stored_count >= 1;
}

static bool
cut_off(void *arg)
{
	return relay.ended >= *(const unsigned *)arg;
}

/* Sends a mail as SUBMITTER ("": as a stranger's gate). Its failure, or 0. */
static uint32_t
send_as(const char *submitter, const char *sender, const char *const *recipients)
{
	struct mail mail = {.world = &world,
			    .transaction = 1,
			    .sender = sender,
			    .recipients = recipients,
			    .size = 100};

	if (submitter[0] != '\0')
		mail.channel = world_open_gate(&world, submitter);
	mail_send(&mail);
	if (submitter[0] != '\0')
		ipc_close(mail.channel);
	assert_true(mail.committed == (mail.failure == 0));
	return mail.failure;
}

static void
only_submitters_send_out(void **state)
{
	unsigned two = 2;

	(void)state;
	/* Whatever its gate has said. */
	assert_int_equal(send_as("", "alice@example.org", to_bob), QUEUE_REFUSED);
	assert_int_equal(send_as("alice@example.org", "alice@example.org", to_literal),
			 QUEUE_REFUSED);
	assert_int_equal(send_as("alice@example.org", "alice@example.org", to_bob), 0);
	assert_int_equal(send_as("alice@example.org", "", to_two), 0);
	world_run_until(&world, sent_at_least, &two);
	world_run_until(&world, all_is_written, NULL);
	assert_int_equal(relay.sends, 2);
	assert_string_equal(relay.last.domain, "elsewhere.example");
	assert_int_equal(relay.last.recipients, 2);
	assert_memory_equal(relay.tail, "\0bob@elsewhere.example\0carol@ELSEWHERE.example",
			    relay.tail_length);
	world.queue.settings.relay = 0;
	assert_int_equal(send_as("alice@example.org", "alice@example.org", to_bob), QUEUE_REFUSED);
}

static void
what_fails_comes_back_once(void **state)
{
	(void)state;
	relay.outcome = RELAY_FAILED;
	assert_int_equal(send_as("alice@example.org", "alice@example.org", to_bob), 0);
	world_run_until(&world, stored_one, NULL);
	world_run_until(&world, all_is_written, NULL);
	assert_int_equal(world.stored_count, 1);
	assert_string_equal(SLIST_FIRST(&world.stored)->mailbox, "alice@example.org");
	assert_string_equal(SLIST_FIRST(&world.stored)->sender, "");
}

static void
nobody_hears_of_what_has_no_sender(void **state)
{
	unsigned one = 1, two = 2;

	(void)state;
	relay.outcome = RELAY_FAILED;
	assert_int_equal(send_as("alice@example.org", "", to_bob), 0);
	world_run_until(&world, sent_at_least, &one);
	world_run_until(&world, all_is_written, NULL);
	assert_int_equal(send_as("alice@example.org", "nobody@example.org", to_bob), 0);
	world_run_until(&world, sent_at_least, &two);
	world_run_until(&world, all_is_written, NULL);
	assert_int_equal(world.stored_count, 0);
}

/* A bounce can go to another domain, and is not bounced from there. */
static void
a_bounce_goes_out(void **state)
{
	unsigned two = 2;

	(void)state;
	relay.outcome = RELAY_FAILED;
	assert_int_equal(send_as("alice@example.org", "dan@elsewhere.example", to_bob), 0);
	world_run_until(&world, sent_at_least, &two);
	world_run_until(&world, all_is_written, NULL);
	assert_int_equal(relay.sends, 2);
	assert_memory_equal(relay.tail, "\0dan@elsewhere.example", relay.tail_length);
	assert_int_equal(world.stored_count, 0);
}

static void
what_is_not_now_is_later(void **state)
{
	unsigned one = 1, two = 2;

	(void)state;
	relay.outcome = RELAY_LATER;
	assert_int_equal(send_as("alice@example.org", "alice@example.org", to_bob), 0);
	world_run_until(&world, sent_at_least, &one);
	relay.outcome = RELAY_DELIVERED;
	world_run_until(&world, sent_at_least, &two);
	world_run_until(&world, all_is_written, NULL);
	assert_int_equal(relay.sends, 2);
	assert_int_equal(world.stored_count, 0);
}

/* -- Lies ------------------------------------------------------------------------------------ */

static void
lie_count(struct qr_result *body, struct qr_recipient *results, size_t *length)
{
	(void)results;
	body->recipients++;
	*length += sizeof(*results);
}

static void
lie_length(struct qr_result *body, struct qr_recipient *results, size_t *length)
{
	(void)body;
	(void)results;
	*length -= 1;
}

static void
lie_zero(struct qr_result *body, struct qr_recipient *results, size_t *length)
{
	(void)results;
	(void)length;
	body->zero = 1;
}

static void
lie_host(struct qr_result *body, struct qr_recipient *results, size_t *length)
{
	(void)results;
	(void)length;
	memset(body->host, 'x', sizeof(body->host));
}

static void
lie_outcome(struct qr_result *body, struct qr_recipient *results, size_t *length)
{
	(void)body;
	(void)length;
	results[0].outcome = RELAY_FAILED + 1;
}

static void
lie_code(struct qr_result *body, struct qr_recipient *results, size_t *length)
{
	(void)body;
	(void)length;
	results[0].code = 600;
}

static void
lie_text(struct qr_result *body, struct qr_recipient *results, size_t *length)
{
	(void)body;
	(void)length;
	memset(results[0].text, 'x', sizeof(results[0].text));
}

/* It would be a line of the bounce. */
static void
lie_line(struct qr_result *body, struct qr_recipient *results, size_t *length)
{
	(void)body;
	(void)length;
	strlcpy(results[0].text, "x\r\nBcc: everybody", sizeof(results[0].text));
}

static void
lie_status(struct qr_result *body, struct qr_recipient *results, size_t *length)
{
	(void)body;
	(void)length;
	results[0].status[0] = '\0';
}

static void
a_relay_that_lies_is_cut_off(void **state)
{
	static void (*const lies[])(struct qr_result *, struct qr_recipient *, size_t *) = {
	    lie_count, lie_length, lie_zero, lie_host,  lie_outcome,
	    lie_code,  lie_text,   lie_line, lie_status};
	unsigned ended = 0, sends;

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		relay.lie = lies[i];
		relay.outcome = RELAY_FAILED;
		assert_int_equal(send_as("alice@example.org", "alice@example.org", to_bob), 0);
		ended++;
		world_run_until(&world, cut_off, &ended);
		/* The mail is still there, for its successor. */
		relay.lie = NULL;
		relay.outcome = RELAY_DELIVERED;
		sends = relay.sends + 1;
		open_relay();
		world_run_until(&world, sent_at_least, &sends);
		world_run_until(&world, all_is_written, NULL);
		assert_int_equal(world.stored_count, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(only_submitters_send_out, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_fails_comes_back_once, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(nobody_hears_of_what_has_no_sender, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_bounce_goes_out, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_is_not_now_is_later, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_relay_that_lies_is_cut_off, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
