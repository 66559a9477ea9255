/* SPDX-License-Identifier: ISC */
/* base64 - the strict decoder that SASL responses need (RFC 4648 4, RFC 4422 and its profiles), and
 * the encoder of challenges. */
#ifndef POSTERN_COMMON_BASE64_H
#define POSTERN_COMMON_BASE64_H

#include <stddef.h>

/* How many characters N bytes take, and how many bytes N characters stand for at most. */
#define BASE64_ENCODED(n) (((n) + 2) / 3 * 4)
#define BASE64_DECODED(n) ((n) / 4 * 3)

/*
 * Decodes LENGTH characters of TEXT into at most SIZE bytes of OUT (which may be TEXT itself);
 * *DECODED is how many there are. Returns 0, or -1, with parts of OUT overwritten, if TEXT isn't
 * base64 to the letter or too long: no line breaks or spaces, padding to a multiple of four
 * characters, and the bits behind the last byte are zero, so that every value has one encoding
 * (RFC 4648 3.3, 3.5).
 */
int base64_decode(const char *text, size_t length, void *out, size_t size, size_t *decoded);

/* Writes BASE64_ENCODED(LENGTH) characters and a NUL; returns their number. */
size_t base64_encode(const void *bytes, size_t length, char *out);

#endif
