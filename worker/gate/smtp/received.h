/* SPDX-License-Identifier: ISC */
/* received - our own Received: field (RFC 5321 4.4), put in front of each message. Pure. */
#ifndef POSTERN_WORKER_GATE_SMTP_RECEIVED_H
#define POSTERN_WORKER_GATE_SMTP_RECEIVED_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "common/address.h"
#include "common/proto/gate_queue.h"

/* Enough for each part at its longest. */
#define RECEIVED_FIELD_SIZE 2048
#define RECEIVED_DATE_SIZE 80

struct received {
	const char *helo; /* a Domain or address-literal, as the client said it; NULL: nothing is
			   * said of where it came from */
	const struct peer *peer;
	const char *hostname;    /* ours */
	const char *protocol;    /* RFC 3848: "ESMTPS" */
	const char *tls_version; /* or NULL */
	const char *tls_cipher;  /* or NULL */
	const char *queue_id;
	const char *recipient; /* a Mailbox, only if it is the only one (RFC 5321 7.6); or NULL */
	time_t when;
};

/* The address-literal of PEER (RFC 5321 4.1.3), with its brackets. */
void received_literal(const struct peer *, char out[HOST_NAME_SIZE]);

/* A date-time (RFC 5322 3.3) in UTC. */
void received_date(time_t when, char out[RECEIVED_DATE_SIZE]);

/* The with clause's protocol type: RFC 3848, RFC 5321 4.4, RFC 6531 4.3. */
const char *received_protocol(bool extended, bool tls, bool authenticated, bool utf8);

/*
 * Writes the field, folded, with its CRLF. Returns its length.
 */
size_t received_format(const struct received *, char out[RECEIVED_FIELD_SIZE]);

#endif
