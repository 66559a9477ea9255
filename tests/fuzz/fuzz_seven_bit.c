/* SPDX-License-Identifier: ISC */
/*
 * Whatever a message is, what is made of it has 7 bits only, no NUL and no bare CR or LF, is the
 * same however it is read, and converting it again changes nothing.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mime/seven_bit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *
read_all(struct seven_bit *plan, size_t room, size_t *length)
{
	uint64_t size = seven_bit_size(plan);
	char *out = malloc((size_t)size + room);
	size_t n;

	if (out == NULL)
		abort();
	*length = 0;
	while ((n = seven_bit_read(plan, out + *length, room)) > 0) {
		*length += n;
		if (*length > size)
			abort();
	}
	if (*length != size)
		abort();
	return out;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seven_bit plan, again;
	size_t length, other;
	char *out, *same;

	if (seven_bit_plan(&plan, (const char *)data, size) != SEVEN_BIT_OK)
		return 0;
	out = read_all(&plan, 4096, &length);
	same = read_all(&plan, SEVEN_BIT_ROOM + size % 50, &other);
	if (length != other || memcmp(out, same, length) != 0)
		abort();
	free(same);
	for (size_t i = 0; i < length; i++) {
		if (((unsigned char)out[i] > 127 || out[i] == '\0') ||
		    (out[i] == '\n' && (i == 0 || out[i - 1] != '\r')) ||
		    (out[i] == '\r' && (i + 1 == length || out[i + 1] != '\n')))
			abort();
	}
	if (seven_bit_plan(&again, out, length) == SEVEN_BIT_OK)
		seven_bit_free(&again);
	free(out);
	seven_bit_free(&plan);
	return 0;
}
