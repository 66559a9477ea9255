/* SPDX-License-Identifier: ISC */
/*
 * FETCH (RFC 9051 6.4.5): the messages of a set, one after the other, some at a time. What the
 * index knows is told as the store gives it (fetch_item.c); what is in the messages is read message
 * by message (fetch_section.c).
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "worker/session/imap/commands.h"
#include "worker/session/imap/fetch.h"

#define SEEN_AT_ONCE 256 /* messages that get \Seen in one transaction */

/*
 * -- What is in the index -------------------------------------------------------------
 */

static bool
give_message(const struct store_message *message, void *arg)
{
	struct fetch *fetch = arg;
	struct imap *imap = fetch->imap;

	fetch->next = message->uid == UINT32_MAX ? 0 : message->uid + 1;
	if (imap_fetch_begin(imap, message->uid)) {
		fetch_items(fetch, message);
		imap_text(imap, ")\r\n");
	}
	return evbuffer_get_length(imap->stream.out) < IMAP_OUT_HIGH && !imap->broken;
}

/* The ranges from fetch->next on. False: there are none. */
static bool
rest_of_ranges(struct fetch *fetch, struct store_range *saved)
{
	while (fetch->range < fetch->uids.count &&
	       fetch->uids.list[fetch->range].last < fetch->next)
		fetch->range++;
	if (fetch->range == fetch->uids.count || fetch->next == 0)
		return false;
	*saved = fetch->uids.list[fetch->range];
	if (saved->first < fetch->next)
		fetch->uids.list[fetch->range].first = fetch->next;
	return true;
}

static enum imap_progress
answer(struct fetch *fetch)
{
	struct imap *imap = fetch->imap;

	if (fetch->unasked)
		return IMAP_DONE; /* what could not be read, a command will say */
	if (fetch->unknown_encoding)
		imap_tagged(imap, "NO", "[UNKNOWN-CTE] A part's encoding is not known");
	else if (fetch->failed)
		imap_failed(imap, fetch->result, &fetch->err);
	else
		imap_ok(imap, "%s%s done", fetch->gone ? "[EXPUNGEISSUED] " : "",
			imap_verb_name(imap->command));
	return IMAP_DONE;
}

static enum imap_progress
step_index(struct imap *imap)
{
	struct fetch *fetch = imap->task;
	struct store_range saved;
	enum store_result result;
	uint32_t before = fetch->next;

	if (!rest_of_ranges(fetch, &saved))
		return answer(fetch);
	result = store_scan(imap->store, imap->view.folder, fetch->uids.list + fetch->range,
			    fetch->uids.count - fetch->range, fetch->since, fetch->want,
			    give_message, fetch, &fetch->err);
	if (result != STORE_OK) {
		fetch->failed = true;
		fetch->result = result;
		return answer(fetch);
	}
	/* It was not stopped: that was all. */
	if (evbuffer_get_length(imap->stream.out) < IMAP_OUT_HIGH || fetch->next == before)
		return answer(fetch);
	return IMAP_MORE;
}

/*
 * -- What is in the messages ----------------------------------------------------------
 */

/* Opens the message and tells what comes first. */
static bool
begin_message(const struct store_message *message, void *arg)
{
	struct fetch *fetch = arg;
	struct imap *imap = fetch->imap;
	enum store_result result =
	    content_open(&fetch->content, imap->store, message->message, &fetch->err);

	if (result != STORE_OK) {
		fetch->failed = fetch->failed || result != STORE_GONE;
		fetch->gone = fetch->gone || result == STORE_GONE;
		fetch->result = result;
		return false;
	}
	if (imap_fetch_begin(imap, message->uid)) {
		fetch_items(fetch, message);
		fetch->section = 0;
		fetch->in_message = true;
	}
	return false;
}

/* The next message of the view that is in the set: false, there is none. */
static bool
next_message(struct fetch *fetch, uint32_t *uid)
{
	const struct view *view = &fetch->imap->view;

	while (fetch->number <= view->count) {
		uint32_t candidate = view->uids[fetch->number - 1];

		while (fetch->range < fetch->uids.count &&
		       fetch->uids.list[fetch->range].last < candidate)
			fetch->range++;
		if (fetch->range == fetch->uids.count)
			return false;
		if (candidate >= fetch->uids.list[fetch->range].first) {
			fetch->number++;
			*uid = candidate;
			return true;
		}
		fetch->number = view_number_from(view, fetch->uids.list[fetch->range].first);
	}
	return false;
}

