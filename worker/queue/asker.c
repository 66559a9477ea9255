/* SPDX-License-Identifier: ISC */
#include "worker/queue/asker.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/queue/queue.h"

#define ASKED_MAX 256     /* questions on their way at once */
#define ANSWER_SECONDS 10 /* after which accounts counts as silent */

TAILQ_HEAD(questions, question);

struct asker {
	struct queue *queue;
	struct ipc_channel *channel; /* NULL while accounts is being restarted */
	struct questions waiting;
	struct questions asked;
	size_t asked_count;
	struct event *again; /* asks what waits */
};

static void send_questions(struct asker *);

static void
move(struct question *question, enum question_state state)
{
	struct asker *asker = question->asker;

	if (question->state == QUESTION_WAITING)
		TAILQ_REMOVE(&asker->waiting, question, entry);
	if (question->state == QUESTION_ASKED) {
		TAILQ_REMOVE(&asker->asked, question, entry);
		asker->asked_count--;
	}
	if (state == QUESTION_WAITING)
		TAILQ_INSERT_TAIL(&asker->waiting, question, entry);
	if (state == QUESTION_ASKED) {
		TAILQ_INSERT_TAIL(&asker->asked, question, entry);
		asker->asked_count++;
	}
	question->state = state;
	question->request = 0;
}

/* As answer(), for a reverse-path. */
static int
answer_sender(struct question *question, const struct ipc_message *message)
{
	const struct aq_sender_is *is = message->body;

	if (message->type != AQ_SENDER_IS || is->verdict < SENDER_OWN ||
	    is->verdict > SENDER_UNAVAILABLE)
		return -1;
	question->checked(question, (enum sender_verdict)is->verdict);
	return 0;
}

/* As answer(), for a message. */
static int
answer_author(struct question *question, const struct ipc_message *message)
{
	const struct aq_author_is *is = message->body;

	if (message->type != AQ_AUTHOR_IS || is->verdict < AUTHOR_OWN ||
	    is->verdict > AUTHOR_LONG_HEADER ||
	    (message->tail_length > 0 && is->verdict != AUTHOR_FOREIGN))
		return -1;
	question->judged(question, (enum author_verdict)is->verdict, message->tail);
	return 0;
}

/* -1 if the answer is not one. */
static int
answer(struct question *question, const struct ipc_message *message)
{
	const struct aq_resolved *resolved = message->body;
	struct ways ways;

	if (question->kind == QUESTION_SENDER)
		return answer_sender(question, message);
	if (question->kind == QUESTION_AUTHOR)
		return answer_author(question, message);
	if (message->type != AQ_RESOLVED ||
	    !ways_take(resolved, message->tail, message->tail_length, &ways))
		return -1;
	question->answered(question, (enum rcpt_verdict)resolved->verdict, &ways);
	return 0;
}

static void
answer_unavailable(struct question *question)
{
	switch (question->kind) {
	case QUESTION_RECIPIENT:
		question->answered(question, RCPT_UNAVAILABLE, &(struct ways){.mailbox_count = 0});
		break;
	case QUESTION_SENDER:
		question->checked(question, SENDER_UNAVAILABLE);
		break;
	case QUESTION_AUTHOR:
		question->judged(question, AUTHOR_UNAVAILABLE, "");
		break;
	}
}

static int
on_resolved(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct question *question = arg;
	struct asker *asker = question->asker;
	int result;

	(void)channel;
	if (message == NULL) {
		/* Not at once: if the channel is ending, the next one is waited for. */
		move(question, QUESTION_WAITING);
		event_active(asker->again, 0, 0);
		return 0;
	}
	move(question, QUESTION_NONE);
	result = answer(question, message);
	if (result == -1)
		answer_unavailable(question);
	send_questions(asker);
	return result;
}

static uint32_t
send_author(const struct asker *asker, struct question *question)
{
	struct aq_author author = {.account = ""};
	uint16_t type = question->message != NULL ? AQ_AUTHOR : AQ_AUTHOR_OF_FILE;

	strlcpy(author.account, question->submitter, sizeof(author.account));
	return ipc_request(asker->channel, type, &author, question->message,
			   question->message != NULL ? question->length : 0,
			   question->message != NULL ? -1 : question->fd, ANSWER_SECONDS,
			   on_resolved, question);
}

