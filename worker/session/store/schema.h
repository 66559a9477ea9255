/* SPDX-License-Identifier: ISC */
/*
 * schema - the tables of index.db, as the steps that lead from each version to the next.
 *
 * A step that was released is never changed; a new one is added behind it. PRAGMA user_version
 * holds how many have been made.
 */
#ifndef POSTERN_WORKER_SESSION_STORE_SCHEMA_H
#define POSTERN_WORKER_SESSION_STORE_SCHEMA_H

#include <sqlite3.h>

#include "worker/session/store.h"

#define SCHEMA_VERSION 7
extern const char *const schema_steps[SCHEMA_VERSION]; /* [0] makes version 1 out of nothing */

/*
 * Makes the steps that are missing, each in a transaction; *CHANGED says whether there were any. A
 * database from a newer version is refused with STORE_REFUSED and left as it is.
 */
enum store_result schema_upgrade(sqlite3 *, bool *changed, struct error *);

#endif
