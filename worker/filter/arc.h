/* SPDX-License-Identifier: ISC */
/*
 * arc - the sets of an Authenticated Received Chain (RFC 8617) in a message's header: whether they
 * are a chain, what its seals are of, and what a set says of the mail. Pure; stage_arc.c looks up
 * the keys. Nothing is sealed here.
 */
#ifndef POSTERN_WORKER_FILTER_ARC_H
#define POSTERN_WORKER_FILTER_ARC_H

#include "worker/filter/dkim_header.h"
#include "worker/filter/message.h"

#define ARC_SETS_MAX 50 /* 4.2.1 */

enum arc_field { ARC_RESULTS, ARC_MESSAGE, ARC_SEAL, ARC_FIELDS };

/* The fields of one instance: AAR, AMS, AS. */
struct arc_set {
	const struct message_field *fields[ARC_FIELDS];
};

struct arc {
	size_t count; /* 0: the message has no chain */
	struct arc_set sets[ARC_SETS_MAX];
};

/*
 * Collects the sets, as the message came, and looks whether they can be a chain (5.2, steps 1 to
 * 3). NULL, or why the chain has failed.
 */
const char *arc_collect(const struct message *, struct arc *);

/* What the seal of set N (from 0 on) is a signature of (5.1.1). False without memory. */
bool arc_seal_hash(const struct arc *, size_t n, const struct dkim_signature *seal,
		   uint8_t hash[DKIM_HASH_SIZE]);

/*
 * Does the AAR of a set, as its VALUE came, say "dmarc=pass"? Then OUT is its header.from, as
 * DNS has it: lower case, A-labels; false too if it names none.
 */
bool arc_dmarc_passed(struct mime_text value, char out[HOST_NAME_SIZE]);

#endif
