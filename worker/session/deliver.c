/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "worker/session/deliver.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "common/ipc.h"
#include "common/log.h"
#include "common/proto/queue_session.h"
#include "worker/session/tag.h"

/* Of one batch: the loop does nothing else while it is stored. */
#define BATCH_MESSAGES 64
#define BATCH_OCTETS ((uint64_t)64 << 20)

struct item {
	STAILQ_ENTRY(item) entry;
	struct ipc_channel *channel; /* NULL: it ended; nobody waits for an answer */
	uint32_t request;
	conn_id conn;
	struct store_delivery delivery;
	char return_path[PATH_SIZE];
	char tag[TAG_SIZE];
};

struct deliver {
	struct deliver_options options;
	struct event_base *base;
	struct event *batch;
	STAILQ_HEAD(item_list, item) items;
	size_t count;
};

static void
free_item(struct item *item)
{
	close(item->delivery.fd);
	free(item);
}

/*
 * -- What queue says ------------------------------------------------------------
 */

/* It becomes a header line: an octet that could end that line is not a path's. */
static bool
is_path(const char *path, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)path[i] < 0x20 || path[i] == 0x7f)
			return false;
	return length < PATH_SIZE;
}

static bool
is_delivery_id(const char id[DELIVERY_ID_SIZE])
{
	size_t length = strnlen(id, DELIVERY_ID_SIZE);

	return length > 0 && length < DELIVERY_ID_SIZE && is_path(id, length);
}

static int
on_deliver(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct qs_deliver *body = message->body;
	struct deliver *deliver = context;
	size_t from = strnlen(message->tail, message->tail_length);
	struct item *item;

	if (message->id == 0 || body->junk > 1 || body->binary > 1 ||
	    !is_delivery_id(body->delivery_id) || !is_path(message->tail, from) ||
	    (from < message->tail_length &&
	     !is_path(message->tail + from + 1, message->tail_length - from - 1)))
		return -1;
	item = calloc(1, sizeof(*item));
	if (item == NULL) {
		struct qs_failed failed = {.permanent = 0};

		return ipc_send(channel, QS_FAILED, message->id, &failed, "no memory", 9, -1);
	}
	item->channel = channel;
	item->request = message->id;
	item->conn = body->conn;
	memcpy(item->return_path, message->tail, from);
	if (from < message->tail_length)
		tag_of(deliver->options.mailbox, message->tail + from + 1,
		       (char)deliver->options.tags->separator, item->tag);
	memcpy(item->delivery.id, body->delivery_id, DELIVERY_ID_SIZE);
	item->delivery.return_path = item->return_path;
	item->delivery.tag = item->tag;
	item->delivery.fd = ipc_take_fd(message);
	item->delivery.size = body->size;
	item->delivery.received = body->received;
	item->delivery.junk = body->junk == 1;
	item->delivery.binary = body->binary == 1;
	STAILQ_INSERT_TAIL(&deliver->items, item, entry);
	deliver->count++;
	/* Behind what else this turn of the loop has to read. */
	event_active(deliver->batch, 0, 0);
	deliver->options.activity(deliver->options.arg);
	return 0;
}

static const struct ipc_handler handlers[] = {{QS_DELIVER, on_deliver}, {0, NULL}};

/* What was asked there and not yet stored is dropped: queue asks again. */
static void
on_ended(struct ipc_channel *channel, void *context)
{
	struct deliver *deliver = context;
	struct item *item = NULL;

	STAILQ_FOREACH (item, &deliver->items, entry) {
		if (item->channel == channel)
			item->channel = NULL;
	}
	deliver->options.activity(deliver->options.arg);
}

/*
 * -- A batch ----------------------------------------------------------------------
 */

static void
log_delivery(const struct deliver *deliver, const struct item *item)
{
	const struct store_delivery *d = &item->delivery;

	if (d->result != STORE_OK)
		log_event(LOG_ERR, "delivery.failed", KV_CONN(item->conn),
			  KV_STR("user", deliver->options.mailbox), KV_STR("delivery", d->id),
			  KV_STR("why", d->err.text), KV_STR("then", "queue tries again"));
	else
		log_event(LOG_INFO, d->duplicate ? "delivery.repeated" : "delivery.stored",
			  KV_CONN(item->conn), KV_STR("user", deliver->options.mailbox),
			  KV_STR("delivery", d->id), KV_U64("size", d->size),
			  KV_U64("uid", d->uid));
}

/*
 * Failures are for now: a full disk, a damaged index are the administrator's to end, a full mailbox
 * (RFC 3463: X.2.2) its user's. Only what is larger than all of the mailbox may be never fits.
 */
