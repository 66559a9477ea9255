/* SPDX-License-Identifier: ISC */
/*
 * What decodes can be encoded and decodes to the same; what was decoded has no control character,
 * and stays within its room. The first byte is the room.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include "common/xtext.h"

#define ENCODED 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const char *text, int length, size_t room, int wide)
{
	if (length < 0)
		return;
	if ((size_t)length >= room || strlen(text) != (size_t)length)
		abort();
	for (int i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		/* unitext can name controls of ASCII; a recipient with them is refused later. */
		if (!wide && (c < 32 || c > 126))
			abort();
	}
	if (u8_check((const uint8_t *)text, (size_t)length) != NULL)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char encoded[ENCODED], again[256];
	size_t room;
	char *out;
	int n;

	if (size < 1)
		return 0;
	room = data[0];
	out = malloc(room == 0 ? 1 : room);
	n = xtext_decode((const char *)data + 1, size - 1, out, room);
	check(out, n, room, 0);
	if (n >= 0 && (xtext_encode(out, encoded, sizeof(encoded)) < 0 ||
		       xtext_decode(encoded, strlen(encoded), again, sizeof(again)) != n ||
		       strcmp(out, again) != 0))
		abort();
	n = unitext_decode((const char *)data + 1, size - 1, true, out, room);
	check(out, n, room, 1);
	if (n >= 0 && (unitext_encode(out, encoded, sizeof(encoded)) < 0 ||
		       unitext_decode(encoded, strlen(encoded), false, again, sizeof(again)) != n ||
		       strcmp(out, again) != 0))
		abort();
	free(out);
	return 0;
}
