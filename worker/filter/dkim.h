/* SPDX-License-Identifier: ISC */
/* dkim - keys of signatures, asked for in DNS; shared by DKIM's stage and ARC's. */
#ifndef POSTERN_WORKER_FILTER_DKIM_H
#define POSTERN_WORKER_FILTER_DKIM_H

#include "worker/filter/dkim_signature.h"
#include "worker/filter/stages.h"

/*
 * The key that a reply to the question for dkim_key_name()'s TXT records has. AUTH_PASS, or
 * AUTH_TEMPERROR or AUTH_PERMERROR with *WHY.
 */
enum auth_result dkim_key_of(const struct dns_reply *, struct dkim_key *, const char **why);

/* Is its x= in the past? */
bool dkim_has_expired(const struct dkim_signature *);

/*
 * Is a signature good, by that key, for a header with that hash? The body is the caller's business.
 * AUTH_PASS, or something else with *WHY; AUTH_TEMPERROR: there is no memory.
 */
enum auth_result dkim_judge(const struct dkim_signature *, const struct dkim_key *,
			    const uint8_t header_hash[DKIM_HASH_SIZE], const char **why);

#endif
