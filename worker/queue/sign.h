/* SPDX-License-Identifier: ISC */
/* sign - has certd sign mails that leave (queue_certd.h), for filter's checks. */
#ifndef POSTERN_WORKER_QUEUE_SIGN_H
#define POSTERN_WORKER_QUEUE_SIGN_H

#include <stdbool.h>

#include "common/proto/queue_certd.h"

struct queue;
struct signer;

struct signer *signer_new(struct queue *);
void signer_free(struct signer *);

/* Takes a new channel to certd in place of the old one. */
int signer_open(struct signer *, int fd);

/* Are there any keys, as far as certd has said? */
bool signer_has_keys(const struct signer *);

/*
 * Asks for signatures of what QF_SIGN says, whose tail comes along. DONE is called once, from the
 * loop, unless signer_forget() comes first: with FIELDS, or NULL if there are none for now. NULL if
 * certd can't be asked. The answer comes, or the channel's end: a new channel is not waited for.
 */
struct wish;
typedef void signer_done_fn(const char *fields, size_t length, void *arg);
struct wish *signer_ask(struct signer *, const struct qf_sign *, const char *tail, size_t length,
			signer_done_fn *done, void *arg);
void signer_forget(struct wish *); /* NULL is fine */

#endif
