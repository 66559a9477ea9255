/* SPDX-License-Identifier: ISC */
/*
 * SEARCH, SORT and THREAD (RFC 9051 6.4.4, RFC 5256 and their extensions): which messages can match
 * is asked of the index, then each is looked at, some milliseconds at a time.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/monotonic.h"
#include "worker/session/imap/commands.h"
#include "worker/session/imap/context.h"
#include "worker/session/imap/search_task.h"

#define SLICE_MS 10   /* of work, then the user's other connections have their turn */
#define TELL_MS 10000 /* between two INPROGRESS (RFC 9585) */

void
search_task_free(struct search_task *task)
{
	if (task == NULL)
		return;
	imap_searcher_free(task->searcher);
	content_close(&task->content);
	search_sources_free(task);
	ranges_clear(&task->todo);
	ranges_clear(&task->found);
	search_keep_free(task);
	free(task);
}

static void
free_task(struct imap *imap)
{
	search_task_free(imap->task);
}

/*
 * -- Looking at messages ----------------------------------------------------------------
 */

const char *
search_read_octets(const struct store_message *message, size_t *length, void *arg)
{
	struct search_task *task = arg;

	task->result =
	    content_open(&task->content, task->imap->store, message->message, &task->err);
	if (task->result != STORE_OK)
		return NULL;
	*length = task->content.length;
	return task->content.bytes;
}

static bool
is_late(void *arg)
{
	struct search_task *task = arg;

	if (!imap_is_late(task->imap))
		return false;
	task->result = STORE_LIMIT;
	(void)error_set(&task->err, STORE_TOO_LONG);
	return true;
}

static void
note(struct search_task *task, const struct store_message *message, uint32_t number)
{
	if (task->found.count == 0)
		task->modseq_min = message->modseq;
	task->modseq_max = message->modseq;
	if (message->modseq > task->modseq)
		task->modseq = message->modseq;
	ranges_append(&task->found, message->uid, message->uid);
	if (task->found.failed || search_keep(task, message, number) == -1) {
		task->failed = true;
		task->result = STORE_LIMIT;
		(void)error_set(&task->err, "There is no memory for so many messages");
	}
}

static bool
give_message(const struct store_message *message, void *arg)
{
	struct search_task *task = arg;
	const struct view *view = task->view;
	struct imap_candidate candidate = {.message = message,
					   .number = view_number(view, message->uid),
					   .recent = message->uid >= view->recent_from &&
						     message->uid < view->recent_to,
					   .read = search_read_octets,
					   .stop = is_late,
					   .arg = task};
	int matches;

	task->next = message->uid == UINT32_MAX ? 0 : message->uid + 1;
	task->done++;
	/* The client has not been told of it yet: it is not there. */
	if (candidate.number == 0)
		return true;
	task->result = STORE_OK;
	matches = imap_searcher_matches(task->searcher, &candidate);
	if (matches == 1)
		note(task, message, candidate.number);
	/* One that was expunged meanwhile is no failure. */
	if (matches == -1 && task->result != STORE_GONE) {
		task->failed = true;
		if (task->result == STORE_OK) {
			task->result = STORE_LIMIT;
			(void)error_set(&task->err, "There is no memory to search a message");
		}
	}
	task->stopped = monotonic_milliseconds() - task->slice >= SLICE_MS;
	return !task->failed && !task->stopped;
}

/* The ranges from task->next on. False: there are none. */
static bool
rest_of_ranges(struct search_task *task)
{
	struct ranges *todo = &task->todo;

	while (task->range < todo->count && todo->list[task->range].last < task->next)
		task->range++;
	if (task->range == todo->count || task->next == 0)
		return false;
	if (todo->list[task->range].first < task->next)
		todo->list[task->range].first = task->next;
	return true;
}

static void
tell_progress(struct search_task *task)
{
	if (monotonic_milliseconds() - task->told < TELL_MS)
		return;
	task->told = monotonic_milliseconds();
	imap_text(task->imap, "* OK [INPROGRESS (");
	imap_nstring(task->imap, task->command->tag, strlen(task->command->tag));
	if (task->goal > task->done)
		imap_printf(task->imap, " %" PRIu64 " %" PRIu64 ")] Still searching\r\n",
			    task->done, task->goal);
	else
		imap_text(task->imap, " NIL NIL)] Still searching\r\n");
}

