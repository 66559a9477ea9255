/* SPDX-License-Identifier: ISC */
/*
 * What others did to the selected folder, told to this client: first what went away, then new
 * flags, then what came. Everything is asked of the store by MODSEQ, so that all connections see
 * the same changes in the same order.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "worker/session/imap/context.h"
#include "worker/session/imap/imap_private.h"
#include "worker/session/imap/notify.h"

bool
imap_fetch_begin(struct imap *imap, uint32_t uid)
{
	uint32_t number = view_number(&imap->view, uid);

	if (number == 0)
		return false;
	if (imap_is_enabled(imap, IMAP_ENABLE_UIDONLY))
		imap_printf(imap, "* %" PRIu32 " UIDFETCH (", uid);
	else
		imap_printf(imap, "* %" PRIu32 " FETCH (", number);
	return true;
}

/*
 * -- Keywords ---------------------------------------------------------------------
 */

void
imap_tell_keywords(struct imap *imap)
{
	const char *keywords = imap->view.keywords != NULL ? imap->view.keywords : "";
	const char *space = keywords[0] != '\0' ? " " : "";
	static const char flags[] = "\\Answered \\Flagged \\Deleted \\Seen \\Draft";

	imap_printf(imap, "* FLAGS (%s%s%s)\r\n", flags, space, keywords);
	if (imap->view.read_only)
		imap_text(imap, "* OK [PERMANENTFLAGS ()] Read-only mailbox\r\n");
	else
		imap_printf(imap, "* OK [PERMANENTFLAGS (%s%s%s \\*)] Flags permitted\r\n", flags,
			    space, keywords);
}

static bool
has_word(const char *words, const char *word, size_t length)
{
	for (const char *at = words; at != NULL && *at != '\0';) {
		size_t n = strcspn(at, " ");

		if (n == length && strncasecmp(at, word, n) == 0)
			return true;
		at += n;
		at += *at == ' ';
	}
	return false;
}

/* A keyword that comes up first is told of before the message that has it (RFC 9051 7.3.5). */
static void
learn_keywords(struct imap *imap, const char *keywords)
{
	bool learned = false;

	for (const char *at = keywords; at != NULL && *at != '\0';) {
		size_t n = strcspn(at, " "), old;
		char *bigger;

		old = imap->view.keywords != NULL ? strlen(imap->view.keywords) : 0;
		if (!has_word(imap->view.keywords, at, n) &&
		    (bigger = realloc(imap->view.keywords, old + n + 2)) != NULL) {
			if (old > 0)
				bigger[old++] = ' ';
			memcpy(bigger + old, at, n);
			bigger[old + n] = '\0';
			imap->view.keywords = bigger;
			learned = true;
		}
		at += n;
		at += *at == ' ';
	}
	if (learned)
		imap_tell_keywords(imap);
}

/*
 * -- Flags ------------------------------------------------------------------------
 */

static bool
is_recent(const struct imap *imap, uint32_t uid)
{
	return uid >= imap->view.recent_from && uid < imap->view.recent_to &&
	       !imap_is_enabled(imap, IMAP_ENABLE_REV2);
}

void
imap_fetch_flags(struct imap *imap, const struct store_message *message, bool flags)
{
	const char *space = "";

	if (flags)
		learn_keywords(imap, message->keywords);
	if (!imap_fetch_begin(imap, message->uid))
		return;
	if (!imap_is_enabled(imap, IMAP_ENABLE_UIDONLY)) {
		imap_printf(imap, "UID %" PRIu32, message->uid);
		space = " ";
	}
	if (flags) {
		imap_printf(imap, "%sFLAGS ", space);
		imap_flags(imap, message->flags, message->keywords, is_recent(imap, message->uid));
		space = " ";
	}
	if (imap_is_enabled(imap, IMAP_ENABLE_CONDSTORE))
		imap_printf(imap, "%sMODSEQ (%" PRIu64 ")", space, message->modseq);
	imap_text(imap, ")\r\n");
}

/*
 * -- What went away -----------------------------------------------------------------
 */

static void
tell_expunge(uint32_t number, uint32_t uid, void *arg)
{
	struct imap *imap = arg;

	(void)uid;
	imap_printf(imap, "* %" PRIu32 " EXPUNGE\r\n", number);
}

static void
collect_uid(uint32_t number, uint32_t uid, void *arg)
{
	(void)number;
	ranges_append(arg, uid, uid);
}

static bool
any_known(const struct view *view, const struct store_range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t number = view_number_from(view, ranges[i].first);

		if (number <= view->count && view->uids[number - 1] <= ranges[i].last)
			return true;
	}
	return false;
}

/* RFC 7162 3.2.10: with QRESYNC, and with UIDONLY (RFC 9586 3), VANISHED stands for EXPUNGE. */
static void
tell_gone(struct imap *imap, const struct store_range *ranges, size_t count)
{
	struct ranges known = {.list = NULL};

	contexts_gone(imap, ranges, count);
	if (!imap_is_enabled(imap, IMAP_ENABLE_QRESYNC | IMAP_ENABLE_UIDONLY)) {
		view_remove(&imap->view, ranges, count, tell_expunge, imap);
		return;
	}
	view_remove(&imap->view, ranges, count, collect_uid, &known);
	if (known.count > 0) {
		imap_text(imap, "* VANISHED ");
		imap_set(imap, known.list, known.count);
		imap_text(imap, "\r\n");
	}
	ranges_clear(&known);
}

