/* SPDX-License-Identifier: ISC */
/*
 * What is put right in a header. The first byte says how the rest is cut into pieces: that must
 * change nothing. What came out needs nothing any more, whatever went in.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mime/header.h"
#include "worker/gate/smtp/fixup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct output {
	char *text;
	size_t length;
};

static void
collect(void *arg, const char *bytes, size_t length)
{
	struct output *out = arg;

	out->text = realloc(out->text, out->length + length + 1);
	memcpy(out->text + out->length, bytes, length);
	out->length += length;
}

static struct output
run(const char *in, size_t length, size_t piece)
{
	struct fixup_values values = {.hostname = "mail.example.org", .from = "a@b"};
	struct output out = {malloc(1), 0};
	struct smtp_fixup fixup;

	smtp_fixup_init(&fixup, &values, collect, &out);
	for (size_t at = 0; at < length; at += piece)
		smtp_fixup_next(&fixup, in + at, length - at < piece ? length - at : piece);
	smtp_fixup_end(&fixup);
	return out;
}

static int
has(const struct output *out, const char *name)
{
	struct mime_text value;

	return mime_find_field(out->text, out->length, name, &value);
}

/* Whether no CR, LF or NUL stands in it that smtp_data refuses. */
static int
is_text(const char *in, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (in[i] == '\0' || (in[i] == '\n' && (i == 0 || in[i - 1] != '\r')) ||
		    (in[i] == '\r' && (i + 1 == length || in[i + 1] != '\n')))
			return 0;
	}
	return 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct output one, two, again;

	if (size == 0)
		return 0;
	one = run((const char *)data + 1, size - 1, size);
	two = run((const char *)data + 1, size - 1, data[0] == 0 ? size : data[0]);
	again = run(one.text, one.length, one.length);
	if (one.length != two.length || memcmp(one.text, two.text, one.length) != 0)
		abort();
	if (one.length != again.length || memcmp(one.text, again.text, one.length) != 0)
		abort();
	/* Where this comes from, line ends are CRLF and there is no NUL. */
	if (is_text((const char *)data + 1, size - 1) &&
	    (!has(&one, "Date") || !has(&one, "Message-ID") || !has(&one, "From") ||
	     has(&one, "Bcc") || has(&one, "Return-Path")))
		abort();
	free(one.text);
	free(two.text);
	free(again.text);
	return 0;
}
