/* SPDX-License-Identifier: ISC */
/* A command line is parsed within its bounds, into a command whose arguments are there. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/session/pop3/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pop3_command command;
	char *line = malloc(size + 1); /* one octet more would be seen */

	if (line == NULL)
		return 0;
	memcpy(line, data, size);
	line = realloc(line, size > 0 ? size : 1);
	if (line != NULL && pop3_parse_transaction(line, size, &command) == POP3_OK) {
		if (command.verb >= POP3_VERB_COUNT)
			abort();
		if (!command.has_message && command.message != 0)
			abort();
	}
	free(line);
	return 0;
}
