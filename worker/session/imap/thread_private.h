/* SPDX-License-Identifier: ISC */
/* thread_private - what thread.c and thread_references.c share. */
#ifndef POSTERN_WORKER_SESSION_IMAP_THREAD_PRIVATE_H
#define POSTERN_WORKER_SESSION_IMAP_THREAD_PRIVATE_H

#include "worker/session/imap/thread.h"

#define THREAD_ROOT UINT32_MAX        /* as parent: a thread of its own */
#define THREAD_GONE (UINT32_MAX - 1u) /* as parent: is not in the answer */

/* A message (the first COUNT of them) or a dummy, and whose child it is. */
struct thread_item {
	uint32_t parent; /* index, THREAD_ROOT, THREAD_GONE */
	uint32_t number; /* 0: a dummy */
	/* What siblings are sorted by: of a dummy its first child's. */
	int64_t date;
	uint32_t order;
};

/* Makes the answer's nodes, siblings in their order. 0, or -1 if there is no memory. */
int thread_finish(struct thread_item *, size_t count, struct threads *);

/* THREAD=REFERENCES. */
int thread_references(const struct thread_message *, size_t count, struct threads *);

#endif
