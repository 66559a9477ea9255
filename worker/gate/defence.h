/* SPDX-License-Identifier: ISC */
/*
 * defence - what a gate does against programs that are no mail servers, and against guessing.
 *
 * - The greeting of port 25 waits a little. A mail server waits for it (RFC 5321 3.1); what talks
 *   before it is refused or noted. An address that has waited is greeted at once for a day.
 *
 * - Who makes errors or asks for addresses that are not here waits for the replies to them, longer
 *   each time: 1, 2, 4 ... seconds after the third. That is counted by address, over all its
 *   connections; one is forgotten a minute. Replies to what is right are never held back.
 *
 * A connection that waits costs its memory, and a timer in a list of its length. Passwords are
 * slowed where they are checked (worker/accounts/throttle.h).
 */
#ifndef POSTERN_WORKER_GATE_DEFENCE_H
#define POSTERN_WORKER_GATE_DEFENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/proto/master_gate.h"
#include "worker/gate/deadline.h"

struct event_base;
struct scores;

#define DEFENCE_STEPS 6 /* 1, 2, 4, 8, 16, 32 seconds */
#define DEFENCE_FREE 3  /* errors without a delay */

/* A gate's. */
struct defences {
	struct exempt {
		struct network *networks;
		size_t count;
	} exempt[EXEMPT_KINDS]; /* addresses that all this is not for */
	struct scores *waited;  /* for the greeting */
	struct scores *errors;
	struct deadlines greeting;
	struct deadlines tarpit[DEFENCE_STEPS];
};

/*
 * GREETED is called for a connection's deadline when its greeting is due, RELEASED for its penalty.
 * 0, or -1 with ERR filled.
 */
int defences_open(struct defences *, struct event_base *, const struct mg_settings *,
		  void (*greeted)(struct deadline *), void (*released)(struct deadline *),
		  struct error *);

/* Copies them. -1 without memory. */
int defences_exempt(struct defences *, enum mg_exempt_kind, const struct network *, size_t count);
/* Is it, of one of the kinds up to this? */
bool defences_is_exempt(const struct defences *, enum mg_exempt_kind, const struct in6_addr *);

/* Has it waited within the last day? */
bool defences_has_waited(struct defences *, const struct in6_addr *);
void defences_note_waited(struct defences *, const struct in6_addr *);

/*
 * One more error from there. Returns how long the reply to it is to wait: one of tarpit[], or NULL
 * for not at all. OWN is how many the connection has made itself, this one included: what the table
 * has lost the connection still knows.
 */
struct deadlines *defences_note_error(struct defences *, const struct in6_addr *, uint32_t own);

/* For the tests: which of tarpit[] comes after ERRORS; -1: none. */
int defence_step(uint32_t errors);

#endif
