/* SPDX-License-Identifier: ISC */
/*
 * content - what FETCH reads of a message's octets, open for one message at a time: the message in
 * memory (mapped), its parts, and an answer's octets piece by piece.
 */
#ifndef POSTERN_WORKER_SESSION_IMAP_CONTENT_H
#define POSTERN_WORKER_SESSION_IMAP_CONTENT_H

#include "common/mime/decode.h"
#include "common/mime/out.h"
#include "common/mime/render.h"
#include "common/mime/structure.h"
#include "worker/session/store.h"

struct evbuffer;

struct content {
	int64_t message; /* 0: none is open */
	struct store_body *body;
	const char *bytes;
	size_t length;
	struct mime_message mime; /* count 0: not parsed yet */
};

/* Opens a message; nothing happens if it is the one that is open already. */
enum store_result content_open(struct content *, struct store *, int64_t message, struct error *);
/* Its parts. -1: no memory. */
int content_parse(struct content *);
void content_close(struct content *);

/* The header of the message, without parsing the rest: with its empty line. */
struct mime_text content_header(const struct content *);

/* The octets of one literal, of which some have gone out. */
struct octets {
	struct mime_text text; /* what is left, in the message or in `made` */
	struct mime_out made;  /* HEADER.FIELDS */
	bool decode;           /* BINARY: text is to be decoded */
	struct mime_decoder decoder;
	uint64_t skip, left; /* of the decoded octets */
};

/* OFFSET and COUNT are BODY[]<offset.count>'s (RFC 9051 6.4.5); UINT64_MAX: all. */
void octets_plain(struct octets *, struct mime_text, uint64_t offset, uint64_t count);
/* The same of TEXT decoded. Returns how many octets there will be. */
uint64_t octets_decoded(struct octets *, struct mime_text, enum mime_encoding, uint64_t offset,
			uint64_t count);
/* How many octets of a plain one are left. */
uint64_t octets_left(const struct octets *);
/* Appends about SOME to OUT. 1: that was all; 0: there are more; -1: no memory. */
int octets_write(struct octets *, struct evbuffer *out, size_t some);
void octets_free(struct octets *);

#endif
