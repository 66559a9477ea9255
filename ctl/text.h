/* SPDX-License-Identifier: ISC */
/* text - what others have written, in UTF-8 (RFC 3629), as it may be shown on a terminal. */
#ifndef POSTERN_CTL_TEXT_H
#define POSTERN_CTL_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The bytes of the character that TEXT begins with, and its code point; 0 and U+FFFD if it is none
 * (RFC 3629 4). */
size_t text_character(const unsigned char *text, uint32_t *code);

/*
 * For people: a '?' for each byte that is no UTF-8, each control character, also those that turn
 * the direction of what follows (Unicode's UAX 9), and, where the locale is not of UTF-8, each
 * character beyond ASCII.
 */
void text_print(FILE *, const char *text);

#endif