static enum imap_search_open open_searcher(struct imap *, const struct imap_command *,
					   struct search_task *);

static enum imap_progress
end_command(struct search_task *task)
{
	struct imap *imap = task->imap;

	if (task->update)
		contexts_refuse(imap, task->command->tag, "The selected mailbox is not searched");
	if (!task->failed) {
		imap_ok(imap, "%s done", imap_verb_name(task->command));
		return IMAP_DONE;
	}
	/* RFC 5182 2.1: what was saved before is lost too. */
	if ((task->command->search.give & IMAP_RETURN_SAVE) != 0)
		ranges_clear(&imap->saved);
	imap_failed(imap, task->result, &task->err);
	return IMAP_DONE;
}

/* Tells what was found in a folder, and goes on to the next. */
static enum imap_progress
end_folder(struct search_task *task)
{
	if (!task->failed && search_answer(task) == -1) {
		task->failed = true;
		task->result = STORE_LIMIT;
		(void)error_set(&task->err, "There is no memory for the answer");
	}
	if (!task->failed && task->update && task->view == &task->imap->view) {
		task->update = false;
		contexts_add(task);
	}
	if (task->failed || !task->many || !search_sources_next(task))
		return end_command(task);
	imap_searcher_free(task->searcher);
	task->searcher = NULL;
	ranges_clear(&task->todo);
	ranges_clear(&task->found);
	content_close(&task->content);
	task->range = 0;
	task->next = 1;
	task->modseq = task->modseq_min = task->modseq_max = 0;
	return open_searcher(task->imap, task->command, task) == IMAP_SEARCH_OPEN ? IMAP_MORE
										  : IMAP_DONE;
}

size_t
search_task_memory(const struct search_task *task)
{
	return task->other.room * sizeof(*task->other.uids) +
	       (task->todo.room + task->found.room) * sizeof(*task->found.list) + task->texts.size +
	       task->room * (task->sorts != NULL ? sizeof(*task->sorts) : sizeof(*task->threads));
}

static enum imap_progress
step(struct imap *imap)
{
	struct search_task *task = imap->task;
	enum store_result result;

	if (!rest_of_ranges(task))
		return end_folder(task);
	task->slice = monotonic_milliseconds();
	task->stopped = false;
	result = store_scan(imap->store, task->view->folder, task->todo.list + task->range,
			    task->todo.count - task->range, 0,
			    imap_searcher_wants(task->searcher) | search_keep_wants(task),
			    give_message, task, &task->err);
	if (result != STORE_OK && !task->failed) {
		task->failed = true;
		task->result = result;
	}
	imap->task_memory = search_task_memory(task);
	if (task->failed || !task->stopped)
		return end_folder(task);
	tell_progress(task);
	return IMAP_MORE;
}

/*
 * -- The command ------------------------------------------------------------------------
 */

/* Which UIDs can match: by the index of words, or by the program's own UIDs, or all. */
static int
find_candidates(struct search_task *task)
{
	struct imap *imap = task->imap;
	const struct view *view = task->view;
	uint32_t last = view->count == 0 ? 0 : view->uids[view->count - 1];
	const struct store_range *ranges;
	const char *const *words;
	uint32_t *uids = NULL;
	size_t count, word_count;
	bool all = true;

	words = imap_searcher_words(task->searcher, &word_count);
	if (word_count > 0 && store_candidates(imap->store, view->folder, words, word_count, &uids,
					       &count, &all, &task->err) != STORE_OK)
		all = true; /* then without it */
	if (!all) {
		for (size_t i = 0; i < count && uids[i] <= last; i++)
			ranges_append(&task->todo, uids[i], uids[i]);
	} else if (imap_searcher_uids(task->searcher, &ranges, &count)) {
		for (size_t i = 0; i < count; i++)
			ranges_append(&task->todo, ranges[i].first, ranges[i].last);
	} else if (last > 0) {
		ranges_append(&task->todo, 1, last);
	}
	free(uids);
	task->goal += all ? view->count : ranges_total(task->todo.list, task->todo.count);
	return task->todo.failed ? -1 : 0;
}

