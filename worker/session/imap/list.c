/* SPDX-License-Identifier: ISC */
/* LIST and LSUB (RFC 9051 6.3.9, RFC 5258, RFC 6154, RFC 5819, RFC 8440, RFC 9590). */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "worker/session/imap/commands.h"
#include "worker/session/imap/folders.h"
#include "worker/session/imap/match.h"

static const struct {
	uint32_t bit;
	const char *name;
} uses[] = {
    {STORE_USE_ALL, "\\All"},
    {STORE_USE_ARCHIVE, "\\Archive"},
    {STORE_USE_DRAFTS, "\\Drafts"},
    {STORE_USE_FLAGGED, "\\Flagged"},
    {STORE_USE_IMPORTANT, "\\Important"},
    {STORE_USE_JUNK, "\\Junk"},
    {STORE_USE_SENT, "\\Sent"},
    {STORE_USE_TRASH, "\\Trash"},
};

/* One response: attributes, delimiter, name, and that something below was meant (RFC 5258 3). */
struct listing {
	const char *word; /* "LIST" or "LSUB" */
	const struct folder_name *entry;
	bool no_select; /* LSUB: only names below are subscribed */
	bool extended;  /* RFC 5258 is spoken: \NonExistent is known */
	bool subscribed;
	bool below;           /* RECURSIVEMATCH: a subscribed name below matched nothing itself */
	const char *old_name; /* or NULL: RFC 5465 5.4, RFC 9051 7.3.1 */
};

static void
attribute(struct imap *imap, const char **space, const char *name)
{
	imap_printf(imap, "%s%s", *space, name);
	*space = " ";
}

static void
tell(struct imap *imap, const struct folders *folders, const struct listing *listing)
{
	const struct store_folder *folder = &listing->entry->folder;
	const char *name = listing->entry->name, *space = "";

	imap_printf(imap, "* %s (", listing->word);
	if (folder->id == 0 || listing->no_select)
		attribute(imap, &space,
			  listing->extended && !listing->no_select ? "\\NonExistent"
								   : "\\Noselect");
	if (listing->subscribed)
		attribute(imap, &space, "\\Subscribed");
	attribute(imap, &space,
		  folders_have_below(folders, name, false) ? "\\HasChildren" : "\\HasNoChildren");
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		if ((folder->use & uses[i].bit) != 0)
			attribute(imap, &space, uses[i].name);
	imap_text(imap, ") \"/\" ");
	imap_mailbox(imap, name);
	if (listing->below)
		imap_text(imap, " (\"CHILDINFO\" (\"SUBSCRIBED\"))");
	if (listing->old_name != NULL) {
		imap_text(imap, " (\"OLDNAME\" (");
		imap_mailbox(imap, listing->old_name);
		imap_text(imap, "))");
	}
	imap_text(imap, "\r\n");
}

void
imap_tell_entry(struct imap *imap, const struct folders *folders, const struct folder_name *entry,
		const char *old_name)
{
	struct listing listing = {.word = "LIST",
				  .entry = entry,
				  .extended = true,
				  .subscribed = entry->folder.subscribed,
				  .old_name = old_name};

	tell(imap, folders, &listing);
}

void
imap_tell_list(struct imap *imap, const char *name)
{
	struct folders folders;
	struct listing listing = {.word = "LIST"};
	struct error err;

	if (folders_read(&folders, imap->store, &err) != STORE_OK)
		return;
	listing.entry = folders_find(&folders, name);
	if (listing.entry != NULL) {
		listing.subscribed = listing.entry->folder.subscribed;
		tell(imap, &folders, &listing);
	}
	folders_free(&folders);
}

/*
 * -- Patterns ---------------------------------------------------------------------
 */

/* The reference is put in front, unless the pattern begins at the top (RFC 9051 6.3.9). */
static bool
matches(const struct imap_list *list, const char *name)
{
	size_t length = strlen(list->reference);

	for (size_t i = 0; i < list->pattern_count; i++) {
		if (length == 0 ? match_name(list->patterns[i], name)
				: strncmp(name, list->reference, length) == 0 &&
				      match_name(list->patterns[i], name + length))
			return true;
	}
	return false;
}

/* Is there a subscribed name below that the patterns themselves don't match? */
static bool
below_matters(const struct folders *folders, const struct imap_list *list, const char *name)
{
	const struct folder_name *entry;
	size_t at = SIZE_MAX;

	while ((entry = folders_next_below(folders, name, &at)) != NULL)
		if (entry->folder.subscribed && !matches(list, entry->name))
			return true;
	return false;
}

/*
 * -- LIST -------------------------------------------------------------------------
 */

