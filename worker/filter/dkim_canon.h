/* SPDX-License-Identifier: ISC */
/* dkim_canon - the canonical forms of header and body (RFC 6376 3.4). Pure. */
#ifndef POSTERN_WORKER_FILTER_DKIM_CANON_H
#define POSTERN_WORKER_FILTER_DKIM_CANON_H

#include "worker/filter/dkim_signature.h"

/*
 * Writes a field in its canonical form, its CRLF too, to OUT, which has room for WHOLE.length + 2
 * octets. WHOLE is the field as it came. Returns how many octets that is.
 */
size_t dkim_canon_field(enum dkim_canon, struct mime_text whole, char *out);

/* The body, in pieces of any size. */
typedef void dkim_emit_fn(void *arg, const void *octets, size_t length);
#define DKIM_BUFFER 4096
struct dkim_body {
	enum dkim_canon canon;
	bool limited;
	uint64_t limit; /* of what is emitted, by l= */
	uint64_t size;  /* canonical octets so far, also behind the limit */
	uint64_t lines; /* line ends that wait for text behind them */
	bool cr, blank;
	dkim_emit_fn *emit;
	void *arg;
	size_t used;
	char buffer[DKIM_BUFFER];
};

/* What is canonical goes to EMIT, at most LIMIT octets if it is LIMITED. */
void dkim_body_begin(struct dkim_body *, enum dkim_canon, bool limited, uint64_t limit,
		     dkim_emit_fn *emit, void *arg);
void dkim_body_add(struct dkim_body *, const char *octets, size_t length);
/* The end: body->size is how long the whole is. */
void dkim_body_end(struct dkim_body *);

#endif
