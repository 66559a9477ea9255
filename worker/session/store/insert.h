/* SPDX-License-Identifier: ISC */
/* insert - the rows of a new message. */
#ifndef POSTERN_WORKER_SESSION_STORE_INSERT_H
#define POSTERN_WORKER_SESSION_STORE_INSERT_H

#include "worker/session/store/change.h"
#include "worker/session/store/message_file.h"

struct insert {
	const struct message_file *file;
	int64_t message; /* its id, by account_take_messages() */
	int64_t internaldate;
	int64_t now; /* SAVEDATE */
	const char *keywords;
	uint8_t flags;
	uint32_t uid; /* to give it, not below uidnext; 0: the next one */
};

/* Inside a transaction; counts it in CHANGE. *UID is what it got. */
enum store_result insert_message(struct store *, struct change *, const struct insert *,
				 uint32_t *uid, struct error *);

#endif
