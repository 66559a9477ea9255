/* SPDX-License-Identifier: ISC */
/*
 * What the files behind certd.h share:
 *
 *   certd.c     the process: its parts, its timers
 *   control.c   what the master says
 */
#ifndef POSTERN_CERTD_CERTD_INTERNAL_H
#define POSTERN_CERTD_CERTD_INTERNAL_H

#include "certd/admin.h"
#include "certd/certd.h"
#include "certd/gates.h"

struct certd {
	struct child *child;
	bool draining;
	bool first;                /* make a certificate if there is none */
	char host[HOST_NAME_SIZE]; /* "": nobody serves yet */
	struct admin_target target;
	struct gc_ticket_keys *tickets;
	struct keygen *keygen;
	struct gates *gates;
	struct relays *relays;
	struct admins *admins;
	bool reported;
	char report[CERT_NAME_SIZE]; /* what the master knows to be self-signed; "": nothing */
	struct event *every_minute;
	struct event *every_hour;
	struct event *tell;    /* the master is to be told of the certificates */
	int64_t expiry_looked; /* when expiry_check() was last called */
};

/* A vault_changed_fn; ARG is the struct certd. */
void certd_changed(const struct vault_entry *, void *arg);

/* control.c: ends with {0, NULL}. */
extern const struct ipc_handler certd_handlers[];

#endif