static bool
is_permanent(const struct deliver *deliver, const struct store_delivery *d)
{
	struct store_quota quota;
	enum store_result result;
	struct store *store;
	struct error err;

	if (d->result != STORE_OVERQUOTA)
		return false;
	store = deliver->options.store(deliver->options.arg, &result, &err);
	return store != NULL && store_quota(store, &quota, &err) == STORE_OK &&
	       quota.storage_limit != 0 && d->size > quota.storage_limit;
}

static void
fail_item(const struct deliver *deliver, const struct item *item)
{
	const struct store_delivery *d = &item->delivery;
	struct qs_failed failed = {.permanent = is_permanent(deliver, d)};
	char why[REASON_MAX];

	strlcpy(why,
		d->result != STORE_OVERQUOTA ? ""
		: failed.permanent           ? "5.2.2 "
					     : "4.2.2 ",
		sizeof(why));
	strlcat(why, d->err.text, sizeof(why)); /* a long reason is cut */
	(void)ipc_send(item->channel, QS_FAILED, item->request, &failed, why, strlen(why), -1);
}

static void
answer(const struct deliver *deliver, const struct item *item)
{
	const struct store_delivery *d = &item->delivery;
	struct qs_delivered delivered = {.duplicate = d->duplicate};

	if (item->channel == NULL)
		return;
	if (d->result == STORE_OK)
		(void)ipc_send(item->channel, QS_DELIVERED, item->request, &delivered, NULL, 0, -1);
	else
		fail_item(deliver, item);
}

/* Takes items off the list, as many as one batch has. Those nobody waits for go at once. */
static size_t
take_items(struct deliver *deliver, struct item *items[BATCH_MESSAGES])
{
	uint64_t octets = 0;
	struct item *item;
	size_t count = 0;

	while (count < BATCH_MESSAGES && (item = STAILQ_FIRST(&deliver->items)) != NULL) {
		if (count > 0 && item->delivery.size > BATCH_OCTETS - octets)
			break;
		STAILQ_REMOVE_HEAD(&deliver->items, entry);
		deliver->count--;
		if (item->channel == NULL) {
			free_item(item);
			continue;
		}
		octets += item->delivery.size < BATCH_OCTETS ? item->delivery.size : BATCH_OCTETS;
		items[count++] = item;
	}
	return count;
}

static void
store_items(struct deliver *deliver, struct item *const items[], size_t count)
{
	struct store_delivery batch[BATCH_MESSAGES];
	enum store_result result = STORE_TEMPORARY;
	struct error err;
	struct store *store = deliver->options.store(deliver->options.arg, &result, &err);

	for (size_t i = 0; i < count; i++)
		batch[i] = items[i]->delivery;
	if (store != NULL)
		store_deliver(store, batch, count);
	for (size_t i = 0; i < count; i++) {
		items[i]->delivery = batch[i];
		if (store == NULL) {
			items[i]->delivery.result = result;
			items[i]->delivery.err = err;
		}
	}
}

static void
on_batch(evutil_socket_t fd, short what, void *arg)
{
	struct item *items[BATCH_MESSAGES];
	struct deliver *deliver = arg;
	size_t count = take_items(deliver, items);

	(void)fd;
	(void)what;
	if (count > 0)
		store_items(deliver, items, count);
	for (size_t i = 0; i < count; i++) {
		log_delivery(deliver, items[i]);
		answer(deliver, items[i]);
		free_item(items[i]);
	}
	/* The rest has its turn when others had theirs: a timer, in the loop's next turn. */
	if (!STAILQ_EMPTY(&deliver->items))
		event_add(deliver->batch, &(struct timeval){.tv_sec = 0});
	deliver->options.activity(deliver->options.arg);
}

struct deliver *
deliver_new(struct event_base *base, const struct deliver_options *options)
{
	struct deliver *deliver = calloc(1, sizeof(*deliver));

	if (deliver == NULL)
		return NULL;
	deliver->options = *options;
	deliver->base = base;
	STAILQ_INIT(&deliver->items);
	deliver->batch = event_new(base, -1, 0, on_batch, deliver);
	if (deliver->batch == NULL) {
		free(deliver);
		return NULL;
	}
	return deliver;
}

int
deliver_add_channel(struct deliver *deliver, int fd)
{
	return ipc_open(deliver->base, fd, &queue_session_boundary, IPC_SERVER, handlers, on_ended,
			deliver, "queue") == NULL
		   ? -1
		   : 0;
}

size_t
deliver_pending(const struct deliver *deliver)
{
	return deliver->count;
}
