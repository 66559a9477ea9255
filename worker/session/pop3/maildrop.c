/* SPDX-License-Identifier: ISC */
#include "worker/session/pop3/maildrop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

uint64_t
maildrop_size(const struct store_entry *entry)
{
	/* A last line without its CRLF gets one. */
	return entry->size + (entry->unterminated ? 2 : 0);
}

static void
count_all(struct maildrop *drop)
{
	drop->left = drop->count;
	drop->octets = 0;
	for (size_t i = 0; i < drop->count; i++)
		drop->octets += maildrop_size(&drop->list[i]);
}

enum store_result
maildrop_open(struct maildrop *drop, struct store *store, struct error *err)
{
	struct store_folder inbox;
	enum store_result result;

	*drop = (struct maildrop){.store = store};
	result = store_folder(store, "INBOX", &inbox, err);
	if (result == STORE_OK)
		result = store_list(store, inbox.id, &drop->list, &drop->count, err);
	if (result != STORE_OK)
		return result;
	drop->folder = inbox.id;
	drop->uidvalidity = inbox.uidvalidity;
	count_all(drop);
	return STORE_OK;
}

void
maildrop_close(struct maildrop *drop)
{
	free(drop->list);
	free(drop->deleted);
	*drop = (struct maildrop){.list = NULL};
}

const struct store_entry *
maildrop_find(const struct maildrop *drop, uint32_t number)
{
	if (number == 0 || number > drop->count ||
	    (drop->deleted != NULL && drop->deleted[number - 1]))
		return NULL;
	return &drop->list[number - 1];
}

void
maildrop_uidl(const struct maildrop *drop, const struct store_entry *entry,
	      char text[MAILDROP_UIDL_SIZE])
{
	snprintf(text, MAILDROP_UIDL_SIZE, "%" PRIu32 ".%" PRIu32, drop->uidvalidity, entry->uid);
}

int
maildrop_mark(struct maildrop *drop, uint32_t number)
{
	const struct store_entry *entry = maildrop_find(drop, number);

	if (entry == NULL)
		return -1;
	if (drop->deleted == NULL) {
		drop->deleted = calloc(drop->count, sizeof(*drop->deleted));
		if (drop->deleted == NULL)
			return -1;
	}
	drop->deleted[number - 1] = true;
	drop->left--;
	drop->octets -= maildrop_size(entry);
	return 0;
}

void
maildrop_unmark_all(struct maildrop *drop)
{
	free(drop->deleted);
	drop->deleted = NULL;
	count_all(drop);
}

enum store_result
maildrop_commit(struct maildrop *drop, struct error *err)
{
	enum store_result result;
	size_t marked = drop->count - drop->left, n = 0;
	uint32_t *uids;

	if (marked == 0)
		return STORE_OK;
	uids = reallocarray(NULL, marked, sizeof(*uids));
	if (uids == NULL) {
		error_errno(err, "deleting %zu messages", marked);
		return STORE_TEMPORARY;
	}
	for (size_t i = 0; i < drop->count; i++)
		if (drop->deleted[i])
			uids[n++] = drop->list[i].uid;
	result = store_expunge(drop->store, drop->folder, uids, n, NULL, err);
	free(uids);
	return result;
}
