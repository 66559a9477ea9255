/* SPDX-License-Identifier: ISC */
/*
 * sts_fetch - gets a domain's MTA-STS policy from its web server (RFC 8461 3.3), which must have a
 * certificate of an authority for its name. No redirect is followed.
 */
#ifndef POSTERN_WORKER_RELAY_STS_FETCH_H
#define POSTERN_WORKER_RELAY_STS_FETCH_H

#include <openssl/types.h>
#include <stdint.h>

#include "worker/relay/sts_policy.h"

struct event_base;
struct resolver;
struct sts_fetch;

#define STS_FETCH_SECONDS 60 /* for all of it, as 3.3 has it */

/* POLICY, there during the call only; or NULL, and WHY. */
typedef void sts_fetched_fn(const struct sts_policy *policy, const char *why, void *arg);

/*
 * Fetches DOMAIN's policy at PORT. DONE is called from the loop, never from here, once, unless
 * sts_fetch_drop() comes first; with it the fetch ends. NULL without memory.
 */
struct sts_fetch *sts_fetch(struct event_base *, struct resolver *, SSL_CTX *, uint16_t port,
			    const char *domain, sts_fetched_fn *done, void *arg);
void sts_fetch_drop(struct sts_fetch *); /* NULL is fine */

#endif
