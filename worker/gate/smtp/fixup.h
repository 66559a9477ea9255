/* SPDX-License-Identifier: ISC */
/*
 * fixup - what a submission server puts right in the header of a user's message (RFC 6409 8), as it
 * comes: adds Date (8.2), Message-ID (8.3) and From where they are missing, and takes out Bcc and
 * Resent-Bcc, which are nobody else's business (RFC 5322 3.6.3), and Return-Path, which only the
 * last server may write (RFC 5321 4.4). Pure: bytes in, bytes out.
 *
 * What is added stands in front, so that what the user wrote stays together; the header is kept for
 * that, up to FIXUP_HEADER_MAX, and behind a longer one it stands at its end. A line that is no
 * field ends the header too: an empty line goes in front of it, so that nobody takes what follows
 * for more of the header.
 */
#ifndef POSTERN_WORKER_GATE_SMTP_FIXUP_H
#define POSTERN_WORKER_GATE_SMTP_FIXUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Octets of a field's name with blanks and the colon: what is longer is no field. */
#define FIXUP_NAME_MAX 256
#define FIXUP_RANDOM_SIZE 16
#define FIXUP_HEADER_MAX 65536

enum fixup_state {
	FIXUP_LINE,  /* at the start of a line of the header */
	FIXUP_NAME,  /* in a field's name */
	FIXUP_BLANK, /* behind it, before the colon (RFC 5322 4.5.8) */
	FIXUP_KEEP,  /* in a line that stays */
	FIXUP_DROP,  /* in a line that is taken out */
	FIXUP_BODY,
};

/* What is added, if it is missing. The strings must outlive the message. */
struct fixup_values {
	const char *hostname; /* ours, for Message-ID */
	const char *from;     /* a Mailbox; "": no From is added */
	time_t when;
	uint8_t random[FIXUP_RANDOM_SIZE];
};

/* Takes what is to be kept of the message. */
typedef void fixup_out_fn(void *arg, const char *bytes, size_t length);

struct smtp_fixup {
	enum fixup_state state;
	bool first;    /* no line has been seen */
	bool dropping; /* the last field was taken out: the lines that continue it are too */
	uint32_t seen; /* a bit for each field that may have to be added */
	size_t held;   /* octets of the name, not yet passed on */
	char name[FIXUP_NAME_MAX];
	struct fixup_values values;
	fixup_out_fn *out;
	void *arg;
	bool keeping;        /* the header, until it is over */
	char *header;        /* what is kept of it */
	size_t length, size; /* of the header, of its memory */
};

void smtp_fixup_init(struct smtp_fixup *, const struct fixup_values *, fixup_out_fn *out,
		     void *arg);

/* The next bytes of the message; OUT gets what is known by now, perhaps nothing, perhaps more. */
void smtp_fixup_next(struct smtp_fixup *, const char *bytes, size_t length);

/* The message is over: OUT gets what is still missing, if that was all header. */
void smtp_fixup_end(struct smtp_fixup *);

/* Frees what it keeps; NULL is fine. */
void smtp_fixup_clear(struct smtp_fixup *);

#endif
