/* SPDX-License-Identifier: ISC */
/*
 * A connection in IDLE can be left to another process: what the client knows is all in the store,
 * but for how far it knows it. The messages it knows of are those that are there below its uidnext
 * and those that were expunged since.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "worker/session/imap/imap_private.h"

bool
imap_can_park(const struct imap *imap, struct ms_parked *parked)
{
	const struct view *view = &imap->view;

	if (!imap->idling || imap->changed || imap->step != NULL || imap->append != NULL ||
	    imap->stream.deflate != NULL || imap->saved.count > 0 || imap->contexts != NULL ||
	    imap->notify != NULL || imap->options.administrator || imap->broken ||
	    imap->in_begin < imap->in_end || stream_waiting(&imap->stream) > 0)
		return false;
	memset(parked, 0, sizeof(*parked));
	parked->connection.conn = imap->options.conn;
	parked->connection.service = SERVICE_IMAP;
	parked->enabled = imap->enabled;
	strlcpy(parked->tag, imap->tag, sizeof(parked->tag));
	if (imap->state == IMAP_SELECTED) {
		parked->folder = view->folder;
		parked->changes = view->changes;
		parked->expunges = view->expunges;
		parked->uidvalidity = view->uidvalidity;
		parked->uidnext = view->uidnext;
		parked->recent_from = view->recent_from;
		parked->recent_to = view->recent_to;
		parked->read_only = view->read_only;
	}
	return true;
}

/* Both lists in one: neither has what the other has. */
static enum store_result
merge_gone(struct view *view, const struct store_range *gone, size_t count, struct error *err)
{
	struct view whole = {.folder = 0};
	size_t i = 0;
	bool ok = true;

	for (size_t g = 0; g < count && ok; g++)
		for (uint64_t uid = gone[g].first; uid <= gone[g].last && uid < view->uidnext && ok;
		     uid++) {
			while (i < view->count && view->uids[i] < uid && ok)
				ok = view_add(&whole, view->uids[i++]) == 0;
			ok = ok && view_add(&whole, (uint32_t)uid) == 0;
		}
	while (i < view->count && ok)
		ok = view_add(&whole, view->uids[i++]) == 0;
	if (!ok) {
		view_close(&whole);
		error_set(err, "no memory for the messages of a parked connection");
		return STORE_TEMPORARY;
	}
	free(view->uids);
	view->uids = whole.uids;
	view->count = whole.count;
	view->room = whole.room;
	return STORE_OK;
}

static enum store_result
take_up_view(struct imap *imap, const struct ms_parked *parked, const struct store_folder *folder,
	     struct error *err)
{
	struct view *view = &imap->view;
	struct store_range *gone;
	size_t count;
	bool complete;
	enum store_result result =
	    view_open(view, imap->store, folder, parked->read_only != 0, err);

	if (result != STORE_OK)
		return result;
	view->uidnext = parked->uidnext;
	view->changes = parked->changes;
	view->expunges = parked->expunges;
	view->recent_from = parked->recent_from;
	view->recent_to = parked->recent_to;
	view->count = view_number_from(view, parked->uidnext) - 1;
	result = store_expunged(imap->store, folder->id, parked->expunges, &gone, &count, &complete,
				err);
	if (result != STORE_OK)
		return result;
	if (complete) {
		result = merge_gone(view, gone, count, err);
	} else {
		error_set(err, "it has slept for too long");
		result = STORE_GONE;
	}
	free(gone);
	return result;
}

bool
imap_take_up(struct imap *imap, const struct ms_parked *parked, struct error *err)
{
	struct store_folder folder;
	enum store_result result;

	if (memchr(parked->tag, '\0', sizeof(parked->tag)) == NULL) {
		error_set(err, "its tag has no end");
		return false;
	}
	imap->state = IMAP_AUTHENTICATED;
	imap->enabled = parked->enabled;
	if (imap_is_enabled(imap, IMAP_ENABLE_UTF8 | IMAP_ENABLE_REV2))
		imap_parser_set_utf8(imap->parser, true);
	strlcpy(imap->tag, parked->tag, sizeof(imap->tag));
	imap->idling = true;
	imap_parser_idle(imap->parser);
	if (parked->folder == 0)
		return true;
	result = store_folder_by_id(imap->store, parked->folder, &folder, NULL, err);
	if (result == STORE_OK && folder.uidvalidity != parked->uidvalidity) {
		error_set(err, "the selected mailbox is another one now");
		return false;
	}
	if (result == STORE_OK)
		result = take_up_view(imap, parked, &folder, err);
	if (result != STORE_OK) {
		view_close(&imap->view);
		return false;
	}
	imap->state = IMAP_SELECTED;
	return true;
}
