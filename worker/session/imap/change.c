/* SPDX-License-Identifier: ISC */
/* STORE, COPY, MOVE, EXPUNGE (RFC 9051 6.4.3, 6.4.6 to 6.4.8), each one transaction. */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "worker/session/imap/commands.h"
#include "worker/session/imap/notify.h"

static bool
is_read_only(struct imap *imap)
{
	if (!imap->view.read_only)
		return false;
	imap_tagged(imap, "NO", "[NOPERM] The mailbox is selected read-only");
	return true;
}

/* UIDs as the client counts: as they are, or as message sequence numbers. */
static void
write_set(struct imap *imap, bool uid, const struct store_range *uids, size_t count)
{
	struct ranges numbers = {.list = NULL};

	if (uid) {
		imap_set(imap, uids, count);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		uint32_t first = view_number_from(&imap->view, uids[i].first);
		uint32_t last = view_number_from(&imap->view, uids[i].last);

		if (last <= imap->view.count && imap->view.uids[last - 1] == uids[i].last)
			last++;
		if (first < last)
			ranges_append(&numbers, first, last - 1);
	}
	imap_set(imap, numbers.list, numbers.count);
	ranges_clear(&numbers);
}

/*
 * -- STORE ------------------------------------------------------------------------
 */

static bool
tell_flags(const struct store_message *message, void *arg)
{
	imap_fetch_flags(arg, message, true);
	return true;
}

struct changed {
	struct imap *imap;
	uint64_t modseq;
};

/* RFC 7162 3.1.3: the new MODSEQ is told also of what is .SILENT. */
static bool
tell_modseq(const struct store_message *message, void *arg)
{
	const struct changed *changed = arg;

	if (message->modseq == changed->modseq)
		imap_fetch_flags(changed->imap, message, false);
	return true;
}

/* What STORE itself has to tell, whatever else waits. */
static enum store_result
tell_stored(struct imap *imap, bool silent, const struct ranges *uids, uint64_t modseq,
	    struct error *err)
{
	struct changed changed = {.imap = imap, .modseq = modseq};

	if (!silent)
		return store_scan(imap->store, imap->view.folder, uids->list, uids->count, 0,
				  STORE_WANT_KEYWORDS, tell_flags, imap, err);
	if (modseq == 0 || !imap_is_enabled(imap, IMAP_ENABLE_CONDSTORE))
		return STORE_OK;
	return store_scan(imap->store, imap->view.folder, uids->list, uids->count, modseq - 1, 0,
			  tell_modseq, &changed, err);
}

/* Messages that are gone, or were changed by others, are told of by the OK. */
static void
answer_store(struct imap *imap, const struct imap_command *command, const struct ranges *uids,
	     uint64_t modseq, const struct store_range *failed, size_t failed_count)
{
	const struct imap_store *store = &command->store;
	struct imap_own own = {.modseq = modseq};
	struct error err;

	/* If that fails, the sync tells of it as of others' changes. */
	if (tell_stored(imap, store->silent, uids, modseq, &err) == STORE_OK)
		imap_sync(imap, command->uid, &own);
	else
		imap_sync(imap, command->uid, NULL);
	if (failed_count > 0) {
		imap_printf(imap, "%s OK [MODIFIED ", command->tag);
		write_set(imap, command->uid, failed, failed_count);
		imap_text(imap, "] Others have changed these meanwhile\r\n");
	} else {
		imap_tagged(imap, "OK", "%s done", imap_verb_name(command));
	}
}

void
imap_do_store(struct imap *imap, const struct imap_command *command)
{
	const struct imap_store *store = &command->store;
	struct store_flags_change change = {.how = store->how,
					    .flags = store->flags.flags,
					    .keywords = store->flags.keywords,
					    .unchanged_since = store->unchanged_since};
	struct ranges uids = {.list = NULL};
	struct store_range *failed = NULL;
	size_t failed_count = 0;
	uint64_t modseq = 0;
	struct error err;
	enum store_result result = STORE_OK;

	if (is_read_only(imap) || !imap_resolve(imap, &store->set, command->uid, &uids))
		return;
	if (store->unchanged_since != UINT64_MAX)
		imap_enable_condstore(imap);
	if (uids.count > 0)
		result = store_flags(imap->store, imap->view.folder, uids.list, uids.count, &change,
				     &modseq, &failed, &failed_count, &err);
	if (result == STORE_OK)
		answer_store(imap, command, &uids, modseq, failed, failed_count);
	else
		imap_failed(imap, result, &err);
	free(failed);
	ranges_clear(&uids);
}

