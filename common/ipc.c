/* SPDX-License-Identifier: ISC */
/* Channels on an event loop: dispatch, replies with deadlines, a bounded queue of what can't be
 * sent yet. */
#include "common/ipc.h"

#include <sys/queue.h>
#include <sys/tree.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

#define PEER_NAME_SIZE 64
#define LAST_MESSAGES 4096 /* of a peer that takes no more */
#define MESSAGES_A_TURN 64 /* served before other events have a turn */

/* A request that waits for its reply. */
struct request {
	RB_ENTRY(request) entry;
	uint32_t id;
	ipc_reply_fn *reply; /* NULL: cancelled, the reply is dropped when it comes */
	void *arg;
	struct event *timeout;
	struct ipc_channel *channel;
};
RB_HEAD(requests, request);

/* A message that the socket did not take yet. */
struct queued {
	STAILQ_ENTRY(queued) entry;
	uint16_t type;
	uint32_t id;
	int fd;
	size_t body_length;
	size_t tail_length;
	char bytes[];
};
STAILQ_HEAD(queue, queued);

struct ipc_channel {
	struct event_base *base;
	int fd;
	const struct ipc_boundary *boundary;
	enum ipc_side side;
	const struct ipc_handler *handlers;
	ipc_ended_fn *ended;
	void *context;
	char peer[PEER_NAME_SIZE];
	uint32_t state;
	uint32_t next_id;
	struct requests requests;
	struct queue queue;
	size_t queued;
	struct event *readable;
	struct event *writable;
	struct event *broken; /* runs the end from the loop, never from ipc_send() */
	bool busy;            /* in a handler: free only after it */
	bool closed;
};

/* One buffer for all channels of a process: a message is handled before the next is read. */
static union {
	struct ipc_header aligned;
	char bytes[IPC_MESSAGE_MAX + 1];
} receive_buffer;

