/* SPDX-License-Identifier: ISC */
#include "worker/filter/message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "worker/filter/message_names.h"

#define FIELDS_MAX 10000 /* of a message that comes */
#define FIELDS_ROOM 100  /* for those that are added to it, however many came */
#define PIECE 65536      /* octets of a file that are read at a time */

/* -- Reading ------------------------------------------------------------------------------ */

/*
 * Where the header ends: *FIELDS behind its last field, *BODY behind the empty line, if there is
 * one from line AT on. False if that isn't known yet; AT is then the line to go on with.
 */
static bool
find_end(const char *octets, size_t length, size_t *at, size_t *fields, size_t *body)
{
	for (;;) {
		const char *line = octets + *at;
		const char *end = memchr(line, '\n', length - *at);
		size_t size;

		if (end == NULL)
			return false;
		size = (size_t)(end - line) + 1;
		if (size == 1 || (size == 2 && line[0] == '\r')) {
			*fields = *at;
			*body = *at + size;
			return true;
		}
		*at += size;
	}
}

/* The whole message in memory. */
static int
take_octets(struct message *message, const char *octets, size_t *fields)
{
	size_t length = (size_t)message->size, at = 0, body = length;

	message->header = malloc(length + 1);
	if (message->header == NULL)
		return -1;
	memcpy(message->header, octets, length);
	message->header[length] = '\0';
	message->whole = message->header;
	*fields = length;
	(void)find_end(message->header, length, &at, fields, &body);
	message->body_begin = body;
	return 0;
}

/* The next piece of the file behind the LENGTH octets of the header that are there. */
static ssize_t
read_piece(struct message *message, size_t length)
{
	char *more = realloc(message->header, length + PIECE + 1);

	if (more == NULL)
		return -1;
	message->header = more;
	return pread(message->fd, more + length, PIECE, (off_t)length);
}

static int
read_file(struct message *message, size_t *fields)
{
	size_t length = 0, at = 0, body = 0;

	for (;;) {
		ssize_t n = read_piece(message, length);

		if (n < 0)
			return -1;
		length += (size_t)n;
		if (find_end(message->header, length, &at, fields, &body)) {
			message->body_begin = body;
			return 0;
		}
		if (length > MESSAGE_HEADER_MAX) {
			errno = EMSGSIZE;
			return -1;
		}
		if (n > 0)
			continue;
		/* It is nothing but a header; a file that is shorter than was said is none. */
		if (length != message->size) {
			errno = EIO;
			return -1;
		}
		*fields = length;
		message->body_begin = length;
		return 0;
	}
}

static int
split_header(struct message *message, size_t length)
{
	struct mime_field text;
	size_t at = 0;

	while (mime_next_field(message->header, length, &at, &text)) {
		struct message_field *field;

		if (message->field_count >= FIELDS_MAX) {
			errno = EMSGSIZE;
			return -1;
		}
		field = calloc(1, sizeof(*field));
		if (field == NULL)
			return -1;
		field->text = text;
		TAILQ_INSERT_TAIL(&message->fields, field, entry);
		message->field_count++;
	}
	return 0;
}

struct message *
message_new(const char *octets, int fd, uint64_t size)
{
	struct message *message = calloc(1, sizeof(*message));
	size_t fields = 0;

	if (message == NULL) {
		if (octets == NULL)
			close(fd);
		return NULL;
	}
	message->size = size;
	message->fd = octets == NULL ? fd : -1;
	TAILQ_INIT(&message->fields);
	if ((octets != NULL ? take_octets(message, octets, &fields)
			    : read_file(message, &fields)) == 0) {
		message->header_end = fields;
		if (fields > MESSAGE_HEADER_MAX)
			errno = EMSGSIZE;
		else if (message->body_begin > size)
			errno = EIO;
		else if (split_header(message, fields) == 0 && message_names_open(message) == 0)
			return message;
	}
	message_free(message);
	return NULL;
}

void
message_free(struct message *message)
{
	struct message_field *field;
	int saved = errno;

	if (message == NULL)
		return;
	while ((field = TAILQ_FIRST(&message->fields)) != NULL) {
		TAILQ_REMOVE(&message->fields, field, entry);
		free(field);
	}
	if (message->fd != -1)
		close(message->fd);
	free(message->names);
	free(message->header);
	free(message->body);
	free(message);
	errno = saved;
}

uint64_t
message_body_size(const struct message *message)
{
	return message->body != NULL ? message->body_size : message->size - message->body_begin;
}

void
message_replace_body(struct message *message, char *body, size_t length)
{
	free(message->body);
	message->body = body;
	message->body_size = length;
	message->changed = true;
}