/*
 * -- COPY, MOVE -------------------------------------------------------------------
 */

static void
write_copyuid(struct imap *imap, const struct store_copied *copied)
{
	imap_printf(imap, "[COPYUID %" PRIu32 " ", copied->uidvalidity);
	imap_set(imap, copied->sources, copied->source_count);
	imap_text(imap, " ");
	imap_set(imap, copied->targets, copied->target_count);
	imap_text(imap, "]");
}

static void
answer_copy(struct imap *imap, const struct imap_command *command,
	    const struct store_copied *copied)
{
	if (copied->source_count == 0) {
		imap_ok(imap, "There were no such messages");
		return;
	}
	/* RFC 6851 4.3: before the EXPUNGE responses, so that the client can tell what became of
	 * them. */
	if (command->verb == IMAP_MOVE) {
		imap_text(imap, "* OK ");
		write_copyuid(imap, copied);
		imap_text(imap, " Moved\r\n");
		imap_ok(imap, "%s done", imap_verb_name(command));
		return;
	}
	imap_sync(imap, true, NULL);
	imap_printf(imap, "%s OK ", command->tag);
	write_copyuid(imap, copied);
	imap_printf(imap, " %s done\r\n", imap_verb_name(command));
}

void
imap_do_copy(struct imap *imap, const struct imap_command *command)
{
	bool move = command->verb == IMAP_MOVE;
	struct store_copied copied = {.source_count = 0};
	struct ranges uids = {.list = NULL};
	struct store_folder target;
	struct error err;
	enum store_result result;

	if ((move && is_read_only(imap)) ||
	    !imap_resolve(imap, &command->copy.set, command->uid, &uids))
		return;
	result = store_folder(imap->store, command->copy.mailbox, &target, &err);
	if (result == STORE_GONE) {
		imap_tagged(imap, "NO", "[TRYCREATE] %s", err.text);
		ranges_clear(&uids);
		return;
	}
	if (result == STORE_OK && uids.count > 0)
		result = store_copy(imap->store, imap->view.folder, uids.list, uids.count,
				    target.id, move, &copied, &err);
	if (result == STORE_OK)
		notify_own(imap, target.id, copied.targets, copied.target_count);
	if (result == STORE_OK)
		answer_copy(imap, command, &copied);
	else
		imap_failed(imap, result, &err);
	store_copied_free(&copied);
	ranges_clear(&uids);
}

/*
 * -- EXPUNGE ----------------------------------------------------------------------
 */

void
imap_do_expunge(struct imap *imap, const struct imap_command *command)
{
	struct ranges uids = {.list = NULL};
	struct store_range *gone = NULL;
	size_t count = 0;
	struct error err;
	enum store_result result = STORE_OK;

	if (is_read_only(imap))
		return;
	if (command->uid) {
		if (!imap_resolve(imap, &command->set, true, &uids))
			return;
	} else if (imap->view.count > 0) {
		/* What the client does not know of yet is not its to expunge. */
		ranges_append(&uids, 1, imap->view.uidnext - 1);
	}
	if (uids.count > 0)
		result = store_expunge_deleted(imap->store, imap->view.folder, uids.list,
					       uids.count, &gone, &count, &err);
	if (result != STORE_OK) {
		imap_failed(imap, result, &err);
	} else {
		imap_sync(imap, true, NULL);
		/* RFC 7162 3.2.7. */
		if (imap_is_enabled(imap, IMAP_ENABLE_CONDSTORE) && imap->state == IMAP_SELECTED)
			imap_tagged(imap, "OK", "[HIGHESTMODSEQ %" PRIu64 "] %s done",
				    imap->view.expunges, imap_verb_name(command));
		else
			imap_tagged(imap, "OK", "%s done", imap_verb_name(command));
	}
	free(gone);
	ranges_clear(&uids);
}
