/* SPDX-License-Identifier: ISC */
/*
 * change - what one transaction does to one folder: the MODSEQ it gives out, the UIDs, and the
 * counts that are kept with the folder and the account.
 */
#ifndef POSTERN_WORKER_SESSION_STORE_CHANGE_H
#define POSTERN_WORKER_SESSION_STORE_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/session/store.h"

struct change {
	int64_t folder;
	uint64_t modseq; /* what is changed gets this one */
	uint32_t uidnext;
	uint32_t uid_floor; /* lower UIDs only for who names them */
	uint32_t uidvalidity;
	uint32_t append_limit;
	bool used; /* something was changed: the folder's MODSEQ advances */
	int64_t messages, unseen, deleted, size; /* differences */
};

/* Inside a transaction. STORE_GONE: no such folder. */
enum store_result change_begin(struct store *, int64_t folder, struct change *, struct error *);

/* A message more, or less. */
void change_add(struct change *, uint8_t flags, uint64_t size);
void change_remove(struct change *, uint8_t flags, uint64_t size);

/* The next UID; STORE_LIMIT if there are no more. */
enum store_result change_take_uid(struct change *, uint32_t *uid, struct error *);
/* The same below the floor too. */
enum store_result change_take_next(struct change *, uint32_t *uid, struct error *);

/* Writes it down, if anything was changed. */
enum store_result change_end(struct store *, const struct change *, struct error *);

/* STORE_OVERQUOTA if MESSAGES and OCTETS more than what there is now would be too much. */
enum store_result change_check_quota(struct store *, uint64_t messages, uint64_t octets,
				     struct error *);

#endif
