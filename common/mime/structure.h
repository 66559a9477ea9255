/* SPDX-License-Identifier: ISC */
/*
 * mime/structure - the tree of a message's parts (RFC 2045, 2046), as offsets into its bytes.
 *
 * Linear in the message's length, whatever it holds. What is broken gets the answer that Dovecot
 * gives: a multipart without boundary parameter is a leaf, one without its end goes to the end of
 * what is around it, a boundary is found by its beginning, the longest that fits wins.
 */
#ifndef POSTERN_COMMON_MIME_STRUCTURE_H
#define POSTERN_COMMON_MIME_STRUCTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/mime/header.h"

/* A part as deep as this is a leaf, whatever it says of itself. */
#define MIME_DEPTH_MAX 100
/* From the last one on, the rest of the message is in it. */
#define MIME_PARTS_MAX 10000
/* RFC 2046 5.1.1 has 70; what is longer is compared up to here. */
#define MIME_BOUNDARY_MAX 80

enum mime_kind {
	MIME_LEAF,
	MIME_MULTIPART, /* its children are its parts; there may be none */
	MIME_MESSAGE,   /* message/rfc822, message/global: its one child is the message in it */
};

enum mime_encoding {
	MIME_7BIT, /* also where nothing is said */
	MIME_8BIT,
	MIME_BINARY,
	MIME_BASE64,
	MIME_QUOTED_PRINTABLE,
	MIME_OTHER_ENCODING, /* RFC 3516: UNKNOWN-CTE */
};

struct mime_part {
	enum mime_kind kind;
	enum mime_encoding encoding;
	uint16_t depth;  /* 0: the message */
	bool too_deep;   /* it is no leaf, but was not opened (one of the MAXs) */
	bool typed;      /* type and subtype are what its header says, not the default */
	uint32_t parent; /* indices of mime_message.parts; 0: none (the root is no one's child) */
	uint32_t child;  /* the first */
	uint32_t next;   /* sibling */
	size_t header;   /* offset: where its header begins */
	size_t body;     /* ... and ends, with the empty line; its body begins */
	size_t end;      /* behind its last octet */
	size_t lines;    /* line ends in the body */
	struct mime_text type, subtype; /* into the bytes, or of a constant; never empty */
};

struct mime_message {
	const char *bytes; /* the caller's, while this is in use */
	size_t length;
	struct mime_part *parts; /* [0] is the message; in the order of their headers */
	uint32_t count;          /* 1 at least */
};

/* Returns 0, or -1 if there is no memory. Any bytes have a tree, also none. */
int mime_parse(const char *bytes, size_t length, struct mime_message *);
void mime_free(struct mime_message *);

/* A part's header, and its body, as they are in the message. */
struct mime_text mime_header_of(const struct mime_message *, uint32_t part);
struct mime_text mime_body_of(const struct mime_message *, uint32_t part);

/* Is the part of this type? SUBTYPE NULL: any. Whatever the case. */
bool mime_is_type(const struct mime_part *, const char *type, const char *subtype);

#endif
