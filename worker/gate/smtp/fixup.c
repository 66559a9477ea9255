/* SPDX-License-Identifier: ISC */
#include "worker/gate/smtp/fixup.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/ascii.h"
#include "worker/gate/smtp/received.h"

/* Fields that may be missing: bits of smtp_fixup.seen. */
enum { SEEN_DATE = 1, SEEN_MESSAGE_ID = 2, SEEN_FROM = 4 };

static const struct {
	const char *name;
	uint32_t seen; /* 0: it is taken out */
} fields[] = {
    {"Date", SEEN_DATE}, {"Message-ID", SEEN_MESSAGE_ID},
    {"From", SEEN_FROM}, {"Bcc", 0},
    {"Resent-Bcc", 0},   {"Return-Path", 0},
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

void
smtp_fixup_init(struct smtp_fixup *fixup, const struct fixup_values *values, fixup_out_fn *out,
		void *arg)
{
	*fixup = (struct smtp_fixup){
	    .state = FIXUP_LINE,
	    .first = true,
	    .values = *values,
	    .out = out,
	    .arg = arg,
	    .keeping = true,
	};
}

void
smtp_fixup_clear(struct smtp_fixup *fixup)
{
	if (fixup == NULL)
		return;
	free(fixup->header);
	fixup->header = NULL;
	fixup->length = fixup->size = 0;
}

/*
 * -- What goes out ----------------------------------------------------------------
 */

/* Room for LENGTH more bytes of the header; false if there should be none, or is none. */
static bool
grow(struct smtp_fixup *fixup, size_t length)
{
	size_t size = fixup->size == 0 ? 1024 : fixup->size;
	char *header;

	if (length > FIXUP_HEADER_MAX - fixup->length)
		return false;
	while (size < fixup->length + length)
		size *= 2;
	if (size == fixup->size)
		return true;
	header = realloc(fixup->header, size);
	if (header == NULL)
		return false;
	fixup->header = header;
	fixup->size = size;
	return true;
}

/* What was kept goes out, and nothing is kept from now on. */
static void
let_go(struct smtp_fixup *fixup)
{
	if (fixup->length > 0)
		fixup->out(fixup->arg, fixup->header, fixup->length);
	fixup->keeping = false;
	smtp_fixup_clear(fixup);
}

static void
emit(struct smtp_fixup *fixup, const char *bytes, size_t length)
{
	if (fixup->keeping && !grow(fixup, length))
		let_go(fixup);
	if (!fixup->keeping) {
		fixup->out(fixup->arg, bytes, length);
		return;
	}
	memcpy(fixup->header + fixup->length, bytes, length);
	fixup->length += length;
}

static void
add(const struct smtp_fixup *fixup, const char *text)
{
	fixup->out(fixup->arg, text, strlen(text));
}

static void
add_message_id(const struct smtp_fixup *fixup)
{
	static const char digits[] = "0123456789abcdef";
	char random[2 * FIXUP_RANDOM_SIZE + 1] = "";

	for (size_t i = 0; i < FIXUP_RANDOM_SIZE; i++) {
		random[2 * i] = digits[fixup->values.random[i] >> 4];
		random[2 * i + 1] = digits[fixup->values.random[i] & 15];
	}
	add(fixup, "Message-ID: <");
	add(fixup, random);
	add(fixup, "@");
	add(fixup, fixup->values.hostname);
	add(fixup, ">\r\n");
}

static void
add_missing(const struct smtp_fixup *fixup)
{
	char date[RECEIVED_DATE_SIZE];

	if ((fixup->seen & SEEN_DATE) == 0) {
		received_date(fixup->values.when, date);
		add(fixup, "Date: ");
		add(fixup, date);
		add(fixup, "\r\n");
	}
	if ((fixup->seen & SEEN_MESSAGE_ID) == 0)
		add_message_id(fixup);
	if ((fixup->seen & SEEN_FROM) == 0 && fixup->values.from[0] != '\0') {
		add(fixup, "From: <");
		add(fixup, fixup->values.from);
		add(fixup, ">\r\n");
	}
}

/* All fields are known. */
static void
end_header(struct smtp_fixup *fixup)
{
	add_missing(fixup);
	if (fixup->keeping)
		let_go(fixup);
	fixup->state = FIXUP_BODY;
}

/*
 * -- What comes in ----------------------------------------------------------------
 */

/* What is held turns out to be text: the header was over before it. */
static void
end_without_line(struct smtp_fixup *fixup)
{
	end_header(fixup);
	emit(fixup, "\r\n", 2);
	emit(fixup, fixup->name, fixup->held);
	fixup->held = 0;
}

/* The colon is there. */
static void
decide(struct smtp_fixup *fixup)
{
	size_t length = 0;

	while (strchr(" \t:", fixup->name[length]) == NULL)
		length++;
	fixup->dropping = false;
	for (size_t i = 0; i < FIELDS; i++) {
		if (strlen(fields[i].name) != length ||
		    strncasecmp(fields[i].name, fixup->name, length) != 0)
			continue;
		fixup->seen |= fields[i].seen;
		fixup->dropping = fields[i].seen == 0;
	}
	fixup->first = false;
	fixup->state = fixup->dropping ? FIXUP_DROP : FIXUP_KEEP;
	if (!fixup->dropping)
		emit(fixup, fixup->name, fixup->held);
	fixup->held = 0;
}

/* Of the field's name, or of the blanks behind it; the octet is used unless the header ends. */
static size_t
name_octet(struct smtp_fixup *fixup, char c)
{
	bool blank = ascii_is_wsp(c);
	/* RFC 5322 3.6.8 */
	bool ftext = fixup->state == FIXUP_NAME && c > ' ' && c < 0x7f && c != ':';

	if (fixup->held == sizeof(fixup->name) || !(c == ':' || blank || ftext)) {
		end_without_line(fixup);
		return 0;
	}
	fixup->name[fixup->held++] = c;
	if (c == ':')
		decide(fixup);
	else if (blank)
		fixup->state = FIXUP_BLANK;
	return 1;
}

/* The first octet of a line; it is not used. */
static void
begin_line(struct smtp_fixup *fixup, char c)
{
	bool blank = ascii_is_wsp(c);

	if (c == '\r' || c == '\n') {
		end_header(fixup);
	} else if ((blank && fixup->first) || c == ':') {
		end_without_line(fixup);
	} else if (blank) {
		fixup->state = fixup->dropping ? FIXUP_DROP : FIXUP_KEEP;
	} else {
		fixup->state = FIXUP_NAME;
	}
}

/* The rest of a line, as far as it is there. Returns how much that is. */
static size_t
rest_of_line(struct smtp_fixup *fixup, const char *bytes, size_t length)
{
	const char *end = memchr(bytes, '\n', length);
	size_t used = end == NULL ? length : (size_t)(end - bytes) + 1;

	if (fixup->state == FIXUP_KEEP)
		emit(fixup, bytes, used);
	if (end != NULL)
		fixup->state = FIXUP_LINE;
	return used;
}

void
smtp_fixup_next(struct smtp_fixup *fixup, const char *bytes, size_t length)
{
	size_t used = 0;

	while (used < length) {
		switch (fixup->state) {
		case FIXUP_LINE:
			begin_line(fixup, bytes[used]);
			break;
		case FIXUP_NAME:
		case FIXUP_BLANK:
			used += name_octet(fixup, bytes[used]);
			break;
		case FIXUP_KEEP:
		case FIXUP_DROP:
			used += rest_of_line(fixup, bytes + used, length - used);
			break;
		case FIXUP_BODY:
			emit(fixup, bytes + used, length - used);
			used = length;
			break;
		}
	}
}

void
smtp_fixup_end(struct smtp_fixup *fixup)
{
	switch (fixup->state) {
	case FIXUP_NAME:
	case FIXUP_BLANK:
		end_without_line(fixup);
		break;
	case FIXUP_KEEP:
		emit(fixup, "\r\n", 2);
		end_header(fixup);
		break;
	case FIXUP_LINE:
	case FIXUP_DROP:
		end_header(fixup);
		break;
	case FIXUP_BODY:
		break;
	}
}
