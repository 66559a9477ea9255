/* SPDX-License-Identifier: ISC */
/*
 * The first line is what is looked for, the rest a message. What is made of it is UTF-8; a fold
 * changes nothing that is folded; what is found in pieces is found in the whole.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include "common/mime/date.h"
#include "common/mime/kept.h"
#include "common/mime/subject.h"
#include "common/mime/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool right)
{
	if (!right)
		abort();
}

static void
check_utf8(const struct mime_out *out)
{
	must(!out->failed);
	must(out->length == 0 || (u8_check((const uint8_t *)out->at, out->length) == NULL &&
				  memchr(out->at, '\0', out->length) == NULL));
}

struct whole {
	struct mime_out text;
	struct mime_text needle;
	bool found;
};

static bool
collect(const char *folded, size_t length, bool first, void *arg)
{
	struct whole *whole = arg;

	must(length == 0 || u8_check((const uint8_t *)folded, length) == NULL);
	if (first)
		whole->text.length = 0;
	mime_out_bytes(&whole->text, folded, length);
	whole->found |= mime_contains(whole->text.at, whole->text.length, whole->needle.at,
				      whole->needle.length);
	return true;
}

static void
check_words(struct mime_text line)
{
	struct mime_out out = {0}, folded = {0}, again = {0};
	struct mime_date date;

	mime_decode_words(line, &out);
	check_utf8(&out);
	mime_fold(out.at, out.length, &folded);
	check_utf8(&folded);
	mime_base_subject(line, &again, NULL);
	check_utf8(&again);
	again.length = 0;
	mime_decode_parameter((struct mime_text){"a*", 2}, line, &again);
	check_utf8(&again);
	if (mime_read_date(line, &date))
		must(date.day >= -719528 && date.day < 3000000);
	mime_out_free(&out);
	mime_out_free(&folded);
	mime_out_free(&again);
}

/* What is kept of a header answers as the header does. */
static void
check_kept(struct mime_text header, struct mime_text needle)
{
	static const struct mime_text fields[] = {{"from", 4}, {"Subject", 7}, {"message-id", 10}};
	struct mime_out kept = {0};

	mime_keep_header(header, &kept);
	mime_out_char(&kept, '\0');
	must(!kept.failed && strlen(kept.at) == kept.length - 1);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		int in_header = mime_field_contains(header, fields[i], needle);
		int in_kept = mime_kept_contains(kept.at, fields[i], needle);

		must(in_header >= 0);
		must(in_kept == in_header || (in_kept == -1 && kept.length == 1));
	}
	mime_out_free(&kept);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data, *end = size == 0 ? NULL : memchr(bytes, '\n', size);
	struct mime_text line = {bytes, end == NULL ? size : (size_t)(end - bytes)};
	struct mime_message message;
	struct mime_out needle = {0};
	struct whole whole = {.found = false};

	check_words(line);
	mime_fold(line.at, line.length, &needle);
	whole.needle = (struct mime_text){needle.at, needle.length};
	must(mime_parse(bytes + line.length, size - line.length, &message) == 0);
	must(mime_each_text(&message, MIME_WHERE_HEADER | MIME_WHERE_BODY, collect, &whole) == 0);
	if (needle.length > 0)
		must(mime_text_contains(&message, MIME_WHERE_HEADER | MIME_WHERE_BODY,
					whole.needle) == whole.found);
	check_kept(mime_header_of(&message, 0), whole.needle);
	mime_free(&message);
	mime_out_free(&needle);
	mime_out_free(&whole.text);
	return 0;
}
