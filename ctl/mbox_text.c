/* SPDX-License-Identifier: ISC */
#include "ctl/mbox_text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define FROM "From "
#define FROM_LENGTH 5
#define FROM_LINE_MAX 500 /* octets of it that are looked at */

size_t
text_to_crlf(const char *text, size_t length, char *out)
{
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
			out[used++] = '\r';
		out[used++] = text[i];
	}
	return used;
}

bool
mbox_is_from_line(const char *line, size_t length)
{
	return length >= FROM_LENGTH && memcmp(line, FROM, FROM_LENGTH) == 0;
}

bool
mbox_must_quote(const char *line, size_t length)
{
	while (length > 0 && *line == '>') {
		line++;
		length--;
	}
	return mbox_is_from_line(line, length);
}

/* "From ann@example.net Sat Jan  3 01:05:34 1996": the date is wherever one begins. */
static void
read_from_line(const char *line, size_t length, struct mbox_message *out)
{
	char copy[FROM_LINE_MAX + 1], *at;
	struct tm tm;

	if (length > FROM_LINE_MAX)
		length = FROM_LINE_MAX;
	memcpy(copy, line, length);
	copy[length] = '\0';
	for (at = strchr(copy, ' '); at != NULL && !out->has_date; at = strchr(at + 1, ' ')) {
		memset(&tm, 0, sizeof(tm));
		if (strptime(at + 1, "%a %b %d %H:%M:%S %Y", &tm) == NULL &&
		    strptime(at + 1, "%a %b %d %H:%M %Y", &tm) == NULL)
			continue;
		out->has_date = true;
		out->date = (int64_t)timegm(&tm);
	}
}

static void
read_letters(const char *value, size_t length, struct mbox_message *out)
{
	for (size_t i = 0; i < length; i++) {
		switch (value[i]) {
		case 'R':
			out->flags |= MESSAGE_SEEN;
			break;
		case 'A':
			out->flags |= MESSAGE_ANSWERED;
			break;
		case 'F':
			out->flags |= MESSAGE_FLAGGED;
			break;
		case 'D':
			out->flags |= MESSAGE_DELETED;
			break;
		case 'T':
			out->flags |= MESSAGE_DRAFT;
			break;
		default:
			break;
		}
	}
}

static void
read_keywords(const char *value, size_t length, struct mbox_message *out)
{
	size_t used = strlen(out->keywords), at = 0;

	while (at < length) {
		size_t begin = at;

		while (at < length && value[at] != ' ' && value[at] != ',' && value[at] != '\t')
			at++;
		if (keyword_is_fine(value + begin, at - begin) &&
		    used + (at - begin) + 2 < sizeof(out->keywords))
			used += (size_t)snprintf(out->keywords + used, sizeof(out->keywords) - used,
						 "%s%.*s", used == 0 ? "" : " ", (int)(at - begin),
						 value + begin);
		at++;
	}
}

/* True: the field is about the file, not of the message. LINE is without its end. */
static bool
take_field(const char *line, size_t length, struct mbox_message *out)
{
	static const struct {
		const char *name;
		void (*read)(const char *, size_t, struct mbox_message *);
	} fields[] = {{"Status:", read_letters},      {"X-Status:", read_letters},
		      {"X-Keywords:", read_keywords}, {"X-UID:", NULL},
		      {"X-IMAPbase:", NULL},          {"X-IMAP:", NULL}};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		size_t name = strlen(fields[i].name);

		if (length < name || strncasecmp(line, fields[i].name, name) != 0)
			continue;
		if (fields[i].read != NULL)
			fields[i].read(line + name, length - name, out);
		if (strcmp(fields[i].name, "X-IMAP:") == 0)
			out->is_internal = true;
		return true;
	}
	return false;
}

static size_t
put_line(const char *line, size_t length, bool whole, char *out)
{
	/* One level of quoting is undone. */
	if (length > 0 && *line == '>' && mbox_must_quote(line, length)) {
		line++;
		length--;
	}
	if (length > 0 && whole && line[length - 1] == '\r')
		length--;
	memcpy(out, line, length);
	if (!whole)
		return length;
	out[length++] = '\r';
	out[length++] = '\n';
	return length;
}

void
mbox_read(const char *text, size_t length, struct mbox_message *message, char *out)
{
	bool header = true, skipping = false, first = true;
	size_t used = 0, at = 0;

	memset(message, 0, sizeof(*message));
	/* The empty line in front of the next From_ line is not the message's. */
	if (length >= 3 && memcmp(text + length - 3, "\n\r\n", 3) == 0)
		length -= 2;
	else if (length >= 2 && memcmp(text + length - 2, "\n\n", 2) == 0)
		length--;
	for (; at < length; first = false) {
		const char *line = text + at, *lf = memchr(line, '\n', length - at);
		size_t line_length = lf == NULL ? length - at : (size_t)(lf - line);
		size_t shown = line_length - (line_length > 0 && line[line_length - 1] == '\r');

		at += line_length + (lf != NULL);
		if (first) {
			read_from_line(line, shown, message);
			continue;
		}
		if (header && shown == 0)
			header = skipping = false;
		else if (header && line[0] != ' ' && line[0] != '\t')
			skipping = take_field(line, shown, message);
		if (!skipping)
			used += put_line(line, line_length, lf != NULL, out + used);
	}
	message->length = used;
}

const char *
mbox_from_line(int64_t date, char out[MBOX_FROM_SIZE])
{
	time_t time = (time_t)date;
	struct tm tm;

	if (gmtime_r(&time, &tm) == NULL ||
	    strftime(out, MBOX_FROM_SIZE, "From MAILER-DAEMON %a %b %e %H:%M:%S %Y\n", &tm) == 0)
		strlcpy(out, "From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n", MBOX_FROM_SIZE);
	return out;
}