static void
note_seen(struct imap *imap, uint64_t modseq)
{
	if (imap->seen_to == 0)
		imap->seen_from = modseq;
	imap->seen_to = modseq;
}

/* RFC 9051 6.4.5: to read a message is to see it. Told by the sync at the command's end. */
static void
mark_seen(struct fetch *fetch)
{
	static const struct store_flags_change seen = {.how = STORE_FLAGS_ADD,
						       .flags = STORE_SEEN,
						       .keywords = "",
						       .unchanged_since = UINT64_MAX};
	struct imap *imap = fetch->imap;
	struct ranges batch = {.list = NULL};
	struct store_range *failed = NULL;
	uint32_t number = fetch->number, uid;
	size_t count, range = fetch->range;
	uint64_t modseq;
	struct error err;

	for (size_t i = 0; i < SEEN_AT_ONCE && next_message(fetch, &uid); i++)
		ranges_append(&batch, uid, uid);
	fetch->seen_upto = fetch->number;
	fetch->number = number;
	fetch->range = range;
	/* A full disk must not keep anybody from reading. */
	if (batch.count > 0 && store_flags(imap->store, imap->view.folder, batch.list, batch.count,
					   &seen, &modseq, &failed, &count, &err) != STORE_OK)
		log_event(LOG_ERR, "imap.failed", KV_CONN(imap->options.conn),
			  KV_STR("user", imap->options.mailbox), KV_STR("why", err.text));
	else if (batch.count > 0)
		note_seen(imap, modseq);
	free(failed);
	ranges_clear(&batch);
}

static enum imap_progress
go_on_in_message(struct fetch *fetch)
{
	switch (fetch_sections(fetch)) {
	case FETCH_WHOLE:
		imap_text(fetch->imap, ")\r\n");
		fetch->in_message = false;
		fetch->imap->unfinished = "";
		break;
	case FETCH_MORE:
		fetch->imap->unfinished = fetch->in_octets ? NULL : ")\r\n";
		break;
	case FETCH_BROKEN:
		/* In the middle of a literal nothing else can be said. */
		fetch->imap->broken = true;
		fetch->imap->why = "a message could not be read to its end";
		return IMAP_DONE;
	}
	return IMAP_MORE;
}

static enum imap_progress
step_messages(struct imap *imap)
{
	struct fetch *fetch = imap->task;

	while (evbuffer_get_length(imap->stream.out) < IMAP_OUT_HIGH && !imap_is_late(imap)) {
		struct store_range one;
		enum store_result result;
		uint32_t uid;

		if (fetch->in_message) {
			if (go_on_in_message(fetch) == IMAP_DONE)
				return IMAP_DONE;
			if (fetch->in_message)
				return IMAP_MORE;
			continue;
		}
		if (fetch->set_seen && fetch->number >= fetch->seen_upto)
			mark_seen(fetch);
		if (!next_message(fetch, &uid))
			return answer(fetch);
		one = (struct store_range){uid, uid};
		result = store_scan(imap->store, imap->view.folder, &one, 1, fetch->since,
				    fetch->want, begin_message, fetch, &fetch->err);
		if (result != STORE_OK) {
			fetch->failed = true;
			fetch->result = result;
			return answer(fetch);
		}
	}
	return IMAP_MORE;
}

/*
 * -- The command --------------------------------------------------------------------
 */

static void
free_fetch(struct imap *imap)
{
	struct fetch *fetch = imap->task;

	content_close(&fetch->content);
	octets_free(&fetch->octets);
	ranges_clear(&fetch->uids);
	free(fetch);
}

/* RFC 9394: the first (or last) so many of those that are there. */
static void
cut_partial(struct fetch *fetch, const struct imap_partial *partial)
{
	struct ranges cut = {.list = NULL};
	uint64_t total = 0, first = partial->first, last = partial->last, n = 0;
	uint32_t uid;

	while (next_message(fetch, &uid))
		total++;
	fetch->number = 1;
	fetch->range = 0;
	if (partial->from_end) {
		first = total >= partial->last ? total - partial->last + 1 : 1;
		last = total >= partial->first ? total - partial->first + 1 : 0;
	}
	while (next_message(fetch, &uid))
		if (++n >= first && n <= last)
			ranges_append(&cut, uid, uid);
	fetch->number = 1;
	fetch->range = 0;
	ranges_clear(&fetch->uids);
	fetch->uids = cut;
	if (cut.failed) {
		fetch->failed = true;
		fetch->result = STORE_LIMIT;
		(void)error_set(&fetch->err, IMAP_TOO_MUCH);
		ranges_clear(&fetch->uids);
	}
}

