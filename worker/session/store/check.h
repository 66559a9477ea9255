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

/* A problem, which is put right in the same transaction; or something that stays as it is. */
void check_tell(struct check *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void check_tell_strange(struct check *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* All inside the check's transaction. */

/* Rows against files: sizes, files that are gone, files that no row has. */
enum store_result check_files(struct check *, struct error *);

/*
 * Puts the files in tmp/ among the others, before recover() removes those that no row has: the rows
 * may be what was lost. Outside of the transaction.
 */
enum store_result check_place_left(struct error *);

/* Puts a message that is in no folder into "Recovered". */
enum store_result check_recover(struct check *, int64_t message, struct error *);

/*
 * Sets a damaged index.db aside and makes a new one with what can be read of it. Its folders get
 * new UIDVALIDITYs, since UIDs may have been given out that nothing tells of.
 */
enum store_result check_rebuild(struct check *, struct error *);

#endif
