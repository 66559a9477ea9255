/* SPDX-License-Identifier: ISC */
/* What sasl.c has in common with the mechanisms that have files of their own. */
#ifndef POSTERN_WORKER_GATE_SASL_INTERNAL_H
#define POSTERN_WORKER_GATE_SASL_INTERNAL_H

#include "common/proto/gate_accounts.h"
#include "common/scram.h"
#include "worker/gate/sasl.h"

#define LOGIN_TIMEOUT 60   /* seconds; guessing is slowed, and a session may have to start */
#define LOGINS_WAITING 512 /* messages in the channel to accounts: more would end it (ipc.h) */

struct sasl_mechanism {
	const char *name;
	bool (*offered)(const struct conn *, const struct sasl_mechanism *);
	void (*response)(struct sasl *, const char *text, size_t length);
	const char *prompt;   /* the first challenge */
	enum scram_hash hash; /* of SCRAM */
	bool plus;
};

/* Tells the protocol. But for a challenge, the exchange is over. */
void sasl_tell(struct sasl *, enum sasl_event, const char *text);

/*
 * Asks accounts; the answer is the next event, and the connection is paused until then. The channel
 * is conn_accounts(); BODY is the fixed struct of TYPE.
 */
void sasl_ask(struct sasl *, uint16_t type, const void *body, const void *tail, size_t length);

/* sasl_scram.c */
bool sasl_scram_offered(const struct conn *, const struct sasl_mechanism *);
void sasl_scram_response(struct sasl *, const char *text, size_t length);
/* accounts may have an exchange of this connection: it forgets it. */
void sasl_scram_forget(struct sasl *);

#endif
