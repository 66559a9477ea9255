/* SPDX-License-Identifier: ISC */
#include "worker/gate/smtp/claims.h"

#include <stdlib.h>
#include <string.h>

#include "common/ascii.h"
#include "common/mime/authserv_id.h"

void
claims_init(struct claims *claims, const char *hostname, claims_out_fn *out, void *arg)
{
	*claims = (struct claims){.hostname = hostname, .out = out, .arg = arg};
}

void
claims_clear(struct claims *claims)
{
	if (claims == NULL)
		return;
	free(claims->field);
	claims->field = NULL;
}

static void
emit(const struct claims *claims, const char *bytes, size_t length)
{
	if (length > 0)
		claims->out(claims->arg, bytes, length);
}

/* What is held is enough to know. */
static void
judge(struct claims *claims)
{
	const char *colon = memchr(claims->field, ':', claims->length);
	struct mime_text text = {colon + 1, claims->length - (size_t)(colon + 1 - claims->field)};

	claims->fate = authserv_id_may_be(text, claims->hostname) ? CLAIMS_DROP : CLAIMS_KEEP;
	if (claims->fate == CLAIMS_KEEP)
		emit(claims, claims->field, claims->length);
	else
		claims->removed++;
	claims->length = 0;
}

/* Of a line of the current field. */
static void
put(struct claims *claims, const char *bytes, size_t length)
{
	size_t room = CLAIMS_FIELD_MAX - claims->length, some = length < room ? length : room;

	if (claims->fate == CLAIMS_HOLD) {
		memcpy(claims->field + claims->length, bytes, some);
		claims->length += some;
		if (some == length)
			return;
		judge(claims);
		bytes += some;
		length -= some;
	}
	if (claims->fate == CLAIMS_KEEP)
		emit(claims, bytes, length);
}

static void
end_field(struct claims *claims)
{
	if (claims->fate == CLAIMS_HOLD)
		judge(claims);
	claims->fate = CLAIMS_KEEP;
}

/* What is held of a line is a field's name, with its colon, or is not. */
static void
name_over(struct claims *claims)
{
	size_t length = claims->held;

	claims->held = 0;
	claims->state = CLAIMS_REST;
	put(claims, claims->name, length);
}

static bool
is_named(const struct claims *claims, const char *name)
{
	struct mime_text text = {claims->name, claims->held - 1};

	while (text.length > 0 && ascii_is_fws(text.at[text.length - 1]))
		text.length--;
	return mime_is(text, name);
}

/* The colon is there. Without memory to look at it, the field goes. */
static void
decide(struct claims *claims)
{
	if (is_named(claims, "Return-Path")) {
		claims->fate = CLAIMS_DROP;
	} else if (is_named(claims, "Authentication-Results")) {
		if (claims->field == NULL)
			claims->field = malloc(CLAIMS_FIELD_MAX);
		claims->fate = claims->field == NULL ? CLAIMS_DROP : CLAIMS_HOLD;
	}
	name_over(claims);
}

/* The first octet of a line; it is not used. */
static void
begin_line(struct claims *claims, char c)
{
	if (ascii_is_wsp(c)) {
		claims->state = CLAIMS_REST;
		return;
	}
	end_field(claims);
	claims->state = c == '\r' || c == '\n' ? CLAIMS_BODY : CLAIMS_NAME;
}

/*
 * Returns whether the octet is used. Some take a colon for one that stands in a line of its own,
 * behind the name and a fold, as filter does (mime_next_field()).
 */
static bool
name_octet(struct claims *claims, char c)
{
	bool line_over = claims->held > 0 && claims->name[claims->held - 1] == '\n';

	if (line_over && !ascii_is_wsp(c)) {
		name_over(claims);
		claims->state = CLAIMS_LINE;
		return false;
	}
	if (claims->held == sizeof(claims->name)) {
		name_over(claims);
		return false;
	}
	claims->name[claims->held++] = c;
	if (c == ':')
		decide(claims);
	return true;
}

/* Returns how much of it is there. */
static size_t
rest_of_line(struct claims *claims, const char *bytes, size_t length)
{
	const char *end = memchr(bytes, '\n', length);
	size_t used = end == NULL ? length : (size_t)(end - bytes) + 1;

	put(claims, bytes, used);
	if (end != NULL)
		claims->state = CLAIMS_LINE;
	return used;
}

void
claims_next(struct claims *claims, const char *bytes, size_t length)
{
	size_t used = 0;

	while (used < length) {
		switch (claims->state) {
		case CLAIMS_LINE:
			begin_line(claims, bytes[used]);
			break;
		case CLAIMS_NAME:
			used += name_octet(claims, bytes[used]) ? 1 : 0;
			break;
		case CLAIMS_REST:
			used += rest_of_line(claims, bytes + used, length - used);
			break;
		case CLAIMS_BODY:
			emit(claims, bytes + used, length - used);
			used = length;
			break;
		}
	}
}

void
claims_end(struct claims *claims)
{
	if (claims->state == CLAIMS_NAME)
		name_over(claims);
	end_field(claims);
}
