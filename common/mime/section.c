/* SPDX-License-Identifier: ISC */
/* What BODY[...] means (RFC 9051 6.4.5.1). */
#include <stdlib.h>
#include <string.h>

#include "common/ascii.h"
#include "common/mime/render.h"

/* The part of that number in a multipart, or the only one of another message. 0 numbers nothing. */
static bool
step(const struct mime_message *message, uint32_t *part, bool as_message, uint32_t number)
{
	const struct mime_part *at = &message->parts[*part];

	if (!as_message && at->kind == MIME_MESSAGE) {
		*part = at->child;
		at = &message->parts[*part];
		as_message = true;
	}
	if (number == 0)
		return false;
	if (at->kind != MIME_MULTIPART)
		return as_message && number == 1;
	*part = at->child;
	while (*part != 0 && --number > 0)
		*part = message->parts[*part].next;
	return *part != 0;
}

bool
mime_find_part(const struct mime_message *message, const uint32_t *numbers, size_t count,
	       uint32_t *part)
{
	*part = 0;
	for (size_t i = 0; i < count; i++) {
		if (!step(message, part, i == 0, numbers[i]))
			return false;
	}
	return true;
}

bool
mime_find_section(const struct mime_message *message, const uint32_t *numbers, size_t count,
		  enum mime_section section, struct mime_text *text)
{
	const struct mime_part *at;
	uint32_t part;

	if (!mime_find_part(message, numbers, count, &part))
		return false;
	at = &message->parts[part];
	if (section == MIME_SECTION_MIME) {
		*text = mime_header_of(message, part);
		return count > 0;
	}
	if (section == MIME_SECTION_ALL) {
		*text = mime_body_of(message, part);
		if (count == 0)
			*text = (struct mime_text){message->bytes, message->length};
		return true;
	}
	if (count > 0 && at->kind != MIME_MESSAGE)
		return false;
	if (count > 0)
		part = at->child;
	*text = section == MIME_SECTION_HEADER ? mime_header_of(message, part)
					       : mime_body_of(message, part);
	return true;
}

static int
compare_names(const void *a, const void *b)
{
	const struct mime_text *left = a, *right = b;

	if (left->length != right->length)
		return left->length < right->length ? -1 : 1;
	for (size_t i = 0; i < left->length; i++) {
		int difference = ascii_lower(left->at[i]) - ascii_lower(right->at[i]);

		if (difference != 0)
			return difference;
	}
	return 0;
}

void
mime_render_fields(struct mime_text header, const struct mime_text *names, size_t count, bool not,
		   struct mime_out *out)
{
	/* Sorted: a client may name thousands, and a stranger may have written as many. */
	struct mime_text *sorted = calloc(count + 1, sizeof(*sorted));
	struct mime_field field;
	size_t at = 0;

	if (sorted == NULL) {
		out->failed = true;
		return;
	}
	if (count > 0)
		memcpy(sorted, names, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare_names);
	while (mime_next_field(header.at, header.length, &at, &field)) {
		bool found = bsearch(&field.name, sorted, count, sizeof(*sorted), compare_names);

		if (found != not )
			mime_out_bytes(out, field.whole.at, field.whole.length);
	}
	mime_out_text(out, "\r\n");
	free(sorted);
}
