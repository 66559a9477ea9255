/* SPDX-License-Identifier: ISC */
/* The text: a line for each field, its letter and its folded value; without any, an empty line. */
#include "common/mime/kept.h"

#include <string.h>
#include <strings.h>

#include "common/mime/text.h"

static const struct {
	const char *name;
	char letter;
} fields[] = {
    {"subject", 's'}, {"from", 'f'}, {"to", 't'}, {"cc", 'c'}, {"bcc", 'b'}, {"message-id", 'm'},
};

/* NUL: it is not kept. */
static char
letter_of(struct mime_text name)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		if (mime_is(name, fields[i].name))
			return fields[i].letter;
	}
	return '\0';
}

bool
mime_is_kept(struct mime_text name)
{
	return letter_of(name) != '\0';
}

/* False: it is too long, or its end could not be told. */
static bool
keep_field(char letter, struct mime_text value, struct mime_out *utf8, struct mime_out *out)
{
	size_t begin;

	if (value.length > MIME_KEPT_MAX)
		return false;
	utf8->length = 0;
	mime_decode_words(value, utf8);
	mime_out_char(out, letter);
	begin = out->length;
	mime_fold(utf8->at, utf8->length, out);
	if (out->failed || utf8->failed || out->length - begin > MIME_KEPT_MAX)
		return false;
	if (out->length > begin && (memchr(out->at + begin, '\n', out->length - begin) != NULL ||
				    memchr(out->at + begin, '\0', out->length - begin) != NULL))
		return false;
	mime_out_char(out, '\n');
	return true;
}

void
mime_keep_header(struct mime_text header, struct mime_out *out)
{
	size_t begin = out->length, at = 0;
	struct mime_out utf8 = {0};
	struct mime_field field;
	bool all = true;

	while (all && mime_next_field(header.at, header.length, &at, &field)) {
		char letter = letter_of(field.name);

		if (letter != '\0')
			all = keep_field(letter, field.value, &utf8, out) &&
			      out->length - begin <= MIME_KEPT_MAX;
	}
	out->failed |= utf8.failed;
	mime_out_free(&utf8);
	if (!all)
		out->length = begin;
	else if (out->length == begin)
		mime_out_char(out, '\n');
}

int
mime_kept_contains(const char *kept, struct mime_text name, struct mime_text needle)
{
	char letter = letter_of(name);
	const char *end;

	if (*kept == '\0' || letter == '\0')
		return -1;
	for (; (end = strchr(kept, '\n')) != NULL; kept = end + 1) {
		if (*kept == letter &&
		    mime_contains(kept + 1, (size_t)(end - kept - 1), needle.at, needle.length))
			return 1;
	}
	return 0;
}
