/* SPDX-License-Identifier: ISC */
/*
 * What has become of the folders since the client was told last: new, renamed and deleted ones,
 * other subscriptions, and messages in those that are not selected (RFC 5465 5.1 to 5.5).
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "worker/session/imap/commands.h"
#include "worker/session/imap/notify_private.h"

/* Two states of the folders; an entry is NULL where there was or is no such name. */
struct comparison {
	struct imap *imap;
	const struct folders *before, *after;
	bool names;         /* changes of names are to be told, not only to be known */
	const char *parent; /* the last one that was told to have more or less below it */
};

/* 0: it is none. */
static int64_t
id_of(const struct folder_name *entry)
{
	return entry == NULL ? 0 : entry->folder.id;
}

/* Events that are wanted of it as it was or as it is. */
static unsigned
wanted(const struct imap *imap, const struct folder_name *before, const struct folder_name *after)
{
	unsigned events = 0;

	if (before != NULL)
		events |= notify_wanted(imap->notify, before->name, &before->folder);
	if (after != NULL)
		events |= notify_wanted(imap->notify, after->name, &after->folder);
	return events;
}

/*
 * -- Names --------------------------------------------------------------------------
 */

/* The level above: whether it has children may have changed (RFC 5465 5.4). */
static void
tell_parent(struct comparison *c, const char *name)
{
	char parent[STORE_NAME_MAX + 1];
	const struct folder_name *entry;
	char *slash;

	if (strlcpy(parent, name, sizeof(parent)) >= sizeof(parent) ||
	    (slash = strrchr(parent, '/')) == NULL)
		return;
	*slash = '\0';
	entry = folders_find(c->after, parent);
	if (entry == NULL || (wanted(c->imap, NULL, entry) & IMAP_EVENT_MAILBOX_NAME) == 0 ||
	    (c->parent != NULL && strcmp(c->parent, entry->name) == 0))
		return;
	c->parent = entry->name;
	imap_tell_entry(c->imap, c->after, entry, NULL);
}

/*
 * A name that is another folder's now is not told as an old one: who follows the responses one by
 * one would take that folder for gone.
 */
static bool
is_free(const struct comparison *c, const char *name)
{
	return id_of(folders_find(c->after, name)) == 0;
}

/* Was it renamed only because a level above it was? That one is told of (RFC 5465 5.4). */
static bool
moved_with_parent(const struct comparison *c, const char *from, const char *to)
{
	const char *old_leaf = strrchr(from, '/'), *new_leaf = strrchr(to, '/');
	char name[STORE_NAME_MAX + 1];
	const struct folder_name *old, *new;

	if (old_leaf == NULL || new_leaf == NULL || strcmp(old_leaf, new_leaf) != 0)
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)(old_leaf - from), from);
	old = folders_find(c->before, name);
	snprintf(name, sizeof(name), "%.*s", (int)(new_leaf - to), to);
	new = folders_find(c->after, name);
	return id_of(old) != 0 && id_of(old) == id_of(new) && is_free(c, old->name);
}

static void
tell_new_name(struct comparison *c, const struct folder_name *after)
{
	const struct folder_name *old = folders_find_id(c->before, after->folder.id);

	if ((wanted(c->imap, old, after) & IMAP_EVENT_MAILBOX_NAME) == 0)
		return;
	if (old != NULL && moved_with_parent(c, old->name, after->name))
		return;
	imap_tell_entry(c->imap, c->after, after,
			old == NULL || !is_free(c, old->name) ? NULL : old->name);
	tell_parent(c, after->name);
}

static void
tell_deleted(struct comparison *c, const struct folder_name *before,
	     const struct folder_name *after)
{
	struct folder_name gone = {.name = before->name};

	if (folders_find_id(c->after, before->folder.id) != NULL ||
	    (wanted(c->imap, before, after) & IMAP_EVENT_MAILBOX_NAME) == 0)
		return;
	if (after != NULL)
		gone.folder.subscribed = after->folder.subscribed;
	imap_tell_entry(c->imap, c->after, &gone, NULL);
	tell_parent(c, before->name);
}

static void
tell_names(struct comparison *c, const struct folder_name *before, const struct folder_name *after)
{
	int64_t was = id_of(before), is = id_of(after);
	bool subscribed = before != NULL && before->folder.subscribed;
	bool subscribes = after != NULL && after->folder.subscribed;
	struct folder_name gone;

	if (before != NULL && was != 0 && is == 0)
		tell_deleted(c, before, after);
	if (after != NULL && is != 0 && is != was && folders_find_id(c->before, is) == NULL)
		tell_new_name(c, after);
	if (subscribed == subscribes ||
	    (wanted(c->imap, before, after) & IMAP_EVENT_SUBSCRIPTION_CHANGE) == 0)
		return;
	gone = (struct folder_name){.name = before != NULL ? before->name : NULL};
	imap_tell_entry(c->imap, c->after, after != NULL ? after : &gone, NULL);
}

/*
 * -- Messages -----------------------------------------------------------------------
 */

