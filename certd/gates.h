/* SPDX-License-Identifier: ISC */
/*
 * gates - the channels to gates (gate_certd.h), each with the keys it may use (slots.h).
 */
#ifndef POSTERN_CERTD_GATES_H
#define POSTERN_CERTD_GATES_H

#include "certd/custody.h"
#include "certd/vault.h"
#include "common/proto/gate_certd.h"
#include "common/proto/master_certd.h"

#define GATE_NAMES_MAX CERTD_NAMES_COUNT

/* The keys a channel may use: those that the gate's listeners can choose (master_certd.h). */
struct gate_keys {
	bool any;                 /* every server's key, those to come too */
	bool weak;                /* RSA below 2048 bits too */
	const char *host;         /* "": none; else those for this name, or else the only one */
	const char *const *names; /* 0..GATE_NAMES_MAX of them */
	size_t count;
	const struct gc_listener *listeners; /* at which its handshakes are, LISTENER_COUNT */
	size_t listener_count;
};

struct event_base;
struct gates;
struct relays;

/* VAULT and TICKETS stay the caller's. EMPTY (may be NULL) is called when the last channel ended.
 */
struct gates *gates_new(struct event_base *, const struct vault *, const struct gc_ticket_keys *,
			void (*empty)(void *), void *arg);
void gates_free(struct gates *); /* NULL is fine */

/*
 * Opens a channel on FD (taken) for gate NUMBER, which may use these keys and no others (copied).
 * Everything is sent at once if gates_open() was called. Returns 0, or -1 with ERR filled.
 */
int gates_add(struct gates *, int fd, unsigned number, const struct gate_keys *, struct error *);

/*
 * What relay has is no gate's, but if a listener names it, or it bears the name of a channel's
 * host: only then it has been given to both.
 */
void gates_spare(struct gates *, const struct relays *);
/* Relay's keys are others now. */
void gates_refresh(struct gates *);

/* The vault is loaded: all channels, and those to come, get their certificates and ticket keys. */
void gates_open(struct gates *);

/*
 * A vault_changed_fn: tells every gate that may use this key, or could until now. A key that no
 * rule of a channel covers any more is taken from it.
 */
void gates_announce(const struct vault_entry *, void *gates);

/* Does a gate have a listener of whose own this is: that names it, or that would take it? */
bool gates_need(const struct gates *, const struct vault_entry *);

/* The ticket keys have changed. */
void gates_send_tickets(struct gates *);

/* Writes the summaries of the audit log. */
void gates_audit(struct gates *);

/*
 * What the key NAME was used for since certd began: calls EACH for every channel and listener, GATE
 * being its number, or GATE_ENDED for all channels that have ended, or GATE_OTHERS for those beyond
 * the first GATE_USES_MAX.
 */
#define GATE_ENDED UINT32_MAX
#define GATE_OTHERS (UINT32_MAX - 1)
#define GATE_USES_MAX 1000
typedef void gates_use_fn(uint32_t gate, const struct use *, void *arg);
void gates_each_use(const struct gates *, const char *name, gates_use_fn *each, void *arg);

size_t gates_count(const struct gates *);

#endif
