/* SPDX-License-Identifier: ISC */
#include "worker/relay/reply.h"

#include <stdio.h>
#include <string.h>

#define CODE_LENGTH 3

void
reply_start(struct reply_parser *p)
{
	memset(p, 0, sizeof(*p));
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* One to three digits (RFC 3463 2). Returns how many, 0 if there are none or more. */
static size_t
count_digits(const char *text)
{
	size_t n = 0;

	while (n <= 3 && is_digit(text[n]))
		n++;
	return n <= 3 ? n : 0;
}

/* "5.1.1 " in front of the text of a reply with code 5xx. Returns its length with the space. */
static size_t
parse_status(const char *text, unsigned code, char status[REPLY_STATUS_SIZE])
{
	size_t subject, detail, length;

	if (text[0] != (char)('0' + code / 100) || text[1] != '.' ||
	    (text[0] != '2' && text[0] != '4' && text[0] != '5'))
		return 0;
	subject = count_digits(text + 2);
	if (subject == 0 || text[2 + subject] != '.')
		return 0;
	detail = count_digits(text + 3 + subject);
	length = 3 + subject + detail;
	if (detail == 0 || (text[length] != ' ' && text[length] != '\0'))
		return 0;
	memcpy(status, text, length);
	status[length] = '\0';
	return text[length] == ' ' ? length + 1 : length;
}

/* Adds the line's text to the reply's, and takes the status from the first that has one. */
static void
end_line(struct reply_parser *p)
{
	char status[REPLY_STATUS_SIZE];
	struct reply *reply = &p->reply;
	size_t used = strlen(reply->text);
	size_t skip;

	p->line[p->length] = '\0';
	skip = parse_status(p->line, p->code, status);
	if (skip > 0 && reply->status[0] == '\0')
		memcpy(reply->status, status, sizeof(status));
	(void)snprintf(reply->text + used, sizeof(reply->text) - used, "%s%s",
		       used > 0 && p->line[skip] != '\0' ? " " : "", p->line + skip);
	p->done = true;
	p->last = !p->more;
	p->lines++;
}

/* An octet of the code (RFC 5321 4.2: "2".."5", "0".."5", a digit) or right behind it. */
static bool
take_code(struct reply_parser *p, char c)
{
	static const char *const ranges[CODE_LENGTH] = {"25", "05", "09"};

	if (p->column < CODE_LENGTH) {
		if (c < ranges[p->column][0] || c > ranges[p->column][1])
			return false;
		p->code = p->code * 10 + (unsigned)(c - '0');
		return true;
	}
	p->more = c == '-';
	return c == '-' || c == ' ';
}

static bool
take_octet(struct reply_parser *p, char c)
{
	if (p->column <= CODE_LENGTH) {
		if (!take_code(p, c))
			return false;
	} else if (p->length < sizeof(p->line) - 1) {
		p->line[p->length++] = (char)(c >= 0x20 && c <= 0x7e ? c : '?');
	}
	p->column++;
	return true;
}

/* The end of a line: "250" alone is one, too. All lines of a reply have the same code (4.2.1). */
static bool
take_end(struct reply_parser *p)
{
	if (p->column < CODE_LENGTH || (p->lines > 0 && p->code != p->reply.code))
		return false;
	p->reply.code = p->code;
	p->reply.said = true;
	end_line(p);
	return true;
}

static void
next_line(struct reply_parser *p)
{
	if (p->last)
		reply_start(p);
	p->column = p->length = 0;
	p->code = 0;
	p->more = p->cr = p->done = false;
}

static bool
take(struct reply_parser *p, char c)
{
	if (p->done)
		next_line(p);
	if (++p->octets > REPLY_OCTETS_MAX || p->lines >= REPLY_LINES_MAX)
		return false;
	if (c == '\n')
		return take_end(p);
	/* A CR that ends nothing is text. */
	if (p->cr && !take_octet(p, '\r'))
		return false;
	p->cr = c == '\r';
	return p->cr || take_octet(p, c);
}

enum reply_result
reply_feed(struct reply_parser *p, const char *data, size_t length, size_t *used)
{
	for (*used = 0; *used < length;) {
		if (!take(p, data[(*used)++]))
			return REPLY_BAD;
		if (p->done)
			return p->last ? REPLY_END : REPLY_LINE;
	}
	return REPLY_MORE;
}
