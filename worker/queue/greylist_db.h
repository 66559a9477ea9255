/* SPDX-License-Identifier: ISC */
/*
 * greylist_db - what greylist.c remembers, in a database of its own (greylist.db) in the current
 * directory: a number (a hash of what is remembered), which kind it is, a time and a count.
 *
 * Each kind has its own bound, and when it is full its entry of the oldest time makes room: what is
 * many of one kind pushes out none of another. An entry is found by its number in a tree of some
 * levels, the oldest of a kind by an index; nothing is searched through.
 *
 * It may be lost without harm, so nothing waits for the disk: what was written since the last
 * commit is gone when the process dies, and a damaged file is replaced by an empty one.
 */
#ifndef POSTERN_WORKER_QUEUE_GREYLIST_DB_H
#define POSTERN_WORKER_QUEUE_GREYLIST_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

enum grey_kind { GREY_WAITING, GREY_PASSED, GREY_NETWORK, GREY_KNOWN, GREY_KINDS };

struct grey_entry {
	int64_t key;
	uint32_t kind; /* enum grey_kind */
	uint32_t passes;
	int64_t at; /* seconds since the epoch */
};

struct greylist_db;

/*
 * MAX: entries of each kind, at least 1. There may be more from before: they go, some with each put
 * and some with each greylist_db_tidy(). NULL with ERR filled.
 */
struct greylist_db *greylist_db_open(uint32_t max, int64_t now, struct error *);
/* Commits. NULL is fine. */
void greylist_db_close(struct greylist_db *);

/* The entry of that key: 1, 0 if there is none, -1 if it can't be read. */
int greylist_db_get(struct greylist_db *, int64_t key, struct grey_entry *);

/* Writes ENTRY in place of OLD, what was there of its key, or NULL. 0, or -1. */
int greylist_db_put(struct greylist_db *, const struct grey_entry *, const struct grey_entry *old);

/* Something was written since the last commit. */
bool greylist_db_is_dirty(const struct greylist_db *);
/*
 * A step of what is to be done for KIND from time to time: some entries of times after NOW, when
 * the clock was ahead, become of NOW, so that they grow old; some that are older than BEFORE are
 * forgotten, and some above the bound. 0, or -1.
 */
int greylist_db_tidy(struct greylist_db *, enum grey_kind, int64_t before, int64_t now);
/* 0, or -1: what was written since the last one is lost. */
int greylist_db_commit(struct greylist_db *);

uint32_t greylist_db_count(const struct greylist_db *, enum grey_kind);
/* Why the last call failed. */
const char *greylist_db_error(const struct greylist_db *);

#endif
