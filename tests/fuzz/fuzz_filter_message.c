/* SPDX-License-Identifier: ISC */
/*
 * A message of a stranger in filter: read, with fields removed and added, written again. What is
 * written is what came but for what was changed, and reads the same.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mime/authserv_id.h"
#include "worker/filter/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int condition)
{
	if (!condition)
		abort();
}

/* Header and body as they are now. */
static char *
whole(const struct message *message, size_t *length)
{
	size_t header = message_header_size(message);
	size_t body = (size_t)(message->size - message->body_begin);
	char *out = malloc(header + body + 1);

	must(out != NULL);
	message_write_header(message, out);
	must(message_body(message, 0, out + header, body + 1) == (ssize_t)body);
	*length = header + body;
	return out;
}

static void
remove_results(struct message *message)
{
	struct message_field *field = NULL;

	while ((field = message_came(message, "Authentication-Results", field)) != NULL) {
		if (authserv_id_may_be(field->text.value, "me"))
			message_remove(message, field);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message *message = size == 0 ? NULL : message_new((const char *)data, -1, size);
	struct message *again;
	struct message_field *first;
	size_t length;
	char *out;

	if (message == NULL)
		return 0;
	out = whole(message, &length);
	must(length == size && memcmp(out, data, size) == 0);
	free(out);
	remove_results(message);
	first = message_prepend(message, "X-First", "1");
	must(first != NULL);
	out = whole(message, &length);
	again = message_new(out, -1, length);
	must(again != NULL || errno == EMSGSIZE);
	if (again != NULL) {
		must(again->size - again->body_begin == message->size - message->body_begin);
		must(mime_is(TAILQ_FIRST(&again->fields)->text.name, "X-First"));
	}
	message_free(again);
	message_free(message);
	free(out);
	return 0;
}
