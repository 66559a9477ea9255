/* SPDX-License-Identifier: ISC */
/* What the queue says to the master and to session processes to get a mail into its mailbox. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/proto/queue_session.h"
#include "worker/queue/batch.h"
#include "worker/queue/clock.h"
#include "worker/queue/mailbox.h"
#include "worker/queue/queue.h"
#include "worker/queue/report.h"

#define ATTACH_SECONDS 60
#define DELIVER_SECONDS 120

/* -- The answer ------------------------------------------------------------------------------ */

static void
take_from_running(struct delivery *delivery)
{
	struct mailbox *mailbox = delivery->mailbox;

	TAILQ_REMOVE(&mailbox->running, delivery, entry);
	mailbox->running_count--;
	mailbox->schedule->running--;
}

static int
on_delivered(struct delivery *delivery, const struct qs_delivered *body)
{
	struct mailbox *mailbox = delivery->mailbox;

	if (body->duplicate > 1)
		return -1;
	mailbox->failures = 0;
	mailbox->window = mailbox->window * 2 < WINDOW_MAX ? mailbox->window * 2 : WINDOW_MAX;
	take_from_running(delivery);
	delivery_done(delivery, body->duplicate == 1);
	mailbox_settle(mailbox);
	return 0;
}

static int
on_failed(struct delivery *delivery, const struct ipc_message *message)
{
	const struct qs_failed *body = message->body;
	struct mailbox *mailbox = delivery->mailbox;
	char why[REASON_MAX + 1];

	if (body->permanent > 1)
		return -1;
	/* A text of another process: only what can be shown is kept. */
	memcpy(why, message->tail, message->tail_length);
	why[message->tail_length] = '\0';
	for (size_t i = 0; i < message->tail_length; i++) {
		if (why[i] < 0x20 || why[i] > 0x7e)
			why[i] = '?';
	}
	take_from_running(delivery);
	if (body->permanent == 1 || (why[0] == '4' && delivery_is_expired(delivery)))
		delivery_fail(delivery, why);
	else
		delivery_defer_or_tell(delivery, why);
	mailbox_settle(mailbox);
	return 0;
}

static int
on_answer(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct delivery *delivery = arg;
	struct mailbox *mailbox = delivery->mailbox;

	(void)channel;
	if (message == NULL) {
		delivery_detach(mailbox);
		mailbox_failed(mailbox, "the session process died or did not answer");
		return 0;
	}
	return message->type == QS_DELIVERED ? on_delivered(delivery, message->body)
					     : on_failed(delivery, message);
}

/* -- The session process ------------------------------------------------------------------------
 */

static const struct ipc_handler no_handlers[] = {
    {0, NULL},
};

/* With deliveries on their way, on_answer() has heard of it first: then this isn't called. */
static void
on_ended(struct ipc_channel *channel, void *context)
{
	struct mailbox *mailbox = context;

	(void)channel;
	mailbox->channel = NULL;
	delivery_detach(mailbox);
	if (mailbox->running_count > 0 || mailbox->working > 0)
		mailbox_failed(mailbox, "the session process is gone");
	else
		mailbox_settle(mailbox);
}

void
delivery_detach(struct mailbox *mailbox)
{
	ipc_close(mailbox->channel);
	mailbox->channel = NULL;
	mailbox->state = MAILBOX_QUIET;
	mailbox->schedule->attached--;
}

static int
attached(struct mailbox *mailbox, struct ipc_message *message)
{
	char peer[ADDRESS_SIZE + 16];

	snprintf(peer, sizeof(peer), "session %s", mailbox->name);
	mailbox->channel =
	    ipc_open(mailbox->schedule->queue->base, ipc_take_fd(message), &queue_session_boundary,
		     IPC_CLIENT, no_handlers, on_ended, mailbox, peer);
	if (mailbox->channel == NULL) {
		mailbox_failed(mailbox, "no memory for a channel");
		return 0;
	}
	mailbox->state = MAILBOX_ATTACHED;
	mailbox->schedule->attached++;
	mailbox_settle(mailbox);
	return 0;
}

static int
on_attached(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct mailbox *mailbox = arg;
	char why[REASON_MAX + 1] = "the master did not answer";

	(void)channel;
	mailbox->state = MAILBOX_QUIET;
	mailbox->schedule->attaching--;
	if (message != NULL && message->type == MQ_ATTACHED)
		return attached(mailbox, message);
	if (message != NULL && message->type == MQ_ATTACH_FAILED) {
		memcpy(why, message->tail, message->tail_length);
		why[message->tail_length] = '\0';
	}
	mailbox_failed(mailbox, why);
	return message == NULL || message->type == MQ_ATTACH_FAILED ? 0 : -1;
}

