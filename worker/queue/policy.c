/* SPDX-License-Identifier: ISC */
#include "worker/queue/policy.h"

#include <string.h>

#include "common/log.h"
#include "common/proto/queue_relay.h"
#include "worker/queue/clock.h"
#include "worker/queue/db.h"
#include "worker/queue/schedule.h"

/* Is there a turn left in this minute? Strangers' mail has half of them. */
static bool
may_write(struct queue *queue, bool users)
{
	int64_t minute = clock_now() / CLOCK_SECOND / 60;
	unsigned most = users ? POLICIES_A_MINUTE : POLICIES_A_MINUTE / 2;

	if (minute != queue->policy_minute) {
		queue->policy_minute = minute;
		queue->policies_written = 0;
	}
	if (queue->policies_written >= most)
		return false;
	queue->policies_written++;
	return true;
}

static void
note(const struct db_policy *kept, void *arg)
{
	(void)kept;
	*(bool *)arg = true;
}

/* What strangers have fetched, by reports that they want, pushes out nobody's. */
static bool
has_room(struct queue *queue, const char *domain, bool users)
{
	bool is_there = false;
	size_t count;

	if (users)
		return true;
	db_policy(queue->db, domain, note, &is_there);
	return is_there || (db_policies(queue->db, &count) == DB_OK && count < POLICIES_MAX / 2);
}

int
policy_keep(struct queue *queue, const struct ipc_message *message)
{
	const struct qr_policy *policy = message->body;
	struct db_policy kept = {.domain = policy->domain,
				 .id = policy->id,
				 .mode = policy->mode,
				 .mx = message->tail,
				 .mx_length = message->tail_length};
	bool users;

	if (!qr_policy_is_sound(policy, message->tail, message->tail_length))
		return -1;
	users = schedule_sends_for_users(queue->schedule, policy->domain);
	if (!has_room(queue, policy->domain, users) || !may_write(queue, users))
		return 0;
	kept.until = clock_now() / CLOCK_SECOND + policy->seconds;
	/* What is lost is fetched again. */
	if (db_keep_policy(queue->db, &kept, POLICIES_MAX) != DB_OK)
		log_event(LOG_WARNING, "queue.policy_not_kept", KV_STR("domain", policy->domain),
			  KV_STR("why", db_error(queue->db)));
	return 0;
}

static void
tell(const struct db_policy *kept, void *arg)
{
	struct ipc_channel *relay = arg;
	int64_t left = kept->until - clock_now() / CLOCK_SECOND;
	struct qr_policy policy = {.mode = kept->mode};

	if (left <= 0)
		return;
	/* A clock that was set back makes nothing count for longer than it may. */
	policy.seconds =
	    left > RELAY_POLICY_SECONDS_MAX ? RELAY_POLICY_SECONDS_MAX : (uint32_t)left;
	strlcpy(policy.domain, kept->domain, sizeof(policy.domain));
	strlcpy(policy.id, kept->id, sizeof(policy.id));
	if (qr_policy_is_sound(&policy, kept->mx, kept->mx_length))
		(void)ipc_send(relay, QR_POLICY, 0, &policy, kept->mx, kept->mx_length, -1);
}

void
policy_tell(struct queue *queue, struct ipc_channel *relay, const char *domain)
{
	if (relay != NULL)
		db_policy(queue->db, domain, tell, relay);
}
