/* SPDX-License-Identifier: ISC */
/* check - what the files of store_check() share. */
#ifndef POSTERN_WORKER_SESSION_STORE_CHECK_PRIVATE_H
#define POSTERN_WORKER_SESSION_STORE_CHECK_PRIVATE_H

#include "worker/session/store_check.h"

struct check {
	struct store *store;
	struct store_check *report;
	store_problem_fn *tell;
	void *arg;
	int64_t recovered; /* the folder "Recovered"; 0: not made */
};

void check_tell(struct check *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* All inside the check's transaction. */

/* Rows against files: sizes, files that are gone, files that no row has. */
enum store_result check_files(struct check *, struct error *);

/* Puts a message that is in no folder into "Recovered". */
enum store_result check_recover(struct check *, int64_t message, struct error *);

/*
 * Sets a damaged index.db aside and makes a new one with what can be read of it. Its folders get
 * new UIDVALIDITYs, since UIDs may have been given out that nothing tells of.
 */
enum store_result check_rebuild(struct check *, struct error *);

#endif
