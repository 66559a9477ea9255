/* SPDX-License-Identifier: ISC */
/*
 * maildrop - the INBOX as a POP3 session sees it (RFC 1939): what was there at the login, numbered
 * from 1, with marks on what is to be deleted. Later deliveries do not show.
 */
#ifndef POSTERN_WORKER_SESSION_POP3_MAILDROP_H
#define POSTERN_WORKER_SESSION_POP3_MAILDROP_H

#include "worker/session/store.h"

struct maildrop {
	struct store *store;
	int64_t folder;
	uint32_t uidvalidity;
	struct store_entry *list;
	bool *deleted;   /* NULL: none is */
	size_t count;    /* with the deleted ones */
	size_t left;     /* not deleted */
	uint64_t octets; /* of those */
};

/* Locks nothing: one session a mailbox is the role's to see to. */
enum store_result maildrop_open(struct maildrop *, struct store *, struct error *);
void maildrop_close(struct maildrop *);

/* The message with this number, or NULL if there is none or it is marked as deleted. */
const struct store_entry *maildrop_find(const struct maildrop *, uint32_t number);

/* Octets as RETR sends it, without the doubled dots (RFC 1939 11). */
uint64_t maildrop_size(const struct store_entry *);

/*
 * The unique-id: UIDVALIDITY "." UID of INBOX. It stays as long as the message is in INBOX and is
 * never another's (RFC 9051 2.3.1.1), which is what RFC 1939 7 asks for.
 */
#define MAILDROP_UIDL_SIZE 24
void maildrop_uidl(const struct maildrop *, const struct store_entry *,
		   char text[MAILDROP_UIDL_SIZE]);

/* DELE, for one that maildrop_find() gives. -1 without memory. */
int maildrop_mark(struct maildrop *, uint32_t number);
/* RSET. */
void maildrop_unmark_all(struct maildrop *);

/* The UPDATE state: removes what is marked, all or nothing. */
enum store_result maildrop_commit(struct maildrop *, struct error *);

#endif
