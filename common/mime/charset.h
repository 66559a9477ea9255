/* SPDX-License-Identifier: ISC */
/* mime/charset - text of any charset as UTF-8. */
#ifndef POSTERN_COMMON_MIME_CHARSET_H
#define POSTERN_COMMON_MIME_CHARSET_H

#include "common/mime/out.h"

struct mime_charset;

/* The charset of that name, whatever its case. NULL: not known. Nothing to close. */
const struct mime_charset *mime_charset_find(struct mime_text name);

/*
 * Appends BYTES as UTF-8. What is no character becomes U+FFFD. At most three (UTF-8) octets come of
 * one. LAST false: an incomplete character at the end is left for the next call; returns how many
 * octets were taken.
 */
size_t mime_charset_convert(const struct mime_charset *, const char *bytes, size_t length,
			    bool last, struct mime_out *);

/* Before the first sandbox closes: opens what can't be opened behind it. */
void mime_charset_prepare(void);

#endif
