/* SPDX-License-Identifier: ISC */
#include "worker/gate/smtp/data.h"

#include <string.h>

#include "common/hop_limit.h"

#define NO_MATCH UINT8_MAX

static const char received_field[] = "received:";
static const char crlf[] = "\r\n";

void
smtp_data_init(struct smtp_data *data, enum smtp_framing framing, uint64_t size_max)
{
	*data = (struct smtp_data){
	    .state = DATA_LINE_START,
	    .framing = framing,
	    .in_header = true,
	    .size_max = size_max,
	};
}

static void
set_fault(struct smtp_data *data, enum smtp_data_fault fault)
{
	if (data->fault == DATA_FINE)
		data->fault = fault;
}

/* A CR or an LF on its own. */
static void
bare_seen(struct smtp_data *data, enum smtp_data_fault fault)
{
	data->bare = data->bare_last = true;
	set_fault(data, fault);
}

/* Looks at text of a line in the header for a field name; BEFORE octets of the line went ahead. */
static void
scan_header(struct smtp_data *data, const char *text, size_t length)
{
	size_t i;

	for (i = 0; i < length && data->matched < sizeof(received_field) - 1; i++) {
		char c = text[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		data->matched =
		    c == received_field[data->matched] ? (uint8_t)(data->matched + 1) : NO_MATCH;
	}
	if (data->matched != sizeof(received_field) - 1)
		return;
	data->matched = NO_MATCH;
	if (++data->received >= HOP_LIMIT)
		set_fault(data, DATA_LOOP);
}

/* Text of one line, without a line end in it (a lone CR or LF is a fault already). */
static void
text_seen(struct smtp_data *data, const char *text, size_t length)
{
	if (data->in_header)
		scan_header(data, text, length);
	if (length > 0)
		data->bare_last = false;
	data->line_length += length;
	data->size += length;
	if (data->line_length > SMTP_TEXT_LINE_MAX)
		set_fault(data, DATA_LONG_LINE);
}

static void
line_seen(struct smtp_data *data)
{
	if (data->line_length == 0)
		data->in_header = false; /* RFC 5322 2.1 */
	data->bare_before_end = data->bare_last;
	data->bare_last = false;
	data->line_length = 0;
	data->matched = 0;
	data->size += 2;
	data->state = DATA_LINE_START;
}

static void
check_size(struct smtp_data *data)
{
	if (data->size > data->size_max)
		set_fault(data, DATA_TOO_BIG);
}

/* Its body has begun, and it may be of any octets. */
static bool
is_free(const struct smtp_data *data)
{
	return data->framing == FRAMING_BINARY && !data->in_header;
}

/*
 * Goes over whole lines and the beginning of one more, as long as they need no change: this is
 * where a message spends its time, so it leaps from LF to LF. Returns how many octets these are; a
 * CR at their end, which may begin a CRLF, is left out.
 */
static size_t
plain_lines(struct smtp_data *data, const char *bytes, size_t length)
{
	const char *p = bytes, *end = bytes + length;

	for (;;) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		const char *stop = lf != NULL ? lf : end;
		const char *cr = memchr(p, '\r', (size_t)(stop - p));

		text_seen(data, p, (size_t)((cr != NULL ? cr : stop) - p));
		if (cr != NULL ? cr + 1 != lf : lf != NULL)
			return (size_t)((cr != NULL ? cr : lf) - bytes);
		if (lf == NULL)
			return length;
		line_seen(data);
		p = lf + 1;
		/* Where a line begins with a dot the span ends: the dot isn't part of it. */
		if (p == end || (*p == '.' && data->framing == FRAMING_DOT) || is_free(data))
			return (size_t)(p - bytes);
		data->state = DATA_TEXT;
	}
}

/* All of it is kept; whether it is lines of text is seen. */
static void
free_octets(struct smtp_data *data, const char *bytes, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++) {
		char c = bytes[i];
		bool cr = data->state == DATA_CR;

		data->state = DATA_TEXT;
		if (c == '\n') {
			data->binary = data->binary || !cr;
			data->line_length = 0;
			data->state = DATA_LINE_START;
			continue;
		}
		data->binary =
		    data->binary || cr || c == '\0' || data->line_length >= SMTP_TEXT_LINE_MAX;
		if (c == '\r')
			data->state = DATA_CR;
		else
			data->line_length++;
	}
	data->size += length;
}

