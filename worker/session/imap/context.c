/* SPDX-License-Identifier: ISC */
#include "worker/session/imap/context.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "worker/session/imap/commands.h"
#include "worker/session/imap/search_task.h"
#include "worker/session/imap/unasked.h"

#define CONTEXTS_MAX 16 /* of one connection */
/* Octets of messages read for them in one go; those that need more are kept up to date no longer.
 */
#define READ_MAX ((uint64_t)32 << 20)

struct imap_context {
	struct imap_context *next;
	char tag[IMAP_TAG_MAX + 1];
	struct search_task *task;     /* searcher, what is found, and its order if it is sorted */
	size_t sorted;                /* of task->sorts: those behind are to be put in yet */
	struct ranges added, removed; /* UIDs, not told yet */
	struct ranges fresh;          /* of those, messages that have just come */
	struct imap_kept *kept;       /* with the items that are told of these; or NULL */
	const struct imap_fetch_items *items;
	bool failed; /* it can't be kept up to date any more */
};

bool
contexts_have(const struct imap *imap, const char *tag)
{
	for (const struct imap_context *c = imap->contexts; c != NULL; c = c->next) {
		if (strcmp(c->tag, tag) == 0)
			return true;
	}
	return false;
}

void
contexts_refuse(struct imap *imap, const char *tag, const char *why)
{
	imap_text(imap, "* NO [NOUPDATE ");
	imap_nstring(imap, tag, strlen(tag));
	imap_printf(imap, "] %s\r\n", why);
}

static void
free_context(struct imap_context *context)
{
	search_task_free(context->task);
	ranges_clear(&context->added);
	ranges_clear(&context->removed);
	ranges_clear(&context->fresh);
	kept_drop(context->kept);
	free(context);
}

void
contexts_free(struct imap *imap)
{
	struct imap_context *context;

	while ((context = imap->contexts) != NULL) {
		imap->contexts = context->next;
		free_context(context);
	}
}

size_t
contexts_memory(const struct imap *imap)
{
	size_t total = 0;

	for (const struct imap_context *c = imap->contexts; c != NULL; c = c->next)
		total += sizeof(*c) + sizeof(*c->task) + search_task_memory(c->task) +
			 (c->kept == NULL ? 0 : c->kept->arena.total);
	return total;
}

/*
 * -- A new one ----------------------------------------------------------------------
 */

/* What the search has, but for what goes on with it. */
static struct search_task *
take_over(struct search_task *from)
{
	struct search_task *task = calloc(1, sizeof(*task));
	const struct view *view = &from->imap->view;

	if (task == NULL)
		return NULL;
	/* RFC 5267 4.3: numbers in the program are those of the moment when it came. */
	if (imap_searcher_has_numbers(from->searcher)) {
		task->other.uids = calloc(view->count + 1, sizeof(*view->uids));
		if (task->other.uids == NULL) {
			free(task);
			return NULL;
		}
		if (view->count > 0)
			memcpy(task->other.uids, view->uids, view->count * sizeof(*view->uids));
		task->other.count = task->other.room = view->count;
	}
	task->imap = from->imap;
	task->verb = from->verb;
	task->uid = from->uid || from->many;
	task->many = from->many;
	task->order = from->order;
	task->searcher = from->searcher;
	task->found = from->found;
	task->sorts = from->sorts;
	task->count = from->count;
	task->room = from->room;
	task->texts = from->texts;
	from->searcher = NULL;
	from->found = (struct ranges){.list = NULL};
	from->sorts = NULL;
	from->count = from->room = 0;
	from->texts = (struct search_texts){.blocks = NULL};
	return task;
}

void
contexts_add(struct search_task *from)
{
	struct imap *imap = from->imap;
	const char *tag = from->command->tag;
	struct imap_context *context;
	size_t count = 0;

	for (context = imap->contexts; context != NULL; context = context->next)
		count++;
	if (count >= CONTEXTS_MAX) {
		contexts_refuse(imap, tag, "Too many searches are kept up to date");
		return;
	}
	context = calloc(1, sizeof(*context));
	if (context != NULL)
		context->task = take_over(from);
	if (context == NULL || context->task == NULL) {
		free(context);
		contexts_refuse(imap, tag, "There is no memory to keep this search up to date");
		return;
	}
	strlcpy(context->tag, tag, sizeof(context->tag));
	context->items = from->command->search.update_fetch;
	if (context->items != NULL)
		context->kept = kept_take(imap);
	context->sorted = context->task->count;
	context->next = imap->contexts;
	imap->contexts = context;
}

/*
 * -- What changes ---------------------------------------------------------------------
 */