ssize_t
message_body(const struct message *message, uint64_t offset, void *buffer, size_t room)
{
	uint64_t left = message_body_size(message);

	if (offset >= left)
		return 0;
	left -= offset;
	if (room > left)
		room = (size_t)left;
	if (message->body != NULL) {
		memcpy(buffer, message->body + offset, room);
		return (ssize_t)room;
	}
	if (message->whole == NULL)
		return pread(message->fd, buffer, room, (off_t)(message->body_begin + offset));
	memcpy(buffer, message->whole + message->body_begin + offset, room);
	return (ssize_t)room;
}

/* -- Fields ------------------------------------------------------------------------------- */

static struct message_field *
next(const struct message *message, const char *name, const struct message_field *after, bool came)
{
	struct message_field *field =
	    after == NULL ? TAILQ_FIRST(&message->fields) : TAILQ_NEXT(after, entry);

	for (; field != NULL; field = TAILQ_NEXT(field, entry)) {
		if (came ? field->added : field->removed)
			continue;
		if (name == NULL || mime_is(field->text.name, name))
			return field;
	}
	return NULL;
}

struct message_field *
message_came(const struct message *message, const char *name, const struct message_field *after)
{
	return next(message, name, after, true);
}

struct message_field *
message_is(const struct message *message, const char *name, const struct message_field *after)
{
	return next(message, name, after, false);
}

/* RFC 5322 2.2: printable ASCII without a colon; and a value whose every CRLF is a fold. */
static bool
is_field(const char *name, const char *value)
{
	if (name[0] == '\0')
		return false;
	for (; *name != '\0'; name++) {
		if (*name <= ' ' || *name > '~' || *name == ':')
			return false;
	}
	for (; *value != '\0'; value++) {
		if (*value == '\n')
			return false;
		if (*value != '\r')
			continue;
		if (value[1] != '\n' || (value[2] != ' ' && value[2] != '\t'))
			return false;
		value++;
	}
	return true;
}

static struct message_field *
field_new(struct message *message, const char *name, const char *value)
{
	size_t name_length = strlen(name), value_length = strlen(value);
	size_t length = name_length + 2 + value_length + 2;
	struct message_field *field;
	char *at;

	if (!is_field(name, value)) {
		errno = EINVAL;
		return NULL;
	}
	if (message->field_count >= FIELDS_MAX + FIELDS_ROOM) {
		errno = ENOMEM;
		return NULL;
	}
	field = calloc(1, sizeof(*field) + length + 1);
	if (field == NULL)
		return NULL;
	at = field->octets;
	(void)snprintf(at, length + 1, "%s: %s\r\n", name, value);
	field->text.name = (struct mime_text){at, name_length};
	field->text.value = (struct mime_text){at + name_length + 2, value_length};
	field->text.whole = (struct mime_text){at, length};
	field->added = true;
	message->field_count++;
	message->changed = true;
	return field;
}

struct message_field *
message_prepend(struct message *message, const char *name, const char *value)
{
	struct message_field *field = field_new(message, name, value);

	if (field != NULL)
		TAILQ_INSERT_HEAD(&message->fields, field, entry);
	return field;
}

struct message_field *
message_append(struct message *message, const char *name, const char *value)
{
	struct message_field *field = field_new(message, name, value);

	if (field != NULL)
		TAILQ_INSERT_TAIL(&message->fields, field, entry);
	return field;
}

struct message_field *
message_insert(struct message *message, struct message_field *behind, const char *name,
	       const char *value)
{
	struct message_field *field = field_new(message, name, value);

	if (field != NULL)
		TAILQ_INSERT_AFTER(&message->fields, behind, field, entry);
	return field;
}

void
message_remove(struct message *message, struct message_field *field)
{
	field->removed = true;
	message->changed = true;
}

/* -- As it is now ------------------------------------------------------------------------- */

/* The empty line as it came, or one, if there was none and now there is something behind it. */
static struct mime_text
empty_line(const struct message *message)
{
	size_t length = (size_t)message->body_begin - message->header_end;

	if (length == 0 && message->body != NULL)
		return (struct mime_text){"\r\n", 2};
	return (struct mime_text){message->header + message->header_end, length};
}

size_t
message_header_size(const struct message *message)
{
	size_t size = empty_line(message).length;
	const struct message_field *field = NULL;

	while ((field = message_is(message, NULL, field)) != NULL)
		size += field->text.whole.length;
	return size;
}

void
message_write_header(const struct message *message, char *out)
{
	const struct message_field *field = NULL;

	while ((field = message_is(message, NULL, field)) != NULL) {
		memcpy(out, field->text.whole.at, field->text.whole.length);
		out += field->text.whole.length;
	}
	memcpy(out, empty_line(message).at, empty_line(message).length);
}

bool
message_write(const struct message *message, char *out)
{
	uint64_t done = 0, size = message_body_size(message);
	ssize_t n = 1;

	message_write_header(message, out);
	out += message_header_size(message);
	while (done < size &&
	       (n = message_body(message, done, out + done, (size_t)(size - done))) > 0)
		done += (uint64_t)n;
	if (n == 0)
		errno = EIO;
	return done == size;
}
