/* SPDX-License-Identifier: ISC */
/*
 * folder - changes of the certs folder: a certificate's files all or none, whoever is killed and
 * whenever (journal.h).
 *
 * New files are written to hidden temporary names (".NAME.key.new": no NAME starts with a dot), and
 * files that shall be kept aside get a hidden second name (".NAME.TIME.key.old"); then the journal
 * commits. What a crash before the commit left behind is removed. Nothing with a final name is ever
 * removed or replaced unless the caller asked for just that.
 *
 * A lock on the folder (flock(2)) keeps one certd away from another, should two be at it: the
 * server's, and one that posternctl started.
 */
#ifndef POSTERN_CERTD_FOLDER_H
#define POSTERN_CERTD_FOLDER_H

#include <stddef.h>

#include "common/cert_name.h"
#include "common/error.h"

enum folder_part {
	PART_KEY,
	PART_CSR,
	PART_CRT,
	PART_PEM, /* all in one, put there by hand: never written, only kept aside, moved, removed
		   */
	PART_COUNT
};

/* What is in each file: PEM. NULL: no such file. */
struct folder_set {
	struct {
		const void *bytes;
		size_t length;
	} part[PART_COUNT];
};

/* Is any of NAME's files there? NAME may be one kept aside. 1, 0, or -1 with ERR filled. */
int folder_exists(int directory, const char *name, struct error *);

/* Writes the set, durably. Returns 0, or -1 with ERR: also if there is any file of NAME. */
int folder_commit(int directory, const char *name, const struct folder_set *, struct error *);

/*
 * The same, in place of what there is: that is then kept aside as KEPT ("": there was nothing).
 * Parts that the set doesn't have are no longer there.
 */
int folder_replace(int directory, const char *name, const struct folder_set *,
		   char kept[CERT_KEPT_SIZE], struct error *);

/* Writes one part anew, in place of what there is; the others stay. 0, or -1 with ERR filled. */
int folder_put(int directory, const char *name, enum folder_part, const void *bytes, size_t length,
	       struct error *);

/*
 * Puts what is kept aside as FROM (NAME.TIME) back in force as NAME; what is in force goes aside as
 * KEPT. Returns 0, or -1 with ERR filled: then nothing has changed, or, if the disk failed after
 * the commit, will be when the folder is next read or changed (journal.h).
 */
int folder_restore(int directory, const char *from, char kept[CERT_KEPT_SIZE], struct error *);

/* Removes all files of NAME, which may be one kept aside. 0, or -1 with ERR filled. */
int folder_remove(int directory, const char *name, struct error *);

/* FROM's files become TO's, of which there is none. 0, or -1 with ERR filled. */
int folder_rename(int directory, const char *from, const char *to, struct error *);

/* Completes or removes what a crash left behind. Returns 0, or -1 with ERR filled. */
int folder_recover(int directory, struct error *);

#endif
