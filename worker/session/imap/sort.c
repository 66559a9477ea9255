/* SPDX-License-Identifier: ISC */
#include "worker/session/imap/sort.h"

#include <stdlib.h>
#include <string.h>

static bool
is_text(enum imap_sort_key key)
{
	return key != IMAP_SORT_ARRIVAL && key != IMAP_SORT_DATE && key != IMAP_SORT_SIZE;
}

void
sort_order(struct sort_order *order, const struct imap_sort_by *by, size_t count)
{
	unsigned seen = 0;

	*order = (struct sort_order){.count = 0};
	for (size_t i = 0; i < count; i++) {
		if ((seen & 1u << by[i].key) != 0)
			continue;
		seen |= 1u << by[i].key;
		order->keys[order->count] = by[i];
		order->text_of[order->count] = -1;
		if (is_text(by[i].key)) {
			order->text_of[order->count] = (int)order->text_count;
			order->texts[order->text_count++] = by[i].key;
		}
		order->count++;
	}
}

bool
sort_needs_summary(const struct sort_order *order)
{
	for (size_t i = 0; i < order->count; i++) {
		if (order->keys[i].key != IMAP_SORT_ARRIVAL && order->keys[i].key != IMAP_SORT_SIZE)
			return true;
	}
	return false;
}

const char *
sort_text(enum imap_sort_key key, const struct store_summary *summary)
{
	const char *text = NULL;

	switch (key) {
	case IMAP_SORT_SUBJECT:
		text = summary->subject;
		break;
	case IMAP_SORT_FROM:
		text = summary->from;
		break;
	case IMAP_SORT_TO:
		text = summary->to;
		break;
	case IMAP_SORT_CC:
		text = summary->cc;
		break;
	case IMAP_SORT_DISPLAYFROM:
		text = summary->from_display;
		break;
	case IMAP_SORT_DISPLAYTO:
		text = summary->to_display;
		break;
	case IMAP_SORT_ARRIVAL:
	case IMAP_SORT_DATE:
	case IMAP_SORT_SIZE:
		break;
	}
	return text == NULL ? "" : text;
}

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int
compare_by(const struct sort_order *order, size_t key, const struct sort_message *a,
	   const struct sort_message *b)
{
	int text = order->text_of[key];

	if (text >= 0)
		return strcmp(a->texts[text], b->texts[text]);
	if (order->keys[key].key == IMAP_SORT_ARRIVAL)
		return COMPARE(a->internaldate, b->internaldate);
	if (order->keys[key].key == IMAP_SORT_DATE)
		return COMPARE(a->sent, b->sent);
	return COMPARE(a->size, b->size);
}

/* RFC 5256 3: REVERSE is of its key only; the sequence number decides in the end, as it is. */
static int
compare(const void *left, const void *right, void *arg)
{
	const struct sort_message *a = left, *b = right;
	const struct sort_order *order = arg;

	for (size_t i = 0; i < order->count; i++) {
		int compared = compare_by(order, i, a, b);

		if (compared != 0)
			return order->keys[i].reverse ? -compared : compared;
	}
	return COMPARE(a->uid, b->uid);
}

void
sort_messages(const struct sort_order *order, struct sort_message *messages, size_t count)
{
	struct sort_order keys = *order;

	if (count > 1)
		qsort_r(messages, count, sizeof(*messages), compare, &keys);
}

size_t
sort_position(const struct sort_order *order, const struct sort_message *sorted, size_t count,
	      const struct sort_message *message)
{
	struct sort_order keys = *order;
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&sorted[middle], message, &keys) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
