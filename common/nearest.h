/* SPDX-License-Identifier: ISC */
/* nearest - which known word a mistyped one was probably meant to be. */
#ifndef POSTERN_COMMON_NEAREST_H
#define POSTERN_COMMON_NEAREST_H

#include <stddef.h>

#define NEAREST_WORD_MAX 320 /* longer words are near nothing */

/*
 * The least number of insertions, deletions, substitutions of one byte and exchanges of two
 * neighbours that turn A into B; SIZE_MAX if one of them is longer than NEAREST_WORD_MAX.
 */
size_t nearest_distance(const char *a, const char *b);

/*
 * The word of WORDS (ends with NULL) nearest to WORD, or NULL if none is near enough to be worth
 * naming: at most one change for three bytes of WORD, and at least one.
 */
const char *nearest_word(const char *word, const char *const *words);

/* Whether a word at that distance of WORD is worth naming. */
int nearest_enough(const char *word, size_t distance);

#endif
