/* SPDX-License-Identifier: ISC */
/*
 * queue - the parts of the queue role and how they hang together.
 *
 *   source       a channel to a gate, or to a submitter behind one; its transactions (gates.c)
 *   asker        asks accounts whose mailbox a forward-path is (asker.c)
 *   greylister   says whether it is too soon for a stranger's mail (greylister.c)
 *   checker      has filter look at what comes in (check.c)
 *   signer       has certd sign what is sent from here (sign.c)
 *   batch        what goes to disk together, with one sync (batch.c)
 *   schedule     which delivery is next; the channels to session processes (schedule.c)
 *   spool, db    the files
 */
#ifndef POSTERN_WORKER_QUEUE_QUEUE_H
#define POSTERN_WORKER_QUEUE_QUEUE_H

#include <sys/queue.h>

#include <stdbool.h>

#include "common/error.h"
#include "common/proto/accounts_queue.h"
#include "common/proto/master_queue.h"
#include "worker/queue/db.h"
#include "worker/queue/spool.h"

struct batch;
struct event;
struct event_base;
struct asker;
struct limiter;
struct checker;
struct greylister;
struct signer;
struct schedule;
struct source;
LIST_HEAD(source_list, source);

struct queue {
	struct event_base *base;     /* with three priorities */
	struct ipc_channel *control; /* to the master; must outlive the queue */
	struct mq_settings settings;
	struct db *db;
	struct spool *spool;
	struct asker *asker;
	struct limiter *limiter;
	struct greylister *greylister;
	struct checker *checker;
	struct signer *signer;
	struct batch *batch;
	struct schedule *schedule;
	struct source_list sources;
	struct source *own;    /* of mails of the server's own (notice.h); among the sources */
	unsigned bodies;       /* that gates are writing now */
	int64_t policy_minute; /* since the epoch; and what was written in it (policy.h) */
	unsigned policies_written;
	bool full; /* the disk, when last looked at */
	bool draining;
};

/*
 * Opens the spool (DIRECTORY, which is the current one too; stays the caller's) and the database,
 * clears away what was not acknowledged, and resumes deliveries. base, control and settings are
 * set, all else is zero. 0, or -1 with ERR filled.
 */
int queue_open(struct queue *, int directory, struct error *);
void queue_close(struct queue *);

/* Takes a channel to a gate (FD is taken). SUBMITTER: in whose name all is said there, or "";
 * LOGIN is what accounts said of him, or NULL. */
int source_open(struct queue *, int fd, const char *peer, const char *submitter,
		const struct aq_submitter *login);

/* For mails of the server's own: nobody is at its other end. NULL without memory. */
struct source *source_own(struct queue *);

void source_close(struct source *);

/* Takes no more mails, and begins no more deliveries. */
void queue_stop(struct queue *);

/* Nothing that has been accepted is still on its way to the disk, no gate is writing. */
bool queue_is_quiet(const struct queue *);

/* A reverse- or forward-path as a gate hands it on, with a NUL behind it; UTF8: RFC 6531's. */
bool queue_is_path(const char *text, size_t length, bool utf8);

/* An address as this host's processes hand it on: printable ASCII, SIZE with its NUL at most. */
bool queue_is_address(const char *text, size_t length, size_t size);

#endif
