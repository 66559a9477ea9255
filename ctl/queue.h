/* SPDX-License-Identifier: ISC */
/* queue - what posternctl's commands for the queue share: which recipients are meant, and all of
 * them in turn. */
#ifndef POSTERN_CTL_QUEUE_H
#define POSTERN_CTL_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "common/proto/ctl_queue.h"

struct queue_entry {
	struct cq_entry fixed;
	/* As they are, so not for a terminal (text.h); they hold during the call only. */
	const char *sender, *submitter, *path, *mailbox, *reason;
};

/* Which are meant: those of the ids, if there are any, that everything else fits, too. */
#define QUEUE_IDS_MAX 512
struct queue_filter {
	const char *from; /* an address, or "@domain"; NULL: any */
	const char *to;
	uint32_t state; /* enum cq_state; 0: any */
	size_t count;
	struct {
		uint64_t message;
		bool whole; /* all recipients */
		uint32_t index;
	} ids[QUEUE_IDS_MAX];
};

/* "0123456789abcdef", or with ".3" for one recipient. 0, or -1 with ERR filled. */
int queue_filter_add(struct queue_filter *, const char *text, struct error *);
/* Pure. */
bool queue_filter_fits(const struct queue_filter *, const struct queue_entry *);

/* Takes the tail of CQ_ENTRY apart, which stays. Pure. 0, or -1 if it is not what it should be. */
int queue_entry_read(struct queue_entry *, const struct cq_entry *, const char *tail,
		     size_t length);

/* A channel to the running server's queue. 0, or -1 with ERR filled; the caller closes *FD. */
int queue_connect(int *fd, struct error *);

/* EACH for all that fit, in the order of their ids; it returns -1 to stop. 0, or -1 with ERR. */
typedef int queue_each_fn(const struct queue_entry *, void *arg, struct error *);
int queue_each(int fd, const struct queue_filter *, queue_each_fn *each, void *arg, struct error *);

/* What is known of one beside that; all zero if it is gone. 0, or -1 with ERR. */
struct queue_details {
	int64_t expires; /* as in struct cq_shown */
	uint32_t notify, ret;
	char orcpt[ORCPT_SIZE], envid[ENVID_SIZE];
};
int queue_details(int fd, const struct cq_name *, struct queue_details *, struct error *);
/* Takes CQ_SHOWN apart. Pure. 0, or -1 if it is not what it should be. */
int queue_details_read(struct queue_details *, const struct cq_shown *, const char *tail,
		       size_t length);

/* Prints all that fit, with ALL in full; an exit status. */
int queue_print(const struct queue_filter *, bool as_json, bool all);

#endif
