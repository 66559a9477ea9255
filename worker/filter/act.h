/* SPDX-License-Identifier: ISC */
/* act - what the configuration wants done with a mail, by a method's result. */
#ifndef POSTERN_WORKER_FILTER_ACT_H
#define POSTERN_WORKER_FILTER_ACT_H

#include "worker/filter/stages.h"

/* Does what filter.METHOD.RESULT says; WHY is for the log, and, printable, for who is refused. */
void check_act(struct check *, enum filter_event, const char *why);

#endif
