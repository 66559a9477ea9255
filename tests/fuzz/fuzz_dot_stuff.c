/* SPDX-License-Identifier: ISC */
/*
 * However a message is cut into pieces, its response is the same, ends where the client looks for
 * the end and nowhere before, and gives the message back when the dots are taken away again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/dot_stuff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct response {
	char *bytes;
	size_t length;
};

static struct response
respond(const char *in, size_t size, size_t piece, bool top, uint32_t lines)
{
	struct response r = {malloc(2 * size + DOT_STUFF_END_MAX), 0};
	struct dot_stuffer s;
	bool enough = false;

	if (r.bytes == NULL)
		abort();
	if (top)
		dot_stuff_start_top(&s, lines);
	else
		dot_stuff_start(&s);
	for (size_t at = 0; at < size && !enough; at += piece) {
		size_t part = size - at < piece ? size - at : piece;

		r.length += dot_stuff(&s, in + at, part, r.bytes + r.length, &enough);
	}
	r.length += dot_stuff_end(&s, r.bytes + r.length);
	return r;
}

/* Reads as the most lenient client does: lines end with LF. */
static void
check_response(const struct response *r, const char *in, size_t size, bool top)
{
	const char *at = r->bytes, *end = r->bytes + r->length;
	size_t used = 0;

	while (at < end) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));

		if (lf == NULL)
			abort();
		if (*at == '.' && (lf - at == 1 || (lf - at == 2 && at[1] == '\r'))) {
			if (lf + 1 != end)
				abort();
			break;
		}
		if (*at == '.')
			at++;
		for (; at <= lf; at++) {
			if (used < size && *at == in[used])
				used++;
			else if (*at != '\r' && *at != '\n')
				abort();
		}
	}
	if (!top && used != size)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct response whole, pieces;
	const char *in = (const char *)data + 2;
	uint32_t lines;
	size_t piece;
	bool top;

	if (size < 2)
		return 0;
	lines = data[0] / 2;
	top = (data[0] & 1) != 0;
	piece = (size_t)data[1] + 1;
	size -= 2;
	whole = respond(in, size, size + 1, top, lines);
	pieces = respond(in, size, piece, top, lines);
	if (whole.length != pieces.length || memcmp(whole.bytes, pieces.bytes, whole.length) != 0)
		abort();
	check_response(&whole, in, size, top);
	free(whole.bytes);
	free(pieces.bytes);
	return 0;
}
