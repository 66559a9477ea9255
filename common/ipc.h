/* SPDX-License-Identifier: ISC */
/*
 * ipc - typed messages over SOCK_SEQPACKET, at most one descriptor with each.
 *
 * A boundary (common/proto/X.h) is a table of the messages that two kinds of process may exchange:
 * who sends each, how long it is, whether a descriptor comes with it, in which states of the
 * channel it is allowed. ipc_check() compares what arrived with that table before any handler sees
 * it. A message that fails ends the channel: it is closed, the descriptor that came along is
 * closed, and the log says who sent it.
 *
 * A message on the wire: struct ipc_header, the message's fixed struct (native byte order: both
 * ends are on one host, from one build), then up to tail_max bytes.
 */
#ifndef POSTERN_COMMON_IPC_H
#define POSTERN_COMMON_IPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct event_base;

#define IPC_MESSAGE_MAX 65536 /* bytes of a whole message */

struct ipc_header {
	uint16_t type;
	uint16_t reserved; /* 0 */
	uint32_t id;       /* a request's id, quoted by its reply; 0 where there is none */
	uint32_t length;   /* bytes after this header */
	uint32_t zero;     /* 0; what follows is aligned for any struct */
};

/* The two ends of a boundary. The header's name says which is which: CLIENT_SERVER.h. */
enum ipc_side { IPC_CLIENT, IPC_SERVER };

enum ipc_fd { IPC_NO_FD, IPC_WITH_FD };

/* States of a channel as a bit mask; what they mean is the boundary's. */
#define IPC_ANY_STATE UINT32_MAX

struct ipc_rule {
	uint16_t type;
	const char *name;
	enum ipc_side sender;
	size_t body; /* exact length of the fixed struct */
	size_t tail; /* upper bound of what follows it */
	enum ipc_fd fd;
	uint32_t states; /* the receiver's channel must be in one of them */
};

struct ipc_boundary {
	const char *name;
	const struct ipc_rule *rules;
	size_t count;
};

/*
 * A boundary header lists its messages as
 *
 *   #define GATE_CERTD_MESSAGES(X) \
 *           X(GC_SIGN_TLS13_SERVER, 1, IPC_CLIENT, struct gc_tls13, 0, IPC_NO_FD, IPC_ANY_STATE) \
 *           ...
 *
 * and these make the enum and the table of it. A message without a fixed struct names
 * struct ipc_empty.
 */
