/* SPDX-License-Identifier: ISC */
/*
 * folders - all names that LIST may have to tell of, in their order: folders, subscriptions, and
 * the levels above them that are none (RFC 9051 7.3.1, \NonExistent).
 */
#ifndef POSTERN_WORKER_SESSION_IMAP_FOLDERS_H
#define POSTERN_WORKER_SESSION_IMAP_FOLDERS_H

#include "worker/session/store.h"

struct folder_name {
	char *name;
	struct store_folder folder; /* id 0: there is no such folder */
};

struct folder_id {
	int64_t id;
	size_t at; /* in the list */
};

struct folders {
	struct folder_name *list; /* by the octets of their names, each once */
	size_t count, room;
	bool failed;             /* no memory: not whole */
	struct folder_id *by_id; /* of folders_index(), or NULL */
	size_t id_count;
};

enum store_result folders_read(struct folders *, struct store *, struct error *);
void folders_free(struct folders *);

/* NULL if there is no such name. */
const struct folder_name *folders_find(const struct folders *, const char *name);

/* Makes folders_find_id() logarithmic; without memory it stays linear. */
void folders_index(struct folders *);
/* NULL if there is no such folder. */
struct folder_name *folders_find_id(const struct folders *, int64_t id);

/* The next name below NAME, in their order; *AT is SIZE_MAX at first. NULL: there are no more. */
const struct folder_name *folders_next_below(const struct folders *, const char *name, size_t *at);

/* Is there a folder below this name? With SUBSCRIBED: a subscribed name. */
bool folders_have_below(const struct folders *, const char *name, bool subscribed);

#endif
