/* SPDX-License-Identifier: ISC */
/*
 * THREAD=REFERENCES (RFC 5256 3), its six steps. An item is a message, or stands for a message-id
 * that is only referred to (a dummy).
 */
#include <stdlib.h>
#include <string.h>

#include "worker/session/imap/thread_private.h"

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))
#define NONE THREAD_ROOT

/* A message-id where it is mentioned. */
struct mention {
	const char *id;
	uint32_t length;
	uint32_t message; /* who mentions it */
	bool own;         /* as its own */
	uint32_t item;    /* what it stands for */
};

struct threading {
	const struct thread_message *messages;
	size_t count; /* of messages: the first items */
	struct mention *mentions;
	size_t mention_count;
	struct thread_item *items;
	size_t item_count;
	/*
	 * Items that were ever linked are in one set, whose roots are found fast: only within a set
	 * can a link make a loop.
	 */
	uint32_t *sets;
	uint64_t steps; /* that may still be taken upwards to find loops */
};

/*
 * -- Step 1: the links ----------------------------------------------------------------
 */

static size_t
count_mentions(const struct threading *threading)
{
	size_t count = 0;

	for (size_t i = 0; i < threading->count; i++) {
		count++;
		for (const char *at = threading->messages[i].ids; *at != '\0'; at++)
			count += *at == '\n';
	}
	return count;
}

static void
read_mentions(struct threading *threading)
{
	for (size_t i = 0; i < threading->count; i++) {
		const char *at = threading->messages[i].ids;
		bool own = true;

		for (;;) {
			size_t length = strcspn(at, "\n");

			threading->mentions[threading->mention_count++] =
			    (struct mention){at, (uint32_t)length, (uint32_t)i, own, NONE};
			own = false;
			if (at[length] == '\0')
				break;
			at += length + 1;
		}
	}
}

/* Equal ids together, the messages that have one as their own in front, in their order. */
static int
compare_mentions(const void *left, const void *right)
{
	const struct mention *a = *(struct mention *const *)left;
	const struct mention *b = *(struct mention *const *)right;
	size_t length = a->length < b->length ? a->length : b->length;
	int compared = memcmp(a->id, b->id, length);

	if (compared != 0)
		return compared;
	if (a->length != b->length)
		return COMPARE(a->length, b->length);
	if (a->own != b->own)
		return a->own ? -1 : 1;
	return COMPARE(a->message, b->message);
}

static bool
same_id(const struct mention *a, const struct mention *b)
{
	return a->length == b->length && memcmp(a->id, b->id, a->length) == 0;
}

/*
 * Gives each mention its item. The first message with an id has it; others with the same, and those
 * without any, are nobody's parents (RFC 5256 3, step 1).
 */
static void
name_items(struct threading *threading, struct mention **sorted)
{
	for (size_t i = 0; i < threading->mention_count; i++) {
		struct mention *mention = sorted[i];

		if (mention->own)
			mention->item = mention->message;
		if (mention->length == 0 || (i > 0 && same_id(mention, sorted[i - 1]))) {
			if (mention->length > 0 && !mention->own)
				mention->item = sorted[i - 1]->item;
			/* The first of the equal ones is what references mean. */
			if (mention->own && mention->length > 0)
				sorted[i] = sorted[i - 1];
			continue;
		}
		if (!mention->own)
			mention->item = (uint32_t)threading->item_count++;
	}
}

static uint32_t
find_set(struct threading *threading, uint32_t item)
{
	uint32_t *sets = threading->sets;

	while (sets[item] != item) {
		sets[item] = sets[sets[item]];
		item = sets[item];
	}
	return item;
}

/*
 * Is CHILD above PARENT, or the same? Only then a link makes a loop. The way up is walked only
 * within a set, and not further than the budget for all of them: what strangers wrote can't cost
 * more; behind that, a link that might make a loop isn't made.
 */
static bool
makes_loop(struct threading *threading, uint32_t parent, uint32_t child)
{
	if (parent == child)
		return true;
	if (find_set(threading, parent) != find_set(threading, child))
		return false;
	for (uint32_t at = parent; at != NONE; at = threading->items[at].parent) {
		if (at == child || threading->steps == 0)
			return true;
		threading->steps--;
	}
	return false;
}

static void
link_items(struct threading *threading, uint32_t parent, uint32_t child)
{
	if (threading->items[child].parent == parent || makes_loop(threading, parent, child))
		return;
	threading->items[child].parent = parent;
	threading->sets[find_set(threading, child)] = find_set(threading, parent);
}

static void
link_references(struct threading *threading)
{
	size_t at = 0;

	while (at < threading->mention_count) {
		uint32_t message = threading->mentions[at++].message, before = NONE;

		/* (A) Among the ids it refers to: what has a parent keeps it. */
		for (; at < threading->mention_count && !threading->mentions[at].own; at++) {
			uint32_t item = threading->mentions[at].item;

			if (item == NONE)
				continue;
			if (before != NONE && threading->items[item].parent == NONE)
				link_items(threading, before, item);
			before = item;
		}
		/* (B) The last of them is the message's parent, whatever was said before. */
		if (before != NONE)
			link_items(threading, before, message);
		else
			threading->items[message].parent = NONE;
	}
}

