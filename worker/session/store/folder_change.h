/* SPDX-License-Identifier: ISC */
/* folder_change - what makes and fills folders, inside a transaction. */
#ifndef POSTERN_WORKER_SESSION_STORE_FOLDER_CHANGE_H
#define POSTERN_WORKER_SESSION_STORE_FOLDER_CHANGE_H

#include "worker/session/store.h"

/* Makes a folder of a name that was checked. STORE_EXISTS, STORE_REFUSED (USE), STORE_LIMIT. */
enum store_result folder_make(struct store *, const char *name, uint32_t use, int64_t *id,
			      struct error *);

/*
 * The folder whose use is \Junk; one called Junk, or a new one, if there is none. INBOX if the
 * mailbox has as many folders as it may.
 */
enum store_result folder_junk(struct store *, int64_t *id, struct error *);

/* The one that TAG names (store_deliver()), or INBOX. */
enum store_result folder_by_tag(struct store *, const char *tag, int64_t *id, struct error *);

/* store_copy() inside a transaction; COPIED may be NULL. */
enum store_result copy_placements(struct store *, int64_t folder, const struct store_range *,
				  size_t range_count, int64_t target, bool move,
				  struct store_copied *, struct error *);

#endif
