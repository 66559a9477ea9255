/* SPDX-License-Identifier: ISC */
/* SEARCH, ESEARCH, SORT and THREAD responses (RFC 9051 7.3.4, RFC 4731, 5267, 7162, 9394). */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "worker/session/imap/search_task.h"

/* Sequence numbers or UIDs, as the client asked, in the order of the answer. */
struct result {
	uint32_t *numbers;
	size_t count;
};

/* Options that put something into an ESEARCH response. */
#define ANSWERED                                                                   \
	(IMAP_RETURN_MIN | IMAP_RETURN_MAX | IMAP_RETURN_ALL | IMAP_RETURN_COUNT | \
	 IMAP_RETURN_PARTIAL)

/* All UIDs that were found, in the order in which they are there. */
static int
list_found(struct search_task *task, struct result *result)
{
	size_t count = 0;

	result->count = (size_t)ranges_total(task->found.list, task->found.count);
	result->numbers = calloc(result->count + 1, sizeof(*result->numbers));
	if (result->numbers == NULL)
		return -1;
	if (task->command->verb == IMAP_SORT) {
		sort_messages(&task->order, task->sorts, task->count);
		for (size_t i = 0; i < result->count; i++)
			result->numbers[i] = task->sorts[i].uid;
		return 0;
	}
	for (size_t i = 0; i < task->found.count; i++) {
		for (uint64_t uid = task->found.list[i].first; uid <= task->found.list[i].last;
		     uid++)
			result->numbers[count++] = (uint32_t)uid;
	}
	return 0;
}

/* As a set, in the given order: a run of ascending numbers is a range. */
static void
write_set(struct imap *imap, const uint32_t *numbers, size_t count)
{
	for (size_t i = 0; i < count;) {
		size_t last = i;

		while (last + 1 < count && numbers[last + 1] == numbers[last] + 1)
			last++;
		imap_printf(imap, "%s%" PRIu32, i == 0 ? "" : ",", numbers[i]);
		if (last > i)
			imap_printf(imap, ":%" PRIu32, numbers[last]);
		i = last + 1;
	}
}

/* RFC 9394 3.1: which part of the result is wanted, as [*BEGIN, *END). */
static void
cut_partial(const struct imap_partial *partial, size_t count, size_t *begin, size_t *end)
{
	uint64_t first = partial->first, last = partial->last;

	if (partial->from_end) { /* -1 is the last */
		uint64_t total = count;

		*begin = last >= total ? 0 : (size_t)(total - last);
		*end = first > total ? 0 : (size_t)(total - first + 1);
	} else {
		*begin = first > count ? count : (size_t)(first - 1);
		*end = last > count ? count : (size_t)last;
	}
	if (*end < *begin)
		*end = *begin;
}

/*
 * RFC 5182 2.1, RFC 9394 3.2: all that was found, unless only some of it is asked for, by PARTIAL,
 * MIN and MAX, and not COUNT. RESULT has UIDs.
 */
static void
save(struct search_task *task, const struct result *result)
{
	struct imap *imap = task->imap;
	unsigned give = task->command->search.give;
	size_t count = result->count, begin = 0, end = count;
	bool all = (give & (IMAP_RETURN_ALL | IMAP_RETURN_COUNT)) != 0 ||
		   (give & (IMAP_RETURN_MIN | IMAP_RETURN_MAX | IMAP_RETURN_PARTIAL)) == 0;
	struct ranges saved = {.list = NULL};

	if (!all && (give & IMAP_RETURN_PARTIAL) != 0)
		cut_partial(&task->command->search.partial, count, &begin, &end);
	else if (!all)
		end = 0;
	for (size_t i = 0; i < count; i++) {
		if ((i >= begin && i < end) || (i == 0 && !all && (give & IMAP_RETURN_MIN) != 0) ||
		    (i == count - 1 && !all && (give & IMAP_RETURN_MAX) != 0))
			ranges_append(&saved, result->numbers[i], result->numbers[i]);
	}
	/* Those of SORT are in another order. */
	saved.count = ranges_normalise(saved.list, saved.count);
	ranges_clear(&imap->saved);
	imap->saved = saved;
}

static void
to_numbers(const struct imap *imap, struct result *result)
{
	for (size_t i = 0; i < result->count; i++)
		result->numbers[i] = view_number(&imap->view, result->numbers[i]);
}

/* RFC 7162 3.1.6: of the messages that the answer names. */
static uint64_t
modseq_of(const struct search_task *task, unsigned give)
{
	if ((give & (IMAP_RETURN_ALL | IMAP_RETURN_COUNT | IMAP_RETURN_PARTIAL)) != 0 ||
	    task->command->verb == IMAP_SORT)
		return task->modseq;
	if ((give & IMAP_RETURN_MAX) == 0)
		return task->modseq_min;
	if ((give & IMAP_RETURN_MIN) == 0)
		return task->modseq_max;
	return task->modseq_min > task->modseq_max ? task->modseq_min : task->modseq_max;
}

