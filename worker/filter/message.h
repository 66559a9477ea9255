/* SPDX-License-Identifier: ISC */
/*
 * message - a mail that is checked, and what it is to become: its header as a list of fields in
 * memory, and its body. A field that a stage removes stays in the list, for who looks at what came;
 * one that it adds is marked. A body can only be replaced by another, whole.
 */
#ifndef POSTERN_WORKER_FILTER_MESSAGE_H
#define POSTERN_WORKER_FILTER_MESSAGE_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/mime/header.h"

#define MESSAGE_HEADER_MAX (1024 * 1024) /* octets of a header; a longer one is refused */

struct message_field {
	TAILQ_ENTRY(message_field) entry;
	struct mime_field text; /* name, value (no blanks around it, folded), whole with its CRLF */
	bool added;             /* it did not come with the message */
	bool removed;           /* it doesn't go on with it */
	char octets[];          /* of an added one */
};
TAILQ_HEAD(message_fields, message_field);

struct message {
	struct message_fields fields; /* all, from the top; lines that are no field too (no name) */
	size_t field_count;
	struct message_field **names; /* that came with one, sorted: message_names.h */
	size_t name_count;
	bool changed;
	uint64_t size;       /* octets of the message as it came */
	size_t header_end;   /* behind the last field */
	uint64_t body_begin; /* behind the empty line, or SIZE */
	char *header;        /* what the fields point into */
	const char *whole;   /* the message, or NULL: it is in */
	int fd;              /* this file */
	char *body;          /* in place of the one that came, or NULL */
	size_t body_size;    /* octets of it */
};

/*
 * Reads the header. OCTETS (SIZE of them, copied) or, if that is NULL, FD (taken, also on failure).
 * NULL with errno: ENOMEM, EMSGSIZE if the header is too long, EIO.
 */
struct message *message_new(const char *octets, int fd, uint64_t size);
void message_free(struct message *);

/* Octets of the body, from OFFSET in it. Returns how many, 0 at its end, -1 with errno. */
ssize_t message_body(const struct message *, uint64_t offset, void *buffer, size_t room);

/* Octets of the body. */
uint64_t message_body_size(const struct message *);
/* BODY (LENGTH octets; taken: free() frees it) stands in place of what came. */
void message_replace_body(struct message *, char *body, size_t length);

/*
 * The next field called NAME (NULL: any) behind AFTER (NULL: from the top); NULL at the end. As it
 * came: without what was added. As it is: without what was removed.
 */
struct message_field *message_came(const struct message *, const char *name,
				   const struct message_field *after);
struct message_field *message_is(const struct message *, const char *name,
				 const struct message_field *after);

/*
 * Adds "NAME: VALUE" as the first field, the last, or behind another one. VALUE may be folded, with
 * CRLF before a blank; it is refused if it has another CR, LF or a NUL, and so is a NAME that is
 * none (RFC 5322 2.2). Returns it, or NULL with errno EINVAL or ENOMEM.
 */
struct message_field *message_prepend(struct message *, const char *name, const char *value);
struct message_field *message_append(struct message *, const char *name, const char *value);
struct message_field *message_insert(struct message *, struct message_field *behind,
				     const char *name, const char *value);
void message_remove(struct message *, struct message_field *);

/* Octets of the header as it is now, with the empty line. */
size_t message_header_size(const struct message *);
/* Writes those to OUT. */
void message_write_header(const struct message *, char *out);
/* The whole message: as many octets as header and body have. False with errno if the body can't be
 * read. */
bool message_write(const struct message *, char *out);

#endif