/* One octet at a place where it matters; returns how many octets it used: 1, or 0 if it is text. */
static size_t
step(struct smtp_data *data, char c, struct smtp_span *span)
{
	switch (data->state) {
	case DATA_LINE_START:
		if (c == '.' && data->framing == FRAMING_DOT) {
			data->state = DATA_DOT;
			return 1;
		}
		data->state = DATA_TEXT;
		return 0;
	case DATA_DOT:
		data->state = c == '\r' ? DATA_DOT_CR : DATA_TEXT;
		return c == '\r';
	case DATA_DOT_CR:
		if (c == '\n') {
			data->state = DATA_END;
			return 1;
		}
		bare_seen(data, DATA_BARE_CR);
		data->state = DATA_TEXT;
		return 0;
	case DATA_CR:
		if (c == '\n') {
			line_seen(data);
			*span = (struct smtp_span){crlf, 2};
			return 1;
		}
		bare_seen(data, DATA_BARE_CR);
		data->state = DATA_TEXT;
		return 0;
	case DATA_TEXT:
		if (c == '\r') {
			data->state = DATA_CR;
			return 1;
		}
		if (c == '\n') {
			bare_seen(data, DATA_BARE_LF);
			return 1;
		}
		return 0;
	case DATA_END:
		break;
	}
	return 0;
}

size_t
smtp_data_next(struct smtp_data *data, const char *bytes, size_t length, struct smtp_span *span)
{
	size_t used = 0;

	*span = (struct smtp_span){NULL, 0};
	if (length == 0 || data->state == DATA_END)
		return 0;
	if (is_free(data)) {
		free_octets(data, bytes, length);
		*span = (struct smtp_span){bytes, length};
		used = length;
	}
	while (used == 0) {
		used = step(data, bytes[0], span);
		if (used == 0 && data->state == DATA_TEXT && bytes[0] != '\r' && bytes[0] != '\n') {
			used = plain_lines(data, bytes, length);
			*span = (struct smtp_span){bytes, used};
			if (memchr(bytes, '\0', used) != NULL)
				set_fault(data, DATA_NUL);
		}
	}
	check_size(data);
	if (data->fault != DATA_FINE)
		*span = (struct smtp_span){NULL, 0};
	return used;
}

void
smtp_data_finish(struct smtp_data *data, struct smtp_span *span)
{
	*span = (struct smtp_span){NULL, 0};
	if (data->state == DATA_CR && is_free(data))
		data->binary = true;
	else if (data->state == DATA_CR)
		bare_seen(data, DATA_BARE_CR);
	else if (data->state == DATA_TEXT && !data->binary) {
		line_seen(data);
		check_size(data);
		*span = (struct smtp_span){crlf, 2};
	}
	data->state = DATA_END;
	if (data->fault != DATA_FINE)
		*span = (struct smtp_span){NULL, 0};
}

bool
smtp_data_end_in_doubt(const struct smtp_data *data, bool more)
{
	return data->framing == FRAMING_DOT && (data->bare_before_end || (data->bare && more));
}

static const struct {
	const char *name;
	const char *reply;
} faults[] = {
    [DATA_FINE] = {"", NULL},
    [DATA_BARE_LF] = {"bare-lf",
		      "550 5.6.0 Message refused: it has a bare LF (LF without CR before "
		      "it) in it (SMTP smuggling); lines end with CRLF"},
    [DATA_BARE_CR] = {"bare-cr",
		      "550 5.6.0 Message refused: it has a bare CR (CR without LF behind "
		      "it) in it (SMTP smuggling); lines end with CRLF"},
    [DATA_NUL] = {"nul", "550 5.6.0 Message refused: it has a NUL octet in it"},
    [DATA_LONG_LINE] = {"long-line", "552 5.6.0 Message refused: it has a line of more than 65536 "
				     "octets"},
    [DATA_TOO_BIG] = {"too-big", "552 5.3.4 Message refused: it is bigger than this server takes"},
    [DATA_LOOP] = {"loop", "554 5.4.6 Message refused: 100 Received fields, it is in a loop"},
};

const char *
smtp_data_reply(enum smtp_data_fault fault)
{
	return faults[fault].reply;
}

const char *
smtp_data_fault_name(enum smtp_data_fault fault)
{
	return faults[fault].name;
}
