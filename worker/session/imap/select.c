/* SPDX-License-Identifier: ISC */
/* SELECT and EXAMINE, with QRESYNC (RFC 9051 6.3.2, RFC 7162 3.2.5), and their ends. */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "worker/session/imap/commands.h"
#include "worker/session/imap/context.h"
#include "worker/session/imap/notify.h"
#include "worker/session/imap/unasked.h"

void
imap_unselect(struct imap *imap)
{
	if (imap->state != IMAP_SELECTED)
		return;
	notify_left(imap);
	imap->state = IMAP_AUTHENTICATED;
	contexts_free(imap);
	unasked_free(imap);
	view_close(&imap->view);
	ranges_clear(&imap->saved);
}

bool
imap_resolve(struct imap *imap, const struct imap_set *set, bool uid, struct ranges *uids)
{
	struct error err;

	if (!uid && imap_is_enabled(imap, IMAP_ENABLE_UIDONLY)) {
		imap_tagged(imap, "BAD", "[UIDREQUIRED] With UIDONLY, messages have no numbers");
		return false;
	}
	if (set->saved)
		view_uids_of_uids(&imap->view, imap->saved.list, imap->saved.count, uids);
	else if (uid)
		view_uids_of_uids(&imap->view, set->ranges, set->count, uids);
	else if (!view_uids_of_numbers(&imap->view, set->ranges, set->count, uids, &err)) {
		imap_tagged(imap, "BAD", "%s", err.text);
		ranges_clear(uids);
		return false;
	}
	if (uids->failed) {
		ranges_clear(uids);
		imap_tagged(imap, "NO", "[LIMIT] There is no memory for so many messages");
		return false;
	}
	return true;
}

/*
 * -- What is told of a mailbox ------------------------------------------------------
 */

static bool
find_unseen(const struct store_message *message, void *arg)
{
	if ((message->flags & STORE_SEEN) != 0)
		return true;
	*(uint32_t *)arg = message->uid;
	return false;
}

/* RFC 3501 7.1, 7.3.2; RFC 9051 has neither. */
static void
tell_rev1(struct imap *imap, const struct store_folder *folder)
{
	const struct view *view = &imap->view;
	uint32_t unseen = 0;
	struct error err;

	imap_printf(imap, "* %" PRIu32 " RECENT\r\n", view_recent(view));
	if (folder->unseen > 0)
		(void)store_scan(imap->store, folder->id, NULL, 0, 0, 0, find_unseen, &unseen,
				 &err);
	if (unseen != 0)
		imap_printf(imap, "* OK [UNSEEN %" PRIu32 "] The first one unseen\r\n",
			    view_number(view, unseen));
}

static void
tell_folder(struct imap *imap, const char *name, const struct store_folder *folder)
{
	imap_tell_keywords(imap);
	imap_printf(imap, "* %zu EXISTS\r\n", imap->view.count);
	if (!imap_is_enabled(imap, IMAP_ENABLE_REV2 | IMAP_ENABLE_UIDONLY))
		tell_rev1(imap, folder);
	imap_printf(imap, "* OK [UIDVALIDITY %" PRIu32 "] UIDs valid\r\n", folder->uidvalidity);
	imap_printf(imap, "* OK [UIDNEXT %" PRIu32 "] The next UID\r\n", folder->uidnext);
	imap_printf(imap, "* OK [HIGHESTMODSEQ %" PRIu64 "] The highest\r\n",
		    folder->highestmodseq);
	imap_printf(imap, "* OK [MAILBOXID (%s)] Its id\r\n", folder->object);
	/* RFC 9051 7.3.1: required there, and of use to others that did not ask for it by this
	 * name. */
	if (imap_is_enabled(imap, IMAP_ENABLE_REV2))
		imap_tell_list(imap, name);
}

/*
 * -- QRESYNC (RFC 7162 3.2.5) ---------------------------------------------------------
 */

static bool
tell_changed(const struct store_message *message, void *arg)
{
	imap_fetch_flags(arg, message, true);
	return true;
}

/* Those of GONE that are in KNOWN (all, if the client names none). */
static void
intersect(const struct store_range *gone, size_t gone_count, const struct ranges *known,
	  struct ranges *both)
{
	size_t k = 0;

	for (size_t g = 0; g < gone_count && known->list != NULL; g++) {
		while (k < known->count && known->list[k].last < gone[g].first)
			k++;
		for (size_t i = k; i < known->count && known->list[i].first <= gone[g].last; i++) {
			uint32_t first = gone[g].first, last = gone[g].last;

			if (known->list[i].first > first)
				first = known->list[i].first;
			if (known->list[i].last < last)
				last = known->list[i].last;
			ranges_append(both, first, last);
		}
	}
}

enum store_result
imap_tell_vanished_earlier(struct imap *imap, uint64_t since, const struct ranges *known,
			   struct error *err)
{
	struct store_range *gone = NULL;
	struct ranges both = {.list = NULL};
	size_t count = 0;
	bool complete;
	enum store_result result =
	    store_expunged(imap->store, imap->view.folder, since, &gone, &count, &complete, err);

