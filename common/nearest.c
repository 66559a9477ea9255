/* SPDX-License-Identifier: ISC */
#include "common/nearest.h"

#include <stdint.h>
#include <string.h>

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Optimal string alignment distance, three rows of it at a time. */
size_t
nearest_distance(const char *a, const char *b)
{
	size_t rows[3][NEAREST_WORD_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];
	size_t la = strlen(a), lb = strlen(b);

	if (la > NEAREST_WORD_MAX || lb > NEAREST_WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= lb; j++)
		last[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *spare = before;

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t change = last[j - 1] + (a[i - 1] != b[j - 1]);

			row[j] = least(change, least(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		before = last;
		last = row;
		row = spare;
	}
	return last[lb];
}

int
nearest_enough(const char *word, size_t distance)
{
	size_t changes = strlen(word) / 3;

	return distance <= (changes == 0 ? 1 : changes);
}

const char *
nearest_word(const char *word, const char *const *words)
{
	const char *best = NULL;
	size_t best_distance = SIZE_MAX;

	for (; *words != NULL; words++) {
		size_t distance = nearest_distance(word, *words);

		if (distance < best_distance) {
			best = *words;
			best_distance = distance;
		}
	}
	return best != NULL && nearest_enough(word, best_distance) ? best : NULL;
}
