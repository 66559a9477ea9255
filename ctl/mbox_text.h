/* SPDX-License-Identifier: ISC */
/*
 * mbox_text - messages in mbox files (RFC 4155, with the quoting of "mboxrd"). Pure functions over
 * text that anybody wrote.
 */
#ifndef POSTERN_CTL_MBOX_TEXT_H
#define POSTERN_CTL_MBOX_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl/maildir_name.h"

/* CRLF for each LF that has no CR in front. OUT: room for 2 * LENGTH. Returns the new length. */
size_t text_to_crlf(const char *text, size_t length, char *out);

/* Does this line begin a message, if it is the first or stands behind an empty one? */
bool mbox_is_from_line(const char *line, size_t length);

struct mbox_message {
	unsigned flags;                    /* MESSAGE_ bits, from Status and X-Status */
	char keywords[MAILDIR_FLAGS_SIZE]; /* from X-Keywords */
	bool has_date;
	int64_t date;     /* of the From_ line, which is UTC */
	bool is_internal; /* no message: a mail program's own record at the file's beginning */
	size_t length;    /* octets in OUT */
};

/*
 * TEXT is a From_ line and all up to the next one. OUT (2 * LENGTH octets of room) gets the message
 * with CRLF, without quoting, the empty line at its end, and the fields that are about the file.
 */
void mbox_read(const char *text, size_t length, struct mbox_message *, char *out);

/* The line that begins a message; SENDER is not known here. */
#define MBOX_FROM_SIZE 64
const char *mbox_from_line(int64_t date, char out[MBOX_FROM_SIZE]);
/* A line that must get a ">" in front: "From ", ">From ", ">>From " ... */
bool mbox_must_quote(const char *line, size_t length);

#endif
