/* SPDX-License-Identifier: ISC */
/*
 * smtp_data against a slow and obvious reference. The first byte says how the rest is cut into
 * pieces, so that the state between pieces is tried too; an end mark is put behind what is there.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "worker/gate/smtp/data.h"

#define SIZE_MAX_HERE 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
	char *text;
	size_t length;   /* of the text */
	size_t used;     /* of the input, with the end mark */
	int faulty;      /* CR, LF or NUL that may not be */
	size_t received; /* fields */
	size_t longest;  /* line */
};

static int
at_line_start(const char *in, size_t i)
{
	return i == 0 || (i >= 2 && in[i - 2] == '\r' && in[i - 1] == '\n');
}

static void
reference_header(struct result *result)
{
	size_t i = 0;

	while (i < result->length && result->text[i] != '\r') {
		char *end = memmem(result->text + i, result->length - i, "\r\n", 2);

		if (result->length - i >= 9 && strncasecmp(result->text + i, "Received:", 9) == 0)
			result->received++;
		if (end == NULL)
			break;
		i = (size_t)(end - result->text) + 2;
	}
}

static void
reference(const char *in, size_t length, struct result *result)
{
	size_t i, line = 0;

	*result = (struct result){.text = malloc(length)};
	for (i = 0; i < length; i++) {
		if (at_line_start(in, i) && length - i >= 3 && memcmp(in + i, ".\r\n", 3) == 0) {
			result->used = i + 3;
			break;
		}
		if (at_line_start(in, i))
			line = 0;
		if (in[i] == '\0' || (in[i] == '\n' && (i == 0 || in[i - 1] != '\r')) ||
		    (in[i] == '\r' && in[i + 1] != '\n'))
			result->faulty = 1;
		if (at_line_start(in, i) && in[i] == '.')
			continue;
		if (in[i] != '\r' && in[i] != '\n' && ++line > result->longest)
			result->longest = line;
		result->text[result->length++] = in[i];
	}
	reference_header(result);
}

/* Each piece in memory of its own, so that reading past its end is seen. */
static void
feed(struct smtp_data *data, const char *in, size_t length, size_t piece, struct result *result)
{
	struct smtp_span span;

	while (result->used < length && data->state != DATA_END) {
		size_t n = length - result->used < piece ? length - result->used : piece, done = 0;
		char *copy = malloc(n);

		memcpy(copy, in + result->used, n);
		while (done < n && data->state != DATA_END) {
			size_t used = smtp_data_next(data, copy + done, n - done, &span);

			if (used == 0 || used > n - done)
				abort();
			if (span.length > 0)
				memcpy(result->text + result->length, span.bytes, span.length);
			result->length += span.length;
			done += used;
		}
		result->used += done;
		free(copy);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const char mark[] = "\r\n.\r\n";
	struct result want, got = {0};
	struct smtp_data data;
	size_t length;
	char *in;

	if (size == 0)
		return 0;
	length = size - 1 + sizeof(mark) - 1;
	in = malloc(length);
	memcpy(in, bytes + 1, size - 1);
	memcpy(in + size - 1, mark, sizeof(mark) - 1);

	reference(in, length, &want);
	got.text = malloc(length + 1);
	smtp_data_init(&data, SIZE_MAX_HERE);
	feed(&data, in, length, bytes[0] == 0 ? length : bytes[0], &got);

	if (data.state != DATA_END || got.used != want.used)
		abort();
	if ((data.fault == DATA_FINE) !=
	    (!want.faulty && want.length <= SIZE_MAX_HERE && want.received < SMTP_RECEIVED_MAX &&
	     want.longest <= SMTP_TEXT_LINE_MAX))
		abort();
	if (data.fault == DATA_FINE &&
	    (got.length != want.length || data.size != want.length ||
	     data.received != want.received || memcmp(got.text, want.text, want.length) != 0))
		abort();
	free(in);
	free(want.text);
	free(got.text);
	return 0;
}
