/* SPDX-License-Identifier: ISC */
#include "worker/session/imap/view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "worker/session/imap/command.h"

enum store_result
view_open(struct view *view, struct store *store, const struct store_folder *folder, bool read_only,
	  struct error *err)
{
	enum store_result result;

	*view = (struct view){.folder = folder->id,
			      .uidvalidity = folder->uidvalidity,
			      .read_only = read_only,
			      .uidnext = folder->uidnext,
			      .changes = folder->highestmodseq,
			      .expunges = folder->highestmodseq,
			      .recent_from = folder->recent_from,
			      .recent_to = folder->uidnext};
	result = store_uids(store, folder->id, &view->uids, &view->count, err);
	if (result == STORE_OK)
		result = store_keywords(store, folder->id, &view->keywords, err);
	view->room = view->count;
	if (result != STORE_OK)
		view_close(view);
	return result;
}

void
view_close(struct view *view)
{
	free(view->uids);
	free(view->keywords);
	*view = (struct view){.folder = 0};
}

uint32_t
view_number_from(const struct view *view, uint32_t uid)
{
	size_t low = 0, high = view->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (view->uids[middle] < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return (uint32_t)low + 1;
}

uint32_t
view_number(const struct view *view, uint32_t uid)
{
	uint32_t number = view_number_from(view, uid);

	return number <= view->count && view->uids[number - 1] == uid ? number : 0;
}

uint32_t
view_recent(const struct view *view)
{
	return view_number_from(view, view->recent_to) - view_number_from(view, view->recent_from);
}

int
view_add(struct view *view, uint32_t uid)
{
	if (view->count == view->room) {
		size_t room = view->room + view->room / 8 + 16;
		uint32_t *bigger = reallocarray(view->uids, room, sizeof(*bigger));

		if (bigger == NULL)
			return -1;
		view->uids = bigger;
		view->room = room;
	}
	view->uids[view->count++] = uid;
	if (uid >= view->uidnext)
		view->uidnext = uid + 1;
	return 0;
}

void
view_remove(struct view *view, const struct store_range *ranges, size_t count, view_gone_fn *gone,
	    void *arg)
{
	size_t kept, range = 0;

	if (count == 0)
		return;
	kept = view_number_from(view, ranges[0].first) - 1;
	for (size_t i = kept; i < view->count; i++) {
		uint32_t uid = view->uids[i];

		while (range < count && ranges[range].last < uid)
			range++;
		if (range == count || uid < ranges[range].first) {
			view->uids[kept++] = uid;
		} else if (gone != NULL) {
			gone((uint32_t)kept + 1, uid, arg);
		}
	}
	view->count = kept;
}

/*
 * -- Sets (RFC 9051 9, sequence-set) ----------------------------------------------
 */

static struct store_range
in_order(struct store_range range)
{
	if (range.first <= range.last)
		return range;
	return (struct store_range){range.last, range.first};
}

/* What was appended in the client's order becomes a list. */
static void
finish(struct ranges *uids)
{
	uids->count = ranges_normalise(uids->list, uids->count);
}

bool
view_uids_of_numbers(const struct view *view, const struct store_range *ranges, size_t count,
		     struct ranges *uids, struct error *err)
{
	uint32_t last = (uint32_t)view->count;

	for (size_t i = 0; i < count; i++) {
		struct store_range range = ranges[i];
		bool star = range.first == IMAP_STAR || range.last == IMAP_STAR;

		if (range.first == IMAP_STAR)
			range.first = last;
		if (range.last == IMAP_STAR)
			range.last = last;
		/* "*" where there is no message is nobody; so is "1:*". */
		if (last == 0 && star)
			continue;
		range = in_order(range);
		if (range.last > last) {
			error_set(err, "There is no message %" PRIu32 ", the mailbox has %" PRIu32,
				  range.last, last);
			return false;
		}
		ranges_append(uids, view->uids[range.first - 1], view->uids[range.last - 1]);
	}
	finish(uids);
	return true;
}

void
view_uids_of_uids(const struct view *view, const struct store_range *ranges, size_t count,
		  struct ranges *uids)
{
	uint32_t last = view->count > 0 ? view->uids[view->count - 1] : 0;

	for (size_t i = 0; i < count && last > 0; i++) {
		struct store_range range = ranges[i];

		if (range.first == IMAP_STAR)
			range.first = last;
		if (range.last == IMAP_STAR)
			range.last = last;
		range = in_order(range);
		if (range.first > last)
			continue;
		if (range.last > last)
			range.last = last;
		ranges_append(uids, range.first, range.last);
	}
	finish(uids);
}