/* False: the rest must wait too, as MODSEQs are to be seen in their order. */
static bool
sync_expunged(struct imap *imap, bool allowed, uint64_t upto, struct error *err)
{
	struct store_range *gone;
	size_t count;
	bool complete, known;

	if (store_expunged(imap->store, imap->view.folder, imap->view.expunges, &gone, &count,
			   &complete, err) != STORE_OK)
		return false;
	known = any_known(&imap->view, gone, count);
	if (known && allowed)
		tell_gone(imap, gone, count);
	if (!known || allowed)
		imap->view.expunges = upto;
	free(gone);
	/* A client that keeps MODSEQs would never ask for what was expunged before them. */
	return !known || allowed ||
	       !imap_is_enabled(imap, IMAP_ENABLE_CONDSTORE | IMAP_ENABLE_QRESYNC);
}

/*
 * -- What is new ------------------------------------------------------------------
 */

struct changes {
	struct imap *imap;
	const struct imap_own *own;
	bool more; /* messages have come */
};

/* The client's own doing, which it is told whatever it wants to be notified of. */
static bool
has_just_seen(const struct imap *imap, const struct store_message *message)
{
	return imap->seen_to != 0 && message->modseq >= imap->seen_from &&
	       message->modseq <= imap->seen_to;
}

static bool
tell_change(const struct store_message *message, void *arg)
{
	struct changes *changes = arg;
	struct imap *imap = changes->imap;
	bool fresh = message->uid >= imap->view.uidnext;
	bool own = changes->own != NULL && message->modseq == changes->own->modseq;

	if (fresh) {
		if (view_add(&imap->view, message->uid) == -1) {
			/* It would never be told of those behind. */
			imap->broken = true;
			imap->why = "no memory for the messages of the mailbox";
			return false;
		}
		changes->more = true;
		notify_new(imap, message->uid);
	} else if (!own && ((imap->told_events & IMAP_EVENT_FLAG_CHANGE) != 0 ||
			    has_just_seen(imap, message))) {
		imap_fetch_flags(imap, message, true);
	}
	if (!imap->broken)
		contexts_changed(imap, message, fresh);
	return !imap->broken;
}

/* The first read-write session to know of messages has them as recent (RFC 3501 2.3.2). */
static void
take_recent(struct imap *imap, const struct store_folder *folder)
{
	struct error err;

	if (imap->view.recent_to != folder->recent_from)
		imap->view.recent_from = folder->recent_from;
	imap->view.recent_to = imap->view.uidnext;
	if (!imap->view.read_only && folder->recent_from < folder->uidnext)
		(void)store_take_recent(imap->store, imap->view.folder, &err);
}

static void
sync_changes(struct imap *imap, const struct store_folder *folder, const struct imap_own *own,
	     struct error *err)
{
	struct changes changes = {.imap = imap, .own = own};

	imap->view.recent_next = folder->recent_from;
	/* What was told before a failure is told: the rest, and that again, the next time. */
	if (store_scan(imap->store, imap->view.folder, NULL, 0, imap->view.changes,
		       STORE_WANT_KEYWORDS | contexts_want(imap), tell_change, &changes,
		       err) == STORE_OK) {
		imap->view.changes = folder->highestmodseq;
		if (folder->uidnext > imap->view.uidnext)
			imap->view.uidnext = folder->uidnext;
	}
	if (changes.more) {
		take_recent(imap, folder);
		imap_printf(imap, "* %zu EXISTS\r\n", imap->view.count);
		if (!imap_is_enabled(imap, IMAP_ENABLE_REV2))
			imap_printf(imap, "* %" PRIu32 " RECENT\r\n", view_recent(&imap->view));
	}
	contexts_tell(imap);
	notify_fetch_new(imap);
}

/*
 * RFC 5465 3.1: a client may want no events of the selected mailbox. But what it expunges or sees
 * itself it must hear of, and with that all that came before.
 */
static bool
wants_to_know(const struct imap *imap)
{
	if (imap->told_events != 0 || imap->seen_to != 0)
		return true;
	return imap->command != NULL &&
	       (imap->command->verb == IMAP_EXPUNGE || imap->command->verb == IMAP_MOVE ||
		imap->command->verb == IMAP_REPLACE);
}

void
imap_sync(struct imap *imap, bool expunges, const struct imap_own *own)
{
	struct store_folder folder;
	struct error err = {.text = ""};
	enum store_result result;

	if (imap->state != IMAP_SELECTED)
		return;
	/* The command is done: what it has not used of its time does not matter any more. */
	store_limit_work(imap->store, 0);
	imap->contexts_read = 0;
	result = store_folder_by_id(imap->store, imap->view.folder, &folder, NULL, &err);
	if (result == STORE_GONE) {
		imap_text(imap, "* BYE The selected mailbox has been deleted\r\n");
		imap_finish(imap, "the selected mailbox was deleted");
		return;
	}
	if (result == STORE_OK && !wants_to_know(imap))
		return;
	if (result == STORE_OK && (folder.highestmodseq != imap->view.changes ||
				   folder.highestmodseq != imap->view.expunges)) {
		if (sync_expunged(imap, expunges, folder.highestmodseq, &err))
			sync_changes(imap, &folder, own, &err);
	}
	if (err.text[0] != '\0')
		log_event(LOG_ERR, "imap.failed", KV_CONN(imap->options.conn),
			  KV_STR("user", imap->options.mailbox), KV_STR("why", err.text));
}