static int
make_items(struct threading *threading)
{
	size_t count = count_mentions(threading);
	struct mention **sorted = calloc(count + 1, sizeof(struct mention *));

	threading->mentions = calloc(count + 1, sizeof(*threading->mentions));
	/* Step 5 makes one dummy for two messages at most. */
	threading->items = calloc(count + threading->count + 1, sizeof(*threading->items));
	threading->sets = calloc(count + 1, sizeof(*threading->sets));
	if (sorted == NULL || threading->mentions == NULL || threading->items == NULL ||
	    threading->sets == NULL) {
		free(sorted);
		return -1;
	}
	read_mentions(threading);
	for (size_t i = 0; i < count; i++)
		sorted[i] = &threading->mentions[i];
	qsort(sorted, count, sizeof(struct mention *), compare_mentions);
	threading->item_count = threading->count;
	name_items(threading, sorted);
	free(sorted);
	for (size_t i = 0; i < threading->item_count; i++) {
		threading->items[i].parent = NONE;
		threading->sets[i] = (uint32_t)i;
	}
	for (size_t i = 0; i < threading->count; i++) {
		threading->items[i].number = threading->messages[i].number;
		threading->items[i].date = threading->messages[i].sent;
		threading->items[i].order = (uint32_t)i;
	}
	threading->steps = 64 * (uint64_t)threading->item_count;
	return 0;
}

/*
 * -- Step 3: dummies without use -------------------------------------------------------
 */

/* The parent of what is below a dummy: the next message above it, or else the topmost dummy. */
static uint32_t
above(struct threading *threading, uint32_t *known, uint32_t dummy)
{
	uint32_t at = dummy, found, next;

	for (;;) {
		if (known[at] != NONE) {
			found = known[at];
			break;
		}
		next = threading->items[at].parent;
		if (next == NONE || next < threading->count) {
			found = next == NONE ? at : next;
			break;
		}
		at = next;
	}
	/* The same for all on the way. */
	for (at = dummy; known[at] == NONE; at = next) {
		next = threading->items[at].parent;
		known[at] = found;
		if (next == NONE || next < threading->count)
			break;
	}
	return found;
}

static int
prune(struct threading *threading)
{
	uint32_t *known = malloc((threading->item_count + 1) * sizeof(*known));
	uint32_t *children = calloc(threading->item_count + 1, sizeof(*children));

	if (known == NULL || children == NULL) {
		free(known);
		free(children);
		return -1;
	}
	memset(known, 0xff, (threading->item_count + 1) * sizeof(*known));
	for (uint32_t i = 0; i < threading->count; i++) {
		uint32_t parent = threading->items[i].parent;

		if (parent != NONE && parent >= threading->count)
			parent = above(threading, known, parent);
		if (parent != NONE)
			children[parent]++;
		threading->sets[i] = parent; /* sets have had their time */
	}
	for (uint32_t i = 0; i < threading->count; i++) {
		uint32_t parent = threading->sets[i];

		/* A dummy with one child only gives its place to it. */
		if (parent != NONE && parent >= threading->count && children[parent] == 1)
			parent = NONE;
		threading->items[i].parent = parent;
	}
	for (size_t i = threading->count; i < threading->item_count; i++)
		threading->items[i].parent = children[i] > 1 ? THREAD_ROOT : THREAD_GONE;
	free(known);
	free(children);
	return 0;
}

/*
 * -- Steps 4 and 5: the roots, and those with the same subject ---------------------------
 */

struct root {
	uint32_t item, first; /* a message, or a dummy and its first child */
	const char *subject;
	int64_t date;
	uint32_t order;
	size_t group; /* roots[group] is the first with that subject when sorted by it */
};

static int
compare_roots(const void *left, const void *right)
{
	const struct root *a = left, *b = right;

	return a->date != b->date ? COMPARE(a->date, b->date) : COMPARE(a->order, b->order);
}

static int
compare_root_subjects(const void *left, const void *right)
{
	const struct root *a = *(struct root *const *)left, *b = *(struct root *const *)right;
	int compared = strcmp(a->subject, b->subject);

	return compared != 0 ? compared : COMPARE(a, b);
}

/* Dummies have the date of their first child. */
static void
date_dummies(struct threading *threading, uint32_t *first)
{
	for (size_t i = 0; i < threading->item_count; i++)
		first[i] = i < threading->count ? (uint32_t)i : NONE;
	for (uint32_t i = 0; i < threading->count; i++) {
		const struct thread_item *item = &threading->items[i];
		uint32_t parent = item->parent;
		struct thread_item *dummy;

		if (parent == NONE || parent < threading->count)
			continue;
		dummy = &threading->items[parent];
		if (first[parent] != NONE &&
		    (dummy->date < item->date || (dummy->date == item->date && dummy->order < i)))
			continue;
		first[parent] = i;
		dummy->date = item->date;
		dummy->order = i;
	}
}

