/* SPDX-License-Identifier: ISC */
/* notify_private - what the files of NOTIFY share. */
#ifndef POSTERN_WORKER_SESSION_IMAP_NOTIFY_PRIVATE_H
#define POSTERN_WORKER_SESSION_IMAP_NOTIFY_PRIVATE_H

#include "worker/session/imap/folders.h"
#include "worker/session/imap/notify.h"
#include "worker/session/imap/unasked.h"

#define NOTED_FOLDERS_MAX 64 /* with more of them, all are looked at */
#define NOTED_ENTRIES_MAX 64 /* with more of them it is too much (RFC 5465 5.8) */

/* A folder in which something has changed; by others, or by this client alone. */
struct noted_folder {
	int64_t id;
	bool others;
};

struct noted_entry {
	int64_t folder;
	char *entry;
};

struct imap_notify_task {
	struct imap_kept *kept; /* with the rules; NULL: NONE */
	struct imap_notify rules_here;
	const struct imap_notify *rules;          /* NULL: NONE */
	const struct imap_notify_group *selected; /* SELECTED's or SELECTED-DELAYED's, or NULL */
	unsigned wanted;                          /* events of any group */
	struct folders known;                     /* as the client has been told of them */

	struct noted_folder folders[NOTED_FOLDERS_MAX];
	size_t folder_count;
	bool all_folders;       /* there were more */
	bool tree, others_tree; /* names have changed; by others */
	struct noted_entry entries[NOTED_ENTRIES_MAX];
	size_t entry_count;
	bool overflow;

	struct ranges fresh; /* new in the selected folder */
	struct ranges own;   /* of those, this client's */
};

/* Which events of this folder are wanted, whichever group says so. */
unsigned notify_wanted(const struct imap_notify_task *, const char *name,
		       const struct store_folder *);
/* Is it the selected one, about whose messages SELECTED decides (RFC 5465 3.1)? */
bool notify_is_selected(const struct imap *, int64_t folder);
/* STATUS's items for EVENTS (RFC 5465 5.1 to 5.3). */
unsigned notify_status_items(const struct imap *, unsigned events);
/* Nothing more is told (RFC 5465 5.8). */
void notify_overflow(struct imap *);

/* Compares what is known of folders with what is (notify_folders.c), and tells what is wanted. */
void notify_tell_folders(struct imap *);

#endif
