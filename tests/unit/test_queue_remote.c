/* SPDX-License-Identifier: ISC */
/* The queue's mails to other domains: who may send them, what becomes of them, a relay that lies.
 */
#include <glob.h>
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
#include "worker/queue/batch_private.h"
#include "worker/queue/clock.h"
#include "worker/queue/policy.h"
#include "worker/queue/schedule.h"

static char folder[64];
static struct world world;

static bool no_room, no_room_for_mails; /* for what is written (relay.mk) */

enum db_status __real_batch_write(struct batch *, int64_t);
enum db_status __wrap_batch_write(struct batch *, int64_t);
enum db_status
__wrap_batch_write(struct batch *batch, int64_t position)
{
	bool fits = !no_room && (!no_room_for_mails || batch->commit_count == 0);

	return fits ? __real_batch_write(batch, position) : DB_NO_SPACE;
}

/* What the relay answers, and what it was told. */
static struct {
	struct ipc_channel *channel;
	uint32_t outcome;
	bool unreached;
	void (*lie)(struct qr_result *, struct qr_recipient *, size_t *length);
	unsigned sends, ended;
	struct qr_send last;
	char tail[4096];
	size_t tail_length;
	unsigned policies; /* that it was told */
	struct qr_policy policy;
	char mx[256];
	size_t mx_length;
	/* What it has fetched for the next mail; and as often again, under other numbers. */
	const struct qr_policy *fetched;
	unsigned fetches;
} relay;

static const char two_hosts[] = "mx.elsewhere.example\0*.elsewhere.example";

static int
keep(const struct qr_policy *policy, const char *mx, size_t length)
{
	return ipc_send(relay.channel, QR_KEEP_POLICY, 0, policy, mx, length, -1);
}

static void
keep_fetched(void)
{
	struct qr_policy policy = *relay.fetched;

	for (unsigned i = 0; i < relay.fetches; i++) {
		assert_int_equal(keep(&policy, two_hosts, sizeof(two_hosts)), 0);
		memset(policy.id, 0, sizeof(policy.id));
		(void)snprintf(policy.id, sizeof(policy.id), "%u", i);
	}
	relay.fetched = NULL;
}

static const char *const to_bob[] = {"bob@elsewhere.example", NULL};
static const char *const to_alice[] = {"alice@example.org", NULL};
static const char *const to_two[] = {"bob@elsewhere.example", "carol@ELSEWHERE.example", NULL};
static const char *const to_literal[] = {"bob@[127.0.0.1]", NULL};

static int
on_send(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct qr_recipient results[RELAY_RECIPIENTS_MAX + 1];
	struct qr_result body = {.unreached = relay.unreached ? 1 : 0};
	size_t length;

	(void)context;
	relay.sends++;
	if (relay.fetched != NULL)
		keep_fetched();
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
		strlcpy(results[i].host, "mx.elsewhere.example", sizeof(results[i].host));
	}
	length = body.recipients * sizeof(results[0]);
	if (relay.lie != NULL)
		relay.lie(&body, results, &length);
	if (relay.outcome != 0)
		(void)ipc_send(channel, QR_RESULT, message->id, &body, (const char *)results,
			       length, -1);
	return 0;
}

/* What queue has kept of a domain comes before its mail. */
static int
on_policy(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	(void)context;
	relay.policies++;
	memcpy(&relay.policy, message->body, sizeof(relay.policy));
	assert_true(message->tail_length <= sizeof(relay.mx));
	if (message->tail_length > 0)
		memcpy(relay.mx, message->tail, message->tail_length);
	relay.mx_length = message->tail_length;
	return 0;
}

static const struct ipc_handler relay_handlers[] = {
    {QR_POLICY, on_policy},
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
	no_room = no_room_for_mails = false;
	world_make_folder(folder);
	world_open(&world);
	world.queue.settings.relay = REACH_DOMAINS;
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
	flow_id flow;

	(void)arg;
	return queue_is_quiet(&world.queue) && db_next_flow(world.queue.db, -1, &flow) == 0;
}

static bool
sent_at_least(void *arg)
{
	return relay.sends >= *(const unsigned *)arg;
}