static int
request_compare(const struct request *a, const struct request *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it loses track of a tree from which all is freed */
RB_GENERATE_INTERNAL(requests, request, entry, request_compare, static __attribute__((unused)))

static void
request_free(struct request *request)
{
	RB_REMOVE(requests, &request->channel->requests, request);
	if (request->timeout != NULL)
		event_free(request->timeout);
	free(request);
}

/* Takes the first queued message off and forgets it. */
static void
queue_pop(struct ipc_channel *channel)
{
	struct queued *message = STAILQ_FIRST(&channel->queue);

	STAILQ_REMOVE_HEAD(&channel->queue, entry);
	channel->queued--;
	if (message->fd != -1)
		close(message->fd);
	freezero(message, sizeof(*message) + message->body_length + message->tail_length);
}

/* Ends everything but the struct itself. */
static void
channel_stop(struct ipc_channel *channel)
{
	if (channel->closed)
		return;
	channel->closed = true;
	event_free(channel->readable);
	event_free(channel->writable);
	event_free(channel->broken);
	close(channel->fd);
	while (!STAILQ_EMPTY(&channel->queue))
		queue_pop(channel);
}

static void
channel_free(struct ipc_channel *channel)
{
	struct request *request;

	channel_stop(channel);
	while ((request = RB_MIN(requests, &channel->requests)) != NULL)
		request_free(request);
	free(channel);
}

/* Answers what waits with NULL, tells the owner, frees. */
static void
channel_end(struct ipc_channel *channel)
{
	struct request *request;

	channel_stop(channel);
	channel->busy = true;
	while ((request = RB_MIN(requests, &channel->requests)) != NULL) {
		ipc_reply_fn *reply = request->reply;
		void *arg = request->arg;

		request_free(request);
		if (reply != NULL)
			reply(channel, NULL, arg);
	}
	if (channel->ended != NULL)
		channel->ended(channel, channel->context);
	channel_free(channel);
}

void
ipc_close(struct ipc_channel *channel)
{
	if (channel == NULL)
		return;
	channel->ended = NULL;
	if (channel->busy) {
		struct request *request;

		/* In a handler of its own: nothing more is called, dispatch frees it. */
		RB_FOREACH (request, requests, &channel->requests)
			request->reply = NULL;
		channel_stop(channel);
		return;
	}
	channel_free(channel);
}

static void
log_violation(const struct ipc_channel *channel, const char *message, const char *why)
{
	log_event(LOG_ERR, "ipc.violation", KV_STR("peer", channel->peer),
		  KV_STR("boundary", channel->boundary->name), KV_STR("message", message),
		  KV_STR("why", why));
}

static const char *
message_name(const struct ipc_channel *channel, uint16_t type)
{
	const struct ipc_rule *rule = ipc_find_rule(channel->boundary, type);

	return rule != NULL ? rule->name : "?";
}

static int
dispatch_reply(struct ipc_channel *channel, struct request *request, struct ipc_message *message)
{
	ipc_reply_fn *reply = request->reply;
	void *arg = request->arg;

	request_free(request);
	return reply == NULL ? 0 : reply(channel, message, arg);
}

/* 0, or -1 when the peer broke the protocol. */
static int
dispatch(struct ipc_channel *channel, struct ipc_message *message)
{
	struct request key = {.id = message->id};
	struct request *request = NULL;

	if (message->id != 0)
		request = RB_FIND(requests, &channel->requests, &key);
	if (request != NULL)
		return dispatch_reply(channel, request, message);
	for (const struct ipc_handler *h = channel->handlers; h->handle != NULL; h++) {
		if (h->type == message->type)
			return h->handle(channel, message, channel->context);
	}
	return -1;
}

/* Returns false when the channel is gone. */
static bool
receive_one(struct ipc_channel *channel, bool *more)
{
	struct ipc_message message = {.fd = -1};
	struct error err;
	int got, result;

	got = ipc_receive(channel->fd, channel->boundary, channel->side, channel->state,
			  receive_buffer.bytes, &message, &err);
	*more = got == 1;
	if (got == -1 && errno == EAGAIN)
		return true;
	if (got != 1) {
		if (got == -1 && errno == EBADMSG)
			log_violation(channel, "?", err.text);
		channel_end(channel);
		return false;
	}
	channel->busy = true;
	result = dispatch(channel, &message);
	channel->busy = false;
	/* It may have been a password. */
	explicit_bzero(receive_buffer.bytes,
		       (size_t)(message.tail - receive_buffer.bytes) + message.tail_length);
	if (message.fd != -1)
		close(message.fd);
	if (result == -1 && !channel->closed) {
		log_violation(channel, message_name(channel, message.type),
			      "refused by its handler");
		channel_end(channel);
		return false;
	}
	if (channel->closed) {
		channel_free(channel);
		return false;
	}
	return true;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	bool more = true;

	(void)fd;
	(void)what;
	for (int i = 0; i < MESSAGES_A_TURN && more; i++) {
		if (!receive_one(arg, &more))
			return;
	}
}

/* It takes no more; what it had to say before is heard. */
static void
on_broken(evutil_socket_t fd, short what, void *arg)
{
	bool more = true;

	(void)fd;
	(void)what;
	for (int i = 0; i < LAST_MESSAGES && more; i++) {
		if (!receive_one(arg, &more))
			return;
	}
	channel_end(arg);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct ipc_channel *channel = arg;
	struct queued *message;

	(void)fd;
	(void)what;
	while ((message = STAILQ_FIRST(&channel->queue)) != NULL) {
		if (ipc_send_fd(channel->fd, message->type, message->id, message->bytes,
				message->body_length, message->bytes + message->body_length,
				message->tail_length, message->fd) == -1) {
			if (errno == EAGAIN)
				return;
			event_active(channel->broken, 0, 0);
			break;
		}
		queue_pop(channel);
	}
	event_del(channel->writable);
}

struct ipc_channel *
ipc_open(struct event_base *base, int fd, const struct ipc_boundary *boundary, enum ipc_side side,
	 const struct ipc_handler *handlers, ipc_ended_fn *ended, void *context, const char *peer)
{
	struct ipc_channel *channel = calloc(1, sizeof(*channel));

	if (channel == NULL) {
		close(fd);
		return NULL;
	}
	channel->base = base;
	channel->fd = fd;
	channel->boundary = boundary;
	channel->side = side;
	channel->handlers = handlers;
	channel->ended = ended;
	channel->context = context;
	channel->state = 1;
	strlcpy(channel->peer, peer, sizeof(channel->peer));
	RB_INIT(&channel->requests);
	STAILQ_INIT(&channel->queue);
	channel->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, channel);
	channel->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, on_writable, channel);
	channel->broken = event_new(base, -1, 0, on_broken, channel);
	if (channel->readable == NULL || channel->writable == NULL || channel->broken == NULL ||
	    evutil_make_socket_nonblocking(fd) == -1 || event_add(channel->readable, NULL) == -1) {
		if (channel->readable != NULL)
			event_free(channel->readable);
		if (channel->writable != NULL)
			event_free(channel->writable);
		if (channel->broken != NULL)
			event_free(channel->broken);
		close(fd);
		free(channel);
		errno = ENOMEM;
		return NULL;
	}
	return channel;
}

void
ipc_set_state(struct ipc_channel *channel, uint32_t state)
{
	channel->state = state;
}

uint32_t
ipc_state(const struct ipc_channel *channel)
{
	return channel->state;
}

const char *
ipc_peer(const struct ipc_channel *channel)
{
	return channel->peer;
}

void *
ipc_context(const struct ipc_channel *channel)
{
	return channel->context;
}

