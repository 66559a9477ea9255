/* SPDX-License-Identifier: ISC */
/*
 * Where accounts says that an address leads: three octets (the verdict, how many mailboxes, how
 * many forwards), then the tail. What is taken is in the tail, whole, and nothing is left over.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/queue/queue.h"
#include "worker/queue/ways.h"

#define NUMBERS 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *
skip(const char *text, size_t count)
{
	for (size_t i = 0; i < count; i++)
		text += strlen(text) + 1;
	return text;
}

static void
check(const struct aq_resolved *resolved, const struct ways *ways, const char *tail, size_t length)
{
	const char *end = tail;

	if ((resolved->verdict == RCPT_LOCAL) != (ways->mailbox_count + ways->forward_count > 0))
		abort();
	for (size_t i = 0; i < ways->mailbox_count; i++) {
		const char *name = skip(ways->mailboxes, i);

		/* The master looks at it as a name of a folder (names.h); here it is kept, and
		 * logged. */
		if (name[0] == '\0' || strlen(name) >= ADDRESS_SIZE ||
		    strpbrk(name, "\r\n") != NULL)
			abort();
		end = name + strlen(name) + 1;
	}
	for (size_t i = 0; i < ways->forward_count; i++) {
		const char *path = skip(ways->forwards, i);

		/* It is written into a command of SMTP. */
		if (strlen(path) >= PATH_SIZE || strpbrk(path, "\r\n") != NULL)
			abort();
		end = path + strlen(path) + 1;
	}
	if (ways->forward_count > 0) {
		if (end != ways->sender || strpbrk(ways->sender, "\r\n") != NULL)
			abort();
		end += strlen(ways->sender) + 1;
	}
	if (end != tail + (length == 0 ? 0 : length + 1))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct aq_resolved resolved = {.verdict = RCPT_LOCAL};
	struct ways ways;
	size_t length;
	char *tail;

	if (size < NUMBERS)
		return 0;
	resolved.verdict = data[0];
	resolved.mailboxes = data[1];
	resolved.forwards = data[2];
	length = size - NUMBERS;
	tail = malloc(length + 1);
	if (tail == NULL)
		return 0;
	memcpy(tail, data + NUMBERS, length);
	tail[length] = '\0';
	if (ways_take(&resolved, tail, length, &ways))
		check(&resolved, &ways, tail, length);
	free(tail);
	return 0;
}
