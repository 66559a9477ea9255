/* SPDX-License-Identifier: ISC */
/*
 * import_text - from a file's bytes to the pieces of base64 or DER in it. Pure functions that know
 * nothing of what is inside: whatever an editor, a mail, a web page or a console has done to a
 * text.
 */
#ifndef POSTERN_CERTD_IMPORT_TEXT_H
#define POSTERN_CERTD_IMPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define PIECE_LABEL_SIZE 48

struct piece {
	char label[PIECE_LABEL_SIZE]; /* "CERTIFICATE"; "" where there was no armour */
	unsigned line;                /* where it begins; 0: binary */
	char *headers; /* RFC 1421 headers, a line each, NUL-terminated; "" for none */
	uint8_t *bytes;
	size_t length;
};

/* A walk through a file. */
struct pieces {
	char *at, *end;
	unsigned line;
	bool binary; /* all of it is one piece */
	bool any;
};

/*
 * Prepares BYTES (LENGTH of them, and one more that may be written), which it changes in place:
 * UTF-16 becomes one byte a character, a byte order mark goes, every line end (CR LF, CR) becomes
 * LF, blanks at line ends go. Binary files stay as they are.
 */
void pieces_begin(struct pieces *, uint8_t *bytes, size_t length);

/*
 * The next piece: text around armour (RFC 7468: explanatory text, bag attributes) is passed over; a
 * text without any armour is taken as base64 as a whole. Decodes in place; PIECE points into the
 * bytes. Returns 1, 0 at the end, or -1 with ERR: what is wrong, and in which line.
 */
int pieces_next(struct pieces *, struct piece *, struct error *);

#endif
