/* SPDX-License-Identifier: ISC */
/*
 * Whatever comes in, what goes out has no bare CR or LF and no NUL, is not much longer, and is the
 * same if all was lines of text already.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mime/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
	char *text;
	size_t length, room;
};

static int
keep(const char *bytes, size_t length, void *arg)
{
	struct result *result = arg;

	if (length > result->room - result->length)
		abort();
	memcpy(result->text + result->length, bytes, length);
	result->length += length;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A line end for each octet, and a header for each part, which has four octets at least. */
	struct result result = {.room = size * 24 + 1024};
	char *copy = malloc(size + 1);
	const char *in = (const char *)data;

	memcpy(copy, in, size);
	result.text = malloc(result.room);
	if (mime_to_lines(copy, size, keep, &result) == -1)
		abort();
	for (size_t i = 0; i < result.length; i++) {
		char c = result.text[i];

		if (c == '\0' || (c == '\n' && (i == 0 || result.text[i - 1] != '\r')) ||
		    (c == '\r' && (i + 1 == result.length || result.text[i + 1] != '\n')))
			abort();
	}
	/* Too short to say that anything is binary. */
	if (size < sizeof("Content-Transfer-Encoding:binary") - 1 && mime_is_lines(in, size) &&
	    (result.length != size || memcmp(result.text, in, size) != 0))
		abort();
	free(copy);
	free(result.text);
	return 0;
}
