/* SPDX-License-Identifier: ISC */
/*
 * mime/seven_bit - a message for a server that takes 7 bits only (RFC 6152 3): the same content,
 * with quoted-printable or base64 where it has more (RFC 2045 6).
 *
 * What changes: bodies of parts with octets above 127, NULs, bare CRs or LFs, or lines of more than
 * 998 octets are encoded, as text where they are text and that is shorter, else as base64; their
 * Content-Transfer-Encoding is replaced; labels "8bit" and "binary" of all others go.
 * A message in the message is converted inside (RFC 2046 5.2.1), never encoded as a whole, but for
 * message/global, which may be (RFC 6532 3.7). Preamble and epilogue, which nobody reads, lose
 * what is not ASCII; a multipart without any part is all preamble, and refused instead.
 *
 * What can't be: octets above 127 in a header; anything inside of multipart/signed and
 * multipart/encrypted (RFC 1847 2.1); what says that it is encoded and is not; and, if it is none
 * of those, what is below a DKIM-Signature that covers it (RFC 6376 5.3).
 *
 * Pure, and the message is not copied: a plan of pieces is made, then read as often as needed.
 */
#ifndef POSTERN_COMMON_MIME_SEVEN_BIT_H
#define POSTERN_COMMON_MIME_SEVEN_BIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum seven_bit_verdict {
	SEVEN_BIT_OK,
	SEVEN_BIT_HEADER,    /* octets above 127, or NULs, in a header */
	SEVEN_BIT_SIGNED,    /* they are below multipart/signed or multipart/encrypted */
	SEVEN_BIT_DKIM,      /* a DKIM-Signature covers what would change */
	SEVEN_BIT_ENCODED,   /* a part that says it is encoded has them */
	SEVEN_BIT_COMPOSITE, /* they are in a part that may not be encoded */
	SEVEN_BIT_NO_MEMORY,
	SEVEN_BIT_VERDICTS,
};

/* For pieces of a message, one after the other; all zero at first. */
struct seven_bit_look {
	bool cr;    /* the octet before this piece was one */
	bool needs; /* there are octets that a server may want converted: above 127, NULs, or a CR
		       or LF by itself */
};
/* Cheap: it is done to every mail that is signed. */
void seven_bit_look(struct seven_bit_look *, const char *piece, size_t length);
/* Behind the last piece: has it to be converted? Lines may be of any length. */
bool seven_bit_is_needed(const struct seven_bit_look *);

enum seven_bit_kind {
	SEVEN_BIT_COPY,
	SEVEN_BIT_TEXT, /* at is a constant */
	SEVEN_BIT_ASCII,
	SEVEN_BIT_BASE64,
	SEVEN_BIT_QUOTED_PRINTABLE,
};

struct seven_bit_piece {
	enum seven_bit_kind kind;
	const char *at;
	size_t length;
};

struct seven_bit {
	struct seven_bit_piece *pieces;
	size_t count, room;
	/* Where the reader is. */
	size_t piece, offset;
	size_t column; /* of quoted-printable */
};

/*
 * The plan for LENGTH octets, which stay the caller's and where they are. Anything but
 * SEVEN_BIT_OK: there is none, and nothing to free.
 */
enum seven_bit_verdict seven_bit_plan(struct seven_bit *, const char *bytes, size_t length);
void seven_bit_free(struct seven_bit *);

/* For a person, in printable ASCII: why a message can't be converted. */
const char *seven_bit_why(enum seven_bit_verdict);

/* The next octets, as many as fit into ROOM, which is SEVEN_BIT_ROOM at least; 0 at the end. */
#define SEVEN_BIT_ROOM 128
size_t seven_bit_read(struct seven_bit *, char *out, size_t room);
/* From the start again. */
void seven_bit_rewind(struct seven_bit *);
/* How many octets there are; it rewinds. */
uint64_t seven_bit_size(struct seven_bit *);

#endif