size_t
ipc_queued(const struct ipc_channel *channel)
{
	return channel->queued;
}

static size_t
body_length_of(const struct ipc_channel *channel, uint16_t type)
{
	const struct ipc_rule *rule = ipc_find_rule(channel->boundary, type);

	/* A type of another boundary: an error in this program, not in its input. */
	if (rule == NULL)
		abort();
	return rule->body;
}

static int
enqueue(struct ipc_channel *channel, uint16_t type, uint32_t id, const void *body,
	size_t body_length, const char *tail, size_t tail_length, int fd)
{
	struct queued *message;

	if (channel->queued >= IPC_QUEUE_MAX)
		return -1;
	message = calloc(1, sizeof(*message) + body_length + tail_length);
	if (message == NULL)
		return -1;
	message->fd = -1;
	if (fd != -1 && (message->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)) == -1) {
		free(message);
		return -1;
	}
	message->type = type;
	message->id = id;
	message->body_length = body_length;
	message->tail_length = tail_length;
	if (body != NULL)
		memcpy(message->bytes, body, body_length);
	if (tail_length != 0)
		memcpy(message->bytes + body_length, tail, tail_length);
	STAILQ_INSERT_TAIL(&channel->queue, message, entry);
	channel->queued++;
	return event_add(channel->writable, NULL);
}

int
ipc_send(struct ipc_channel *channel, uint16_t type, uint32_t id, const void *body,
	 const char *tail, size_t tail_length, int fd)
{
	size_t body_length = body_length_of(channel, type);

	if (channel->closed)
		return -1;
	if (STAILQ_EMPTY(&channel->queue)) {
		if (ipc_send_fd(channel->fd, type, id, body, body_length, tail, tail_length, fd) ==
		    0)
			return 0;
		/* ETOOMANYREFS: too many descriptors in flight; it passes as they are taken. */
		if (errno != EAGAIN && errno != ENOBUFS && errno != ETOOMANYREFS) {
			event_active(channel->broken, 0, 0);
			return -1;
		}
	}
	if (enqueue(channel, type, id, body, body_length, tail, tail_length, fd) == -1) {
		log_event(LOG_ERR, "ipc.overflow", KV_STR("peer", channel->peer),
			  KV_STR("boundary", channel->boundary->name),
			  KV_U64("queued", channel->queued));
		event_active(channel->broken, 0, 0);
		return -1;
	}
	return 0;
}

static void
on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct request *request = arg;
	struct ipc_channel *channel = request->channel;
	ipc_reply_fn *reply = request->reply;
	void *reply_arg = request->arg;
	bool was_busy = channel->busy;

	(void)fd;
	(void)what;
	/* The id stays known, so that a late reply is told from an unknown one. */
	request->reply = NULL;
	if (reply == NULL)
		return;
	log_event(LOG_WARNING, "ipc.timeout", KV_STR("peer", channel->peer),
		  KV_STR("boundary", channel->boundary->name));
	channel->busy = true;
	reply(channel, NULL, reply_arg);
	channel->busy = was_busy;
	if (channel->closed && !was_busy)
		channel_free(channel);
}

static uint32_t
new_id(struct ipc_channel *channel)
{
	struct request key;

	do {
		channel->next_id = (channel->next_id + 1) & 0x7fffffff;
		key.id = channel->next_id | (channel->side == IPC_SERVER ? 0x80000000U : 0);
	} while (channel->next_id == 0 || RB_FIND(requests, &channel->requests, &key) != NULL);
	return key.id;
}

uint32_t
ipc_request(struct ipc_channel *channel, uint16_t type, const void *body, const char *tail,
	    size_t tail_length, int fd, unsigned timeout, ipc_reply_fn *reply, void *arg)
{
	struct timeval tv = {.tv_sec = (time_t)timeout};
	struct request *request = calloc(1, sizeof(*request));
	const struct timeval *common;

	if (request == NULL)
		return 0;
	request->id = new_id(channel);
	request->reply = reply;
	request->arg = arg;
	request->channel = channel;
	request->timeout = evtimer_new(channel->base, on_timeout, request);
	RB_INSERT(requests, &channel->requests, request);
	/* Thousands of equal deadlines cost a list, not a heap. */
	common = event_base_init_common_timeout(channel->base, &tv);
	if (request->timeout == NULL ||
	    evtimer_add(request->timeout, common != NULL ? common : &tv) == -1 ||
	    ipc_send(channel, type, request->id, body, tail, tail_length, fd) == -1) {
		request_free(request);
		return 0;
	}
	return request->id;
}

void
ipc_cancel(struct ipc_channel *channel, uint32_t id)
{
	struct request key = {.id = id};
	struct request *request = RB_FIND(requests, &channel->requests, &key);

	if (request != NULL)
		request->reply = NULL;
}