static enum imap_search_open
open_searcher(struct imap *imap, const struct imap_command *command, struct search_task *task)
{
	const struct view *view = task->view;
	bool selected = view == &imap->view;
	struct imap_search_world world = {
	    .max_number = (uint32_t)view->count,
	    .max_uid = view->count == 0 ? 0 : view->uids[view->count - 1],
	    .saved = imap->saved.list,
	    .saved_count = selected ? imap->saved.count : 0,
	    .now = time(NULL),
	};
	enum imap_search_open opened = imap_searcher_new(
	    command->search.program, command->search.charset, &world, &task->searcher);

	if (opened == IMAP_SEARCH_OPEN && find_candidates(task) == -1)
		opened = IMAP_SEARCH_NO_MEMORY;
	if (opened == IMAP_SEARCH_BADCHARSET)
		imap_tagged(imap, "NO",
			    "[BADCHARSET " IMAP_SEARCH_CHARSETS "] %s is not known here",
			    command->search.charset);
	else if (opened == IMAP_SEARCH_NO_MEMORY)
		imap_tagged(imap, "NO", "[LIMIT] There is no memory for this search");
	return opened;
}

/* What can be said without looking. True: it has been answered. */
static bool
refuse(struct imap *imap, const struct imap_command *command)
{
	if ((command->search.give & IMAP_RETURN_UPDATE) != 0 && contexts_have(imap, command->tag)) {
		imap_tagged(imap, "BAD", "A search with this tag is kept up to date already");
		return true;
	}
	if (command->verb == IMAP_ESEARCH)
		return search_sources_refuse(imap, command);
	if (imap_is_enabled(imap, IMAP_ENABLE_UIDONLY) && !command->uid) {
		imap_tagged(imap, "BAD", "[UIDREQUIRED] With UIDONLY, messages have no numbers");
		return true;
	}
	/* RFC 6855 3. */
	if (imap_is_enabled(imap, IMAP_ENABLE_UTF8) && command->verb == IMAP_SEARCH &&
	    command->search.charset != NULL) {
		imap_tagged(imap, "BAD", "With UTF8=ACCEPT, a search has no CHARSET: it is UTF-8");
		return true;
	}
	return false;
}

/* The first folder and its searcher; or the command is answered, and over. */
static void
begin(struct imap *imap, const struct imap_command *command, struct search_task *task)
{
	task->view = &imap->view;
	if (command->verb == IMAP_ESEARCH) {
		task->result = search_sources_open(task);
		task->failed = task->result != STORE_OK;
		if (task->failed || !search_sources_next(task)) {
			(void)end_command(task);
			imap_end_command(imap);
			return;
		}
	}
	if (open_searcher(imap, command, task) != IMAP_SEARCH_OPEN) {
		if ((command->search.give & IMAP_RETURN_SAVE) != 0)
			ranges_clear(&imap->saved);
		imap_end_command(imap);
		return;
	}
	if (imap_searcher_has_numbers(task->searcher) &&
	    imap_is_enabled(imap, IMAP_ENABLE_UIDONLY)) {
		imap_tagged(imap, "BAD", "[UIDREQUIRED] With UIDONLY, messages have no numbers");
		imap_end_command(imap);
		return;
	}
	if (imap_searcher_has_modseq(task->searcher))
		imap_enable_condstore(imap);
}

void
imap_do_search(struct imap *imap, const struct imap_command *command)
{
	struct search_task *task;

	if (refuse(imap, command))
		return;
	task = calloc(1, sizeof(*task));
	if (task == NULL) {
		imap_tagged(imap, "NO", "[LIMIT] There is no memory for this search");
		return;
	}
	task->imap = imap;
	task->command = command;
	task->verb = command->verb;
	task->uid = command->uid;
	task->update = (command->search.give & IMAP_RETURN_UPDATE) != 0;
	task->next = 1;
	task->told = monotonic_milliseconds();
	sort_order(&task->order, command->search.sort, command->search.sort_count);
	imap_go_on(imap, step, task, free_task);
	begin(imap, command, task);
}
