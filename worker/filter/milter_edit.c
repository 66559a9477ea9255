/* SPDX-License-Identifier: ISC */
#include "worker/filter/milter_edit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* -- What the milter is shown ------------------------------------------------------------ */

static bool
is_named(const struct message_field *field, const char *name)
{
	return field->text.name.length == strlen(name) &&
	       strncasecmp(field->text.name.at, name, field->text.name.length) == 0;
}

int
milter_edit_open(struct milter_edit *edit, struct message *message, size_t body_max)
{
	struct message_field *field;
	bool own = true; /* our Received field has not come by */

	*edit = (struct milter_edit){.message = message, .body_max = body_max};
	STAILQ_INIT(&edit->changes);
	/* One more: what is in the list without a name is counted there too. */
	edit->shown = reallocarray(NULL, message->field_count + 1, sizeof(struct message_field *));
	if (edit->shown == NULL)
		return -1;
	for (field = message_is(message, NULL, NULL); field != NULL;
	     field = message_is(message, NULL, field)) {
		if (field->text.name.length == 0)
			continue;
		if (own && !field->added && is_named(field, "Received")) {
			own = false;
			continue;
		}
		if (edit->shown_count < message->field_count)
			edit->shown[edit->shown_count++] = field;
	}
	return 0;
}

void
milter_edit_close(struct milter_edit *edit)
{
	struct milter_change *change;

	while ((change = STAILQ_FIRST(&edit->changes)) != NULL) {
		STAILQ_REMOVE_HEAD(&edit->changes, entry);
		free(change->name);
		free(change->value);
		free(change);
	}
	free(edit->shown);
	free(edit->body);
	*edit = (struct milter_edit){.shown = NULL};
	STAILQ_INIT(&edit->changes);
}

bool
milter_edit_field(void *context, size_t index, struct milter_field *out)
{
	const struct milter_edit *edit = context;
	const struct mime_field *text;
	const char *colon;
	size_t length;

	if (index >= edit->shown_count)
		return false;
	text = &edit->shown[index]->text;
	length = text->whole.length;
	colon = memchr(text->whole.at, ':', length);
	if (colon == NULL)
		return false;
	length -= (size_t)(colon + 1 - text->whole.at);
	while (length > 0 && (colon[length] == '\n' || colon[length] == '\r'))
		length--;
	*out = (struct milter_field){text->name.at, text->name.length, colon + 1, length};
	return true;
}

ssize_t
milter_edit_body(void *context, uint64_t offset, void *buffer, size_t room)
{
	const struct milter_edit *edit = context;

	return message_body(edit->message, offset, buffer, room);
}

/* -- What it wants ------------------------------------------------------------------------- */

static int
add_body(struct milter_edit *edit, const char *data, size_t length)
{
	char *longer;

	if (length > edit->body_max - edit->body_length) {
		edit->too_much = true;
		errno = EMSGSIZE;
		return -1;
	}
	longer = realloc(edit->body, edit->body_length + length + 1);
	if (longer == NULL)
		return -1;
	memcpy(longer + edit->body_length, data, length);
	edit->body = longer;
	edit->body_length += length;
	return 0;
}

int
milter_edit_change(void *context, const struct milter_reply *reply)
{
	struct milter_edit *edit = context;
	struct milter_change *change;

	if (reply->type == MILTER_REPLBODY)
		return add_body(edit, reply->data, reply->length);
	edit->octets += strlen(reply->name) + (reply->value == NULL ? 0 : strlen(reply->value));
	if (++edit->change_count > MILTER_CHANGES_MAX || edit->octets > MILTER_CHANGES_OCTETS) {
		edit->too_much = true;
		errno = EMSGSIZE;
		return -1;
	}
	change = calloc(1, sizeof(*change));
	if (change == NULL)
		return -1;
	STAILQ_INSERT_TAIL(&edit->changes, change, entry);
	change->type = reply->type;
	change->index = reply->index;
	change->name = strdup(reply->name);
	if (reply->value != NULL)
		change->value = strdup(reply->value);
	return change->name == NULL || (reply->value != NULL && change->value == NULL) ? -1 : 0;
}

/* -- Doing it ---------------------------------------------------------------------------- */

/*
 * A value as it stands in a mail: lines end with CRLF, and each but the first begins with a blank.
 * Lines of nothing but blanks, which would look like the header's end, are left out. NULL without
 * memory.
 */
