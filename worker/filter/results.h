/* SPDX-License-Identifier: ISC */
/* results - Authentication-Results fields (RFC 8601), composed. Pure. */
#ifndef POSTERN_WORKER_FILTER_RESULTS_H
#define POSTERN_WORKER_FILTER_RESULTS_H

#include <stdbool.h>
#include <stddef.h>

#define RESULTS_SIZE 8192

/* A field's value as it grows, folded. */
struct results {
	size_t length;
	size_t column; /* of the line that is being written */
	unsigned count;
	char text[RESULTS_SIZE]; /* NUL-terminated */
};

/* Begins with the authserv-id (a host's name). */
void results_begin(struct results *, const char *id);

/*
 * One resinfo: a method's RESULT, its REASON (or NULL), and COUNT properties, three strings each:
 * ptype, property, value. Values that are no token or address are quoted; what no quoted string may
 * have becomes "?". False, and nothing is added, if there is no room.
 */
bool results_add(struct results *, const char *method, const char *result, const char *reason,
		 const char *const *properties, size_t count);

/* "; none" if nothing was added (RFC 8601 2.2). Returns the value. */
const char *results_end(struct results *);

#endif
