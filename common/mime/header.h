/* SPDX-License-Identifier: ISC */
/*
 * mime/header - the header of a message or of a part of one (RFC 5322 2.2), field by field. Pure
 * functions over bytes that a stranger wrote: lines may end with CRLF or with LF, anything may be
 * missing.
 */
#ifndef POSTERN_COMMON_MIME_HEADER_H
#define POSTERN_COMMON_MIME_HEADER_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes inside of others; no NUL behind them. */
struct mime_text {
	const char *at;
	size_t length;
};

struct mime_field {
	struct mime_text name;  /* length 0: a line that is no field */
	struct mime_text value; /* still folded; no blanks around it */
	struct mime_text whole; /* with its line end */
};

/*
 * The next field from *AT on, which goes behind it. False at the end of the header: at an empty
 * line, which *AT then is behind, or at LENGTH.
 */
bool mime_next_field(const char *bytes, size_t length, size_t *at, struct mime_field *);

/* Is TEXT this word, whatever the case of ASCII letters? */
bool mime_is(struct mime_text, const char *word);

/* The first field of that name: true, and its value. */
bool mime_find_field(const char *bytes, size_t length, const char *name, struct mime_text *value);

/*
 * Unfolds (RFC 5322 2.2.3): drops line ends, and NULs, which no protocol could show. OUT has
 * value.length bytes of room. Returns how many it used.
 */
size_t mime_unfold(struct mime_text value, char *out);

#endif
