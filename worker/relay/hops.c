/* SPDX-License-Identifier: ISC */
#include "worker/relay/hops.h"

#include <string.h>
#include <strings.h>

/* The first line of a field at a time, without its end: false where the header ends. */
static bool
next_line(const char **at, const char *end, const char **line, size_t *length)
{
	const char *lf;

	*line = *at;
	if (*at >= end || **at == '\r' || **at == '\n')
		return false;
	lf = memchr(*at, '\n', (size_t)(end - *at));
	*at = lf == NULL ? end : lf + 1;
	*length = (size_t)((lf == NULL ? end : lf) - *line);
	return true;
}

/* What stands behind the field's name in its first line; false if it is another field. */
static bool
is_field(const char *name, const char **line, size_t *length)
{
	size_t skipped = strlen(name);

	if (*length < skipped || strncasecmp(*line, name, skipped) != 0)
		return false;
	*line += skipped;
	*length -= skipped;
	return true;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

unsigned
hops_count(const char *message, size_t length)
{
	const char *at = message, *line;
	unsigned hops = 0;
	size_t left;

	while (next_line(&at, message + length, &line, &left)) {
		if (is_field("Received:", &line, &left))
			hops++;
	}
	return hops;
}

bool
hops_has_been(const char *message, size_t length, const char *address)
{
	const char *at = message, *line;
	size_t left;

	while (next_line(&at, message + length, &line, &left)) {
		if (!is_field("Delivered-To:", &line, &left))
			continue;
		for (; left > 0 && is_blank(*line); left--)
			line++;
		while (left > 0 && is_blank(line[left - 1]))
			left--;
		if (left == strlen(address) && strncasecmp(line, address, left) == 0)
			return true;
	}
	return false;
}