static bool
is_quiet(void *arg)
{
	(void)arg;
	return queue_is_quiet(&world.queue);
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
	assert_memory_equal(relay.tail, "\0bob@elsewhere.example\0\0carol@ELSEWHERE.example\0",
			    relay.tail_length);
	world.queue.settings.relay = 0;
	assert_int_equal(send_as("alice@example.org", "alice@example.org", to_bob), QUEUE_REFUSED);
}

static bool
is_synced(void *arg)
{
	(void)arg;
	return !world.queue.batch->unsynced;
}

static bool
has_body_file(void)
{
	glob_t found;
	bool has = glob("body.*", 0, NULL, &found) == 0;

	globfree(&found);
	return has;
}

/* One whose body is a file, not yet sent. Its channel is the caller's. */
static struct mail
large_to_bob(void)
{
	return (struct mail){.world = &world,
			     .transaction = 1,
			     .sender = "alice@example.org",
			     .recipients = to_bob,
			     .size = 100000,
			     .channel = world_open_gate(&world, "alice@example.org")};
}

/* That relay has sent it is written at once, and not waited for; its file is there until it is on
 * disk. */
static void
what_went_out_waits_for_no_disk(void **state)
{
	struct mail mail = large_to_bob();
	struct mail second = mail;

	(void)state;
	mail_send(&mail);
	assert_true(mail.committed);
	world_run_until(&world, all_is_written, NULL);
	assert_int_equal(relay.sends, 1);
	assert_true(world.queue.batch->unsynced);
	assert_true(has_body_file());
	world_run_until(&world, is_synced, NULL);
	assert_false(has_body_file());
	/* The next mail's commit brings all to disk. */
	mail_send(&second);
	world_run_until(&world, all_is_written, NULL);
	assert_true(has_body_file());
	world.conduct = KEEPS_SILENT;
	assert_int_equal(send_as("", "x@origin.example", to_alice), 0);
	assert_false(world.queue.batch->unsynced);
	assert_false(has_body_file());
	ipc_close(mail.channel);
}

/* Its file goes from a disk that is full, too. */
static void
what_went_out_makes_room(void **state)
{
	const struct result waits = {.kind = RESULT_REMEMBER, .message = 1};
	struct mail mail = large_to_bob();

	(void)state;
	mail_send(&mail);
	world_run_until(&world, all_is_written, NULL);
	assert_true(has_body_file());
	no_room = true;
	batch_result(world.queue.batch, &waits);
	world_run_until(&world, is_synced, NULL);
	assert_false(has_body_file());
	assert_false(batch_is_empty(world.queue.batch));
	no_room = false;
	ipc_close(mail.channel);
}

static const char *const to_alias[] = {"Lead@example.org", "alice@example.org", "lead@example.org",
				       NULL};
static const char *const to_both[] = {"direct@elsewhere.example", "lead@example.org",
				      "out@elsewhere.example", NULL};

/* Whoever sends it: accounts says so. Each once, and as it is called there. */
static void
an_alias_leads_out(void **state)
{
	unsigned one = 1;

	(void)state;
	assert_int_equal(send_as("", "stranger@origin.example", to_alias), 0);
	world_run_until(&world, sent_at_least, &one);
	world_run_until(&world, all_is_written, NULL);
	assert_int_equal(relay.sends, 1);
	assert_int_equal(world.stored_count, 1);
	assert_string_equal(SLIST_FIRST(&world.stored)->sender, "stranger@origin.example");
	assert_string_equal(relay.last.domain, "elsewhere.example");
	assert_string_equal(relay.last.delivered_to, "lead@example.org");
	assert_int_equal(relay.last.recipients, 2);
	assert_memory_equal(relay.tail,
			    "srs@example.org\0Out@elsewhere.example\0rfc822;Lead@example.org\0"
			    "out@elsewhere.example\0rfc822;Lead@example.org",
			    relay.tail_length);
	/* The null sender stays, and a failure is told to nobody. */
	relay.outcome = RELAY_FAILED;
	assert_int_equal(send_as("", "", to_alias), 0);
	world_run_until(&world, all_is_written, NULL);
	assert_int_equal(relay.sends, 2);
	assert_memory_equal(relay.tail, "\0Out@elsewhere.example\0", 23);
	/* Where no mail leaves, it doesn't by an alias either. */
	world.queue.settings.relay = 0;
	assert_int_equal(send_as("", "stranger@origin.example", to_alias), QUEUE_REFUSED);
}

