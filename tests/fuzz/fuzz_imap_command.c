/* SPDX-License-Identifier: ISC */
/*
 * What a client may send after its IMAP login. The same octets in one piece and one by one give the
 * same commands; all that commands point to can be read; names survive modified UTF-7 there and
 * back.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/imap_dump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DUMP_SIZE 65536

static uint64_t
mix(uint64_t sum, const char *text)
{
	for (; *text != '\0'; text++)
		sum = (sum ^ (unsigned char)*text) * 1099511628211u;
	return sum;
}

static uint64_t
look(struct imap_parser *parser, enum imap_step step, uint64_t sum)
{
	static char text[DUMP_SIZE];
	const char *at;

	if (step == IMAP_STEP_MORE)
		return sum;
	sum = mix(sum ^ (uint64_t)step << 32, imap_parser_tag(parser));
	if (step == IMAP_STEP_BAD || step == IMAP_STEP_FATAL) {
		for (at = imap_parser_error(parser); *at != '\0'; at++) {
			if (*at < ' ' || *at > '~')
				abort();
		}
		return mix(sum, imap_parser_error(parser));
	}
	if (step != IMAP_STEP_COMMAND)
		return sum;
	imap_dump(imap_parser_command(parser), text, sizeof(text));
	if (imap_parser_command(parser)->verb == IMAP_COPY)
		imap_set_resolve(&imap_parser_command(parser)->copy.set, 1000);
	if (imap_parser_command(parser)->verb == IMAP_IDLE)
		imap_parser_idle(parser);
	return mix(sum, text);
}

static uint64_t
run(const uint8_t *data, size_t size, size_t piece)
{
	struct imap_parser *parser = imap_parser_new();
	enum imap_step step = IMAP_STEP_MORE;
	uint64_t sum = 0;
	size_t used;

	imap_parser_set_utf8(parser, size % 2 != 0);
	if (size % 3 == 0)
		imap_parser_set_administrator(parser);
	while (size > 0 && step != IMAP_STEP_FATAL) {
		size_t n = size < piece ? size : piece;

		step = imap_parser_feed(parser, (const char *)data, n, &used);
		if (used > n || (step == IMAP_STEP_MORE && used != n))
			abort();
		sum = look(parser, step, sum);
		data += used;
		size -= used;
		if (step == IMAP_STEP_MESSAGE) {
			uint64_t octets = imap_parser_literal(parser)->octets;

			octets = octets < size ? octets : size;
			data += octets;
			size -= (size_t)octets;
		}
	}
	imap_parser_free(parser);
	return sum;
}

static void
names(const uint8_t *data, size_t size)
{
	char utf8[256], again[IMAP_UTF7_SIZE(256)];

	if (size > 200 || imap_utf7_decode((const char *)data, size, utf8, sizeof(utf8)) != 0)
		return;
	if (memchr(data, '\0', size) != NULL ||
	    imap_utf7_encode(utf8, strlen(utf8), again, sizeof(again)) != 0 ||
	    strlen(again) != size || memcmp(again, data, size) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t whole = run(data, size, SIZE_MAX);

	if (size < 4096 && (run(data, size, 1) != whole || run(data, size, 13) != whole))
		abort();
	names(data, size);
	return 0;
}
