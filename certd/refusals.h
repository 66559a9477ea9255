/* SPDX-License-Identifier: ISC */
/* refusals - which names of the certs folder certd does not use, and why: for posternctl to show.
 */
#ifndef POSTERN_CERTD_REFUSALS_H
#define POSTERN_CERTD_REFUSALS_H

#include <sys/queue.h>

#include "common/error.h"
#include "common/proto/types.h"

#define REFUSALS_MAX 256 /* the log has the others */

struct refusal {
	STAILQ_ENTRY(refusal) entry;
	char name[CERT_NAME_SIZE];
	char why[ERROR_MAX];
};
STAILQ_HEAD(refusal_list, refusal);

struct refusals {
	struct refusal_list list;
	size_t count;
};

void refusals_init(struct refusals *);

/* NAME (cut, if it is none) is refused for this reason, instead of what was said of it before. */
void refusals_set(struct refusals *, const char *name, const char *why);

/* NAME is fine; NULL: all are. */
void refusals_clear(struct refusals *, const char *name);

/* NULL if it is not refused. */
const struct refusal *refusals_find(const struct refusals *, const char *name);

#endif
