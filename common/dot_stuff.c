/* SPDX-License-Identifier: ISC */
#include "common/dot_stuff.h"

#include <string.h>

void
dot_stuff_start(struct dot_stuffer *s)
{
	*s = (struct dot_stuffer){.top = false};
}

void
dot_stuff_start_top(struct dot_stuffer *s, uint32_t lines)
{
	*s = (struct dot_stuffer){.top = true, .lines = lines};
}

static void
keep_end(struct dot_stuffer *s, const char *bytes, size_t length)
{
	if (length >= 2) {
		memcpy(s->end, bytes + length - 2, 2);
	} else if (length == 1) {
		s->end[0] = s->end[1];
		s->end[1] = bytes[0];
	}
}

/* A line is complete; true if TOP has enough now. */
static bool
line_ended(struct dot_stuffer *s)
{
	bool blank = s->blank_line;

	s->in_line = false;
	if (!s->top)
		return false;
	if (s->in_body)
		s->lines--;
	else if (blank)
		s->in_body = true;
	return s->in_body && s->lines == 0;
}

/*
 * A dot is doubled behind any LF, not only behind CRLF: clients exist that end a line there, and a
 * dot on such a line must not end the message for them.
 */
size_t
dot_stuff(struct dot_stuffer *s, const char *in, size_t length, char *out, bool *enough)
{
	const char *end = in + length;
	size_t used = 0;

	*enough = false;
	while (in < end && !*enough) {
		const char *lf = memchr(in, '\n', (size_t)(end - in));
		size_t part = (size_t)((lf != NULL ? lf + 1 : end) - in);
		size_t text = lf != NULL ? part - 1 : part;

		if (!s->in_line) {
			s->in_line = s->blank_line = true;
			if (*in == '.')
				out[used++] = '.';
		}
		if (text > 1 || (text == 1 && (*in != '\r' || s->end[1] == '\r')))
			s->blank_line = false;
		memcpy(out + used, in, part);
		used += part;
		keep_end(s, in, part);
		in += part;
		if (lf != NULL)
			*enough = line_ended(s);
	}
	return used;
}

size_t
dot_stuff_end(const struct dot_stuffer *s, char out[DOT_STUFF_END_MAX])
{
	static const char end[DOT_STUFF_END_MAX] = {'\r', '\n', '.', '\r', '\n'};
	size_t skip = memcmp(s->end, "\r\n", 2) == 0 ? 2 : 0;

	memcpy(out, end + skip, sizeof(end) - skip);
	return sizeof(end) - skip;
}