/* A route is for everybody's mail: as it came, with the sender that it had. */
static void
a_route_may_be_for_strangers(void **state)
{
	static const char *const to_list[] = {"dev@routed.example", NULL};
	unsigned one = 1;

	(void)state;
	assert_int_equal(send_as("", "stranger@origin.example", to_list), 0);
	world_run_until(&world, sent_at_least, &one);
	world_run_until(&world, all_is_written, NULL);
	assert_string_equal(relay.last.domain, "routed.example");
	assert_string_equal(relay.last.delivered_to, "");
	assert_memory_equal(relay.tail, "stranger@origin.example\0dev@routed.example\0",
			    relay.tail_length);
	/* Where no mail leaves, there is no route. */
	world.queue.settings.relay = 0;
	assert_int_equal(send_as("", "stranger@origin.example", to_list), QUEUE_REFUSED);
}

/* To one domain, but as two mails: one is the submitter's own, one comes by the alias. */
static void
a_job_has_one_sender(void **state)
{
	unsigned two = 2;

	(void)state;
	assert_int_equal(send_as("alice@example.org", "alice@example.org", to_both), 0);
	world_run_until(&world, sent_at_least, &two);
	world_run_until(&world, all_is_written, NULL);
	assert_int_equal(relay.sends, 2);
	/* The second one; out@elsewhere.example is there already. */
	assert_string_equal(relay.last.delivered_to, "lead@example.org");
	assert_int_equal(relay.last.recipients, 2);
	assert_memory_equal(relay.tail, "srs@example.org\0Out@elsewhere.example\0",
			    strlen("srs@example.org") + strlen("Out@elsewhere.example") + 2);
	assert_int_equal(world.stored_count, 1);
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
	assert_memory_equal(relay.tail, "\0dan@elsewhere.example\0", relay.tail_length);
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

static unsigned recipients_told;

static void
count_recipients(struct qr_result *body, struct qr_recipient *results, size_t *length)
{
	(void)results;
	(void)length;
	recipients_told += body->recipients;
}

/* More than one job has, and than are in memory at a time: each gets it once. */
static void
all_recipients_of_a_domain(void **state)
{
	enum { MANY = 100 };
	static char names[MANY][32];
	const char *recipients[MANY + 1];

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "user%zu@elsewhere.example", i);
		recipients[i] = names[i];
	}
	recipients[MANY] = NULL;
	recipients_told = 0;
	relay.lie = count_recipients;
	assert_int_equal(send_as("alice@example.org", "alice@example.org", recipients), 0);
	world_run_until(&world, all_is_written, NULL);
	assert_int_equal(recipients_told, MANY);
	assert_true(relay.sends >= MANY / RELAY_RECIPIENTS_MAX);
}

static void
say_not_yet(struct qr_result *body, struct qr_recipient *results, size_t *length)
{
	(void)body;
	(void)length;
	results[0].code = 450;
	results[0].said = 1;
	strlcpy(results[0].enhanced, "4.2.0", sizeof(results[0].enhanced));
	strlcpy(results[0].text, "Not yet", sizeof(results[0].text));
}

static char last_reason[512];

static void
keep_reason(const struct db_entry *entry, void *arg)
{
	(void)arg;
	strlcpy(last_reason, entry->reason, sizeof(last_reason));
}

static bool
has_reason(void *arg)
{
	last_reason[0] = '\0';
	assert_int_equal(db_entries(world.queue.db, NULL, 1, keep_reason, NULL), DB_OK);
	return strcmp(last_reason, arg) == 0;
}

