/* SPDX-License-Identifier: ISC */
/*
 * import_commit - from the pieces of an import to files in the certs folder: which NAME, with which
 * key, in place of what.
 */
#ifndef POSTERN_CERTD_IMPORT_COMMIT_H
#define POSTERN_CERTD_IMPORT_COMMIT_H

#include "certd/admin.h"
#include "certd/import_set.h"

#define IMPORT_NOTES_SIZE 2048

struct import_order {
	const struct admin_target *target;
	/* May get the certificate of a key that came alone, from the folder. */
	struct import_set *set;
	const char *name; /* what the administrator wants it called; "": as its file is */
	uint32_t flags;   /* enum import_flags */
	const char *const *files;
	const char *notes; /* lines, or "" */
};

struct import_answer {
	char name[CERT_NAME_SIZE];
	char text[CERT_TEXT_MAX + 1]; /* what is where, for whom, and what is wrong with it */
};

/*
 * Chooses, checks, commits, and puts the pair into the vault, which tells the gates. Returns 0, or
 * -1 with ERR: then nothing has changed.
 */
int import_commit(const struct import_order *, struct import_answer *, struct error *);

#endif
