/* SPDX-License-Identifier: ISC */
/*
 * notice - mails of the server's own to the postmaster: a certificate is about to expire.
 *
 * Each is sent once: what it is about is written down together with the mail, in one transaction,
 * so neither a restart nor a crash sends it twice or loses it.
 */
#ifndef POSTERN_WORKER_QUEUE_NOTICE_H
#define POSTERN_WORKER_QUEUE_NOTICE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/proto/master_queue.h"

struct queue;

#define NOTICE_SIZE 8192
#define NOTICE_NAME_SIZE 128

/*
 * Sends the mail, if that has not been done. Later, if it can't be now: the master asks again.
 * Returns 0, or -1 if it is nothing the master would say.
 */
int notice_take(struct queue *, const struct mq_notice *, const char *listeners, size_t length);

/* -- Pure functions (notice_text.c) ------------------------------------------------- */

/* What it is remembered by. */
void notice_name(const struct mq_notice *, char out[NOTICE_NAME_SIZE]);
/* The same as a number, not 0, for its transaction and its Message-ID. */
uint32_t notice_number(const char *name);

/*
 * The whole mail (RFC 5322; Auto-Submitted, RFC 3834 5), written at NOW on HOSTNAME. Returns its
 * length.
 */
size_t notice_text(const struct mq_notice *, const char *listeners, const char *hostname,
		   time_t now, char out[NOTICE_SIZE]);

#endif