void
delivery_attach(struct mailbox *mailbox)
{
	mailbox->request =
	    ipc_request(mailbox->schedule->queue->control, MQ_ATTACH, NULL, mailbox->name,
			strlen(mailbox->name), -1, ATTACH_SECONDS, on_attached, mailbox);
	if (mailbox->request == 0) {
		mailbox_failed(mailbox, "the master can't be asked");
		return;
	}
	mailbox->state = MAILBOX_ATTACHING;
	mailbox->schedule->attaching++;
}

/* -- The mail -------------------------------------------------------------------------------------
 */

enum sent {
	SENT,
	SENT_NOT,   /* the channel is broken */
	SENT_LATER, /* no memory or descriptors */
	SENT_NEVER, /* there is no body */
};

void
delivery_drop_body(struct schedule *schedule)
{
	if (schedule->body_fd != -1)
		close(schedule->body_fd);
	schedule->body_fd = -1;
}

int
delivery_body(struct schedule *schedule, const struct db_message *message)
{
	if (schedule->body_fd != -1 && schedule->body_id == message->id)
		return schedule->body_fd;
	delivery_drop_body(schedule);
	schedule->body_id = message->id;
	schedule->body_fd = message->body == NULL
				? spool_read(schedule->queue->spool, message->id)
				: spool_memory(message->body, (size_t)message->size);
	return schedule->body_fd;
}

/* The reverse-path, and the forward-path if there is one. Returns the length. */
static size_t
write_paths(struct delivery *delivery, const char *sender, char paths[2 * PATH_SIZE])
{
	struct db *db = delivery->mailbox->schedule->queue->db;
	size_t length = strlcpy(paths, sender, PATH_SIZE);
	struct db_addressee addressee;

	if (length >= PATH_SIZE ||
	    db_addressee(db, delivery->message, delivery->index, &addressee) != DB_OK ||
	    addressee.path[0] == '\0')
		return length < PATH_SIZE ? length : PATH_SIZE - 1;
	return length + 1 + strlcpy(paths + length + 1, addressee.path, PATH_SIZE);
}

static int
send_message(const struct db_message *message, void *arg)
{
	struct delivery *delivery = arg;
	struct mailbox *mailbox = delivery->mailbox;
	struct qs_deliver body = {.conn = message->conn,
				  .size = message->size,
				  .received = message->received,
				  .junk = message->junk ? 1 : 0,
				  .binary = message->parameters.body == BODY_BINARYMIME ? 1 : 0};
	int fd = delivery_body(mailbox->schedule, message);
	char paths[2 * PATH_SIZE];

	delivery->conn = message->conn;
	delivery->since = message->since;
	if (fd == -1)
		return errno == ENOENT ? SENT_NEVER : SENT_LATER;
	snprintf(body.delivery_id, sizeof(body.delivery_id), "%016llx.%u",
		 (unsigned long long)message->id, delivery->index);
	if (ipc_request(mailbox->channel, QS_DELIVER, &body, paths,
			write_paths(delivery, message->sender, paths), fd, DELIVER_SECONDS,
			on_answer, delivery) == 0)
		return SENT_NOT;
	return SENT;
}

void
delivery_send(struct lane *lane)
{
	struct mailbox *mailbox = lane->mailbox;
	struct delivery *delivery = lane_take(lane);
	struct schedule *schedule = mailbox->schedule;
	int sent;

	lane_settle(lane);
	sent = db_message(schedule->queue->db, delivery->message, send_message, delivery);
	if (sent == SENT || sent == SENT_NOT) {
		TAILQ_INSERT_TAIL(&mailbox->running, delivery, entry);
		mailbox->running_count++;
		schedule->running++;
	}
	if (sent == SENT_NOT) {
		delivery_detach(mailbox);
		mailbox_failed(mailbox, "the session process is gone");
		return;
	}
	if (sent == SENT_LATER)
		delivery_defer(delivery, "no memory or descriptors");
	if (sent == SENT_NEVER)
		delivery_hold(delivery, "its body is missing from the spool");
	if (sent == -1)
		delivery_defer(delivery, db_error(schedule->queue->db));
	mailbox_settle(mailbox);
}
