/* SPDX-License-Identifier: ISC */
/* mime/decode - transfer encodings undone (RFC 2045 6), a piece at a time. */
#ifndef POSTERN_COMMON_MIME_DECODE_H
#define POSTERN_COMMON_MIME_DECODE_H

#include <stdint.h>

#include "common/mime/structure.h"

struct mime_decoder {
	enum mime_encoding encoding;
	uint32_t bits; /* base64: what is not whole yet */
	unsigned bit_count;
	char held[4]; /* quoted-printable: an escape that is not whole, or blanks */
	unsigned held_count;
};

/* MIME_OTHER_ENCODING is taken as it is: RFC 3516 answers UNKNOWN-CTE instead; that's the caller's.
 */
void mime_decoder_open(struct mime_decoder *, enum mime_encoding);

/* How much room mime_decode() needs for LENGTH octets. */
#define MIME_DECODED_MAX(length) ((length) + 8)

/*
 * Decodes LENGTH octets; returns how many there are in OUT (which may be NULL: they are only
 * counted). What can't be decoded is left out (base64) or left as it is (quoted-printable).
 */
size_t mime_decode(struct mime_decoder *, const char *in, size_t length, char *out);
/* What is left at the end: at most 8 octets. */
size_t mime_decode_end(struct mime_decoder *, char *out);

/* The size of a part's body when decoded: BINARY.SIZE (RFC 3516 4.3). */
uint64_t mime_decoded_size(struct mime_text body, enum mime_encoding);

#endif
