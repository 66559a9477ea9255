/* SPDX-License-Identifier: ISC */
/*
 * asked - which hosts of its domain a mail has been offered to, and what they have left of it (RFC
 * 5321 5.1). A recipient that a host has put off may be taken by another one, in the same attempt;
 * but no host is asked twice about it, whatever addresses it has: that would be no attempt of its
 * own for a host with a greylist. Until another one has answered, what the last one said counts.
 * Pure.
 */
#ifndef POSTERN_WORKER_RELAY_ASKED_H
#define POSTERN_WORKER_RELAY_ASKED_H

#include "common/proto/queue_relay.h"
#include "worker/relay/client.h"
#include "worker/relay/route.h"

struct asked_recipient {
	const char *host;                /* in the way: who was asked last. NULL: nobody */
	const char *put_off_by;          /* who has put it off last. NULL: nobody */
	bool put_off[ROUTE_TARGETS_MAX]; /* the host of this target has */
};

struct asked {
	bool tried[ROUTE_TARGETS_MAX]; /* that address has not answered, or its host all of it */
	struct asked_recipient recipients[RELAY_RECIPIENTS_MAX];
};

/* Whether TARGET of the way can be asked, and about anybody. */
bool asked_wants(const struct asked *, const struct client_mail *, size_t target);
/* Whether that is so of any. */
bool asked_wants_any(const struct asked *, const struct client_mail *, const struct route_answer *);

/* Whatever becomes of those that are PENDING, it is with that host. */
void asked_name(struct asked *, const struct client_mail *, const char *host);
/* It is asked: also those are PENDING now that only others have put off. */
void asked_begin(struct asked *, struct client_mail *, const struct route_answer *, size_t target);
/* HOST has answered for all that it will answer for now. */
void asked_end(struct asked *, struct client_mail *, const struct route_answer *, const char *host);
/* It has answered for each recipient: none of its addresses is asked again. */
void asked_is_done(struct asked *, const struct route_answer *, const char *host);

#endif
