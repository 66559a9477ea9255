/* SPDX-License-Identifier: ISC */
/* What happens is noted here, and what has to do with the selected folder and with annotations. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "worker/session/imap/commands.h"
#include "worker/session/imap/filter.h"
#include "worker/session/imap/notify_private.h"

bool
notify_is_on(const struct imap *imap)
{
	return imap->notify != NULL && imap->notify->selected != NULL && imap->told_events != 0;
}

bool
notify_expunges(const struct imap *imap)
{
	return notify_is_on(imap) && imap->notify->selected->filter.kind == IMAP_FILTER_SELECTED;
}

bool
notify_is_selected(const struct imap *imap, int64_t folder)
{
	return imap->state == IMAP_SELECTED && imap->view.folder == folder;
}

unsigned
notify_wanted(const struct imap_notify_task *notify, const char *name,
	      const struct store_folder *folder)
{
	unsigned events = 0;

	for (size_t i = 0; notify->rules != NULL && i < notify->rules->count; i++) {
		const struct imap_notify_group *group = &notify->rules->groups[i];

		if (filter_has(&group->filter, name, folder))
			events |= group->events;
	}
	return events;
}

size_t
notify_memory(const struct imap *imap)
{
	const struct imap_notify_task *notify = imap->notify;

	if (notify == NULL)
		return 0;
	return sizeof(*notify) + notify->known.room * sizeof(*notify->known.list) +
	       notify->known.count * sizeof(*notify->known.by_id) +
	       (notify->kept == NULL ? 0 : notify->kept->arena.total);
}

static void
forget_entries(struct imap_notify_task *notify)
{
	for (size_t i = 0; i < notify->entry_count; i++)
		free(notify->entries[i].entry);
	notify->entry_count = 0;
}

void
notify_free(struct imap *imap)
{
	struct imap_notify_task *notify = imap->notify;

	if (notify == NULL)
		return;
	folders_free(&notify->known);
	forget_entries(notify);
	ranges_clear(&notify->fresh);
	ranges_clear(&notify->own);
	kept_drop(notify->kept);
	free(notify);
	imap->notify = NULL;
}

void
notify_overflow(struct imap *imap)
{
	struct imap_notify_task *notify = imap->notify;

	imap_text(imap,
		  "* OK [NOTIFICATIONOVERFLOW] Too much has happened, ask by NOTIFY again\r\n");
	notify->rules = NULL;
	notify->selected = NULL;
	notify->wanted = 0;
	notify->overflow = false;
	imap->told_events = 0;
	folders_free(&notify->known);
	forget_entries(notify);
	notify->folder_count = 0;
	notify->all_folders = notify->tree = notify->others_tree = false;
}

/*
 * -- Noting -------------------------------------------------------------------------
 */

/* RFC 5465 5: events that this client causes itself should not be told. */
static bool
is_own(const struct imap *imap)
{
	return imap->cpu_since != 0;
}

static void
note_folder(struct imap_notify_task *notify, int64_t folder, bool others)
{
	for (size_t i = 0; i < notify->folder_count; i++) {
		if (notify->folders[i].id != folder)
			continue;
		notify->folders[i].others = notify->folders[i].others || others;
		return;
	}
	if (notify->folder_count < NOTED_FOLDERS_MAX)
		notify->folders[notify->folder_count++] = (struct noted_folder){folder, others};
	else
		notify->all_folders = true;
}

bool
notify_changed(struct imap *imap, int64_t folder)
{
	struct imap_notify_task *notify = imap->notify;
	bool others = !is_own(imap);

	if (notify == NULL || notify->rules == NULL)
		return false;
	if (folder == 0) {
		notify->tree = true;
		notify->others_tree = notify->others_tree || others;
		return true;
	}
	/* Also of the selected one, so that it is known when it is no longer selected. */
	note_folder(notify, folder, others && !notify_is_selected(imap, folder));
	return true;
}

bool
notify_noted(struct imap *imap, int64_t folder, const char *entry)
{
	const unsigned event =
	    folder == 0 ? IMAP_EVENT_SERVER_METADATA_CHANGE : IMAP_EVENT_MAILBOX_METADATA_CHANGE;
	struct imap_notify_task *notify = imap->notify;
	struct noted_entry *noted;

	if (notify == NULL || (notify->wanted & event) == 0 || is_own(imap))
		return false;
	for (size_t i = 0; i < notify->entry_count; i++) {
		if (notify->entries[i].folder == folder &&
		    strcmp(notify->entries[i].entry, entry) == 0)
			return true;
	}
	if (notify->entry_count == NOTED_ENTRIES_MAX) {
		notify->overflow = true;
		return true;
	}
	noted = &notify->entries[notify->entry_count];
	*noted = (struct noted_entry){folder, strdup(entry)};
	if (noted->entry == NULL)
		notify->overflow = true;
	else
		notify->entry_count++;
	return true;
}

