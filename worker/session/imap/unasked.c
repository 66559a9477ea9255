/* SPDX-License-Identifier: ISC */
#include "worker/session/imap/unasked.h"

#include <stdlib.h>

#include "worker/session/imap/fetch.h"

struct imap_unasked {
	struct imap_unasked *next;
	struct imap_kept *kept;
	const struct imap_fetch_items *items; /* in kept */
	struct ranges uids;
};

struct imap_kept *
kept_take(struct imap *imap)
{
	struct imap_kept *kept = imap->kept;

	if (kept == NULL) {
		kept = calloc(1, sizeof(*kept));
		if (kept == NULL)
			return NULL;
		imap_parser_give(imap->parser, &kept->arena);
		/* Until the command is over it is the session's, too: its tag is in there. */
		kept->held = 1;
		imap->kept = kept;
	}
	kept->held++;
	return kept;
}

void
kept_drop(struct imap_kept *kept)
{
	if (kept == NULL || --kept->held > 0)
		return;
	imap_arena_clear(&kept->arena);
	free(kept);
}

static void
free_one(struct imap_unasked *unasked)
{
	kept_drop(unasked->kept);
	ranges_clear(&unasked->uids);
	free(unasked);
}

void
unasked_free(struct imap *imap)
{
	struct imap_unasked *unasked;

	while ((unasked = imap->unasked) != NULL) {
		imap->unasked = unasked->next;
		free_one(unasked);
	}
}

bool
unasked_add(struct imap *imap, struct imap_kept *kept, const struct imap_fetch_items *items,
	    const struct ranges *uids)
{
	struct imap_unasked *unasked = calloc(1, sizeof(*unasked)), **last = &imap->unasked;

	if (unasked == NULL)
		return false;
	if (ranges_unite(&unasked->uids, uids) == -1) {
		free(unasked);
		return false;
	}
	unasked->kept = kept;
	kept->held++;
	unasked->items = items;
	while (*last != NULL)
		last = &(*last)->next;
	*last = unasked;
	return true;
}

void
unasked_begin(struct imap *imap)
{
	struct imap_unasked *unasked = imap->unasked;

	if (unasked == NULL || imap->state != IMAP_SELECTED)
		return;
	imap->unasked = unasked->next;
	imap->cpu_used = 0;
	/* What it points to is needed until that is over: the session holds it so long. */
	kept_drop(imap->kept);
	imap->kept = unasked->kept;
	imap->kept->held++;
	fetch_unasked(imap, unasked->items, &unasked->uids);
	free_one(unasked);
}