static bool
sees(const struct imap_fetch_items *items)
{
	for (size_t i = 0; i < items->section_count; i++)
		if (!items->sections[i].peek)
			return true;
	return false;
}

static unsigned
what_is_wanted(const struct imap *imap, unsigned items)
{
	unsigned want = 0;

	if ((items & IMAP_FETCH_FLAGS) != 0 || imap->view.keywords == NULL)
		want |= STORE_WANT_KEYWORDS;
	if ((items & IMAP_FETCH_EMAILID) != 0)
		want |= STORE_WANT_OBJECT;
	if ((items & IMAP_FETCH_SAVEDATE) != 0)
		want |= STORE_WANT_SAVEDATE;
	if ((items & (IMAP_FETCH_ENVELOPE | IMAP_FETCH_BODYSTRUCTURE | IMAP_FETCH_PREVIEW)) != 0)
		want |= STORE_WANT_SUMMARY;
	return want;
}

static void
go_on(struct fetch *fetch)
{
	if (fetch->what->section_count > 0 || (fetch->what->items & IMAP_FETCH_BODY) != 0)
		imap_go_on(fetch->imap, step_messages, fetch, free_fetch);
	else
		imap_go_on(fetch->imap, step_index, fetch, free_fetch);
}

static void
start(struct imap *imap, const struct imap_command *command, struct fetch *fetch)
{
	const struct imap_fetch *what = &command->fetch;

	fetch->imap = imap;
	fetch->what = &what->what;
	fetch->uid = command->uid;
	fetch->number = 1;
	fetch->next = 1;
	fetch->since = what->has_changed_since ? what->changed_since : 0;
	fetch->want = what_is_wanted(imap, what->what.items);
	fetch->set_seen = !imap->view.read_only && sees(&what->what);
	if (what->has_changed_since || (what->what.items & IMAP_FETCH_MODSEQ) != 0)
		imap_enable_condstore(imap);
	fetch->modseq = what->has_changed_since || (what->what.items & IMAP_FETCH_MODSEQ) != 0;
	if (what->vanished &&
	    (fetch->result = imap_tell_vanished_earlier(imap, what->changed_since, &fetch->uids,
							&fetch->err)) != STORE_OK) {
		fetch->failed = true;
		ranges_clear(&fetch->uids); /* there is nothing more to do but to say so */
	}
	if (what->partial.given)
		cut_partial(fetch, &what->partial);
	go_on(fetch);
}

void
fetch_unasked(struct imap *imap, const struct imap_fetch_items *items, struct ranges *uids)
{
	struct fetch *fetch = calloc(1, sizeof(*fetch));

	if (fetch == NULL)
		return;
	fetch->imap = imap;
	fetch->what = items;
	fetch->unasked = true;
	fetch->number = 1;
	fetch->next = 1;
	fetch->want = what_is_wanted(imap, items->items);
	fetch->modseq = (items->items & IMAP_FETCH_MODSEQ) != 0;
	fetch->uids = *uids;
	*uids = (struct ranges){.list = NULL};
	go_on(fetch);
}

void
imap_do_fetch(struct imap *imap, const struct imap_command *command)
{
	struct fetch *fetch;
	struct ranges uids = {.list = NULL};

	if (command->fetch.vanished && !imap_is_enabled(imap, IMAP_ENABLE_QRESYNC)) {
		imap_tagged(imap, "BAD", "VANISHED needs ENABLE QRESYNC first");
		return;
	}
	if (!imap_resolve(imap, &command->fetch.set, command->uid, &uids))
		return;
	fetch = calloc(1, sizeof(*fetch));
	if (fetch == NULL) {
		ranges_clear(&uids);
		imap_tagged(imap, "NO", "[LIMIT] There is no memory for this");
		return;
	}
	fetch->uids = uids;
	start(imap, command, fetch);
}
