/* SPDX-License-Identifier: ISC */
#include "worker/queue/policy.h"

#include <string.h>

#include "common/log.h"
#include "common/proto/queue_relay.h"
#include "worker/queue/clock.h"
#include "worker/queue/db.h"

/* Is there a turn left in this minute? */
static bool
may_write(struct queue *queue)
{
	int64_t minute = clock_now() / CLOCK_SECOND / 60;

	if (minute != queue->policy_minute) {
		queue->policy_minute = minute;
		queue->policies_written = 0;
	}
	return queue->policies_written++ < POLICIES_A_MINUTE;
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

	if (!qr_policy_is_sound(policy, message->tail, message->tail_length))
		return -1;
	if (!may_write(queue))
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
