/* SPDX-License-Identifier: ISC */
/* STATUS (RFC 9051 6.3.11, and the items of RFC 7162, 7889, 8438, 8474, 9208). */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "worker/session/imap/commands.h"

static void
give(struct imap *imap, const char **space, const char *name, uint64_t number)
{
	imap_printf(imap, "%s%s %" PRIu64, *space, name, number);
	*space = " ";
}

static bool
add_deleted(const struct store_message *message, void *arg)
{
	if ((message->flags & STORE_DELETED) != 0)
		*(uint64_t *)arg += message->size;
	return true;
}

/* Looked for only where there are any: few ask for it, and few messages are. */
static enum store_result
deleted_storage(struct imap *imap, const struct store_folder *folder, uint64_t *total,
		struct error *err)
{
	*total = 0;
	if (folder->deleted == 0)
		return STORE_OK;
	return store_scan(imap->store, folder->id, NULL, 0, 0, 0, add_deleted, total, err);
}

static uint64_t
count_recent(const struct imap *imap, const struct store_folder *folder)
{
	const struct view *view = &imap->view;

	/* In the selected mailbox they are this session's (RFC 3501 2.3.2). */
	if (imap->state == IMAP_SELECTED && view->folder == folder->id)
		return view_recent(view);
	return folder->uidnext - folder->recent_from;
}

enum store_result
imap_tell_status(struct imap *imap, const char *name, const struct store_folder *folder,
		 unsigned items, struct error *err)
{
	const char *space = "";
	uint64_t deleted = 0;

	if ((items & IMAP_STATUS_DELETED_STORAGE) != 0) {
		enum store_result result = deleted_storage(imap, folder, &deleted, err);

		if (result != STORE_OK)
			return result;
	}
	imap_text(imap, "* STATUS ");
	imap_mailbox(imap, name);
	imap_text(imap, " (");
	if ((items & IMAP_STATUS_MESSAGES) != 0)
		give(imap, &space, "MESSAGES", folder->messages);
	if ((items & IMAP_STATUS_RECENT) != 0)
		give(imap, &space, "RECENT", count_recent(imap, folder));
	if ((items & IMAP_STATUS_UIDNEXT) != 0)
		give(imap, &space, "UIDNEXT", folder->uidnext);
	if ((items & IMAP_STATUS_UIDVALIDITY) != 0)
		give(imap, &space, "UIDVALIDITY", folder->uidvalidity);
	if ((items & IMAP_STATUS_UNSEEN) != 0)
		give(imap, &space, "UNSEEN", folder->unseen);
	if ((items & IMAP_STATUS_DELETED) != 0)
		give(imap, &space, "DELETED", folder->deleted);
	if ((items & IMAP_STATUS_DELETED_STORAGE) != 0)
		give(imap, &space, "DELETED-STORAGE", deleted);
	if ((items & IMAP_STATUS_SIZE) != 0)
		give(imap, &space, "SIZE", folder->size);
	if ((items & IMAP_STATUS_HIGHESTMODSEQ) != 0)
		give(imap, &space, "HIGHESTMODSEQ", folder->highestmodseq);
	if ((items & IMAP_STATUS_APPENDLIMIT) != 0)
		give(imap, &space, "APPENDLIMIT",
		     folder->append_limit != 0 ? folder->append_limit : IMAP_APPEND_LIMIT);
	if ((items & IMAP_STATUS_MAILBOXID) != 0)
		imap_printf(imap, "%sMAILBOXID (%s)", space, folder->object);
	imap_text(imap, ")\r\n");
	return STORE_OK;
}

void
imap_do_status(struct imap *imap, const struct imap_command *command)
{
	const struct imap_status *status = &command->status;
	struct store_folder folder;
	struct error err;
	enum store_result result = store_folder(imap->store, status->mailbox, &folder, &err);

	if (result != STORE_OK) {
		imap_failed(imap, result, &err);
		return;
	}
	/* RFC 7162 3.1.2: to ask for it enables CONDSTORE. */
	if ((status->items & IMAP_STATUS_HIGHESTMODSEQ) != 0)
		imap_enable_condstore(imap);
	result = imap_tell_status(imap, status->mailbox, &folder, status->items, &err);
	if (result == STORE_OK)
		imap_ok(imap, "%s done", imap_verb_name(command));
	else
		imap_failed(imap, result, &err);
}
