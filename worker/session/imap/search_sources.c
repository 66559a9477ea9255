/* SPDX-License-Identifier: ISC */
/* ESEARCH: one folder after the other (RFC 7377). */
#include "config.h"

#include <string.h>

#include "worker/session/imap/filter.h"
#include "worker/session/imap/search_task.h"

static bool
names_selected(const struct imap_search *search)
{
	for (size_t i = 0; i < search->source_count; i++) {
		if (search->sources[i].kind == IMAP_FILTER_SELECTED)
			return true;
	}
	return search->source_count == 0;
}

static bool
names_others(const struct imap_search *search)
{
	for (size_t i = 0; i < search->source_count; i++) {
		if (search->sources[i].kind != IMAP_FILTER_SELECTED)
			return true;
	}
	return false;
}

bool
search_sources_refuse(struct imap *imap, const struct imap_command *command)
{
	const struct imap_search *search = &command->search;
	bool update = (search->give & IMAP_RETURN_UPDATE) != 0;

	if ((names_selected(search) || update) && imap->state != IMAP_SELECTED) {
		imap_tagged(imap, "BAD",
			    "There is no selected mailbox to search: SELECT one first");
		return true;
	}
	if ((search->give & IMAP_RETURN_SAVE) != 0 && names_others(search)) {
		imap_tagged(imap, "BAD", "SAVE is for the selected mailbox only (RFC 7377 2.2)");
		return true;
	}
	return false;
}

enum store_result
search_sources_open(struct search_task *task)
{
	task->many = true;
	return folders_read(&task->folders, task->imap->store, &task->err);
}

static bool
is_wanted(const struct search_task *task, const struct folder_name *entry)
{
	const struct imap_search *search = &task->command->search;
	const struct imap *imap = task->imap;

	if (entry->folder.id == 0)
		return false;
	if (names_selected(search) && imap->state == IMAP_SELECTED &&
	    imap->view.folder == entry->folder.id)
		return true;
	for (size_t i = 0; i < search->source_count; i++) {
		if (filter_has(&search->sources[i], entry->name, &entry->folder))
			return true;
	}
	return false;
}

/* The selected one is searched as the client knows it, others as they are now. */
static enum store_result
open_folder(struct search_task *task, const struct folder_name *entry)
{
	struct imap *imap = task->imap;
	struct store_folder folder;
	enum store_result result;

	task->mailbox = entry->name;
	if (imap->state == IMAP_SELECTED && imap->view.folder == entry->folder.id) {
		task->view = &imap->view;
		return STORE_OK;
	}
	result = store_folder_by_id(imap->store, entry->folder.id, &folder, NULL, &task->err);
	if (result == STORE_OK)
		result = view_open(&task->other, imap->store, &folder, true, &task->err);
	task->view = &task->other;
	return result;
}

bool
search_sources_next(struct search_task *task)
{
	view_close(&task->other);
	while (task->next_folder < task->folders.count) {
		const struct folder_name *entry = &task->folders.list[task->next_folder++];

		if (!is_wanted(task, entry))
			continue;
		task->result = open_folder(task, entry);
		if (task->result == STORE_OK)
			return true;
		/* It was deleted meanwhile. */
		if (task->result == STORE_GONE)
			continue;
		task->failed = true;
		return false;
	}
	return false;
}

void
search_sources_free(struct search_task *task)
{
	view_close(&task->other);
	folders_free(&task->folders);
}
