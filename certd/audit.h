/* SPDX-License-Identifier: ISC */
/*
 * audit - what keys are used for reaches the log as a line a minute, a key and a channel; every
 * refusal is counted, and the first few of a minute have a line of their own at once. What a gate
 * does can't flood the log.
 */
#ifndef POSTERN_CERTD_AUDIT_H
#define POSTERN_CERTD_AUDIT_H

#include "certd/custody.h"

#define AUDIT_INTERVAL 60     /* seconds between summaries */
#define AUDIT_REFUSALS_MAX 10 /* lines a channel and interval */

/* A channel's, since the last summary. */
struct audit_channel {
	uint64_t refused; /* all, with those that named no key */
	uint64_t unnamed; /* named no key of this channel */
};

/* "key", "scheme", ...: what an enum gc_refusal says was wrong. */
const char *audit_refusal_text(int reason);

/* A request that was refused. */
struct audit_refusal {
	const char *peer;
	const char *key;                    /* its name; NULL: none of the channel's */
	const struct gc_listener *listener; /* NULL: none of the channel's */
	uint16_t scheme;
	int reason;      /* enum gc_refusal */
	const char *why; /* what the library said, or NULL */
};

/* Counts it and logs it if there is room. USES are the key's, or NULL. */
void audit_refused(struct audit_channel *, struct uses *, const struct audit_refusal *);

/* Logs what a key was used for, if it was, and starts again from zero. */
void audit_summary(struct uses *, const char *peer, const char *key);

/* Ends the interval of a channel, after the summaries of its keys. */
void audit_interval(struct audit_channel *, const char *peer);

#endif