unsigned
contexts_want(const struct imap *imap)
{
	unsigned want = 0;

	for (const struct imap_context *c = imap->contexts; c != NULL; c = c->next)
		want |= imap_searcher_wants(c->task->searcher) | search_keep_wants(c->task);
	return want;
}

/* Nobody has asked for this now, and others wait meanwhile: not without end. */
static const char *
read_octets(const struct store_message *message, size_t *length, void *arg)
{
	struct search_task *task = arg;
	const char *bytes = search_read_octets(message, length, task);

	if (bytes == NULL)
		return NULL;
	task->imap->contexts_read += *length;
	return task->imap->contexts_read > READ_MAX ? NULL : bytes;
}

/* As imap_searcher_matches(). */
static int
ask(struct search_task *task, const struct store_message *message, bool fresh)
{
	const struct view *view = &task->imap->view;
	struct imap_candidate candidate = {
	    .message = message,
	    .number = view_number(task->other.uids != NULL ? &task->other : view, message->uid),
	    .recent = message->uid >= (fresh ? view->recent_next : view->recent_from) &&
		      (fresh || message->uid < view->recent_to),
	    .read = read_octets,
	    .arg = task};

	imap_searcher_set_now(task->searcher, time(NULL));
	return imap_searcher_matches(task->searcher, &candidate);
}

static void
check(struct imap_context *context, const struct store_message *message, bool fresh)
{
	struct search_task *task = context->task;
	bool was = ranges_contain(task->found.list, task->found.count, message->uid);
	int is = ask(task, message, fresh);

	if (is == 1 && !was) {
		ranges_append(&context->added, message->uid, message->uid);
		if (fresh && context->kept != NULL)
			ranges_append(&context->fresh, message->uid, message->uid);
		if (search_keep(task, message, 0) == -1)
			context->failed = true;
	} else if (is == 0 && was) {
		ranges_append(&context->removed, message->uid, message->uid);
	} else if (is == -1) {
		context->failed = true;
	}
}

void
contexts_changed(struct imap *imap, const struct store_message *message, bool fresh)
{
	for (struct imap_context *c = imap->contexts; c != NULL; c = c->next) {
		if (!c->failed && (fresh || imap_searcher_can_change(c->task->searcher)))
			check(c, message, fresh);
	}
}

/*
 * -- What is told ---------------------------------------------------------------------
 */

/* Numbers or UIDs of what is in mailbox order: position 0 (RFC 5267 4.3.3). */
static void
write_unsorted(struct imap_context *context, const struct ranges *uids)
{
	struct imap *imap = context->task->imap;
	struct ranges numbers = {.list = NULL};

	imap_text(imap, "0 ");
	if (context->task->uid) {
		imap_set(imap, uids->list, uids->count);
		return;
	}
	for (size_t i = 0; i < uids->count; i++)
		for (uint64_t uid = uids->list[i].first; uid <= uids->list[i].last; uid++) {
			uint32_t number = view_number(&imap->view, (uint32_t)uid);

			ranges_append(&numbers, number, number);
		}
	imap_set(imap, numbers.list, numbers.count);
	context->failed = context->failed || numbers.failed;
	ranges_clear(&numbers);
}

static void
write_position(struct imap_context *context, const char **space, size_t position, uint32_t uid)
{
	struct imap *imap = context->task->imap;

	imap_printf(imap, "%s%zu %" PRIu32, *space, position + 1,
		    context->task->uid ? uid : view_number(&imap->view, uid));
	*space = " ";
}

/* From the last position to the first, which stay where they are meanwhile. */
static void
write_sorted_gone(struct imap_context *context)
{
	const struct ranges *removed = &context->removed;
	struct search_task *task = context->task;
	size_t stay = 0, fresh = task->count - context->sorted;
	const char *space = "";

	for (size_t i = context->sorted; i > 0; i--)
		if (ranges_contain(removed->list, removed->count, task->sorts[i - 1].uid))
			write_position(context, &space, i - 1, task->sorts[i - 1].uid);
	for (size_t i = 0; i < context->sorted; i++)
		if (!ranges_contain(removed->list, removed->count, task->sorts[i].uid))
			task->sorts[stay++] = task->sorts[i];
	memmove(task->sorts + stay, task->sorts + context->sorted, fresh * sizeof(*task->sorts));
	context->sorted = stay;
	task->count = stay + fresh;
}

/* Puts FRESH, sorted and COUNT, among the others: each of these moves once. */
static void
merge(struct imap_context *context, const struct sort_message *fresh, size_t count)
{
	struct search_task *task = context->task;
	struct sort_message *sorts = task->sorts;
	size_t end = context->sorted;

	for (size_t i = count; i > 0; i--) {
		size_t at = sort_position(&task->order, sorts, end, &fresh[i - 1]);

		memmove(sorts + at + i, sorts + at, (end - at) * sizeof(*sorts));
		sorts[at + i - 1] = fresh[i - 1];
		end = at;
	}
	context->sorted = task->count;
}