static uint32_t
send_recipient(const struct asker *asker, struct question *question)
{
	const struct aq_resolve resolve = {.submitted = question->submitted ? 1 : 0};
	char tail[2 * PATH_SIZE];
	int length = snprintf(tail, sizeof(tail), "%s%c%s", question->path, '\0', question->sender);

	return ipc_request(asker->channel, AQ_RESOLVE, &resolve, tail, (size_t)length, -1,
			   ANSWER_SECONDS, on_resolved, question);
}

static uint32_t
send_question(const struct asker *asker, struct question *question)
{
	struct aq_sender sender = {.account = ""};

	if (question->kind == QUESTION_AUTHOR)
		return send_author(asker, question);
	if (question->kind == QUESTION_RECIPIENT)
		return send_recipient(asker, question);
	strlcpy(sender.account, question->submitter, sizeof(sender.account));
	return ipc_request(asker->channel, AQ_SENDER, &sender, question->path,
			   strlen(question->path), -1, ANSWER_SECONDS, on_resolved, question);
}

static void
send_questions(struct asker *asker)
{
	struct question *question;

	while (asker->channel != NULL && asker->asked_count < ASKED_MAX &&
	       (question = TAILQ_FIRST(&asker->waiting)) != NULL) {
		uint32_t request = send_question(asker, question);

		if (request == 0)
			return;
		move(question, QUESTION_ASKED);
		question->request = request;
	}
}

/* A submitter logged in: what comes over this channel is said in his name. */
static int
on_submitter(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct asker *asker = context;
	const struct aq_submitter *submitter = message->body;
	char name[ADDRESS_SIZE] = "", peer[64];

	(void)channel;
	if (!queue_is_address(message->tail, message->tail_length, sizeof(name)) ||
	    submitter->mechanism >= LOGIN_WAYS)
		return -1;
	memcpy(name, message->tail, message->tail_length);
	snprintf(peer, sizeof(peer), "submitter %016llx", (unsigned long long)submitter->conn);
	/* Out of memory or descriptors: the gate sees the channel end. */
	(void)source_open(asker->queue, ipc_take_fd(message), peer, name, submitter);
	return 0;
}

static const struct ipc_handler handlers[] = {
    {AQ_SUBMITTER, on_submitter},
    {0, NULL},
};

static void
on_ended(struct ipc_channel *channel, void *context)
{
	struct asker *asker = context;

	if (asker->channel == channel)
		asker->channel = NULL;
}

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	send_questions(arg);
}

struct asker *
asker_new(struct queue *queue)
{
	struct asker *asker = calloc(1, sizeof(*asker));

	if (asker == NULL)
		return NULL;
	asker->again = event_new(queue->base, -1, 0, on_again, asker);
	if (asker->again == NULL) {
		free(asker);
		return NULL;
	}
	asker->queue = queue;
	TAILQ_INIT(&asker->waiting);
	TAILQ_INIT(&asker->asked);
	return asker;
}

void
asker_free(struct asker *asker)
{
	if (asker == NULL)
		return;
	ipc_close(asker->channel);
	event_free(asker->again);
	free(asker);
}

int
asker_open(struct asker *asker, int fd)
{
	struct question *question;

	ipc_close(asker->channel);
	while ((question = TAILQ_FIRST(&asker->asked)) != NULL)
		move(question, QUESTION_WAITING);
	asker->channel = ipc_open(asker->queue->base, fd, &accounts_queue_boundary, IPC_SERVER,
				  handlers, on_ended, asker, "accounts");
	if (asker->channel == NULL)
		return -1;
	send_questions(asker);
	return 0;
}

void
asker_ask(struct asker *asker, struct question *question)
{
	question->asker = asker;
	move(question, QUESTION_WAITING);
	send_questions(asker);
}

void
asker_forget(struct question *question)
{
	if (question->state == QUESTION_ASKED && question->asker->channel != NULL)
		ipc_cancel(question->asker->channel, question->request);
	if (question->state != QUESTION_NONE)
		move(question, QUESTION_NONE);
}