struct ipc_empty {
	uint8_t zero[4]; /* 0 */
};
#define IPC_ENUM(name, value, sender, body, tail, fd, states) name = (value),
#define IPC_RULE(name, value, sender, body, tail, fd, states) \
	{(value), #name, (sender), sizeof(body), (tail), (fd), (states)},

/* A received message. */
struct ipc_message {
	uint16_t type;
	uint32_t id;
	const void *body; /* the fixed struct, aligned; valid during the handler only */
	const char *tail; /* followed by a NUL that is not counted */
	size_t tail_length;
	int fd; /* or -1; closed after the handler unless taken with ipc_take_fd() */
};

enum ipc_verdict {
	IPC_OK,
	IPC_BAD_HEADER,
	IPC_UNKNOWN,
	IPC_WRONG_SENDER,
	IPC_WRONG_LENGTH,
	IPC_WRONG_STATE,
	IPC_UNEXPECTED_FD,
	IPC_MISSING_FD,
};
const char *ipc_verdict_text(enum ipc_verdict);

/* The rule of a message type, or NULL. */
const struct ipc_rule *ipc_find_rule(const struct ipc_boundary *, uint16_t type);

/*
 * The one check. A pure function: DATA is a whole datagram, FDS how many descriptors came with it,
 * RECEIVER the side that received it. On IPC_OK *RULE is the message's rule.
 */
enum ipc_verdict ipc_check(const struct ipc_boundary *, enum ipc_side receiver, uint32_t state,
			   const void *data, size_t length, size_t fds,
			   const struct ipc_rule **rule);

/* Moves the descriptor out of the message: the caller owns it. -1 if there is none. */
int ipc_take_fd(struct ipc_message *);

/*
 * -- Channels on an event loop --------------------------------------------------
 *
 * A handler returns 0, or -1 for "the peer broke the protocol": the channel ends as if ipc_check()
 * had refused the message. A handler may close the channel it was called for.
 */
struct ipc_channel;
typedef int ipc_handler_fn(struct ipc_channel *, struct ipc_message *, void *context);

struct ipc_handler {
	uint16_t type;
	ipc_handler_fn *handle;
};

/*
 * The channel ended (the peer closed it or died, or broke the protocol). Called once, from the
 * event loop, never from ipc_send(); not called by ipc_close(). The channel is freed after it
 * returns.
 */
typedef void ipc_ended_fn(struct ipc_channel *, void *context);

/*
 * Takes FD (also on failure) and serves it on BASE. HANDLERS ends with {0, NULL}. PEER is what the
 * log calls the other end ("gate 3"); copied. Returns NULL with errno set if memory or events fail.
 */
struct ipc_channel *ipc_open(struct event_base *, int fd, const struct ipc_boundary *,
			     enum ipc_side, const struct ipc_handler *handlers, ipc_ended_fn *,
			     void *context, const char *peer);

/* Ends it without the ended callback; pending requests are dropped without theirs. NULL is fine. */
void ipc_close(struct ipc_channel *);

void ipc_set_state(struct ipc_channel *, uint32_t state); /* one bit; the initial state is 1 */
uint32_t ipc_state(const struct ipc_channel *);
const char *ipc_peer(const struct ipc_channel *);
void *ipc_context(const struct ipc_channel *);

/*
 * Sends, or queues what the socket does not take now (at most IPC_QUEUE_MAX messages). BODY is the
 * fixed struct of the type's rule. FD (or -1) is duplicated by the kernel: the caller keeps and
 * closes its own, here or at once after the call (queued messages hold a duplicate of their own).
 * Returns 0, or -1 if the channel is broken or its queue is full: the channel then ends, its
 * callback runs from the loop.
 */
#define IPC_QUEUE_MAX 4096
int ipc_send(struct ipc_channel *, uint16_t type, uint32_t id, const void *body, const char *tail,
	     size_t tail_length, int fd);

/*
 * How many messages are queued here because the socket did not take them yet: a sender of many
 * holds back long before IPC_QUEUE_MAX.
 */
size_t ipc_queued(const struct ipc_channel *);

/*
 * Sends a request with an id of its own and waits for the reply: a message that quotes the id
 * goes to REPLY instead of the handler table. REPLY is called exactly once unless cancelled: with
 * the message, or with NULL when TIMEOUT (seconds) ran out or the channel ended. A reply that comes
 * after the time-out or a cancel is dropped in silence (its descriptor closed). A message with a
 * nonzero id that answers nothing goes to the handler table (it may be a request of the peer).
 * Returns the id, or 0 if it could not be sent (REPLY is not called).
 *
 * Ids of requests sent by an IPC_SERVER side have the top bit set, so the two ends never collide.
 */
typedef int ipc_reply_fn(struct ipc_channel *, struct ipc_message *, void *arg);
uint32_t ipc_request(struct ipc_channel *, uint16_t type, const void *body, const char *tail,
		     size_t tail_length, int fd, unsigned timeout, ipc_reply_fn *, void *arg);
void ipc_cancel(struct ipc_channel *, uint32_t id);

/*
 * -- Blocking, for programs without a loop (posternctl, start-up) ----------------
 */

/* A connected pair, close-on-exec; sv[0] and sv[1] are alike. 0, or -1 with errno. */
int ipc_pair(int sv[2]);
/* 0, or -1 with errno. */
int ipc_send_fd(int channel, uint16_t type, uint32_t id, const void *body, size_t body_length,
		const char *tail, size_t tail_length, int fd);

/*
 * Receives and checks one message into BUFFER (IPC_MESSAGE_MAX + 1 bytes, aligned as malloc does).
 * Returns 1, 0 when the peer closed, or -1 with ERR filled (errno EAGAIN: nothing there now). The
 * caller owns message->fd.
 */
int ipc_receive(int channel, const struct ipc_boundary *, enum ipc_side receiver, uint32_t state,
		void *buffer, struct ipc_message *, struct error *);

#endif
