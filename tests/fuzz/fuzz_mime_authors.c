/* SPDX-License-Identifier: ISC */
/*
 * Whom a message is from. What has been taken must say the same when it is written down plainly,
 * and the same of the header alone.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mime/authors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIST_MAX 65536

struct list {
	size_t count;
	size_t length;
	char text[LIST_MAX];
};

static bool
collect(const char *local, const char *domain, void *arg)
{
	struct list *list = arg;
	size_t size = strlen(local) + strlen(domain) + 2;

	if (strlen(local) >= AUTHOR_PART_SIZE || strlen(domain) >= AUTHOR_PART_SIZE)
		abort();
	if (size >= LIST_MAX - list->length)
		return false;
	(void)snprintf(list->text + list->length, size + 1, "%s@%s,", local, domain);
	list->length += size;
	list->count++;
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct list first, again;
	char *copy = malloc(size + 1);
	const char *end;
	enum authors_fault fault, part;

	memcpy(copy, data, size);
	copy[size] = '\0';
	first.count = first.length = again.count = again.length = 0;
	fault = authors_read((const char *)data, size, true, collect, &first);
	if (fault == AUTHORS_FINE && first.count == 0)
		abort();
	/* Begin of more: the same if the header's end is there. */
	part = authors_read((const char *)data, size, false, collect, &again);
	if (part != AUTHORS_CUT && (part != fault || first.length != again.length ||
				    memcmp(first.text, again.text, first.length) != 0))
		abort();
	/* A From behind the header changes nothing, one in front of it is a second. */
	end = memmem(copy, size, "\r\n\r\n", 4);
	if (fault == AUTHORS_FINE && end != NULL) {
		size_t header = (size_t)(end - copy) + 2;
		char *twice = malloc(header + 9);

		memcpy(twice, "From: x\r\n", 9);
		memcpy(twice + 9, copy, header);
		again.count = again.length = 0;
		if (authors_read(copy, header, true, collect, &again) != AUTHORS_FINE ||
		    again.count != first.count)
			abort();
		if (authors_read(twice, header + 9, true, collect, &again) == AUTHORS_FINE)
			abort();
		free(twice);
	}
	free(copy);
	return 0;
}
