/* SPDX-License-Identifier: ISC */
/* What the parts of the accounts role share: accounts.c (the process), login.h (its logins),
 * clients.h (the verifier). */
#ifndef POSTERN_WORKER_ACCOUNTS_ACCOUNTS_H
#define POSTERN_WORKER_ACCOUNTS_ACCOUNTS_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include "common/accounts_file.h"
#include "common/child.h"
#include "common/proto/master_accounts.h"
#include "worker/accounts/clients.h"
#include "worker/accounts/hash.h"
#include "worker/accounts/resolve.h"
#include "worker/accounts/throttle.h"

struct login;
TAILQ_HEAD(logins, login);

/* A channel that came before the role serves: nothing is read from it until then. */
struct early {
	STAILQ_ENTRY(early) entry;
	struct mc_channel channel;
	int fd;
	size_t trust_count;
	uint32_t trusts[TRUSTS_MAX];
};
STAILQ_HEAD(earlies, early);

struct accounts_service {
	struct child *child;
	bool running; /* the sandbox is closed */
	bool ready;   /* the master has been told */
	bool draining;
	unsigned threads;
	struct resolver *resolver;
	struct inbound inbound; /* for the next one */
	bool any_sender;        /* ma_settings */
	struct ma_srs srs;
	struct accounts *accounts; /* NULL: no good file yet */
	struct throttle *throttle;
	struct pool *pool;
	uint64_t secret; /* of this process: which hash stands in for an unknown account's */
	char setting[CRYPT_OUTPUT_SIZE]; /* hashed with when there is no account at all */
	struct logins logins;
	unsigned waiting;         /* logins that are slowed */
	unsigned challenged;      /* logins whose client is to go on */
	uint8_t scram_secret[32]; /* what salts of unknown accounts are made with */
	uint32_t offered;         /* as GA_OFFER says it */
	struct ipc_channel *queue;
	struct gate_channels gate_channels;
	struct ipc_channel *verify; /* NULL: there is none now, or no listener asks its clients */
	struct questions questions;
	struct earlies earlies;
	int early_file; /* of the last MA_FILE, or -1 */
	struct ma_file early_generation;
	uint32_t early_id;
};

/* GA_LOGIN (password.c), GA_EXTERNAL (external.c), SCRAM's (scram.c); context: struct gate_channel
 * *.
 */
ipc_handler_fn login_handle;
ipc_handler_fn scram_handle;
ipc_handler_fn scram_handle_response;
ipc_handler_fn scram_handle_forget;
ipc_handler_fn external_handle;

/* The gate is gone: its logins end without an answer. */
void login_gate_gone(struct accounts_service *, const struct ipc_channel *);

/* offer.c: which of SCRAM is offered; to a new gate, which offers none yet, and to all after a new
 * file, if that changed something. */
void offer_tell(const struct accounts_service *, struct gate_channel *);
void offer_update(struct accounts_service *);

/* Where a forward-path leads; what can't be told is logged. */
enum rcpt_verdict accounts_resolve(const struct accounts_service *, const char *path, size_t length,
				   struct resolved *);

/* A file has been read, or refused. */
void accounts_loaded(struct accounts_service *);

/* Exits if draining, and nothing is left to do. */
void accounts_rest(struct accounts_service *);

#endif
