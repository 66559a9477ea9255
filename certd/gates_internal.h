/* SPDX-License-Identifier: ISC */
/*
 * What the files behind gates.h share:
 *
 *   gates.c        channels, and which keys each has
 *   gates_sign.c   requests to sign
 *   gates_uses.c   what each key was used for
 */
#ifndef POSTERN_CERTD_GATES_INTERNAL_H
#define POSTERN_CERTD_GATES_INTERNAL_H

#include <sys/queue.h>

#include "certd/audit.h"
#include "certd/gates.h"
#include "certd/slots.h"

struct gate {
	TAILQ_ENTRY(gate) entry;
	struct gates *gates;
	struct ipc_channel *channel;
	struct audit_channel audit;
	unsigned number;
	struct rate rate;
	bool any;
	bool weak;
	char host[HOST_NAME_SIZE];
	size_t listener_count;
	struct gc_listener listeners[CERTD_LISTENERS_MAX];
	struct slots slots;
};
TAILQ_HEAD(gate_list, gate);

/* What a key was used for on channels that have ended. */
struct past {
	STAILQ_ENTRY(past) entry;
	char name[CERT_NAME_SIZE];
	struct uses uses;
};
STAILQ_HEAD(past_list, past);

struct gates {
	struct event_base *base;
	const struct vault *vault;
	const struct relays *relays; /* or NULL */
	const struct gc_ticket_keys *tickets;
	void (*empty)(void *);
	void *arg;
	bool open;
	size_t count;
	struct gate_list list;
	struct past_list past;
};

/* gates_sign.c: what gates ask for; CONTEXT is the struct gate. Ends with {0, NULL}. */
extern const struct ipc_handler gate_handlers[];

/* gates_uses.c: the counts of a channel that ends outlive it; and all are forgotten. */
void uses_keep(struct gates *, const struct slot *);
void uses_forget(struct gates *);

#endif
