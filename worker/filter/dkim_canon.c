/* SPDX-License-Identifier: ISC */
#include "worker/filter/dkim_canon.h"

#include <string.h>

#include "common/ascii.h"

/* -- The header --------------------------------------------------------------------------- */

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* 3.4.2: unfolded, blanks in a row are one, none at the ends. */
static size_t
relax_value(const char *at, const char *end, char *out)
{
	size_t used = 0;
	bool blank = false;

	for (; at < end; at++) {
		if (*at == ' ' || *at == '\t') {
			blank = used > 0;
			continue;
		}
		if (*at == '\r' || *at == '\n')
			continue;
		if (blank)
			out[used++] = ' ';
		blank = false;
		out[used++] = *at;
	}
	return used;
}

size_t
dkim_canon_field(enum dkim_canon canon, struct mime_text whole, char *out)
{
	const char *end = whole.at + whole.length;
	const char *colon = memchr(whole.at, ':', whole.length);
	const char *name;
	size_t used = 0;

	while (end > whole.at && (end[-1] == '\r' || end[-1] == '\n'))
		end--;
	if (canon == DKIM_SIMPLE || colon == NULL) {
		used = (size_t)(end - whole.at);
		memcpy(out, whole.at, used);
	} else {
		for (name = whole.at; name < colon; name++) {
			if (!is_space(*name))
				out[used++] = ascii_lower(*name);
		}
		out[used++] = ':';
		used += relax_value(colon + 1, end, out + used);
	}
	out[used++] = '\r';
	out[used++] = '\n';
	return used;
}

/* -- The body ----------------------------------------------------------------------------- */

static void
flush(struct dkim_body *body)
{
	if (body->used > 0)
		body->emit(body->arg, body->buffer, body->used);
	body->used = 0;
}

static void
put(struct dkim_body *body, char c)
{
	if (!body->limited || body->size < body->limit) {
		if (body->used == sizeof(body->buffer))
			flush(body);
		body->buffer[body->used++] = c;
	}
	body->size++;
}

/* Text: what waited for it comes first. */
static void
text(struct dkim_body *body, char c)
{
	for (; body->lines > 0; body->lines--) {
		put(body, '\r');
		put(body, '\n');
	}
	if (body->blank)
		put(body, ' ');
	body->blank = false;
	put(body, c);
}

static void
add_octet(struct dkim_body *body, char c)
{
	if (body->cr) {
		body->cr = false;
		if (c == '\n') {
			body->blank = false;
			body->lines++;
			return;
		}
		text(body, '\r');
	}
	if (c == '\r')
		body->cr = true;
	else if (body->canon == DKIM_RELAXED && (c == ' ' || c == '\t'))
		body->blank = true;
	else
		text(body, c);
}

void
dkim_body_begin(struct dkim_body *body, enum dkim_canon canon, bool limited, uint64_t limit,
		dkim_emit_fn *emit, void *arg)
{
	memset(body, 0, sizeof(*body));
	body->canon = canon;
	body->limited = limited;
	body->limit = limit;
	body->emit = emit;
	body->arg = arg;
}

void
dkim_body_add(struct dkim_body *body, const char *octets, size_t length)
{
	for (size_t i = 0; i < length; i++)
		add_octet(body, octets[i]);
}

/* 3.4.3: one CRLF at the end, whatever was there. 3.4.4: none if there is nothing else. */
void
dkim_body_end(struct dkim_body *body)
{
	if (body->cr)
		text(body, '\r');
	if (body->canon == DKIM_SIMPLE || body->size > 0) {
		put(body, '\r');
		put(body, '\n');
	}
	flush(body);
}
