/* SPDX-License-Identifier: ISC */
/* envelope - what queue wants to have sent, QR_SEND, as typed values. Pure. */
#ifndef POSTERN_WORKER_RELAY_ENVELOPE_H
#define POSTERN_WORKER_RELAY_ENVELOPE_H

#include "common/proto/queue_relay.h"
#include "worker/relay/client.h"

#define ENVELOPE_PREFIX_SIZE (PATH_SIZE + 32)

struct envelope {
	char domain[HOST_NAME_SIZE];       /* of all recipients */
	char delivered_to[PATH_SIZE];      /* the alias that leads it out, or "" */
	char prefix[ENVELOPE_PREFIX_SIZE]; /* mail's: its Delivered-To: field */
	struct client_mail mail;           /* its recipients are those below, all PENDING */
	char *text;                        /* what its paths point into */
	struct client_recipient recipients[];
};

/*
 * From the message's fixed part and its tail. NULL if it is nothing that queue would say, or
 * without memory; free it with envelope_free().
 */
struct envelope *envelope_new(const struct qr_send *, const char *tail, size_t length);
void envelope_free(struct envelope *);

#endif