/* BEFORE: what is known of the same folder; NULL: nothing. */
static void
tell_messages(struct imap *imap, const char *name, const struct store_folder *before,
	      const struct store_folder *after)
{
	static const struct store_folder none = {.id = 0};
	unsigned events = notify_wanted(imap->notify, name, after) & NOTIFY_MESSAGES;
	struct error err;
	bool flags;

	if (before == NULL)
		before = &none;
	if (events == 0 || notify_is_selected(imap, after->id))
		return;
	/* Who has no MODSEQs sees of flags only how many messages are unseen (RFC 5465 5.1). */
	flags = imap_is_enabled(imap, IMAP_ENABLE_CONDSTORE | IMAP_ENABLE_QRESYNC)
		    ? after->highestmodseq != before->highestmodseq
		    : after->unseen != before->unseen;
	if (after->uidnext == before->uidnext && after->messages == before->messages) {
		if (!flags || (events & IMAP_EVENT_FLAG_CHANGE) == 0)
			return;
		events = IMAP_EVENT_FLAG_CHANGE;
	}
	(void)imap_tell_status(imap, name, after, notify_status_items(imap, events), &err);
}

static bool
others_changed(const struct imap_notify_task *notify, int64_t folder)
{
	for (size_t i = 0; i < notify->folder_count; i++) {
		if (notify->folders[i].id == folder)
			return notify->folders[i].others;
	}
	return notify->all_folders;
}

static void
compare_entry(struct comparison *c, const struct folder_name *before,
	      const struct folder_name *after)
{
	const struct folder_name *known;
	bool replaced;

	if (c->names)
		tell_names(c, before, after);
	if (after == NULL || id_of(after) == 0)
		return;
	/* RFC 5465 5.1: another UIDVALIDITY, as it is another folder than was there, maybe long
	 * ago. */
	replaced = c->names && id_of(before) != id_of(after) &&
		   (wanted(c->imap, NULL, after) & IMAP_EVENT_FLAG_CHANGE) != 0;
	if (!replaced && !others_changed(c->imap->notify, id_of(after)))
		return;
	known = id_of(before) == id_of(after) ? before : folders_find_id(c->before, id_of(after));
	if (replaced)
		known = NULL;
	tell_messages(c->imap, after->name, known == NULL ? NULL : &known->folder, &after->folder);
}

/* Names that have changed: what is new may be below, or have, a name that there was before. */
static void
tell_renamed(struct comparison *c)
{
	for (size_t i = 0; c->names && i < c->after->count; i++) {
		const struct folder_name *after = &c->after->list[i], *before;

		if (id_of(after) == 0)
			continue;
		before = folders_find_id(c->before, id_of(after));
		if (before != NULL && strcmp(before->name, after->name) != 0)
			tell_new_name(c, after);
	}
}

/* Both lists are in the order of their names. */
static void
compare_all(struct comparison *c)
{
	size_t b = 0, a = 0;

	tell_renamed(c);

	while (b < c->before->count || a < c->after->count) {
		const struct folder_name *before =
		    b < c->before->count ? &c->before->list[b] : NULL;
		const struct folder_name *after = a < c->after->count ? &c->after->list[a] : NULL;
		int order = before == NULL  ? 1
			    : after == NULL ? -1
					    : strcmp(before->name, after->name);

		compare_entry(c, order <= 0 ? before : NULL, order >= 0 ? after : NULL);
		b += order <= 0;
		a += order >= 0;
	}
}

static enum store_result
look_at_all(struct imap *imap, struct error *err)
{
	struct imap_notify_task *notify = imap->notify;
	struct folders now;
	enum store_result result = folders_read(&now, imap->store, err);
	struct comparison c = {
	    .imap = imap, .before = &notify->known, .after = &now, .names = notify->others_tree};

	if (result != STORE_OK)
		return result;
	folders_index(&now);
	compare_all(&c);
	folders_free(&notify->known);
	notify->known = now;
	return STORE_OK;
}

/* One whose name is known. */
static enum store_result
look_at(struct imap *imap, const struct noted_folder *noted, struct error *err)
{
	struct imap_notify_task *notify = imap->notify;
	struct folder_name *known;
	char name[STORE_NAME_MAX + 1];
	struct store_folder folder;
	enum store_result result = store_folder_by_id(imap->store, noted->id, &folder, name, err);

	if (result != STORE_OK)
		return result == STORE_GONE ? STORE_OK : result;
	known = folders_find_id(&notify->known, noted->id);
	if (noted->others)
		tell_messages(imap, name, known == NULL ? NULL : &known->folder, &folder);
	if (known != NULL)
		known->folder = folder;
	return STORE_OK;
}

void
notify_tell_folders(struct imap *imap)
{
	struct imap_notify_task *notify = imap->notify;
	enum store_result result = STORE_OK;
	struct error err;

	if (notify->tree || notify->all_folders)
		result = look_at_all(imap, &err);
	for (size_t i = 0; !notify->tree && !notify->all_folders && i < notify->folder_count &&
			   result == STORE_OK;
	     i++)
		result = look_at(imap, &notify->folders[i], &err);
	if (result != STORE_OK) {
		log_event(LOG_ERR, "imap.failed", KV_CONN(imap->options.conn),
			  KV_STR("user", imap->options.mailbox), KV_STR("why", err.text));
		notify->overflow = true;
	}
	notify->folder_count = 0;
	notify->tree = notify->others_tree = notify->all_folders = false;
}
