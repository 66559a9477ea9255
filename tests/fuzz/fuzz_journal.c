/* SPDX-License-Identifier: ISC */
/* The certs folder's journal: what is accepted names files of the folder only, and reads back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "certd/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(const char *file)
{
	if (file[0] == '\0' || strchr(file, '/') != NULL || strcmp(file, "..") == 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[JOURNAL_TEXT_MAX + 1];
	struct journal journal;

	if (!journal_parse((const char *)data, size, &journal))
		return 0;
	for (size_t i = 0; i < journal.count; i++) {
		check(journal.steps[i].from);
		if (journal.steps[i].op != JOURNAL_UNLINK)
			check(journal.steps[i].to);
	}
	if (journal_write(&journal, text) != size || memcmp(text, data, size) != 0)
		abort();
	return 0;
}