/* From the first position to the last: where each comes in when those before have. */
static void
write_sorted_new(struct imap_context *context)
{
	struct search_task *task = context->task;
	size_t count = task->count - context->sorted, told = 0;
	struct sort_message *fresh = reallocarray(NULL, count + 1, sizeof(*fresh));
	const char *space = "";

	if (fresh == NULL) {
		context->failed = true;
		return;
	}
	memcpy(fresh, task->sorts + context->sorted, count * sizeof(*fresh));
	sort_messages(&task->order, fresh, count);
	merge(context, fresh, count);
	for (size_t i = 0; i < task->count && told < count; i++)
		if (task->sorts[i].uid == fresh[told].uid) {
			write_position(context, &space, i, fresh[told].uid);
			told++;
		}
	free(fresh);
}

static void
write_begin(struct imap_context *context)
{
	struct imap *imap = context->task->imap;
	char name[STORE_NAME_MAX + 1];
	struct store_folder folder;
	struct error err;

	imap_text(imap, "* ESEARCH (TAG ");
	imap_nstring(imap, context->tag, strlen(context->tag));
	if (context->task->many &&
	    store_folder_by_id(imap->store, imap->view.folder, &folder, name, &err) == STORE_OK) {
		imap_text(imap, " MAILBOX ");
		imap_mailbox(imap, name);
		imap_printf(imap, " UIDVALIDITY %" PRIu32, imap->view.uidvalidity);
	}
	imap_printf(imap, ")%s", context->task->uid ? " UID" : "");
}

static void
tell(struct imap_context *context)
{
	struct imap *imap = context->task->imap;
	struct search_task *task = context->task;
	bool sorted = task->verb == IMAP_SORT;

	if (context->added.count == 0 && context->removed.count == 0)
		return;
	write_begin(context);
	if (context->removed.count > 0) {
		imap_text(imap, " REMOVEFROM (");
		if (sorted)
			write_sorted_gone(context);
		else
			write_unsorted(context, &context->removed);
		imap_text(imap, ")");
	}
	if (context->added.count > 0) {
		imap_text(imap, " ADDTO (");
		if (sorted)
			write_sorted_new(context);
		else
			write_unsorted(context, &context->added);
		imap_text(imap, ")");
	}
	imap_text(imap, "\r\n");
	if (ranges_subtract(&task->found, &context->removed) == -1 ||
	    ranges_unite(&task->found, &context->added) == -1)
		context->failed = true;
	/* RFC 5465 5.2: FETCH follows the ADDTO. */
	if (context->fresh.count > 0 &&
	    !unasked_add(imap, context->kept, context->items, &context->fresh))
		context->failed = true;
	ranges_clear(&context->added);
	ranges_clear(&context->removed);
	ranges_clear(&context->fresh);
}

void
contexts_tell(struct imap *imap)
{
	struct imap_context **at = &imap->contexts, *context;
	bool full;

	imap_account(imap);
	full = imap->contexts != NULL && imap_memory_left(imap) == 0;
	while ((context = *at) != NULL) {
		if (context->added.failed || context->removed.failed || full)
			context->failed = true;
		if (!context->failed)
			tell(context);
		if (!context->failed) {
			at = &context->next;
			continue;
		}
		contexts_refuse(imap, context->tag, "This search is kept up to date no longer");
		*at = context->next;
		free_context(context);
	}
}

void
contexts_end_numbers(struct imap *imap)
{
	for (struct imap_context *c = imap->contexts; c != NULL; c = c->next)
		c->failed = c->failed || !c->task->uid;
	contexts_tell(imap);
}

void
contexts_gone(struct imap *imap, const struct store_range *ranges, size_t count)
{
	for (struct imap_context *c = imap->contexts; c != NULL; c = c->next)
		if (ranges_intersect(c->task->found.list, c->task->found.count, ranges, count,
				     &c->removed) == -1)
			c->failed = true;
	contexts_tell(imap);
}

/*
 * -- CANCELUPDATE (RFC 5267 4.3.5) ------------------------------------------------------
 */

static void
cancel(struct imap *imap, const char *tag)
{
	for (struct imap_context **at = &imap->contexts; *at != NULL; at = &(*at)->next) {
		struct imap_context *context = *at;

		if (strcmp(context->tag, tag) != 0)
			continue;
		*at = context->next;
		free_context(context);
		return;
	}
}

void
imap_do_cancelupdate(struct imap *imap, const struct imap_command *command)
{
	for (size_t i = 0; i < command->strings.count; i++)
		cancel(imap, command->strings.list[i].bytes);
	imap_ok(imap, "%s done", imap_verb_name(command));
}
