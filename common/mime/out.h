/* SPDX-License-Identifier: ISC */
/*
 * mime/out - bytes that grow. Everything that makes text of a message writes into one; what fails
 * (no memory) is remembered, so that only the last step has to ask.
 */
#ifndef POSTERN_COMMON_MIME_OUT_H
#define POSTERN_COMMON_MIME_OUT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/mime/header.h"

/* All zero is an empty one. */
struct mime_out {
	char *at; /* no NUL behind it */
	size_t length, size;
	bool failed; /* no memory: nothing is appended any more */
};

void mime_out_bytes(struct mime_out *, const void *bytes, size_t length);
void mime_out_text(struct mime_out *, const char *text);
void mime_out_number(struct mime_out *, unsigned long long number);
static inline void
mime_out_char(struct mime_out *out, char c)
{
	if (out->length < out->size)
		out->at[out->length++] = c;
	else
		mime_out_bytes(out, &c, 1);
}

/* Room for COUNT more bytes behind what is there; NULL if there is no memory. */
char *mime_out_room(struct mime_out *, size_t count);

/*
 * An nstring (RFC 9051 9) of bytes a stranger wrote: NIL if at is NULL, quoted where it can be
 * (RFC 9051 allows UTF-8 there; what is 8-bit and not UTF-8, or holds CR or LF, is a literal), and
 * without NULs, which no string can have.
 */
void mime_out_nstring(struct mime_out *, struct mime_text);

/* Frees what it holds; it is an empty one then. */
void mime_out_free(struct mime_out *);

#endif
