/* SPDX-License-Identifier: ISC */
#include "worker/queue/report_parts.h"

#include <string.h>

#define LINE_MAX_OCTETS 998 /* RFC 5322 2.1.1 */
#define QP_LINE_MAX 75      /* RFC 2045 6.7: 76 with the "=" of a soft line break */

static bool
is_carried(const char *text, size_t length, unsigned char highest)
{
	size_t line = 0;

	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '\r' && i + 1 < length && text[i + 1] == '\n') {
			line = 0;
			i++;
			continue;
		}
		if (c == '\0' || c == '\r' || c == '\n' || c > highest || ++line > LINE_MAX_OCTETS)
			return false;
	}
	return true;
}

bool
report_is_seven_bit(const char *text, size_t length)
{
	return is_carried(text, length, 0x7f);
}

bool
report_is_lines(const char *text, size_t length)
{
	return is_carried(text, length, 0xff);
}

static bool
is_line_end(const char *text, size_t length, size_t i)
{
	return i + 1 < length && text[i] == '\r' && text[i + 1] == '\n';
}

/* Whether the octet may stand for itself; white space not at the end of a line. */
static bool
is_literal(const char *text, size_t length, size_t i)
{
	unsigned char c = (unsigned char)text[i];

	if (c == ' ' || c == '\t')
		return i + 1 < length && !is_line_end(text, length, i + 1);
	return c >= 33 && c <= 126 && c != '=';
}

static void
add_quoted_printable(FILE *out, const char *text, size_t length)
{
	size_t column = 0;

	for (size_t i = 0; i < length; i++) {
		bool literal = is_literal(text, length, i);

		if (is_line_end(text, length, i)) {
			fputs("\r\n", out);
			column = 0;
			i++;
			continue;
		}
		if (column + (literal ? 1 : 3) > QP_LINE_MAX) {
			fputs("=\r\n", out);
			column = 0;
		}
		if (literal)
			fputc(text[i], out);
		else
			fprintf(out, "=%02X", (unsigned)(unsigned char)text[i]);
		column += literal ? 1 : 3;
	}
}

static void
add_header(FILE *out, const char *boundary, const char *type, const char *encoding)
{
	fprintf(out, "--%s\r\nContent-Type: %s\r\n", boundary, type);
	if (encoding != NULL)
		fprintf(out, "Content-Transfer-Encoding: %s\r\n", encoding);
	fputs("\r\n", out);
}

void
report_part(FILE *out, const char *boundary, const char *type, const char *text, size_t length)
{
	bool plain = report_is_seven_bit(text, length);

	add_header(out, boundary, type, plain ? NULL : "quoted-printable");
	if (plain)
		(void)fwrite(text, 1, length, out);
	else
		add_quoted_printable(out, text, length);
	/* This line end is the boundary's (RFC 2046 5.1.1). */
	fputs("\r\n", out);
}

void
report_part_as_is(FILE *out, const char *boundary, const char *type, const char *text,
		  size_t length)
{
	add_header(out, boundary, type, report_is_seven_bit(text, length) ? NULL : "8bit");
	(void)fwrite(text, 1, length, out);
	fputs("\r\n", out);
}
