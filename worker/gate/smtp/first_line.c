/* SPDX-License-Identifier: ISC */
#include "worker/gate/smtp/first_line.h"

#include <string.h>

#include "common/ascii.h"

enum kind { UNKNOWN, HEADER, TEXT };

/* As mailbox files have it in front of a message; some programs send it with that. */
static bool
is_mailbox_line(const struct first_line *line)
{
	static const char *const words[] = {"From ", ">From "};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (line->held == strlen(words[i]) && memcmp(line->name, words[i], line->held) == 0)
			return true;
	}
	return false;
}

/* What the next octet says of the line. */
static enum kind
look(const struct first_line *line, char c)
{
	bool blank = ascii_is_wsp(c);

	if (line->held == 0 && (c == '\r' || c == '\n'))
		return HEADER; /* without fields */
	if (line->held == 0 && (blank || c == ':'))
		return TEXT;
	if (c == ':')
		return HEADER;
	if (blank)
		return UNKNOWN;
	if (line->blanks)
		return is_mailbox_line(line) ? HEADER : TEXT;
	return c > ' ' && c < 127 ? UNKNOWN : TEXT;
}

static void
decide(struct first_line *line, enum kind kind, first_line_out_fn *out, void *arg)
{
	line->over = true;
	if (kind == TEXT)
		out(arg, "\r\n", 2);
	if (line->held > 0)
		out(arg, line->name, line->held);
}

void
first_line_next(struct first_line *line, const char *bytes, size_t length, first_line_out_fn *out,
		void *arg)
{
	size_t used = 0;

	while (!line->over && used < length) {
		enum kind kind = look(line, bytes[used]);

		if (kind == UNKNOWN && line->held == sizeof(line->name))
			kind = TEXT;
		if (kind != UNKNOWN) {
			decide(line, kind, out, arg);
			break;
		}
		line->blanks = ascii_is_wsp(bytes[used]);
		line->name[line->held++] = bytes[used++];
	}
	if (used < length)
		out(arg, bytes + used, length - used);
}

void
first_line_end(struct first_line *line, first_line_out_fn *out, void *arg)
{
	if (!line->over && line->held > 0)
		decide(line, TEXT, out, arg);
}