	if (result != STORE_OK)
		return result;
	intersect(gone, count, known, &both);
	free(gone);
	if (both.failed) {
		error_set(err, "no memory for what has vanished");
		result = STORE_TEMPORARY;
	} else if (both.count > 0) {
		imap_text(imap, "* VANISHED (EARLIER) ");
		imap_set(imap, both.list, both.count);
		imap_text(imap, "\r\n");
	}
	ranges_clear(&both);
	return result;
}

/* What the client says it knows of. */
static enum store_result
known_uids(const struct imap_select *select, struct ranges *known, struct error *err)
{
	if (!select->has_known_uids)
		ranges_append(known, 1, UINT32_MAX);
	for (size_t i = 0; select->has_known_uids && i < select->known_uids.count; i++)
		ranges_append(known, select->known_uids.ranges[i].first,
			      select->known_uids.ranges[i].last);
	if (known->failed) {
		error_set(err, "no memory for the UIDs the client knows");
		return STORE_TEMPORARY;
	}
	known->count = ranges_normalise(known->list, known->count);
	return STORE_OK;
}

static enum store_result
tell_resync(struct imap *imap, const struct imap_select *select, struct error *err)
{
	struct ranges known = {.list = NULL};
	enum store_result result;

	if (select->uidvalidity != imap->view.uidvalidity)
		return STORE_OK;
	result = known_uids(select, &known, err);
	if (result == STORE_OK)
		result = imap_tell_vanished_earlier(imap, select->modseq, &known, err);
	if (result == STORE_OK)
		result = store_scan(imap->store, imap->view.folder, known.list, known.count,
				    select->modseq, STORE_WANT_KEYWORDS, tell_changed, imap, err);
	ranges_clear(&known);
	return result;
}

/*
 * -- The commands -----------------------------------------------------------------------
 */

static void
take_recent(struct imap *imap, const struct store_folder *folder)
{
	struct error err;

	/* Not durable, and nobody's loss: then they are \Recent once more (RFC 3501 2.3.2). */
	if (!imap->view.read_only && folder->recent_from < folder->uidnext)
		(void)store_take_recent(imap->store, folder->id, &err);
}

void
imap_do_select(struct imap *imap, const struct imap_command *command)
{
	const struct imap_select *select = &command->select;
	bool read_only = command->verb == IMAP_EXAMINE, was_selected = imap->state == IMAP_SELECTED;
	struct store_folder folder;
	struct error err;
	enum store_result result;

	if (select->qresync && !imap_is_enabled(imap, IMAP_ENABLE_QRESYNC)) {
		imap_tagged(imap, "BAD", "QRESYNC needs ENABLE QRESYNC first");
		return;
	}
	imap_unselect(imap);
	/* RFC 9051 7.1, RFC 7162 3.2.11: what comes next is of the new mailbox. */
	if (was_selected)
		imap_text(imap, "* OK [CLOSED] The previous mailbox is closed\r\n");
	if (select->condstore)
		imap_enable_condstore(imap);
	result = store_folder(imap->store, select->mailbox, &folder, &err);
	if (result == STORE_OK && folder.messages * sizeof(uint32_t) > imap_memory_left(imap)) {
		error_set(&err, IMAP_TOO_MUCH);
		result = STORE_LIMIT;
	}
	if (result == STORE_OK)
		result = view_open(&imap->view, imap->store, &folder, read_only, &err);
	if (result != STORE_OK) {
		imap_failed(imap, result, &err);
		return;
	}
	imap->state = IMAP_SELECTED;
	imap->changed = false;
	take_recent(imap, &folder);
	tell_folder(imap, select->mailbox, &folder);
	/* A client that missed some of it would believe it has all. */
	if (select->qresync && (result = tell_resync(imap, select, &err)) != STORE_OK) {
		imap_unselect(imap);
		imap_failed(imap, result, &err);
		return;
	}
	imap_tagged(imap, "OK", "[%s] %s done", read_only ? "READ-ONLY" : "READ-WRITE",
		    imap_verb_name(command));
}

/* RFC 9051 6.4.1: expunges, and tells nothing of it. */
void
imap_do_close(struct imap *imap, const struct imap_command *command)
{
	struct store_range *gone = NULL;
	struct error err;
	size_t count;
	enum store_result result = STORE_OK;

	if (!imap->view.read_only)
		result = store_expunge_deleted(imap->store, imap->view.folder, NULL, 0, &gone,
					       &count, &err);
	free(gone);
	if (result != STORE_OK) {
		imap_failed(imap, result, &err);
		return;
	}
	imap_unselect(imap);
	imap_tagged(imap, "OK", "%s done", imap_verb_name(command));
}

void
imap_do_unselect(struct imap *imap, const struct imap_command *command)
{
	imap_unselect(imap);
	imap_tagged(imap, "OK", "%s done", imap_verb_name(command));
}
