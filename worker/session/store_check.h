/* SPDX-License-Identifier: ISC */
/*
 * store_check - is a mailbox what it should be, and makes it so: `posternctl mailbox check|repair`.
 *
 * No message file is ever thrown away by a repair: what no folder has comes into the folder
 * "Recovered". A damaged index is set aside (index.db.damaged-TIME) and made again from what can be
 * read of it and from the files.
 */
#ifndef POSTERN_WORKER_SESSION_STORE_CHECK_H
#define POSTERN_WORKER_SESSION_STORE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/session/store.h"

struct store_check {
	uint64_t messages;  /* rows */
	uint64_t files;     /* message files */
	uint64_t problems;  /* told, and what a repair puts right */
	uint64_t strange;   /* told, and left as it is: files that are not the mailbox's */
	uint64_t lost;      /* messages whose file is gone: nothing can bring them back */
	uint64_t recovered; /* messages that came (or, without repair, would) into "Recovered" */
	bool rebuilt;       /* the index was damaged and was made again */
};

/* WHAT: a line for a person: what is wrong, and where. */
typedef void store_problem_fn(const char *what, void *arg);

/*
 * Looks at the mailbox in the current directory, which nobody else may have open, and tells what is
 * wrong; REPAIR: puts it right. STORE_OK: it was looked at, see REPORT. STORE_DAMAGED: the index
 * can't be read, and REPAIR was not asked for. STORE_REFUSED: a newer version made it.
 */
enum store_result store_check(bool repair, store_problem_fn *tell, void *arg,
			      struct store_check *report, struct error *);

/*
 * The same for a mailbox that is open, in between two uses of it; it can only be looked at. What
 * SQLite keeps in its cache is read again, so that it is the disk that is looked at.
 */
enum store_result store_check_open(struct store *, store_problem_fn *tell, void *arg,
				   struct store_check *report, struct error *);

#endif
