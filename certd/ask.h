/* SPDX-License-Identifier: ISC */
/*
 * ask - a request to sign for TLS, of a gate or of relay, as far as they are alike: whether the
 * channel may have it at all, and what is replied. What is signed is composed by who handles the
 * request.
 */
#ifndef POSTERN_CERTD_ASK_H
#define POSTERN_CERTD_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "certd/audit.h"
#include "certd/compose.h"
#include "certd/slots.h"

struct ask {
	/* Of the channel that it came over. Not owned. */
	struct ipc_channel *channel;
	struct slots *slots; /* its keys */
	bool weak;           /* it may have weak ones, too */
	struct rate *rate;
	struct audit_channel *audit;
	uint16_t signed_type;  /* of the boundary: a signature behind a struct ipc_empty */
	uint16_t refused_type; /* struct gc_refused */

	/* What the message said. */
	uint32_t id;
	uint32_t key; /* a handle */
	uint16_t scheme;
	const struct gc_listener *listener; /* one of the channel's, or NULL */

	/* What ask_accept() found. */
	struct slot *slot; /* NULL: no key of the channel's */
	struct pair *pair;
};

/* Takes one off the channel's rate, and finds the key. False: refused, and that has been said. */
bool ask_accept(struct ask *);

/*
 * Of an accepted one, what composing its COMPOSED came to: REASON is 0, or an enum gc_refusal.
 * Signs, counts the use as of KIND, and replies; or refuses. Returns 0, as handlers do.
 */
int ask_answer(const struct ask *, int reason, const struct composed *, enum use_kind kind);

#endif
