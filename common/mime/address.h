/* SPDX-License-Identifier: ISC */
/*
 * mime/address - the addresses in From, To and their like (RFC 5322 3.4, and the obsolete forms of
 * 4.4), one at a time. What is broken is read as far as it goes, so that everything that a person
 * could take for an address is one.
 */
#ifndef POSTERN_COMMON_MIME_ADDRESS_H
#define POSTERN_COMMON_MIME_ADDRESS_H

#include "common/mime/header.h"

enum mime_address_kind {
	MIME_ADDRESS,
	MIME_GROUP_BEGIN, /* name is the group's */
	MIME_GROUP_END,   /* nothing else is set */
};

/*
 * Quotes and comments are removed. at == NULL: there is none. The old "a@b (Name)" has its comment
 * as name.
 */
struct mime_address {
	enum mime_address_kind kind;
	bool joined;            /* no separator is between it and the address or group before */
	bool angles;            /* are around it */
	struct mime_text words; /* without angles: all before the "@", or the end, blanks between */
	struct mime_text name;  /* display-name */
	struct mime_text route; /* obs-route: "@a,@b" */
	struct mime_text local; /* local-part; NULL where it is missing */
	struct mime_text domain;
};

struct mime_addresses {
	struct mime_text rest;
	char *room;
	size_t used;
	bool in_group;
	bool all;
	bool behind;   /* an address, or a group's begin */
	bool unclosed; /* a comment, a quote or a bracket has no end */
};

/* How much room an address may take, at most, in a value of that length. */
#define MIME_ADDRESS_ROOM(length) (3 * (length) + 3)

/* ROOM: MIME_ADDRESS_ROOM(value.length) bytes, the caller's; an address lies there until the next.
 */
void mime_addresses_open(struct mime_addresses *, struct mime_text value, char *room);

/*
 * The same for who judges: nothing is skipped but comments and blanks. Text behind an address, or
 * inside its angles, in which RFC 5322 has none, is the next address, which is joined to it; where
 * there is a display-name of no such kind, as in "A [B] <c@d.example>", its pieces are addresses
 * without a domain. So is a comment where nothing else is between two separators.
 */
void mime_addresses_open_all(struct mime_addresses *, struct mime_text value, char *room);

/* False at the end. */
bool mime_next_address(struct mime_addresses *, struct mime_address *);

#endif
