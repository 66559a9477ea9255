/* SPDX-License-Identifier: ISC */
#include "worker/filter/message_names.h"

#include <stdlib.h>
#include <strings.h>

/* By length first: most names differ in it. */
static int
compare_names(struct mime_text a, struct mime_text b)
{
	if (a.length != b.length)
		return a.length < b.length ? -1 : 1;
	return strncasecmp(a.at, b.at, a.length);
}

/* The fields that came lie in one piece of memory, from the top. */
static int
compare_fields(const void *left, const void *right)
{
	const struct mime_field *a = &(*(const struct message_field *const *)left)->text;
	const struct mime_field *b = &(*(const struct message_field *const *)right)->text;
	int order = compare_names(a->name, b->name);

	return order != 0 ? order : (a->whole.at > b->whole.at) - (a->whole.at < b->whole.at);
}

int
message_names_open(struct message *message)
{
	struct message_field *field;

	message->names =
	    reallocarray(NULL, message->field_count + 1, sizeof(struct message_field *));
	if (message->names == NULL)
		return -1;
	TAILQ_FOREACH (field, &message->fields, entry) {
		if (field->text.name.length > 0)
			message->names[message->name_count++] = field;
	}
	qsort(message->names, message->name_count, sizeof(struct message_field *), compare_fields);
	return 0;
}

/* How many of the names come before NAME, or are it too. */
static size_t
count_up_to(const struct message *message, struct mime_text name, bool included)
{
	size_t low = 0, high = message->name_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_names(message->names[middle]->text.name, name);

		if (order < 0 || (included && order == 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t
message_named(const struct message *message, struct mime_text name, size_t *first)
{
	*first = count_up_to(message, name, false);
	return count_up_to(message, name, true) - *first;
}