/* Who said what, as it was; what postern found is not said by anybody. */
static void
the_reason_is_what_was_said(void **state)
{
	static char said[] = "mx.elsewhere.example said: 450 4.2.0 Not yet",
		    own[] = "as the test says";

	(void)state;
	world.queue.settings.retry = 1;
	relay.outcome = RELAY_LATER;
	relay.lie = say_not_yet;
	assert_int_equal(send_as("alice@example.org", "alice@example.org", to_bob), 0);
	world_run_until(&world, has_reason, said);
	relay.lie = NULL;
	world_run_until(&world, has_reason, own);
	/* Also where a report goes with it. */
	world.queue.settings.delay_notice = 1;
	relay.lie = say_not_yet;
	world_run_until(&world, stored_one, NULL);
	world_run_until(&world, has_reason, said);
}

/* -- Administrators ------------------------------------------------------------------------------
 */

static struct {
	struct ipc_channel *channel;
	unsigned ended, entries;
	struct cq_entry entry;
	struct cq_done done;
} admin;

static int
on_entry(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	(void)context;
	admin.entries++;
	memcpy(&admin.entry, message->body, sizeof(admin.entry));
	return 0;
}

static int
on_done(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	(void)context;
	memcpy(&admin.done, message->body, sizeof(admin.done));
	admin.done.zero = 1; /* it is there */
	return 0;
}

static const struct ipc_handler admin_handlers[] = {
    {CQ_ENTRY, on_entry},
    {CQ_DONE, on_done},
    {0, NULL},
};

static void
on_admin_ended(struct ipc_channel *channel, void *context)
{
	(void)channel;
	(void)context;
	admin.channel = NULL;
	admin.ended++;
}

static void
open_admin(void)
{
	int sv[2];

	assert_int_equal(ipc_pair(sv), 0);
	admin.channel = ipc_open(world.base, sv[0], &ctl_queue_boundary, IPC_CLIENT, admin_handlers,
				 on_admin_ended, NULL, "queue");
	admin_open(&world.queue, sv[1]);
}

static bool
admin_is_answered(void *arg)
{
	(void)arg;
	return admin.done.zero == 1;
}

static bool
admin_is_cut_off(void *arg)
{
	return admin.ended >= *(const unsigned *)arg;
}

static void
tell(uint16_t type, const void *body, const struct cq_name *names, size_t count)
{
	memset(&admin.done, 0, sizeof(admin.done));
	admin.entries = 0;
	assert_int_equal(
	    ipc_send(admin.channel, type, 7, body, (const char *)names, count * sizeof(*names), -1),
	    0);
	world_run_until(&world, admin_is_answered, NULL);
}

static void
ask(uint16_t type, const void *body, const struct cq_name *names, size_t count)
{
	tell(type, body, names, count);
	assert_int_equal(admin.done.failed, 0);
}

/* What relay has is left alone; what waits is held, released and removed. */
static void
an_administrator_changes_the_queue(void **state)
{
	const struct cq_list list = {.first = 1};
	struct cq_change change = {.action = CQ_HOLD, .count = 1};
	unsigned sends = 1;

	(void)state;
	memset(&admin, 0, sizeof(admin));
	open_admin();
	relay.outcome = 0;
	assert_int_equal(send_as("alice@example.org", "alice@example.org", to_bob), 0);
	world_run_until(&world, sent_at_least, &sends);
	ask(CQ_LIST, &list, NULL, 0);
	assert_int_equal(admin.entries, 1);
	assert_int_equal(admin.entry.state, CQ_BUSY);
	ask(CQ_CHANGE, &change, &admin.entry.name, 1);
	assert_int_equal(admin.done.count, 0);
	assert_int_equal(admin.done.busy, 1);
	/* Relay dies, and until there is another one it waits. */
	ipc_close(relay.channel);
	relay.channel = NULL;
	world_run_for(&world, 50);
	ask(CQ_CHANGE, &change, &admin.entry.name, 1);
	assert_int_equal(admin.done.count, 1);
	relay.outcome = RELAY_DELIVERED;
	open_relay();
	world_run_for(&world, 50);
	assert_int_equal(relay.sends, 1);
	change.action = CQ_RETRY;
	ask(CQ_CHANGE, &change, &admin.entry.name, 1);
	assert_int_equal(admin.done.count, 0);
	change.action = CQ_RELEASE;
	ask(CQ_CHANGE, &change, &admin.entry.name, 1);
	assert_int_equal(admin.done.count, 1);
	world_run_until(&world, all_is_written, NULL);
	assert_int_equal(relay.sends, 2);
	change.action = CQ_REMOVE;
	ask(CQ_CHANGE, &change, &admin.entry.name, 1);
	assert_int_equal(admin.done.count, 0);
	ipc_close(admin.channel);
	world_run_for(&world, 50);
}

