/* SPDX-License-Identifier: ISC */
/*
 * power_cut - what a process does to files, counted; and, at a step of choice, its end: killed, or
 * with all that it had not synced undone, as if the power had failed.
 *
 * Linked into a test it stands before libc's write(), rename(), fsync() ... for all of the program,
 * SQLite too.
 */
#ifndef POSTERN_TESTS_UNIT_POWER_CUT_H
#define POSTERN_TESTS_UNIT_POWER_CUT_H

enum power_cut {
	POWER_CUT_NONE,     /* killed: what was written stays */
	POWER_CUT_ALL,      /* nothing that was not synced is there */
	POWER_CUT_CONTENTS, /* names are, contents are not */
	POWER_CUT_NAMES,    /* contents are, names (made, renamed, removed) are not */
};

/* From here on steps are counted; before the one of number STEP (from 1) the process ends. */
void power_cut_at(unsigned step, enum power_cut);

/* Every step so far counts as done, and nothing more is counted. */
void power_cut_off(void);

/* The next sync fails. As with a disk that is broken, those after it don't: the kernel forgets. */
void power_cut_refuse(void);

#endif
