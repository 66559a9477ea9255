/* SPDX-License-Identifier: ISC */
/*
 * claims - takes fields out of the header of a message, as it comes, that say this server wrote
 * them: Authentication-Results with its name, or with one that can't be read (RFC 8601 5), and
 * Return-Path (RFC 5321 4.4). For mails of users, and of strangers whose mail filter does not look
 * at. Pure: bytes in, bytes out.
 *
 * Lines pass as soon as they are known to be no such field; of one that may be, the first
 * CLAIMS_FIELD_MAX octets are kept, and decide. Up to the empty line a line that is no field
 * passes, too.
 */
#ifndef POSTERN_WORKER_GATE_SMTP_CLAIMS_H
#define POSTERN_WORKER_GATE_SMTP_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>

#define CLAIMS_NAME_MAX 256   /* of a field, with the blanks behind it and the colon */
#define CLAIMS_FIELD_MAX 8192 /* far more than the name of a server takes, with comments */

enum claims_state {
	CLAIMS_LINE, /* at the start of a line of the header */
	CLAIMS_NAME, /* in what may be a field's name, or behind it */
	CLAIMS_REST, /* in the rest of a line */
	CLAIMS_BODY,
};

/* What becomes of the field that the lines are of. */
enum claims_fate { CLAIMS_KEEP, CLAIMS_DROP, CLAIMS_HOLD };

typedef void claims_out_fn(void *arg, const char *bytes, size_t length);

struct claims {
	enum claims_state state;
	enum claims_fate fate;
	const char *hostname; /* ours; it must outlive the message */
	claims_out_fn *out;
	void *arg;
	unsigned removed; /* fields of Authentication-Results */
	size_t held;      /* octets of the name, not yet passed on */
	char name[CLAIMS_NAME_MAX];
	char *field; /* what is held; NULL: no such field has come yet */
	size_t length;
};

void claims_init(struct claims *, const char *hostname, claims_out_fn *out, void *arg);

/* The next bytes of the message; OUT gets what is known to stay. */
void claims_next(struct claims *, const char *bytes, size_t length);

/* The message is over. */
void claims_end(struct claims *);

/* Frees what it keeps; NULL is fine. */
void claims_clear(struct claims *);

#endif
