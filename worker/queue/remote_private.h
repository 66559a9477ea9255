/* SPDX-License-Identifier: ISC */
/* What remote.c (jobs, and the channel to relay) and remote_result.c (what comes back) share. */
#ifndef POSTERN_WORKER_QUEUE_REMOTE_PRIVATE_H
#define POSTERN_WORKER_QUEUE_REMOTE_PRIVATE_H

#include "common/proto/queue_relay.h"
#include "worker/queue/mailbox.h"

/* A mail that relay has, for recipients of one domain. */
struct job {
	LIST_ENTRY(job) entry;
	struct mailbox *mailbox;
	struct lane *lane;
	struct link *link; /* NULL: not sent */
	struct deliveries deliveries;
	uint32_t count;
	conn_id conn;
	int64_t since;              /* of the message (db.h) */
	size_t length;              /* of text */
	const char *paths;          /* in it, behind the sender */
	char text[RELAY_PATHS_MAX]; /* qr_send's tail */
};

/* Is QR_RESULT about this job, field by field? What the table of messages doesn't say. */
bool remote_is_sound(const struct job *, const struct ipc_message *);

/* Writes down what became of each recipient, and reports it; no delivery is left in the job. */
void remote_take_results(struct job *, const struct ipc_message *);
/* The same of one that was not sent: RESULT is the domain's. */
void remote_put_off_all(struct job *, const struct qr_recipient *result);

#endif