static bool
results_wait(void *arg)
{
	(void)arg;
	return !batch_is_empty(world.queue.batch);
}

/* Until it is written that a mail has left nobody has it sent again. */
static void
what_has_left_is_left_alone(void **state)
{
	const struct cq_list list = {.first = 1};
	struct cq_change change = {.action = CQ_RETRY, .count = 1};
	struct cq_name name;

	(void)state;
	memset(&admin, 0, sizeof(admin));
	open_admin();
	assert_int_equal(send_as("alice@example.org", "alice@example.org", to_bob), 0);
	no_room = true;
	world_run_until(&world, results_wait, NULL);
	ask(CQ_LIST, &list, NULL, 0);
	assert_int_equal(admin.entries, 1);
	name = admin.entry.name;
	tell(CQ_CHANGE, &change, &name, 1);
	assert_int_equal(admin.done.failed, 1);
	assert_int_equal(admin.done.count, 0);
	no_room = false;
	world_run_until(&world, all_is_written, NULL);
	assert_int_equal(relay.sends, 1);
	ipc_close(admin.channel);
	world_run_for(&world, 50);
}

/* It is over for the mail, and removing another one may make room. */
static void
new_mail_is_no_hindrance(void **state)
{
	const struct cq_list list = {.first = 1};
	struct cq_change change = {.action = CQ_REMOVE, .count = 1};
	struct mail mail = {.world = &world,
			    .transaction = 1,
			    .sender = "x@origin.example",
			    .recipients = to_alice,
			    .size = 100,
			    .hold = true};
	struct cq_name name;

	(void)state;
	memset(&admin, 0, sizeof(admin));
	open_admin();
	relay.outcome = RELAY_LATER;
	assert_int_equal(send_as("alice@example.org", "alice@example.org", to_bob), 0);
	world_run_until(&world, sent_at_least, &(unsigned){1});
	world_run_until(&world, is_quiet, NULL);
	ask(CQ_LIST, &list, NULL, 0);
	assert_int_equal(admin.entries, 1);
	name = admin.entry.name;
	mail_start(&mail);
	world_run_until(&world, mail_has_body, &mail);
	no_room_for_mails = true;
	mail_commit(&mail);
	ask(CQ_CHANGE, &change, &name, 1);
	assert_int_equal(admin.done.count, 1);
	world_run_until(&world, mail_is_over, &mail);
	assert_int_equal(mail.failure, QUEUE_NO_SPACE);
	no_room_for_mails = false;
	ipc_close(admin.channel);
	world_run_for(&world, 50);
}

static void
administrators_that_lie_are_cut_off(void **state)
{
	static const struct cq_name name;
	static const struct {
		uint16_t type;
		uint32_t id;
		struct cq_list list;
		struct cq_change change;
		size_t names;
		struct cq_name name;
	} lies[] = {
	    {.type = CQ_LIST, .id = 0, .list = {.first = 1}},
	    {.type = CQ_LIST, .id = 7, .list = {.first = 2}},
	    {.type = CQ_LIST, .id = 7, .list = {.zero = 1}},
	    {.type = CQ_SHOW, .id = 0},
	    {.type = CQ_SHOW, .id = 7, .name = {.zero = 1}},
	    {.type = CQ_LIST, .id = 7, .list = {.first = 1, .after = {.message = 1}}},
	    {.type = CQ_LIST, .id = 7, .list = {.after = {.zero = 1}}},
	    {.type = CQ_CHANGE, .id = 0, .change = {CQ_HOLD, 1}, .names = 1},
	    {.type = CQ_CHANGE, .id = 7, .change = {0, 1}, .names = 1},
	    {.type = CQ_CHANGE, .id = 7, .change = {CQ_REMOVE + 1, 1}, .names = 1},
	    {.type = CQ_CHANGE, .id = 7, .change = {CQ_HOLD, 0}, .names = 0},
	    {.type = CQ_CHANGE, .id = 7, .change = {CQ_HOLD, 2}, .names = 1},
	    {.type = CQ_CHANGE, .id = 7, .change = {CQ_HOLD, UINT32_MAX}, .names = 1},
	};

	(void)state;
	memset(&admin, 0, sizeof(admin));
	for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		const void *body = lies[i].type == CQ_LIST   ? (const void *)&lies[i].list
				   : lies[i].type == CQ_SHOW ? (const void *)&lies[i].name
							     : &lies[i].change;
		unsigned ended = i + 1;

		open_admin();
		(void)ipc_send(admin.channel, lies[i].type, lies[i].id, body, (const char *)&name,
			       lies[i].names * sizeof(name), -1);
		world_run_until(&world, admin_is_cut_off, &ended);
	}
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
lie_unreached(struct qr_result *body, struct qr_recipient *results, size_t *length)
{
	(void)results;
	(void)length;
	body->unreached = 2;
}

