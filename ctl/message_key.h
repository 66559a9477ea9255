/* SPDX-License-Identifier: ISC */
/*
 * message_key - by what a message is known again: its size, INTERNALDATE, and the fields
 * Message-ID, Date and Subject. A multiset of such keys tells which messages a folder has already.
 * Keys are keyed hashes (SipHash-2-4, twice), so that no mail can be made to look like another.
 */
#ifndef POSTERN_CTL_MESSAGE_KEY_H
#define POSTERN_CTL_MESSAGE_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct message_key {
	uint64_t half[2];
};

/*
 * HEADER: the whole message, or its header, or no more than these fields of it; lines end with
 * CRLF. SIZE is the message's, with CRLF; INTERNALDATE in seconds.
 */
struct message_key message_key_make(const char *header, size_t length, uint64_t size,
				    int64_t internaldate);

struct message_keys {
	struct counted_key *list;
	size_t count, room;
	bool sorted;
};

/* 0, or -1 with ERR: no memory. Not after the first message_keys_take(). */
int message_keys_add(struct message_keys *, const struct message_key *, struct error *);
/* True if one is there, which is one less then. */
bool message_keys_take(struct message_keys *, const struct message_key *);
void message_keys_free(struct message_keys *);

#endif