/* Does the selection want this one (RFC 5258 3.1)? */
static bool
is_selected(const struct folders *folders, const struct imap_list *list, struct listing *listing)
{
	const struct store_folder *folder = &listing->entry->folder;
	bool wanted = folder->id != 0;

	/* A level that is no folder shows if something is below it. */
	if (folder->id == 0 && list->select == 0)
		wanted = folders_have_below(folders, listing->entry->name, false);
	if ((list->select & IMAP_LIST_SUBSCRIBED) != 0)
		wanted = folder->subscribed;
	if ((list->select & IMAP_LIST_SPECIAL_USE) != 0)
		wanted = wanted && folder->use != 0;
	if ((list->select & IMAP_LIST_RECURSIVEMATCH) != 0 &&
	    (list->select & IMAP_LIST_SUBSCRIBED) != 0)
		listing->below = below_matters(folders, list, listing->entry->name);
	return wanted || listing->below;
}

/* RFC 5819 2, RFC 9590 3: what can't be looked up is left out, and LIST is OK. */
static void
left_out(struct imap *imap, enum store_result result, const struct error *err)
{
	if (result != STORE_OK && result != STORE_GONE)
		log_event(LOG_ERR, "imap.failed", KV_CONN(imap->options.conn),
			  KV_STR("user", imap->options.mailbox), KV_STR("why", err->text));
}

static void
tell_more(struct imap *imap, const struct imap_list *list, const struct folder_name *entry)
{
	struct error err;

	if (entry->folder.id == 0)
		return;
	if ((list->give & IMAP_LIST_STATUS) != 0)
		left_out(
		    imap,
		    imap_tell_status(imap, entry->name, &entry->folder, list->status_items, &err),
		    &err);
	if ((list->give & IMAP_LIST_METADATA) != 0)
		left_out(
		    imap,
		    imap_tell_metadata(imap, entry->name, entry->folder.id, &list->metadata, &err),
		    &err);
	if ((list->give & IMAP_LIST_MYRIGHTS) != 0)
		imap_tell_rights(imap, entry->name);
}

/* A LIST in progress: annotations make it long. */
struct list_task {
	struct folders folders;
	size_t next;
};

static void
free_list(struct imap *imap)
{
	struct list_task *task = imap->task;

	folders_free(&task->folders);
	free(task);
}

static void
tell_one(struct imap *imap, const struct folders *folders, const struct imap_list *list,
	 const struct folder_name *entry)
{
	bool mark = ((list->select | list->give) & IMAP_LIST_SUBSCRIBED) != 0;
	struct listing listing = {
	    .word = "LIST",
	    .entry = entry,
	    .subscribed = mark && entry->folder.subscribed,
	    .extended = list->extended || imap_is_enabled(imap, IMAP_ENABLE_REV2),
	};

	if (!matches(list, entry->name) || !is_selected(folders, list, &listing))
		return;
	tell(imap, folders, &listing);
	tell_more(imap, list, entry);
}

static enum imap_progress
step_list(struct imap *imap)
{
	struct list_task *task = imap->task;

	while (task->next < task->folders.count) {
		if (evbuffer_get_length(imap->stream.out) >= IMAP_OUT_HIGH)
			return IMAP_MORE;
		tell_one(imap, &task->folders, &imap->command->list,
			 &task->folders.list[task->next++]);
	}
	imap_ok(imap, "%s done", imap_verb_name(imap->command));
	return IMAP_DONE;
}

void
imap_do_list(struct imap *imap, const struct imap_command *command)
{
	const struct imap_list *list = &command->list;
	struct list_task *task;
	struct error err;
	enum store_result result;

	/* RFC 9051 6.3.9: which character is between the levels. */
	if (!list->extended && list->pattern_count == 1 && list->patterns[0][0] == '\0') {
		imap_text(imap, "* LIST (\\Noselect) \"/\" \"\"\r\n");
		imap_ok(imap, "%s done", imap_verb_name(command));
		return;
	}
	task = calloc(1, sizeof(*task));
	if (task == NULL) {
		imap_tagged(imap, "NO", "[LIMIT] There is no memory for this");
		return;
	}
	result = folders_read(&task->folders, imap->store, &err);
	if (result != STORE_OK) {
		free(task);
		imap_failed(imap, result, &err);
		return;
	}
	imap_go_on(imap, step_list, task, free_list);
}

/*
 * -- LSUB (RFC 3501 6.3.9) ------------------------------------------------------------
 */

/* With "%" a level shows, as \Noselect, if it isn't subscribed and something below is. */
static bool
is_lsub(const struct folders *folders, const struct imap_list *list, struct listing *listing)
{
	if (listing->entry->folder.subscribed)
		return true;
	listing->no_select = true;
	return strchr(list->patterns[0], '%') != NULL &&
	       folders_have_below(folders, listing->entry->name, true);
}

void
imap_do_lsub(struct imap *imap, const struct imap_command *command)
{
	const struct imap_list *list = &command->list;
	struct folders folders;
	struct error err;
	enum store_result result = folders_read(&folders, imap->store, &err);

	if (result != STORE_OK) {
		imap_failed(imap, result, &err);
		return;
	}
	for (size_t i = 0; i < folders.count; i++) {
		struct listing listing = {.word = "LSUB", .entry = &folders.list[i]};

		if (matches(list, listing.entry->name) && is_lsub(&folders, list, &listing))
			tell(imap, &folders, &listing);
	}
	folders_free(&folders);
	imap_ok(imap, "%s done", imap_verb_name(command));
}