static char *
mail_value(const char *value)
{
	char *out = malloc(3 * strlen(value) + 1), *to = out;

	if (out == NULL)
		return NULL;
	while (*value == ' ' || *value == '\t')
		value++;
	for (; *value != '\0'; value++) {
		if (*value == '\r')
			continue;
		if (*value != '\n') {
			*to++ = *value;
			continue;
		}
		while (value[1] == '\n' || value[1] == '\r' || value[1] == ' ' || value[1] == '\t')
			value++;
		if (value[1] == '\0')
			break;
		memcpy(to, "\r\n\t", 3);
		to += 3;
	}
	*to = '\0';
	return out;
}

/* Behind which field to be the INDEX-th from the top, 0 being the first; NULL: at the top. */
static struct message_field *
field_before(const struct message *message, uint32_t index)
{
	struct message_field *field = NULL, *next;

	for (; index > 0; index--) {
		next = message_is(message, NULL, field);
		if (next == NULL)
			break;
		field = next;
	}
	return field;
}

static struct message_field *
insert(struct message *message, uint32_t index, const char *name, const char *value)
{
	struct message_field *before = field_before(message, index);

	return before == NULL ? message_prepend(message, name, value)
			      : message_insert(message, before, name, value);
}

/* The INDEX-th shown of that name; NULL: there are not so many. */
static struct message_field **
shown_field(const struct milter_edit *edit, const char *name, uint32_t index)
{
	for (size_t i = 0; i < edit->shown_count; i++) {
		if (is_named(edit->shown[i], name) && index-- <= 1)
			return &edit->shown[i];
	}
	return NULL;
}

/* Beyond the last it is added. */
static struct message_field *
replace(struct milter_edit *edit, const struct milter_change *change, const char *value)
{
	struct message_field **shown = shown_field(edit, change->name, change->index);
	struct message_field *added;

	if (shown == NULL)
		return message_append(edit->message, change->name, value);
	added = message_insert(edit->message, *shown, change->name, value);
	if (added == NULL)
		return NULL;
	if (!(*shown)->removed)
		message_remove(edit->message, *shown);
	*shown = added;
	return added;
}

static int
apply_header(struct milter_edit *edit, const struct milter_change *change, const char *value,
	     unsigned *bad)
{
	struct message_field **shown, *added;

	if (change->type == MILTER_CHGHEADER && change->value[0] == '\0') {
		shown = shown_field(edit, change->name, change->index);
		if (shown != NULL && !(*shown)->removed)
			message_remove(edit->message, *shown);
		return 0;
	}
	if (change->type == MILTER_ADDHEADER)
		added = message_append(edit->message, change->name, value);
	else if (change->type == MILTER_INSHEADER)
		added = insert(edit->message, change->index, change->name, value);
	else
		added = replace(edit, change, value);
	if (added == NULL && errno == EINVAL)
		++*bad;
	else if (added == NULL)
		return -1;
	return 0;
}

/* What a change makes of SIZE; GONE are the fields shown that others have replaced. */
static bool
count_change(const struct milter_edit *edit, const struct milter_change *change, bool *gone,
	     uint64_t *size)
{
	struct message_field **shown = NULL;
	char *value = mail_value(change->value);

	if (value == NULL)
		return false;
	if (change->type == MILTER_CHGHEADER)
		shown = shown_field(edit, change->name, change->index);
	if (shown != NULL && !gone[shown - edit->shown]) {
		gone[shown - edit->shown] = true;
		*size -= (*shown)->text.whole.length;
	}
	if (change->type != MILTER_CHGHEADER || change->value[0] != '\0')
		*size += strlen(change->name) + strlen(": \r\n") + strlen(value);
	free(value);
	return true;
}

bool
milter_edit_size(const struct milter_edit *edit, uint64_t *size)
{
	bool *gone = calloc(edit->shown_count + 1, sizeof(*gone));
	bool counted = gone != NULL;
	const struct milter_change *change;

	*size = message_header_size(edit->message) +
		(edit->body != NULL ? edit->body_length : message_body_size(edit->message));
	STAILQ_FOREACH (change, &edit->changes, entry) {
		if (counted && change->type <= MILTER_CHGHEADER)
			counted = count_change(edit, change, gone, size);
	}
	free(gone);
	return counted;
}

int
milter_edit_apply(struct milter_edit *edit, unsigned *bad)
{
	const struct milter_change *change;

	*bad = 0;
	STAILQ_FOREACH (change, &edit->changes, entry) {
		char *value;
		int result;

		if (change->type > MILTER_CHGHEADER)
			continue;
		value = mail_value(change->value);
		if (value == NULL)
			return -1;
		result = apply_header(edit, change, value, bad);
		free(value);
		if (result == -1)
			return -1;
	}
	if (edit->body == NULL)
		return 0;
	message_replace_body(edit->message, edit->body, edit->body_length);
	edit->body = NULL;
	return 0;
}
