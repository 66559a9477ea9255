/* SPDX-License-Identifier: ISC */
/*
 * audit - every use of a key is counted, per key and per channel, and reaches the log as a summary
 * a minute; every refusal is counted, and the first few of a minute have a line of their own. What
 * a gate does can't flood the log.
 */
#ifndef POSTERN_CERTD_AUDIT_H
#define POSTERN_CERTD_AUDIT_H

#include "common/proto/gate_certd.h"

#define AUDIT_INTERVAL 60     /* seconds between summaries */
#define AUDIT_REFUSALS_MAX 10 /* lines a channel and interval */

/* One key's on one channel, since the last summary. */
struct audit_use {
	uint64_t tls13;
	uint64_t tls12;
	uint64_t refused;
};

/* A channel's, since the last summary. */
struct audit_channel {
	uint64_t refused; /* all, with those that named no key */
	uint64_t unnamed; /* named no key of this channel */
};

/* "key", "scheme", ...: what an enum gc_refusal says was wrong. */
const char *audit_refusal_text(int reason);

/*
 * Counts a refusal and logs it if there is room. USE and KEY (its name) are NULL when the request
 * named no key of the channel. WHY (or NULL) is what the library said.
 */
void audit_refused(struct audit_channel *, struct audit_use *, const char *peer, const char *key,
		   uint16_t scheme, int reason, const char *why);

/* Logs what a key was used for, if it was, and starts again from zero. */
void audit_summary(struct audit_use *, const char *peer, const char *key);

/* Ends the interval of a channel, after the summaries of its keys. */
void audit_interval(struct audit_channel *, const char *peer);

#endif
