/* SPDX-License-Identifier: ISC */
/*
 * mime/charset - text of the charsets that mails are written in as UTF-8, by tables of Postern's
 * own.
 *
 * Not iconv(3): glibc loads a shared object for each charset when it is first asked for, which a
 * session process must not do behind its sandbox (files to read, code to map), and which costs,
 * done for the 15 most wanted ones before the sandbox closes, 250 KiB of memory that every process
 * has for itself, and 5 ms of its start. These tables are constants: 200 KiB of the program file,
 * read in only where they are used, and there once for all processes.
 */
#ifndef POSTERN_COMMON_MIME_CHARSET_H
#define POSTERN_COMMON_MIME_CHARSET_H

#include <stdint.h>

#include "common/mime/out.h"

struct mime_decoding;

/* A charset, and where in a text one is (ISO-2022-JP and UTF-16 have states). */
struct mime_charset {
	const struct mime_decoding *decoding;
	const uint16_t *table;
	unsigned state;
	uint32_t high, bits; /* of UTF-16, UTF-7: what is not whole yet */
	unsigned bit_count;
};

/* Opens the charset of that name, whatever its case. False: not known. Nothing to close. */
bool mime_charset_open(struct mime_charset *, struct mime_text name);

/*
 * For text that says nothing of its charset, or something unknown: UTF-8, and octets that are none
 * are windows-1252's, since that is what such mails have.
 */
void mime_charset_guess(struct mime_charset *);

/* The charset of a text part with that header. 0, or -1 if there is no memory. */
int mime_charset_of(struct mime_text header, struct mime_charset *);

/*
 * Appends BYTES as UTF-8. What is no character becomes U+FFFD; NUL is left out. At most three
 * octets come of one. LAST false: an incomplete character at the end is left for the next call.
 * Returns how many octets were taken.
 */
size_t mime_charset_convert(struct mime_charset *, const char *bytes, size_t length, bool last,
			    struct mime_out *);

#endif
