/* SPDX-License-Identifier: ISC */
/*
 * login - one attempt to log in, from GA_LOGIN, GA_SCRAM or GA_EXTERNAL to its last answer.
 *
 *   LOGIN_NEW        has just come
 *   LOGIN_CHALLENGED the client is to go on with SCRAM
 *   LOGIN_SLOWED     waits until the throttle lets it go
 *   LOGIN_HASHING    a thread verifies the password
 *   LOGIN_VERIFYING  the verifier looks at the client's certificate
 *   LOGIN_ATTACHING  the master is asked for a stream to the user's session process
 *
 * login.c has the life of it, and what comes after the client is known; password.c, scram.c and
 * external.c the ways to know who it is; slow.c has the guesses of the first two wait.
 */
#ifndef POSTERN_WORKER_ACCOUNTS_LOGIN_H
#define POSTERN_WORKER_ACCOUNTS_LOGIN_H

#include "common/proto/gate_accounts.h"
#include "worker/accounts/accounts.h"

enum login_state {
	LOGIN_NEW,
	LOGIN_CHALLENGED,
	LOGIN_SLOWED,
	LOGIN_HASHING,
	LOGIN_VERIFYING,
	LOGIN_ATTACHING,
	LOGIN_ENDED
};

struct login {
	TAILQ_ENTRY(login) entry;
	struct accounts_service *service;
	enum login_state state;
	struct ipc_channel *gate; /* NULL: gone, nobody waits for the answer */
	uint32_t id;              /* of the request */
	conn_id conn;
	struct peer peer;
	uint32_t service_number; /* enum service */
	char user[ADDRESS_SIZE];
	uint32_t attach; /* id of MA_ATTACH */

	const char *by; /* what the log says of how: "password" */
	enum login_way mechanism;

	/* slow.c */
	struct throttle_attempt attempt;
	struct event *timer;
	void (*go)(struct login *);

	/* password.c */
	const char *refuse; /* why it fails whatever the password, or NULL */
	struct hash_job job;

	struct scram_exchange *scram; /* scram.c; or NULL */

	/* external.c */
	struct gate_channel *from; /* while LOGIN_VERIFYING, which does not outlive it */
	char authorization[ADDRESS_SIZE];
	struct ipc_channel *verifier;
	uint32_t verify; /* id of AV_VERIFY; 0: not asked, or answered */
};

/* A new one, in the service's list. NULL without memory: then GATE has been answered. */
struct login *login_new(struct accounts_service *, struct ipc_channel *gate, uint32_t id);

void login_set_state(struct login *, enum login_state);

/* They end it. WHY is for the log. */
void login_failed(struct login *, const char *why);
void login_unavailable(struct login *, const char *why);
/* The client is told "no", though it has not been a guess at a password. */
void login_refused(struct login *, const char *why);
/* What came is no message of the mechanism. */
void login_malformed(struct login *);
/* The client is login->user: on to queue, or to its session. */
void login_accept(struct login *);

/*
 * slow.c: calls GO, now or later, unless the throttle ends the login. GO or who comes after it
 * calls login_tried() once, before the login ends.
 */
void login_slow(struct login *, void (*go)(struct login *));
void login_tried(struct login *, enum throttle_result);

/*
 * password.c: an account that stands in for one that does not exist, always the same for one name;
 * NULL if there is none at all.
 */
const struct account *login_stand_in(const struct login *);

/* scram.c. The client's time is over, or the login is freed. */
void scram_free(struct login *);

/* external.c: nobody waits for the verifier's answer any more. */
void external_cancel(struct login *);

#endif
