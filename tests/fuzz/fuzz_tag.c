/* SPDX-License-Identifier: ISC */
/*
 * A tag is within its room, without a slash, and stands in the path behind the mailbox's name. The
 * first byte is the separator.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/session/tag.h"

#define MAILBOX "alice@example.org"
#define USER 5 /* octets of "alice" */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char tag[TAG_SIZE];
	size_t length;
	char *path;

	if (size < 1)
		return 0;
	memset(tag, 'x', sizeof(tag));
	path = malloc(size);
	memcpy(path, data + 1, size - 1);
	path[size - 1] = '\0';
	tag_of(MAILBOX, path, (char)data[0], tag);
	length = strnlen(tag, sizeof(tag));
	if (length == sizeof(tag) || strchr(tag, '/') != NULL)
		abort();
	if (length > 0 &&
	    (data[0] == 0 || strlen(path) <= USER + 1 + length || path[USER] != (char)data[0] ||
	     path[USER + 1 + length] != '@' || memcmp(path + USER + 1, tag, length) != 0))
		abort();
	free(path);
	return 0;
}