static bool
is_dummy(const struct threading *threading, uint32_t item)
{
	return item >= threading->count;
}

static bool
is_reply(const struct threading *threading, const struct root *root)
{
	return threading->messages[root->first].reply;
}

/* (B) The message that stands for each subject. */
static void
choose(const struct threading *threading, struct root *roots, size_t count, struct root **table)
{
	for (size_t i = 0; i < count; i++) {
		struct root *root = &roots[i], **entry = &table[root->group];

		if (root->subject[0] == '\0')
			continue;
		if (*entry == NULL ||
		    (!is_dummy(threading, (*entry)->item) &&
		     (is_dummy(threading, root->item) ||
		      (is_reply(threading, *entry) && !is_reply(threading, root)))))
			*entry = root;
	}
}

/* (C) A root becomes part of the thread that stands for its subject. */
static void
merge(struct threading *threading, struct root *root, struct root *entry, uint32_t *aliases)
{
	struct thread_item *items = threading->items;
	uint32_t new;

	if (is_dummy(threading, entry->item) && is_dummy(threading, root->item)) {
		items[root->item].parent = THREAD_GONE;
		aliases[root->item] = entry->item;
	} else if (is_dummy(threading, entry->item) ||
		   (is_reply(threading, root) && !is_reply(threading, entry))) {
		items[root->item].parent = entry->item;
	} else {
		new = (uint32_t)threading->item_count++;
		items[new] = (struct thread_item){.parent = THREAD_ROOT};
		items[root->item].parent = items[entry->item].parent = new;
		entry->item = new;
	}
}

static void
merge_subjects(struct threading *threading, struct root *roots, size_t count, struct root **table,
	       uint32_t *aliases)
{
	choose(threading, roots, count, table);
	for (size_t i = 0; i < count; i++) {
		struct root *entry = table[roots[i].group];

		if (roots[i].subject[0] != '\0' && entry != &roots[i])
			merge(threading, &roots[i], entry, aliases);
	}
	/* Children of a dummy that went into another. */
	for (size_t i = 0; i < threading->count; i++) {
		uint32_t parent = threading->items[i].parent;

		if (parent != NONE && is_dummy(threading, parent) && aliases[parent] != NONE)
			threading->items[i].parent = aliases[parent];
	}
}

static size_t
collect_roots(const struct threading *threading, const uint32_t *first, struct root *roots)
{
	size_t count = 0;

	for (uint32_t i = 0; i < threading->item_count; i++) {
		const struct thread_item *item = &threading->items[i];

		if (item->parent == THREAD_ROOT)
			roots[count++] = (struct root){
			    i,          first[i],    threading->messages[first[i]].subject,
			    item->date, item->order, 0};
	}
	qsort(roots, count, sizeof(*roots), compare_roots);
	return count;
}

static void
group_roots(struct root *roots, size_t count, struct root **sorted)
{
	for (size_t i = 0; i < count; i++)
		sorted[i] = &roots[i];
	qsort(sorted, count, sizeof(struct root *), compare_root_subjects);
	for (size_t i = 0; i < count; i++)
		sorted[i]->group = i > 0 && strcmp(sorted[i - 1]->subject, sorted[i]->subject) == 0
				       ? sorted[i - 1]->group
				       : i;
}

static int
gather(struct threading *threading)
{
	size_t room = threading->item_count + threading->count + 1;
	uint32_t *first = malloc(room * sizeof(*first)), *aliases = malloc(room * sizeof(*aliases));
	struct root *roots = calloc(room, sizeof(*roots));
	struct root **table = calloc(room, sizeof(struct root *));
	struct root **sorted = calloc(room, sizeof(struct root *));
	int result = -1;

	if (first != NULL && aliases != NULL && roots != NULL && table != NULL && sorted != NULL) {
		size_t count;

		date_dummies(threading, first);
		memset(aliases, 0xff, room * sizeof(*aliases));
		count = collect_roots(threading, first, roots);
		group_roots(roots, count, sorted);
		merge_subjects(threading, roots, count, table, aliases);
		date_dummies(threading, first);
		result = 0;
	}
	free(first);
	free(aliases);
	free(roots);
	free(table);
	free(sorted);
	return result;
}

int
thread_references(const struct thread_message *messages, size_t count, struct threads *threads)
{
	struct threading threading = {.messages = messages, .count = count};
	int result = -1;

	if (make_items(&threading) == 0) {
		link_references(&threading);
		if (prune(&threading) == 0 && gather(&threading) == 0)
			result = thread_finish(threading.items, threading.item_count, threads);
	}
	free(threading.mentions);
	free(threading.items);
	free(threading.sets);
	return result;
}
