/* SPDX-License-Identifier: ISC */
/* What a session process says to posternctl: FETCH, LIST, STATUS (RFC 9051 7). */
#include <stdlib.h>
#include <string.h>

#include "ctl/imap_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The parsers change what they read: each gets its own, with nothing behind it. */
static char *
copy(const uint8_t *data, size_t size)
{
	char *text = malloc(size > 0 ? size : 1);

	if (text == NULL)
		abort();
	memcpy(text, data, size);
	return text;
}

static void
try_fetch(const uint8_t *data, size_t size)
{
	char *text = copy(data, size);
	struct fetched fetched;

	if (read_fetch(text, size, &fetched) == 1 && (fetched.has & FETCHED_BODY) != 0 &&
	    fetched.body != NULL &&
	    (fetched.body < text || fetched.body_length > size ||
	     fetched.body + fetched.body_length > text + size))
		abort();
	free(text);
}

static void
try_list(const uint8_t *data, size_t size)
{
	char *text = copy(data, size);
	struct listed listed;

	if (read_list(text, size, &listed) == 1 && listed.name[0] != '\0' &&
	    !folder_name_is_fine(listed.name, strlen(listed.name)))
		abort();
	free(text);
}

static void
try_status(const uint8_t *data, size_t size)
{
	char *text = copy(data, size);
	struct statused status;

	(void)read_status(text, size, &status);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t seconds;

	try_fetch(data, size);
	try_list(data, size);
	try_status(data, size);
	(void)read_date_time((const char *)data, size, &seconds);
	return 0;
}
