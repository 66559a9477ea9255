/* SPDX-License-Identifier: ISC */
/* What a session process says to posternctl of a checkup, line by line. */
#include <stdlib.h>
#include <string.h>

#include "ctl/checkup_lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct checkup_line line;

	if (text == NULL)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	line = checkup_line_read(text, size);
	if (line.kind == CHECKUP_LINE_FINDING || line.kind == CHECKUP_LINE_FAILED) {
		for (const unsigned char *at = (const unsigned char *)line.text; *at != '\0';
		     at++) {
			if (*at < ' ' || *at == 0x7f || (at[0] == 0xc2 && at[1] < 0xa0))
				abort();
		}
	}
	free(text);
	return 0;
}
