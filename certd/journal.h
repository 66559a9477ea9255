/* SPDX-License-Identifier: ISC */
/*
 * journal - several changes of names in the certs folder: all or none, whoever is killed and
 * whenever.
 *
 * What needs room on the disk is prepared first, under hidden names. The changes that remain
 * (renames and removals within the folder) are written to a file, and that file's own rename to
 * ".journal" is the commit: from then on they are made, now or, after a crash, by
 * journal_recover(). Each may be made twice, since a rename or a removal whose FROM is gone has
 * been made. (Who puts a file of such a name there by hand between a crash and the next start, is
 * taken at the journal's word.)
 */
#ifndef POSTERN_CERTD_JOURNAL_H
#define POSTERN_CERTD_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

#define JOURNAL_FILE_SIZE 96 /* a file's name */
#define JOURNAL_STEPS_MAX 16
#define JOURNAL_TEXT_MAX (JOURNAL_STEPS_MAX * (2 * JOURNAL_FILE_SIZE + 8))

enum journal_op {
	JOURNAL_NEW,    /* FROM becomes TO, which is not there */
	JOURNAL_OVER,   /* FROM becomes TO, in place of what is there */
	JOURNAL_UNLINK, /* FROM goes */
};

struct journal {
	size_t count;
	struct journal_step {
		enum journal_op op;
		char from[JOURNAL_FILE_SIZE];
		char to[JOURNAL_FILE_SIZE]; /* "" for JOURNAL_UNLINK */
	} steps[JOURNAL_STEPS_MAX];
};

/* Appends a step. There is room for JOURNAL_STEPS_MAX. */
void journal_add(struct journal *, enum journal_op, const char *from, const char *to);

/* As it stands in the file: a line a step. Returns the length (JOURNAL_TEXT_MAX at most). */
size_t journal_write(const struct journal *, char text[JOURNAL_TEXT_MAX + 1]);
/* Pure. False if it is anything that journal_write() doesn't write. */
bool journal_parse(const char *text, size_t length, struct journal *);

/*
 * JOURNAL_FAILED: nothing was changed. JOURNAL_UNFINISHED: it is committed, but not all changes
 * could be made; journal_recover() will. JOURNAL_KILLED: by the tests' hook.
 */
enum journal_outcome { JOURNAL_DONE, JOURNAL_FAILED, JOURNAL_UNFINISHED, JOURNAL_KILLED };

/* Commits and makes the changes, durably. ERR is filled unless done. */
enum journal_outcome journal_commit(int directory, const struct journal *, struct error *);

/* Makes the changes that a crash or an error prevented. 0, or -1 with ERR filled. */
int journal_recover(int directory, struct error *);

/*
 * For the tests: called before each change on the disk. Returns 0 to go on, EIO to make it fail
 * with that, or JOURNAL_KILL to stop dead there, as SIGKILL would.
 */
#define JOURNAL_KILL (-1)
extern int (*journal_hook)(void);
/* Did the hook kill us? If it only wants the next change to fail, *FAIL is set, and errno. */
bool journal_killed(bool *fail);

#endif