/*
 * -- The selected folder ------------------------------------------------------------
 */

static bool
wants_fetch(const struct imap *imap)
{
	return notify_is_on(imap) && imap->notify->selected->fetch != NULL;
}

void
notify_own(struct imap *imap, int64_t folder, const struct store_range *uids, size_t count)
{
	struct ranges own = {.list = NULL};

	if (!wants_fetch(imap) || !notify_is_selected(imap, folder))
		return;
	for (size_t i = 0; i < count; i++)
		ranges_append(&own, uids[i].first, uids[i].last);
	(void)ranges_unite(&imap->notify->own, &own);
	ranges_clear(&own);
}

void
notify_new(struct imap *imap, uint32_t uid)
{
	if (wants_fetch(imap))
		ranges_append(&imap->notify->fresh, uid, uid);
}

void
notify_fetch_new(struct imap *imap)
{
	struct imap_notify_task *notify = imap->notify;

	if (!wants_fetch(imap))
		return;
	(void)ranges_subtract(&notify->fresh, &notify->own);
	if (notify->fresh.failed ||
	    (notify->fresh.count > 0 &&
	     !unasked_add(imap, notify->kept, notify->selected->fetch, &notify->fresh)))
		notify->overflow = true;
	ranges_clear(&notify->fresh);
	ranges_clear(&notify->own);
}

/*
 * -- Annotations --------------------------------------------------------------------
 */

/* "* METADATA name /entry /entry" (RFC 5464 4.4.2): all that is noted of this folder. */
static void
tell_entries(struct imap *imap, int64_t folder, const char *name)
{
	struct imap_notify_task *notify = imap->notify;

	imap_text(imap, "* METADATA ");
	imap_mailbox(imap, name);
	for (size_t i = 0; i < notify->entry_count; i++) {
		if (notify->entries[i].folder != folder)
			continue;
		imap_text(imap, " ");
		imap_astring(imap, notify->entries[i].entry);
		notify->entries[i].folder = -1;
	}
	imap_text(imap, "\r\n");
}

static void
tell_metadata(struct imap *imap)
{
	struct imap_notify_task *notify = imap->notify;

	for (size_t i = 0; i < notify->entry_count; i++) {
		int64_t id = notify->entries[i].folder;
		char name[STORE_NAME_MAX + 1] = "";
		struct store_folder folder;
		struct error err;

		if (id == 0)
			tell_entries(imap, 0, "");
		else if (id > 0 &&
			 store_folder_by_id(imap->store, id, &folder, name, &err) == STORE_OK &&
			 (notify_wanted(notify, name, &folder) &
			  IMAP_EVENT_MAILBOX_METADATA_CHANGE) != 0)
			tell_entries(imap, id, name);
	}
	forget_entries(notify);
}

/* What is known of it is what the client knew; of unseen messages no count is kept there. */
void
notify_left(struct imap *imap)
{
	const struct view *view = &imap->view;
	struct imap_notify_task *notify = imap->notify;
	struct store_folder folder;
	struct folder_name *known;
	struct error err;

	if (notify == NULL || notify->rules == NULL ||
	    store_folder_by_id(imap->store, view->folder, &folder, NULL, &err) != STORE_OK ||
	    (folder.highestmodseq == view->changes && folder.highestmodseq == view->expunges))
		return;
	known = folders_find_id(&notify->known, view->folder);
	if (known == NULL)
		return;
	note_folder(notify, view->folder, true);
	known->folder.uidnext = view->uidnext;
	known->folder.messages = (uint32_t)view->count;
	known->folder.highestmodseq =
	    view->changes < view->expunges ? view->changes : view->expunges;
}

void
notify_tell(struct imap *imap)
{
	struct imap_notify_task *notify = imap->notify;

	if (notify == NULL || notify->rules == NULL)
		return;
	if (!notify->overflow)
		notify_tell_folders(imap);
	if (!notify->overflow)
		tell_metadata(imap);
	if (notify->overflow)
		notify_overflow(imap);
}
