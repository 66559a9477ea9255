/* SPDX-License-Identifier: ISC */
#include "worker/session/imap/thread.h"

#include <stdlib.h>
#include <string.h>

#include "worker/session/imap/thread_private.h"

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

/* An item on its way to its place: sorted by parent, then as siblings are. */
struct place {
	uint32_t item, parent;
	int64_t date;
	uint32_t order;
};

static int
compare_places(const void *left, const void *right)
{
	const struct place *a = left, *b = right;

	if (a->parent != b->parent)
		return COMPARE(a->parent, b->parent);
	if (a->date != b->date)
		return COMPARE(a->date, b->date);
	return COMPARE(a->order, b->order);
}

int
thread_finish(struct thread_item *items, size_t count, struct threads *threads)
{
	struct place *places = calloc(count + 1, sizeof(*places));
	size_t used = 0;

	threads->nodes = calloc(count + 1, sizeof(*threads->nodes));
	threads->count = count + 1;
	if (places == NULL || threads->nodes == NULL) {
		free(places);
		threads_free(threads);
		return -1;
	}
	for (size_t i = 0; i < count; i++) {
		threads->nodes[i + 1].number = items[i].number;
		if (items[i].parent != THREAD_GONE)
			places[used++] = (struct place){(uint32_t)i, items[i].parent, items[i].date,
							items[i].order};
	}
	qsort(places, used, sizeof(*places), compare_places);
	for (size_t i = 0; i < used; i++) {
		uint32_t parent = places[i].parent == THREAD_ROOT ? 0 : places[i].parent + 1;

		if (i > 0 && places[i - 1].parent == places[i].parent)
			threads->nodes[places[i - 1].item + 1].next = places[i].item + 1;
		else
			threads->nodes[parent].child = places[i].item + 1;
	}
	free(places);
	return 0;
}

struct subject {
	const struct thread_message *message;
	uint32_t index;
};

static int
compare_subjects(const void *left, const void *right)
{
	const struct subject *a = left, *b = right;
	int compared = strcmp(a->message->subject, b->message->subject);

	if (compared != 0)
		return compared;
	if (a->message->sent != b->message->sent)
		return COMPARE(a->message->sent, b->message->sent);
	return COMPARE(a->index, b->index);
}

/* RFC 5256 3: the oldest of a subject, and all others as its children. */
static int
ordered_subject(const struct thread_message *messages, size_t count, struct threads *threads)
{
	struct subject *subjects = calloc(count + 1, sizeof(*subjects));
	struct thread_item *items = calloc(count + 1, sizeof(*items));
	uint32_t first = 0;
	int result = -1;

	if (subjects != NULL && items != NULL) {
		for (size_t i = 0; i < count; i++)
			subjects[i] = (struct subject){&messages[i], (uint32_t)i};
		qsort(subjects, count, sizeof(*subjects), compare_subjects);
		for (size_t i = 0; i < count; i++) {
			const struct thread_message *message = subjects[i].message;
			bool other = i == 0 || strcmp(subjects[i - 1].message->subject,
						      message->subject) != 0;

			if (other)
				first = subjects[i].index;
			items[subjects[i].index] =
			    (struct thread_item){other ? THREAD_ROOT : first, message->number,
						 message->sent, subjects[i].index};
		}
		result = thread_finish(items, count, threads);
	}
	free(subjects);
	free(items);
	return result;
}

int
thread_messages(enum imap_thread_algorithm algorithm, const struct thread_message *messages,
		size_t count, struct threads *threads)
{
	*threads = (struct threads){.nodes = NULL};
	if (algorithm == IMAP_THREAD_ORDEREDSUBJECT)
		return ordered_subject(messages, count, threads);
	return thread_references(messages, count, threads);
}

void
threads_free(struct threads *threads)
{
	free(threads->nodes);
	threads->nodes = NULL;
	threads->count = 0;
}

/*
 * A message and the only child of the only child ..., up to where there are more, which stand each
 * in parentheses: *MORE is the first of them, or 0.
 */
static void
format_chain(const struct threads *threads, uint32_t node, struct mime_out *out, uint32_t *more)
{
	for (;;) {
		const struct thread_node *at = &threads->nodes[node];

		if (at->number != 0) {
			if (out->length > 0 && out->at[out->length - 1] != '(')
				mime_out_char(out, ' ');
			mime_out_number(out, at->number);
		}
		*more = at->child;
		if (at->child == 0)
			return;
		if (threads->nodes[at->child].next != 0) {
			if (at->number != 0)
				mime_out_char(out, ' ');
			return;
		}
		node = at->child;
	}
}

int
threads_format(const struct threads *threads, struct mime_out *out)
{
	/* Lists of siblings that are being written: the next of each. */
	uint32_t *stack = calloc(threads->count + 1, sizeof(*stack));
	size_t depth = 0;

	if (stack == NULL)
		return -1;
	stack[depth++] = threads->nodes[0].child;
	while (depth > 0) {
		uint32_t node = stack[depth - 1], more;

		if (node == 0) {
			depth--;
			if (depth > 0)
				mime_out_char(out, ')');
			continue;
		}
		stack[depth - 1] = threads->nodes[node].next;
		mime_out_char(out, '(');
		format_chain(threads, node, out, &more);
		if (more == 0)
			mime_out_char(out, ')');
		else
			stack[depth++] = more;
	}
	free(stack);
	return out->failed ? -1 : 0;
}
