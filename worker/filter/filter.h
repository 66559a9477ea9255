/* SPDX-License-Identifier: ISC */
/*
 * filter - the parts of the filter role and how they hang together.
 *
 *   filter     the role: settings, the channel to queue (filter.c)
 *   checks     mails as queue tells of them; the verdict (checks.c)
 *   check      one mail: its stages, and what they say (check.c)
 *   rewrite    the changed message (rewrite.c)
 *   stages     the table; each stage is in a file of its own
 *   message, results: pure
 */
#ifndef POSTERN_WORKER_FILTER_FILTER_H
#define POSTERN_WORKER_FILTER_FILTER_H

#include <sys/queue.h>

#include "worker/filter/results.h"
#include "worker/filter/stages.h"

/* -- checks.c --------------------------------------------------------------------- */

/* What queue says; context: struct filter *. */
extern const struct ipc_handler checks_handlers[];
/* Forgets all of them: nobody waits for a verdict any more. */
void checks_drop(struct filter *);

/* -- check.c ---------------------------------------------------------------------- */

enum check_time {
	TIME_LEFT,
	TIME_OVER, /* for stages that wait for others */
	TIME_OUT,  /* for all that wait */
};

struct check_private {
	struct check check;
	LIST_ENTRY(check_private) entry;
	uint32_t request;       /* of QF_CHECK: 0 until it came */
	char *recipients;       /* check.recipients */
	size_t recipients_size; /* octets of it */
	size_t stage;           /* index of the running one in stages[] */
	bool running;           /* it has not called check_next() */
	struct event *next;
	struct event *deadline;
	enum check_time time;
	struct qf_verdict verdict;
	struct results results;
	uint32_t room; /* the request for a file, or 0 */
	uint64_t came; /* octets of the message as it came */
};

/* Begins with the stages: the message is there. They end with check_finish(). -1 without memory. */
int check_start(struct check_private *);
/* Cancels what runs, and frees it. */
void check_free(struct check_private *);

/* -- rewrite.c -------------------------------------------------------------------- */

/* Sends the verdict, with the message if it has changed; then the check is gone. */
void check_finish(struct check_private *);

/* -- The stages, in files of their own ---------------------------------------------- */

extern const struct stage stage_foreign;   /* foreign.c */
extern const struct stage stage_spf;       /* stage_spf.c */
extern const struct stage stage_arc;       /* stage_arc.c */
extern const struct stage stage_dmarc;     /* stage_dmarc.c */
extern const struct stage stage_dkim;      /* dkim.c */
extern const struct stage stage_seven_bit; /* stage_seven_bit.c */
extern const struct stage stage_sign;      /* sign.c */
extern const struct stage stage_results;   /* stages.c */
extern const struct stage stage_host;      /* stage_host.c */
extern const struct stage stage_milters;   /* milters.c */

#endif
