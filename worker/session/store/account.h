/* SPDX-License-Identifier: ISC */
/* account - numbers that are given out once in a mailbox's life. All inside a transaction. */
#ifndef POSTERN_WORKER_SESSION_STORE_ACCOUNT_H
#define POSTERN_WORKER_SESSION_STORE_ACCOUNT_H

#include <stddef.h>
#include <stdint.h>

#include "worker/session/store.h"

/* Ids for COUNT messages: *FIRST and what follows. */
enum store_result account_take_messages(struct store *, size_t count, int64_t *first,
					struct error *);

/*
 * A folder's id, and a UIDVALIDITY that no folder had before, whatever the clock says: RFC 9051
 * 2.3.1.1 wants a greater one for a folder that is made again under its old name.
 */
enum store_result account_take_folder(struct store *, int64_t *folder, uint32_t *uidvalidity,
				      struct error *);

#endif
