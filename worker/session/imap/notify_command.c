/* SPDX-License-Identifier: ISC */
/* NOTIFY (RFC 5465 3.1). */
#include "config.h"

#include <stdlib.h>

#include "worker/session/imap/commands.h"
#include "worker/session/imap/notify_private.h"

#define EVENTS                                             \
	"MessageNew MessageExpunge FlagChange MailboxName" \
	" SubscriptionChange MailboxMetadataChange ServerMetadataChange"

unsigned
notify_status_items(const struct imap *imap, unsigned events)
{
	unsigned items = IMAP_STATUS_UIDVALIDITY;

	if ((events & IMAP_EVENT_MESSAGE_NEW) != 0)
		items |= IMAP_STATUS_MESSAGES | IMAP_STATUS_UIDNEXT;
	if ((events & IMAP_EVENT_FLAG_CHANGE) != 0)
		items |= IMAP_STATUS_UNSEEN;
	if (imap_is_enabled(imap, IMAP_ENABLE_CONDSTORE | IMAP_ENABLE_QRESYNC))
		items |= IMAP_STATUS_HIGHESTMODSEQ;
	return items;
}

/* What can't be (RFC 5465 3.1, 6.1). True: it has been answered. */
static bool
refuse(struct imap *imap, const struct imap_notify *rules)
{
	unsigned selected = 0;

	for (size_t i = 0; i < rules->count; i++) {
		const struct imap_notify_group *group = &rules->groups[i];

		selected += group->filter.kind <= IMAP_FILTER_SELECTED_DELAYED;
		if ((group->events & IMAP_EVENT_UNKNOWN) == 0)
			continue;
		imap_tagged(imap, "NO", "[BADEVENT (" EVENTS ")] There is no such event here");
		return true;
	}
	if (selected > 1)
		imap_tagged(imap, "BAD", "SELECTED or SELECTED-DELAYED, once (RFC 5465 6.1)");
	return selected > 1;
}

/* STATUS of all folders whose messages are watched. */
static enum store_result
tell_status(struct imap *imap, struct error *err)
{
	struct imap_notify_task *notify = imap->notify;
	enum store_result result = STORE_OK;

	for (size_t i = 0; i < notify->known.count && result == STORE_OK; i++) {
		const struct folder_name *entry = &notify->known.list[i];
		unsigned events = notify_wanted(notify, entry->name, &entry->folder), items;

		if (entry->folder.id == 0 || (events & NOTIFY_MESSAGES) == 0 ||
		    notify_is_selected(imap, entry->folder.id))
			continue;
		items = notify_status_items(imap, events);
		if ((events & IMAP_EVENT_FLAG_CHANGE) != 0)
			items |= IMAP_STATUS_HIGHESTMODSEQ;
		result = imap_tell_status(imap, entry->name, &entry->folder, items, err);
	}
	return result;
}

static struct imap_notify_task *
new_task(struct imap *imap, const struct imap_notify *rules)
{
	struct imap_notify_task *notify = calloc(1, sizeof(*notify));

	if (notify == NULL || !rules->set)
		return notify;
	notify->kept = kept_take(imap);
	if (notify->kept == NULL) {
		free(notify);
		return NULL;
	}
	/* The command itself is the parser's: it is read again for the next one. */
	notify->rules_here = *rules;
	notify->rules = &notify->rules_here;
	for (size_t i = 0; i < rules->count; i++) {
		notify->wanted |= rules->groups[i].events;
		if (rules->groups[i].filter.kind <= IMAP_FILTER_SELECTED_DELAYED)
			notify->selected = &rules->groups[i];
	}
	return notify;
}

/* RFC 5465 3.1: NOTIFY SET implies a NOOP, by what was wanted until now. */
static void
tell_so_far(struct imap *imap)
{
	if (imap->told_events == 0)
		imap->told_events = NOTIFY_MESSAGES;
	imap_sync(imap, true, NULL);
	if (imap->state != IMAP_CLOSING)
		notify_tell(imap);
}

void
imap_do_notify(struct imap *imap, const struct imap_command *command)
{
	const struct imap_notify *rules = &command->notify;
	struct imap_notify_task *notify;
	enum store_result result = STORE_OK;
	struct error err;

	if (refuse(imap, rules))
		return;
	notify = new_task(imap, rules);
	if (notify == NULL) {
		imap_tagged(imap, "NO", "[LIMIT] There is no memory for this");
		return;
	}
	if (rules->set)
		result = folders_read(&notify->known, imap->store, &err);
	if (result == STORE_OK && rules->set) {
		folders_index(&notify->known);
		tell_so_far(imap);
	}
	notify_free(imap);
	imap->notify = notify;
	imap->told_events =
	    notify->selected == NULL ? 0 : notify->selected->events & NOTIFY_MESSAGES;
	if (result == STORE_OK && rules->set && rules->status)
		result = tell_status(imap, &err);
	if (result == STORE_OK) {
		imap_ok(imap, "%s done", imap_verb_name(command));
		return;
	}
	/* As if it had never come: the default (RFC 5465 3.1). */
	notify_free(imap);
	imap->told_events = NOTIFY_MESSAGES;
	imap_failed(imap, result, &err);
}
