/* SPDX-License-Identifier: ISC */
/* reason - why a mail to another domain waits, as the log and the queue's list say it. Pure. */
#ifndef POSTERN_WORKER_QUEUE_REASON_H
#define POSTERN_WORKER_QUEUE_REASON_H

#include <stdbool.h>

#include "common/proto/queue_relay.h"

#define QUEUE_REASON_SIZE (HOST_NAME_SIZE + RELAY_STATUS_SIZE + RELAY_TEXT_SIZE + 24)

struct reason_facts {
	bool said; /* by HOST, in a reply with this code; else they are our words */
	unsigned code;
	const char *host;
	const char *enhanced; /* the status of RFC 3463 that it said; "": none */
	const char *text;
};

/* "mx.example.net said: 450 4.2.0 Not yet", or the text alone. Returns OUT. */
const char *reason_text(const struct reason_facts *, char out[QUEUE_REASON_SIZE]);

#endif
