/* SPDX-License-Identifier: ISC */
/*
 * smtp_data against a slow and obvious reference. The first byte says how the rest is cut into
 * pieces, so that the state between pieces is tried too; an end mark is put behind what is there.
 * The same octets then come in chunks: of text, and as a body that may be binary.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/hop_limit.h"
#include "worker/gate/smtp/data.h"

#define SIZE_MAX_HERE 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
	char *text;
	size_t length;   /* of the text */
	size_t used;     /* of the input, with the end mark */
	int faulty;      /* CR, LF or NUL that may not be */
	int bare;        /* CR or LF on its own */
	int doubtful;    /* it stands right before the CRLF of the end mark */
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

static int
is_bare(const char *in, size_t i)
{
	return (in[i] == '\n' && (i == 0 || in[i - 1] != '\r')) ||
	       (in[i] == '\r' && in[i + 1] != '\n');
}

static void
reference(const char *in, size_t length, struct result *result)
{
	size_t i, line = 0;

	*result = (struct result){.text = malloc(length)};
	for (i = 0; i < length; i++) {
		if (at_line_start(in, i) && length - i >= 3 && memcmp(in + i, ".\r\n", 3) == 0) {
			result->used = i + 3;
			result->doubtful = i >= 3 && is_bare(in, i - 3);
			break;
		}
		if (at_line_start(in, i))
			line = 0;
		result->bare |= is_bare(in, i);
		if (in[i] == '\0' || result->bare)
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

/* Lines of text, each with its CRLF, and no octet that may not be in them. */
static int
is_text(const char *in, size_t length)
{
	size_t i, line = 0;

	for (i = 0; i < length; i++) {
		if (in[i] == '\0' || (in[i] == '\n' && (i == 0 || in[i - 1] != '\r')) ||
		    (in[i] == '\r' && (i + 1 == length || in[i + 1] != '\n')))
			return 0;
		line = in[i] == '\n' ? 0 : line + (in[i] != '\r');
		if (line > SMTP_TEXT_LINE_MAX)
			return 0;
	}
	return 1;
}

/* Octets up to and with the empty line. */
static size_t
header_length(const char *in, size_t length)
{
	const char *end;

	if (length >= 2 && memcmp(in, "\r\n", 2) == 0)
		return 2;
	end = memmem(in, length, "\r\n\r\n", 4);
	return end == NULL ? length : (size_t)(end - in) + 4;
}

static void
chunks(enum smtp_framing framing, const char *in, size_t length, size_t piece)
{
	size_t header = framing == FRAMING_BINARY ? header_length(in, length) : length;
	int sound = is_text(in, header), text = is_text(in, length), ended;
	struct result want = {.text = malloc(length + 2), .length = length}, got = {0};
	struct smtp_data data;
	struct smtp_span span;

	memcpy(want.text, in, length);
	ended = length == 0 || in[length - 1] == '\n';
	if (!ended) {
		memcpy(want.text + length, "\r\n", 2);
		want.length += text ? 2 : 0;
	}
	reference_header(&want);
	got.text = malloc(length + 3);
	smtp_data_init(&data, framing, SIZE_MAX_HERE);
	feed(&data, in, length, piece, &got);
	smtp_data_finish(&data, &span);
	if (span.length > 0)
		memcpy(got.text + got.length, span.bytes, span.length);
	got.length += span.length;
	if (got.used != length || data.state != DATA_END)
		abort();
	if (data.fault == DATA_FINE &&
	    (!sound || got.length != want.length || data.size != want.length ||
	     memcmp(got.text, want.text, want.length) != 0 || data.binary != !text))
		abort();
	if (data.fault != DATA_FINE && sound && want.length <= SIZE_MAX_HERE &&
	    want.received < HOP_LIMIT)
		abort();
	free(want.text);
	free(got.text);
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
	smtp_data_init(&data, FRAMING_DOT, SIZE_MAX_HERE);
	feed(&data, in, length, bytes[0] == 0 ? length : bytes[0], &got);

	if (data.state != DATA_END || got.used != want.used)
		abort();
	if (smtp_data_end_in_doubt(&data, false) != want.doubtful ||
	    smtp_data_end_in_doubt(&data, true) != want.bare)
		abort();
	if ((data.fault == DATA_FINE) !=
	    (!want.faulty && want.length <= SIZE_MAX_HERE && want.received < HOP_LIMIT &&
	     want.longest <= SMTP_TEXT_LINE_MAX))
		abort();
	if (data.fault == DATA_FINE &&
	    (got.length != want.length || data.size != want.length ||
	     data.received != want.received || memcmp(got.text, want.text, want.length) != 0))
		abort();
	free(want.text);
	free(got.text);
	chunks(FRAMING_CHUNKS, in, size - 1, bytes[0] == 0 ? length : bytes[0]);
	chunks(FRAMING_BINARY, in, size - 1, bytes[0] == 0 ? length : bytes[0]);
	free(in);
	return 0;
}
