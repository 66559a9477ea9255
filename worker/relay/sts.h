/* SPDX-License-Identifier: ISC */
/*
 * sts - the MTA-STS policies of domains (RFC 8461 3.3, 5.1): asked of DNS whether there is another,
 * fetched if so, and kept as long as they say.
 *
 * A policy that is kept counts until its time is over, whatever DNS and the web server say or don't
 * say meanwhile: who can silence them can't take it away.
 */
#ifndef POSTERN_WORKER_RELAY_STS_H
#define POSTERN_WORKER_RELAY_STS_H

#include <openssl/types.h>
#include <stdint.h>

#include "worker/relay/sts_policy.h"

struct event_base;
struct resolver;
struct sts;
struct sts_question;

#define STS_KEPT_MAX 2000     /* policies; of more the one not asked for longest is forgotten */
#define STS_RETRY_SECONDS 300 /* after a fetch that failed */

/* Policies are fetched at PORT (443); all of them stay the caller's. NULL without memory. */
struct sts *sts_new(struct event_base *, struct resolver *, SSL_CTX *, uint16_t port);

/* A policy that was fetched, to be kept by whoever lives longer; ID is its record's. */
typedef void sts_keep_fn(const char *domain, const char *id, const struct sts_policy *, void *arg);
void sts_keep(struct sts *, sts_keep_fn *keep, void *arg);
/* One that was kept counts for so many SECONDS more, unless another is known already. */
void sts_remember(struct sts *, const char *domain, const char *id, const struct sts_policy *,
		  uint32_t seconds);

/*
 * The policy of DOMAIN. DONE is called from the loop, never from here, once, unless sts_forget()
 * comes first: with NULL if there is none; it is there during the call only. KNOWN: it is what the
 * domain says; else there may be one, or another, that can't be had for now. NULL without memory.
 */
typedef void sts_done_fn(const struct sts_policy *, bool known, void *arg);
struct sts_question *sts_ask(struct sts *, const char *domain, sts_done_fn *done, void *arg);
void sts_forget(struct sts_question *); /* NULL is fine */

#endif
