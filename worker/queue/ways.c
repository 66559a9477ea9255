/* SPDX-License-Identifier: ISC */
#include "worker/queue/ways.h"

#include <string.h>

#include "common/address.h"
#include "worker/queue/queue.h"

/* The tail of an answer, while it is read: LENGTH bytes and a NUL. */
struct tail {
	const char *text;
	size_t length, used;
};

/* The next string, or NULL. */
static const char *
next(struct tail *tail)
{
	const char *text = tail->text + tail->used;

	if (tail->length == 0 || tail->used > tail->length)
		return NULL;
	tail->used += strlen(text) + 1;
	return text;
}

static bool
is_mailbox(const char *text)
{
	return queue_is_address(text, strlen(text), ADDRESS_SIZE);
}

static bool
is_forward(const char *text)
{
	struct address address;

	return queue_is_path(text, strlen(text), true) &&
	       address_parse_utf8(text, strlen(text), &address) == ADDRESS_OK;
}

static bool
is_reverse_path(const char *text)
{
	return text[0] == '\0' || is_forward(text);
}

/* COUNT strings of that kind; the first one is FIRST. */
static bool
take(struct tail *tail, size_t count, bool (*is_one)(const char *), const char **first)
{
	*first = tail->text + tail->used;
	for (size_t i = 0; i < count; i++) {
		const char *text = next(tail);

		if (text == NULL || !is_one(text))
			return false;
	}
	return true;
}

bool
ways_take(const struct aq_resolved *resolved, const char *text, size_t length, struct ways *ways)
{
	struct tail tail = {text, length, 0};

	*ways = (struct ways){.mailbox_count = resolved->mailboxes,
			      .forward_count = resolved->forwards};
	return resolved->zero == 0 && resolved->verdict >= RCPT_LOCAL &&
	       resolved->verdict < RCPT_VERDICTS &&
	       (resolved->verdict == RCPT_LOCAL) ==
		   (ways->mailbox_count > 0 || ways->forward_count > 0) &&
	       take(&tail, ways->mailbox_count, is_mailbox, &ways->mailboxes) &&
	       take(&tail, ways->forward_count, is_forward, &ways->forwards) &&
	       take(&tail, ways->forward_count > 0 ? 1 : 0, is_reverse_path, &ways->sender) &&
	       tail.used == (tail.length == 0 ? 0 : tail.length + 1);
}
