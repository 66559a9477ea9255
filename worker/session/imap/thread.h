/* SPDX-License-Identifier: ISC */
/* thread - conversations among messages (RFC 5256 3, 4): ORDEREDSUBJECT and REFERENCES. Pure. */
#ifndef POSTERN_WORKER_SESSION_IMAP_THREAD_H
#define POSTERN_WORKER_SESSION_IMAP_THREAD_H

#include "common/mime/out.h"
#include "worker/session/imap/command.h"

struct thread_message {
	uint32_t number;     /* what the client is told: sequence number or UID; ascending */
	int64_t sent;        /* seconds since the epoch */
	const char *subject; /* base subject, folded */
	bool reply;          /* struct store_summary */
	const char *ids;     /* store_summary.thread: its own message-id, then those it refers to */
};

/* A node of the answer: a message, or (number 0) one that is not there, with children. */
struct thread_node {
	uint32_t number;
	uint32_t child; /* index of the first; 0: none */
	uint32_t next;  /* index of the next sibling; 0: none */
};

/* [0] is no message but the root, whose children are the threads. */
struct threads {
	struct thread_node *nodes;
	size_t count;
};

/*
 * 0, or -1 if there is no memory. Time: n log n, with n all message-ids that are mentioned.
 * threads_free() when done.
 */
int thread_messages(enum imap_thread_algorithm, const struct thread_message *, size_t count,
		    struct threads *);
void threads_free(struct threads *);

/* Appends them as RFC 5256 4 writes them: "(1)(2 (3)(4 5))". Without recursion. 0, or -1. */
int threads_format(const struct threads *, struct mime_out *);

#endif