static void
write_partial(struct search_task *task, const struct result *result)
{
	const struct imap_partial *partial = &task->command->search.partial;
	const char *sign = partial->from_end ? "-" : "";
	struct imap *imap = task->imap;
	size_t begin, end;

	cut_partial(partial, result->count, &begin, &end);
	imap_printf(imap, " PARTIAL (%s%" PRIu32 ":%s%" PRIu32 " ", sign, partial->first, sign,
		    partial->last);
	if (begin == end)
		imap_text(imap, "NIL");
	else
		write_set(imap, result->numbers + begin, end - begin);
	imap_text(imap, ")");
}

static void
write_esearch(struct search_task *task, const struct result *result, unsigned give)
{
	struct imap *imap = task->imap;
	size_t count = result->count;

	imap_text(imap, "* ESEARCH (TAG ");
	imap_nstring(imap, task->command->tag, strlen(task->command->tag));
	if (task->many) {
		imap_text(imap, " MAILBOX ");
		imap_mailbox(imap, task->mailbox);
		imap_printf(imap, " UIDVALIDITY %" PRIu32, task->view->uidvalidity);
	}
	imap_printf(imap, ")%s", task->many || task->command->uid ? " UID" : "");
	if ((give & IMAP_RETURN_MIN) != 0 && count > 0)
		imap_printf(imap, " MIN %" PRIu32, result->numbers[0]);
	if ((give & IMAP_RETURN_MAX) != 0 && count > 0)
		imap_printf(imap, " MAX %" PRIu32, result->numbers[count - 1]);
	if ((give & IMAP_RETURN_COUNT) != 0)
		imap_printf(imap, " COUNT %zu", count);
	if ((give & IMAP_RETURN_ALL) != 0 && count > 0) {
		imap_text(imap, " ALL ");
		write_set(imap, result->numbers, count);
	}
	if ((give & IMAP_RETURN_PARTIAL) != 0)
		write_partial(task, result);
	if (imap_searcher_has_modseq(task->searcher) && count > 0)
		imap_printf(imap, " MODSEQ %" PRIu64, modseq_of(task, give));
	imap_text(imap, "\r\n");
}

static void
write_list(struct search_task *task, const struct result *result)
{
	struct imap *imap = task->imap;

	imap_printf(imap, "* %s", task->command->verb == IMAP_SORT ? "SORT" : "SEARCH");
	for (size_t i = 0; i < result->count; i++)
		imap_printf(imap, " %" PRIu32, result->numbers[i]);
	/* RFC 7162 3.1.5 */
	if (imap_searcher_has_modseq(task->searcher) && result->count > 0)
		imap_printf(imap, " (MODSEQ %" PRIu64 ")", task->modseq);
	imap_text(imap, "\r\n");
}

static int
write_threads(struct search_task *task)
{
	struct imap *imap = task->imap;
	struct threads threads;
	struct mime_out out = {0};
	int result;

	if (thread_messages(task->command->search.algorithm, task->threads, task->count,
			    &threads) == -1)
		return -1;
	result = threads_format(&threads, &out);
	if (result == 0) {
		imap_text(imap, out.length > 0 ? "* THREAD " : "* THREAD");
		imap_write(imap, out.at, out.length);
		imap_text(imap, "\r\n");
	}
	mime_out_free(&out);
	threads_free(&threads);
	return result;
}

int
search_answer(struct search_task *task)
{
	const struct imap_search *search = &task->command->search;
	struct imap *imap = task->imap;
	struct result result = {.numbers = NULL};
	unsigned give = search->give;

	if (task->command->verb == IMAP_THREAD)
		return write_threads(task);
	if (list_found(task, &result) == -1)
		return -1;
	if ((give & IMAP_RETURN_SAVE) != 0)
		save(task, &result);
	if (!task->command->uid && !task->many)
		to_numbers(imap, &result);
	/* RFC 7377 2.1: nothing of a folder in which nothing is found. */
	if (task->many && result.count == 0)
		give = 0;
	/* RFC 9051 6.4.4: rev2 knows no SEARCH response. */
	if (!search->has_return &&
	    (task->command->verb == IMAP_SORT || !imap_is_enabled(imap, IMAP_ENABLE_REV2)))
		write_list(task, &result);
	else if (task->many && give == 0)
		;
	else if (!search->has_return ||
		 (give & (ANSWERED | IMAP_RETURN_SAVE)) == 0) /* UPDATE, CONTEXT alone */
		write_esearch(task, &result, give | IMAP_RETURN_ALL);
	else if ((give & ANSWERED) != 0)
		write_esearch(task, &result, give);
	free(result.numbers);
	return 0;
}
