/* SPDX-License-Identifier: ISC */
/* What a client may send before its POP3 login, line by line: arguments stay inside their line. */
#include <stdint.h>
#include <stdlib.h>

#include "worker/gate/pop3/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_inside(const char *line, size_t length, const char *part, size_t part_length)
{
	if (part_length > 0 && (part < line || part + part_length > line + length))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	struct pop3_command command;
	size_t text, used;

	while ((used = pop3_line(bytes, size, &text)) > 0) {
		if (used > size || used > POP3_LINE_MAX || text >= used)
			abort();
		pop3_parse(bytes, text, &command);
		if (command.verb >= POP3_VERB_COUNT)
			abort();
		check_inside(bytes, text, command.argument, command.argument_length);
		check_inside(bytes, text, command.response, command.response_length);
		bytes += used;
		size -= used;
	}
	return 0;
}
