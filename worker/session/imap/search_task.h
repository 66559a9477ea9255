/* SPDX-License-Identifier: ISC */
/* A SEARCH, SORT or THREAD in progress: what its files share. */
#ifndef POSTERN_WORKER_SESSION_IMAP_SEARCH_TASK_H
#define POSTERN_WORKER_SESSION_IMAP_SEARCH_TASK_H

#include "worker/session/imap/content.h"
#include "worker/session/imap/folders.h"
#include "worker/session/imap/imap_private.h"
#include "worker/session/imap/search.h"
#include "worker/session/imap/sort.h"
#include "worker/session/imap/thread.h"

/* Texts of the messages that were found, kept until the answer. */
struct search_texts {
	struct search_block *blocks;
	size_t size; /* of all */
};

struct search_task {
	struct imap *imap;
	const struct imap_command *command; /* the parser's, valid while it is in progress */
	enum imap_verb verb;
	bool uid;
	struct imap_searcher *searcher;
	struct content content; /* the message that is being read */

	const struct view *view; /* of the folder that is searched */
	bool many;               /* ESEARCH: these folders, one after the other */
	struct folders folders;
	size_t next_folder;
	const char *mailbox; /* the name of the one that is searched */
	struct view other;   /* if it is not the selected one */

	struct ranges todo; /* UIDs that can match */
	size_t range;       /* of todo: those before are done */
	uint32_t next;      /* the UID to go on from; 0: none is left */
	uint64_t done, goal;
	bool update;  /* what is found in the selected folder is to be kept (RFC 5267) */
	bool stopped; /* by the clock, not by the end */

	struct ranges found;             /* UIDs */
	uint64_t modseq;                 /* the highest of them */
	uint64_t modseq_min, modseq_max; /* the first's and the last's */
	struct sort_order order;
	struct sort_message *sorts; /* SORT: of each that was found */
	struct thread_message *threads;
	size_t count, room;
	struct search_texts texts;

	int64_t slice; /* monotonic_milliseconds() when this piece of work began */
	int64_t told;  /* and when the client heard last of it */

	bool failed; /* with result and err */
	enum store_result result;
	struct error err;
};

/* Frees all of it; NULL is fine. How much it has in memory, as far as it grows. */
void search_task_free(struct search_task *);
size_t search_task_memory(const struct search_task *);

/* For struct imap_candidate; ARG: the task, whose result and err say why it was NULL. */
const char *search_read_octets(const struct store_message *, size_t *length, void *arg);

/* Keeps what SORT and THREAD need of a message that was found (search_keep.c). -1: no memory. */
int search_keep(struct search_task *, const struct store_message *, uint32_t number);
unsigned search_keep_wants(struct search_task *);
void search_keep_free(struct search_task *);

/*
 * ESEARCH (search_sources.c). Can it not be? Then that has been answered. Otherwise _open() and
 * then _next() make ready what is to be searched; false: there is none any more, or task->failed.
 */
bool search_sources_refuse(struct imap *, const struct imap_command *);
enum store_result search_sources_open(struct search_task *);
bool search_sources_next(struct search_task *);
void search_sources_free(struct search_task *);

/* Everything untagged that the command answers (search_answer.c). -1: no memory. */
int search_answer(struct search_task *);

#endif
