/* SPDX-License-Identifier: ISC */
/* sort - the order of messages that SORT asks for (RFC 5256 3, RFC 5957). Pure. */
#ifndef POSTERN_WORKER_SESSION_IMAP_SORT_H
#define POSTERN_WORKER_SESSION_IMAP_SORT_H

#include "worker/session/imap/command.h"

/* What is compared of a message. The strings are folded (i;unicode-casemap, common/mime/text.h). */
struct sort_message {
	uint32_t uid; /* what decides in the end: the order in the folder */
	int64_t internaldate, sent;
	uint64_t size;
	const char **texts; /* one for each of sort_order.texts */
};

/* There are 9 keys, 6 of them texts; one that comes again changes nothing and is left out. */
#define SORT_TEXTS 6
#define SORT_KEYS 9

struct sort_order {
	struct imap_sort_by keys[SORT_KEYS];
	int text_of[SORT_KEYS]; /* which of texts it compares, -1: none */
	size_t count;
	enum imap_sort_key texts[SORT_TEXTS]; /* what texts are to be made of */
	size_t text_count;
};

/* What is to be compared, in that order. */
void sort_order(struct sort_order *, const struct imap_sort_by *, size_t count);
/* Does it need STORE_WANT_SUMMARY? */
bool sort_needs_summary(const struct sort_order *);
/* Which member of a summary a key compares (SUBJECT, FROM, ...). */
const char *sort_text(enum imap_sort_key, const struct store_summary *);

/* Where MESSAGE belongs among COUNT that are sorted: from 0 on. Logarithmic. */
size_t sort_position(const struct sort_order *, const struct sort_message *sorted, size_t count,
		     const struct sort_message *);

/* Sorts in place: n log n comparisons, stable by UID. */
void sort_messages(const struct sort_order *, struct sort_message *, size_t count);

#endif
