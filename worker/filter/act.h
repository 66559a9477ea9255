/* SPDX-License-Identifier: ISC */
/* act - what the configuration wants done with a mail, by a method's result. */
#ifndef POSTERN_WORKER_FILTER_ACT_H
#define POSTERN_WORKER_FILTER_ACT_H

#include "worker/filter/stages.h"

/* Does what filter.METHOD.RESULT says, unless the client is exempt; WHY is for the log, and,
 * printable, for who is refused. */
void check_act(struct check *, enum filter_event, const char *why);

/* The same of a result that may be another one later: what would be refused for good comes again.
 */
void check_act_later(struct check *, enum filter_event, const char *why);

/* A stage has no memory for its work: the mail comes again, or goes on without, as filter.failure
 * says. */
void check_no_memory(struct check *, const char *method);
/* The same, of SPF or DKIM: DMARC can't say then that none of them has passed. */
void check_no_evidence(struct check *, const char *method);

#endif