static void
lie_host(struct qr_result *body, struct qr_recipient *results, size_t *length)
{
	(void)body;
	(void)length;
	memset(results[0].host, 'x', sizeof(results[0].host));
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
	    lie_count, lie_length, lie_unreached, lie_host,  lie_outcome,
	    lie_code,  lie_text,   lie_line,      lie_status};
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

/* Sends a mail, and has its relay say that it is delivered. */
static void
send_one_more(void)
{
	unsigned sends = relay.sends + 1;

	assert_int_equal(send_as("alice@example.org", "alice@example.org", to_bob), 0);
	world_run_until(&world, sent_at_least, &sends);
	world_run_until(&world, all_is_written, NULL);
}

static int64_t
minute(void)
{
	return clock_now() / CLOCK_SECOND / 60;
}

/* RFC 8461 5.1: whoever is relay hears of it, and of each domain's own only. */
static void
policies_outlive_relay(void **state)
{
	struct qr_policy policy = {
	    .domain = "elsewhere.example", .id = "20260101", .mode = 2, .seconds = 86400};
	struct qr_policy other = {.domain = "other.example", .id = "1", .mode = 1, .seconds = 1};
	int64_t begun;

	(void)state;
	relay.fetched = &policy;
	relay.fetches = 1;
	assert_int_equal(keep(&other, "", 0), 0);
	send_one_more();
	open_relay();
	relay.policies = 0;
	send_one_more();
	assert_int_equal(relay.policies, 1);
	assert_string_equal(relay.policy.domain, "elsewhere.example");
	assert_string_equal(relay.policy.id, "20260101");
	assert_int_equal(relay.policy.mode, 2);
	assert_in_range(relay.policy.seconds, 86000, 86400);
	assert_int_equal(relay.mx_length, sizeof(two_hosts));
	assert_memory_equal(relay.mx, two_hosts, sizeof(two_hosts));
	/* A newer one takes its place; only so many are written in a minute. */
	do { /* once more where the minute, and with it the count, has changed meanwhile */
		begun = minute();
		world.queue.policy_minute = begun;
		world.queue.policies_written = 2;
		relay.fetched = &policy;
		relay.fetches = 60;
		send_one_more();
		send_one_more();
	} while (minute() != begun);
	assert_int_equal(atoi(relay.policy.id), 26); /* the 28th; two were there before */
	assert_int_equal(world.queue.policies_written, POLICIES_A_MINUTE);
}

static size_t
policies(void)
{
	size_t count;

	assert_int_equal(db_policies(world.queue.db, &count), DB_OK);
	return count;
}

/* A stranger's mail, or that of alice, for whose domain relay has fetched POLICY. */
static void
send_with(const struct qr_policy *policy, bool stranger)
{
	static const char *const to_lead[] = {"lead@example.org", NULL};
	unsigned sends = relay.sends + 1;

	relay.fetched = policy;
	relay.fetches = 1;
	assert_int_equal(stranger ? send_as("", "x@example.net", to_lead)
				  : send_as("alice@example.org", "alice@example.org", to_bob),
			 0);
	world_run_until(&world, sent_at_least, &sends);
	world_run_until(&world, all_is_written, NULL);
	assert_null(relay.fetched);
	assert_string_equal(relay.last.domain, "elsewhere.example");
}

