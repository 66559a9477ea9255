/* SPDX-License-Identifier: ISC */
/* result - what queue is told of a recipient. Pure. */
#ifndef POSTERN_WORKER_RELAY_RESULT_H
#define POSTERN_WORKER_RELAY_RESULT_H

#include "common/proto/queue_relay.h"
#include "worker/relay/client.h"

/*
 * Of a recipient as the last host has left it. WHY: the reply to no recipient in particular that
 * those have who are PENDING, code 0 if there was none. HOST: who was asked, NULL: nobody.
 *
 * The enhanced status is the server's own where its class (RFC 3463 3.1) is the outcome's. A host
 * that wants nothing to do with us ("554 5.7.1" at the greeting) does not end the mail: its status
 * is then of class 4, with the same subject and detail; `enhanced`, the code and the text stay what
 * it said.
 */
void result_of(const struct client_recipient *, const struct reply *why, const char *host,
	       struct qr_recipient *);

#endif
