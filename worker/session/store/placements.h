/* SPDX-License-Identifier: ISC */
/* placements - reads what is in a folder, a bounded piece at a time, for those who change it. */
#ifndef POSTERN_WORKER_SESSION_STORE_PLACEMENTS_H
#define POSTERN_WORKER_SESSION_STORE_PLACEMENTS_H

#include <stddef.h>
#include <stdint.h>

#include "worker/session/store.h"

#define PLACEMENTS_CHUNK 1024

struct placement {
	int64_t message;
	uint64_t size;
	uint32_t uid;
	uint8_t flags;
	bool keywords; /* it has some */
};

/*
 * The first PLACEMENTS_CHUNK of RANGE (ONLY_DELETED: of those with \Deleted); fewer: there are no
 * more. The caller goes on behind the last one.
 */
enum store_result placements_read(struct store *, int64_t folder, const struct store_range *,
				  bool only_deleted, struct placement chunk[PLACEMENTS_CHUNK],
				  size_t *count, struct error *);

#endif