/* Who has mail of his sent to domains of his own pushes no policy out. */
static void
strangers_have_half_of_the_policies(void **state)
{
	const struct qr_policy policy = {
	    .domain = "elsewhere.example", .id = "20260101", .mode = 2, .seconds = 86400};
	char domain[64];
	struct db_policy other = {.domain = domain, .id = "1", .until = INT64_MAX, .mx = ""};

	(void)state;
	for (unsigned i = 0; i < POLICIES_MAX / 2; i++) {
		(void)snprintf(domain, sizeof(domain), "d%u.example", i);
		assert_int_equal(db_keep_policy(world.queue.db, &other, POLICIES_MAX), DB_OK);
	}
	send_with(&policy, true);
	assert_int_equal(policies(), POLICIES_MAX / 2);
	send_with(&policy, false);
	assert_int_equal(policies(), POLICIES_MAX / 2 + 1);
	/* What is there is kept up to date, whoever has it fetched. */
	world.queue.policies_written = 0;
	send_with(&policy, true);
	assert_int_equal(world.queue.policies_written, 1);
}

/* And it is kept where there is room: the next user's mail fetches nothing. */
static void
what_a_stranger_has_fetched_counts_for_all(void **state)
{
	const struct qr_policy policy = {
	    .domain = "elsewhere.example", .id = "20260101", .mode = 2, .seconds = 86400};

	(void)state;
	send_with(&policy, true);
	open_relay();
	relay.policies = 0;
	send_one_more();
	assert_int_equal(relay.policies, 1);
}

/* The last has what is no name in its tail. */
static void
policies_that_lie_are_cut_off(void **state)
{
	const struct qr_policy good = {.domain = "a.example", .id = "1", .mode = 2, .seconds = 1};
	struct qr_policy lies[9];
	unsigned ended = 0;

	(void)state;
	for (size_t i = 0; i < 9; i++)
		lies[i] = good;
	lies[0].domain[0] = '\0';
	memset(lies[1].domain, 'a', sizeof(lies[1].domain));
	lies[2].domain[3] = '\n';
	lies[3].id[0] = '\0';
	memset(lies[4].id, '1', sizeof(lies[4].id));
	lies[5].mode = 3;
	lies[6].seconds = 0;
	lies[7].seconds = RELAY_POLICY_SECONDS_MAX + 1;
	for (size_t i = 0; i < 12; i++) {
		static const struct {
			const char *mx;
			size_t length;
		} tails[] = {{"mx", 2}, {"\0", 1}, {"a\0\0", 3}, {"a b", 4}};
		bool body = i < 8;

		assert_int_equal(keep(body ? &lies[i] : &good, body ? "" : tails[i - 8].mx,
				      body ? 0 : tails[i - 8].length),
				 0);
		ended++;
		world_run_until(&world, cut_off, &ended);
		open_relay();
	}
	lies[8].domain[sizeof(lies[8].domain) - 1] = 'x';
	assert_int_equal(keep(&lies[8], "", 0), 0);
	ended++;
	world_run_until(&world, cut_off, &ended);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(only_submitters_send_out, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_went_out_waits_for_no_disk, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_went_out_makes_room, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(an_alias_leads_out, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_route_may_be_for_strangers, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_job_has_one_sender, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_fails_comes_back_once, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(nobody_hears_of_what_has_no_sender, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_bounce_goes_out, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_is_not_now_is_later, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(all_recipients_of_a_domain, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(the_reason_is_what_was_said, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(an_administrator_changes_the_queue, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_has_left_is_left_alone, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(new_mail_is_no_hindrance, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(administrators_that_lie_are_cut_off, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_relay_that_lies_is_cut_off, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(policies_outlive_relay, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(strangers_have_half_of_the_policies, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_a_stranger_has_fetched_counts_for_all, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(policies_that_lie_are_cut_off, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
