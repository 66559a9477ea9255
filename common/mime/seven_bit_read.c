/* SPDX-License-Identifier: ISC */
/* The pieces of a converted message, as octets. */
#include "common/base64.h"
#include "common/mime/seven_bit.h"

#define BASE64_LINE 57 /* octets that make 76 characters (RFC 2045 6.8) */
#define QP_LINE 75     /* and the "=" of a soft line break (RFC 2045 6.7) */

/* Line ends become CRLF; with ASCII, what is above 127 is shown to be missing. */
static size_t
read_copy(struct seven_bit *plan, const struct seven_bit_piece *piece, char *out, size_t room)
{
	size_t used = 0;

	while (plan->offset < piece->length && room - used >= 2) {
		char c = piece->at[plan->offset++];
		bool last = plan->offset == piece->length;

		if (c == '\n' || c == '\r') {
			if (c == '\r' && !last && piece->at[plan->offset] == '\n')
				plan->offset++;
			out[used++] = '\r';
			out[used++] = '\n';
		} else if (piece->kind == SEVEN_BIT_ASCII &&
			   ((unsigned char)c > 127 || c == '\0')) {
			out[used++] = '?';
		} else {
			out[used++] = c;
		}
	}
	return used;
}

static size_t
read_base64(struct seven_bit *plan, const struct seven_bit_piece *piece, char *out, size_t room)
{
	size_t used = 0;

	while (plan->offset < piece->length && room - used >= SEVEN_BIT_ROOM) {
		size_t left = piece->length - plan->offset;
		size_t length = left < BASE64_LINE ? left : BASE64_LINE;

		if (plan->offset > 0) {
			out[used++] = '\r';
			out[used++] = '\n';
		}
		used += base64_encode(piece->at + plan->offset, length, out + used);
		plan->offset += length;
	}
	return used;
}

/* Is there a line end at AT, or the end? */
static bool
line_ends(const struct seven_bit_piece *piece, size_t at)
{
	return at == piece->length ||
	       (piece->length - at >= 2 && piece->at[at] == '\r' && piece->at[at + 1] == '\n');
}

/* As itself, behind which AT is. */
static bool
is_literal(const struct seven_bit_piece *piece, char c, size_t at)
{
	if (c == ' ' || c == '\t')
		return !line_ends(piece, at);
	return c > ' ' && c < 0x7f && c != '=';
}

static size_t
read_quoted_printable(struct seven_bit *plan, const struct seven_bit_piece *piece, char *out,
		      size_t room)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t used = 0;

	while (plan->offset < piece->length && room - used >= 8) {
		char c = piece->at[plan->offset];
		bool hard = line_ends(piece, plan->offset);
		bool literal = !hard && is_literal(piece, c, plan->offset + 1);
		size_t width = literal ? 1 : 3;

		if (hard) {
			out[used++] = '\r';
			out[used++] = '\n';
			plan->offset += 2;
			plan->column = 0;
			continue;
		}
		if (plan->column + width > QP_LINE) {
			out[used++] = '=';
			out[used++] = '\r';
			out[used++] = '\n';
			plan->column = 0;
		}
		if (literal) {
			out[used++] = c;
		} else {
			out[used++] = '=';
			out[used++] = digits[(unsigned char)c >> 4];
			out[used++] = digits[(unsigned char)c & 15];
		}
		plan->column += width;
		plan->offset++;
	}
	return used;
}

typedef size_t read_fn(struct seven_bit *, const struct seven_bit_piece *, char *, size_t);

size_t
seven_bit_read(struct seven_bit *plan, char *out, size_t room)
{
	static read_fn *const readers[] = {
	    [SEVEN_BIT_COPY] = read_copy,
	    [SEVEN_BIT_TEXT] = read_copy,
	    [SEVEN_BIT_ASCII] = read_copy,
	    [SEVEN_BIT_BASE64] = read_base64,
	    [SEVEN_BIT_QUOTED_PRINTABLE] = read_quoted_printable,
	};
	size_t used = 0;

	while (plan->piece < plan->count && room - used >= SEVEN_BIT_ROOM) {
		const struct seven_bit_piece *piece = &plan->pieces[plan->piece];

		used += readers[piece->kind](plan, piece, out + used, room - used);
		if (plan->offset < piece->length)
			break;
		plan->piece++;
		plan->offset = plan->column = 0;
	}
	return used;
}

void
seven_bit_rewind(struct seven_bit *plan)
{
	plan->piece = plan->offset = plan->column = 0;
}

uint64_t
seven_bit_size(struct seven_bit *plan)
{
	char out[4096];
	uint64_t size = 0;
	size_t n;

	seven_bit_rewind(plan);
	while ((n = seven_bit_read(plan, out, sizeof(out))) > 0)
		size += n;
	seven_bit_rewind(plan);
	return size;
}
