/* SPDX-License-Identifier: ISC */
/*
 * clients - the verifier, as accounts sees it: how clients are asked for their certificates, which
 * goes on to the gates, and whose certificate it was that a gate has brought.
 */
#ifndef POSTERN_WORKER_ACCOUNTS_CLIENTS_H
#define POSTERN_WORKER_ACCOUNTS_CLIENTS_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ipc.h"
#include "common/proto/types.h"

struct accounts_service;

/* A channel to a gate, and the trusts (master/trust.h) of that gate's listeners. */
struct gate_channel {
	LIST_ENTRY(gate_channel) entry;
	struct accounts_service *service;
	struct ipc_channel *channel;
	unsigned verifying; /* its logins that wait for the verifier */
	size_t trust_count;
	uint32_t trusts[TRUSTS_MAX];
};
LIST_HEAD(gate_channels, gate_channel);

/* The latest question of a trust. */
struct question {
	LIST_ENTRY(question) entry;
	uint32_t trust;
	size_t length;
	char names[]; /* as AV_ASK has them */
};
LIST_HEAD(questions, question);

/* A new channel to the verifier (taken); the one before is dead. */
void clients_open(struct accounts_service *, int fd);

/* Tells a new gate the questions of its trusts. */
void clients_tell(struct accounts_service *, struct gate_channel *);

/* May this gate bring proofs for TRUST? */
bool clients_allowed(const struct gate_channel *, uint32_t trust);

/*
 * Asks whose handshake PROOF (of LENGTH bytes), brought by a gate, is. REPLY gets AV_VERIFIED,
 * AV_REFUSED or, when there is no answer, NULL. Returns the request's id on service->verify, or 0:
 * not now.
 */
uint32_t clients_verify(struct gate_channel *, uint32_t trust, const char *proof, size_t length,
			ipc_reply_fn *reply, void *arg);

#endif
