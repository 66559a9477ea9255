/* SPDX-License-Identifier: ISC */
/* dkim_tags - tag-lists (RFC 6376 3.2): of signatures, of keys, and of ARC's sets. Pure. */
#ifndef POSTERN_WORKER_FILTER_DKIM_TAGS_H
#define POSTERN_WORKER_FILTER_DKIM_TAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/mime/header.h"

#define DKIM_TAGS_MAX 32     /* of one list */
#define DKIM_OCTETS_MAX 2048 /* that a value is base64 of */

struct dkim_tag {
	struct mime_text name;  /* as it stands: tag names are case-sensitive */
	struct mime_text value; /* without blanks around it; may be folded */
	struct mime_text raw;   /* all between the "=" and the ";", or the end */
};

struct dkim_tags {
	size_t count;
	struct dkim_tag tags[DKIM_TAGS_MAX];
};

/*
 * Takes a list apart. False if it is none: a tag without a name or "=", one that comes twice, more
 * than DKIM_TAGS_MAX.
 */
bool dkim_tags_parse(struct mime_text list, struct dkim_tags *);

/* The value of a tag, or NULL if it is not there. */
const struct mime_text *dkim_tag(const struct dkim_tags *, const char *name);

/* Is the value this word, whatever the case of ASCII letters? */
bool dkim_tag_is(const struct mime_text *value, const char *word);

/*
 * The value's base64 without the blanks that may be in it, decoded into at most SIZE octets of OUT,
 * of which no more than DKIM_OCTETS_MAX are used. False if it is none, empty, or longer.
 */
bool dkim_tag_base64(const struct mime_text *value, uint8_t *out, size_t size, size_t *length);

/* The value as a number of at most 20 digits; false if it is none. */
bool dkim_tag_number(const struct mime_text *value, uint64_t *number);

/*
 * The next word of a list with SEPARATOR (":" in h=) from *AT on, without blanks around it; *AT
 * begins with 0. False at the end.
 */
bool dkim_next_word(const struct mime_text *value, char separator, size_t *at,
		    struct mime_text *word);

#endif
