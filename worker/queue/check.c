/* SPDX-License-Identifier: ISC */
#include "worker/queue/check.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/proto/master_filter.h"
#include "common/proto/queue_filter.h"
#include "worker/queue/check_mail.h"
#include "worker/queue/check_private.h"
#include "worker/queue/check_verdict.h"
#include "worker/queue/envelope.h"
#include "worker/queue/queue.h"
#include "worker/queue/transaction.h"

#define TURN_SECONDS 75                       /* for its turn, or for filter to come back */
#define CHECK_SECONDS (QF_CHECK_SECONDS + 10) /* for the verdict, from its turn on */
#define OTHERS_SECONDS 30                     /* that accounts may take before and after it */
_Static_assert(TURN_SECONDS + CHECK_SECONDS + OTHERS_SECONDS < GQ_COMMIT_SECONDS,
	       "the gate waits for queue");
#define DEATHS_MAX 2 /* of filter while it had the same mail */

/* -- Its life ----------------------------------------------------------------------------- */

/* -1 without memory; once it is set, there is enough. */
static int
set_deadline(struct check *check, enum check_state state)
{
	static const struct timeval waits[] = {
	    [CHECK_WAITING] = {.tv_sec = TURN_SECONDS},
	    [CHECK_ASKED] = {.tv_sec = CHECK_SECONDS},
	};

	return evtimer_add(check->deadline, &waits[state]);
}

/* Into the other state, which has its own time. */
static void
move(struct check *check, enum check_state state)
{
	struct checker *checker = check->checker;

	(void)set_deadline(check, state);
	if (state == CHECK_ASKED) {
		check_turn_ask(&checker->turns, &check->turn);
		TAILQ_INSERT_TAIL(&checker->asked, check, entry);
	} else {
		TAILQ_REMOVE(&checker->asked, check, entry);
		check_turn_back(&checker->turns, &check->turn);
	}
	check->state = state;
}

/* Takes it out of everything, and frees it; its transaction lives on. */
static void
check_free(struct check *check)
{
	struct checker *checker = check->checker;

	check->transaction->check = NULL;
	check_forget_asked(check);
	if (check->state == CHECK_ASKED)
		TAILQ_REMOVE(&checker->asked, check, entry);
	check_turn_leave(&checker->turns, &check->turn);
	event_free(check->deadline);
	free(check);
}

static void
tell_dropped(const struct check *check)
{
	struct qf_number number = {check->number};
	struct ipc_channel *channel = check->checker->channel;

	if (check->state != CHECK_ASKED || channel == NULL)
		return;
	ipc_cancel(channel, check->request);
	(void)ipc_send(channel, QF_CANCEL, 0, &number, NULL, 0, -1);
}

static void send_some(struct checker *);

void
check_drop(struct check *check)
{
	struct checker *checker;

	if (check == NULL)
		return;
	checker = check->checker;
	tell_dropped(check);
	check_free(check);
	send_some(checker);
}

/* Others before it have all of filter's time, perhaps of the same sender: it is not the filter that
 * fails. */
static bool
waits_for_its_turn(const struct check *check)
{
	return check->state == CHECK_WAITING && check->checker->channel != NULL;
}

/* It can't be made: what then, says the configuration. This server's own mails go on. */
static void
give_up(struct check *check, const char *why)
{
	struct transaction *transaction = check->transaction;
	struct queue *queue = transaction->queue;
	bool accept =
	    transaction->source == queue->own ||
	    (queue->settings.filter_failure == FILTER_FAIL_ACCEPT && !waits_for_its_turn(check));

	log_event(LOG_WARNING, "queue.unchecked", KV_CONN(transaction->conn), KV_STR("why", why),
		  KV_STR("so", accept ? "it is taken as it is" : "the client is to try again"));
	check_drop(check);
	if (accept)
		transaction_checked(transaction);
	else
		transaction_fail(transaction, QUEUE_UNAVAILABLE);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct check *check = arg;

	(void)fd;
	(void)what;
	if (check->state == CHECK_ASKED)
		give_up(check, "filter did not answer");
	else
		give_up(check, waits_for_its_turn(check) ? "too many others are before it"
							 : "there is no filter");
}

/* -- The answer --------------------------------------------------------------------------- */

/* The file that filter has written is the body from now on. -1 if it is not what filter says. */
static int
take_file(struct check *check, uint64_t size)
{
	struct transaction *transaction = check->transaction;
	struct spool *spool = transaction->queue->spool;
	struct stat st;
	int fd;

	if (!check->room)
		return -1;
	fd = spool_seal(spool, check->slot);
	if (fd == -1 || fstat(fd, &st) == -1 || (uint64_t)st.st_size != size) {
		log_event(
		    LOG_ERR, "queue.filter_file", KV_CONN(transaction->conn),
		    KV_STR("why", fd == -1 ? strerror(errno) : "it has not the size it should"));
		if (fd != -1)
			close(fd);
		return -1;
	}
	if (transaction->body != NULL)
		spool_recycle(spool, transaction->slot);
	else
		spool_discard(spool, transaction->slot);
	transaction_new_body(transaction, NULL, fd, size);
	transaction->slot = check->slot;
	check->room = false;
	return 0;
}

/* The message is what filter has made of it. -1 if that can't be. */
static int
take_change(struct check *check, const struct qf_verdict *verdict, const char *tail)
{
	struct transaction *transaction = check->transaction;
	char *body;

	if (verdict->change == FILTER_SAME)
		return 0;
	if (verdict->change == FILTER_IN_FILE)
		return take_file(check, verdict->size);
	body = malloc((size_t)verdict->size);
	if (body == NULL)
		return -1;
	memcpy(body, tail, (size_t)verdict->size);
	transaction_new_body(transaction, body, -1, verdict->size);
	return 0;
}

static void
log_verdict(const struct transaction *transaction, const struct qf_verdict *verdict)
{
	char id[QUEUE_ID_SIZE];

	(void)snprintf(id, sizeof(id), "%016llx", (unsigned long long)transaction->id);
	log_event(LOG_INFO, "queue.checked", KV_STR("id", id), KV_CONN(transaction->conn),
		  KV_STR("verdict", check_verdict_name(verdict->verdict)),
		  KV_U64("junk", verdict->junk), KV_U64("changed", verdict->change != FILTER_SAME),
		  KV_STR("text", verdict->text));
}

/* It is taken, with what WISH (NULL: nothing) says of its envelope. */
static void
go_on(struct transaction *transaction, const struct envelope_wish *wish, const struct qf_mail *mail)
{
	struct envelope_change change;

	if (wish == NULL)
		transaction_checked(transaction);
	else if (check_envelope_read(&wish->fixed, wish->tail, wish->length, mail,
				     check_recipients(transaction), &change))
		envelope_change(transaction, &change);
	else
		transaction_fail(transaction, QUEUE_UNAVAILABLE);
}

_Static_assert(FILTER_WORDS_SIZE + FILTER_LINES_MAX * (FILTER_STATUS_SIZE + 5) < GQ_REPLY_MAX,
	       "a verdict's text has room with code and status on each line");

/* Its lines, each with code and status (RFC 5321 4.2.1). */
static void
write_reply(const struct qf_verdict *verdict, char reply[GQ_REPLY_MAX])
{
	const char *line = verdict->text;
	size_t used = 0;

	for (;;) {
		size_t length = strcspn(line, "\n");

		used += (size_t)snprintf(reply + used, GQ_REPLY_MAX - used, "%u %s%s%.*s",
					 verdict->code, verdict->status,
					 verdict->status[0] == '\0' ? "" : " ", (int)length, line);
		if (line[length] == '\0' || used + 2 > GQ_REPLY_MAX)
			return;
		reply[used++] = '\n';
		line += length + 1;
	}
}

/* What the verdict says is done; the check is gone. */
static void
carry_out(struct transaction *transaction, const struct qf_verdict *verdict,
	  const struct envelope_wish *wish, const struct qf_mail *mail)
{
	char reply[GQ_REPLY_MAX];

	log_verdict(transaction, verdict);
	transaction->junk = verdict->junk == 1;
	if (verdict->seven_bit == 1)
		transaction->parameters.body = BODY_7BIT;
	switch (verdict->verdict) {
	case FILTER_DISCARD:
		transaction_discard(transaction);
		return;
	case FILTER_LATER:
	case FILTER_REJECT:
		write_reply(verdict, reply);
		transaction_refuse(transaction, reply);
		return;
	case FILTER_HOLD:
		transaction_hold(transaction, verdict->text);
		go_on(transaction, wish, mail);
		return;
	default:
		go_on(transaction, wish, mail);
	}
}

/* The filter that has it is to be forgotten: its successor is asked. */
static void
put_back(struct check *check)
{
	check_forget_asked(check);
	move(check, CHECK_WAITING);
}

/* The filter is gone: its successor may do better. */
static void
interrupted(struct check *check)
{
	put_back(check);
	if (++check->deaths >= DEATHS_MAX)
		give_up(check, "filter died of it");
}

static int
on_verdict(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct check *check = arg;
	struct checker *checker = check->checker;
	struct transaction *transaction = check->transaction;
	const struct qf_verdict *verdict;
	struct envelope_wish *wish;
	struct qf_verdict copy;
	struct qf_mail mail;

	if (message == NULL) {
		/* Its end: the deadline comes before the request's time-out. */
		if (checker->channel == channel)
			checker->channel = NULL;
		interrupted(check);
		return 0;
	}
	verdict = message->body;
	if (message->type != QF_VERDICT ||
	    !check_verdict_is_sound(verdict, &check->mail, message->tail_length,
				    transaction->size) ||
	    (check->envelope != NULL && verdict->verdict > FILTER_HOLD) ||
	    take_change(check, verdict, message->tail) == -1) {
		give_up(check, "filter's verdict is none, or there is no memory for it");
		return -1;
	}
	copy = *verdict;
	mail = check->mail;
	wish = check->envelope;
	check->envelope = NULL;
	check_free(check);
	carry_out(transaction, &copy, wish, &mail);
	free(wish);
	send_some(checker);
	return 0;
}

/* -- The question ------------------------------------------------------------------------- */

/* The recipients that were named, as many in a message as it takes. 0, or -1 if the channel has
 * ended. */
static int
send_recipients(const struct checker *checker, const struct check *check)
{
	struct qf_number number = {check->number};
	const struct recipient *recipient;
	char *paths = malloc(QF_PATHS_MAX);
	size_t used = 0;
	int result = paths == NULL ? -1 : 0;

	STAILQ_FOREACH (recipient, &check->transaction->recipients, entry) {
		size_t size = strlen(recipient->path) + 1;

		if (result == 0 && used + size > QF_PATHS_MAX) {
			result = ipc_send(checker->channel, QF_RCPT, 0, &number, paths, used, -1);
			used = 0;
		}
		if (result == 0 && recipient->question.path != NULL) {
			memcpy(paths + used, recipient->path, size);
			used += size;
		}
	}
	if (result == 0 && used > 0)
		result = ipc_send(checker->channel, QF_RCPT, 0, &number, paths, used, -1);
	free(paths);
	return result;
}

static int
send_mail(const struct checker *checker, const struct check *check)
{
	const char *sender = check->transaction->sender;

	return ipc_send(checker->channel, QF_MAIL, 0, &check->mail, sender, strlen(sender), -1);
}

/* A small body that is in memory goes along, a larger one as a file that nobody can change. */
static uint32_t
send_message(struct check *check)
{
	const struct transaction *transaction = check->transaction;
	struct qf_check body = {.check = check->number, .size = transaction->size};
	struct ipc_channel *channel = check->checker->channel;
	uint32_t request = 0;
	int memory;

	if (transaction->body != NULL && transaction->size <= GQ_INLINE_MAX)
		return ipc_request(channel, QF_CHECK, &body, transaction->body,
				   (size_t)transaction->size, -1, CHECK_SECONDS + 5, on_verdict,
				   check);
	memory = transaction->body == NULL
		     ? -1
		     : spool_memory(transaction->body, (size_t)transaction->size);
	if (transaction->body == NULL || memory != -1)
		request = ipc_request(channel, QF_CHECK_FILE, &body, NULL, 0,
				      memory != -1 ? memory : transaction->fd, CHECK_SECONDS + 5,
				      on_verdict, check);
	if (memory != -1)
		close(memory);
	return request;
}

static void
send_some(struct checker *checker)
{
	struct check_turn *turn;

	while (checker->channel != NULL && (turn = check_turns_next(&checker->turns)) != NULL) {
		struct check *check =
		    (struct check *)(void *)((char *)turn - offsetof(struct check, turn));

		/* No number of a check that is there: far fewer are asked than there are. */
		if (++checker->last_number == 0)
			checker->last_number = 1;
		check->number = checker->last_number;
		check->request = 0;
		check_describe(check->transaction, check->number, &check->mail);
		if (send_mail(checker, check) == 0 && send_recipients(checker, check) == 0)
			check->request = send_message(check);
		/* The deadline comes, or the channel's end, and then its successor. */
		if (check->request == 0)
			return;
		move(check, CHECK_ASKED);
	}
}

/* It says no more: nothing is sent to it from now on, and its end is nobody's death. */
int
check_on_leaving(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct checker *checker = context;
	struct check *check, *next;

	(void)message;
	ipc_close(channel);
	checker->channel = NULL;
	TAILQ_FOREACH_SAFE (check, &checker->asked, entry, next)
		put_back(check);
	return 0;
}

/* -- From outside --------------------------------------------------------------------------- */

/* on_verdict() has heard of it for each check. */
static void
on_ended(struct ipc_channel *channel, void *context)
{
	struct checker *checker = context;

	if (checker->channel == channel)
		checker->channel = NULL;
}

struct checker *
checker_new(struct queue *queue)
{
	struct checker *checker = calloc(1, sizeof(*checker));

	if (checker == NULL)
		return NULL;
	checker->queue = queue;
	check_turns_init(&checker->turns);
	TAILQ_INIT(&checker->asked);
	return checker;
}

void
checker_free(struct checker *checker)
{
	if (checker == NULL)
		return;
	ipc_close(checker->channel);
	free(checker);
}

int
checker_open(struct checker *checker, int fd)
{
	struct check *check, *next;

	ipc_close(checker->channel);
	checker->channel = NULL;
	TAILQ_FOREACH_SAFE (check, &checker->asked, entry, next)
		interrupted(check);
	checker->channel = ipc_open(checker->queue->base, fd, &queue_filter_boundary, IPC_CLIENT,
				    check_handlers, on_ended, checker, "filter");
	if (checker->channel == NULL)
		return -1;
	send_some(checker);
	return 0;
}

static struct check_key
key_of(const struct transaction *transaction)
{
	if (check_kind(transaction) == FILTER_STRANGER)
		return check_key_stranger(&transaction->peer.address);
	return check_key_submitter(transaction->submitter);
}

void
check_begin(struct transaction *transaction)
{
	struct check_key key = key_of(transaction);
	struct checker *checker = transaction->queue->checker;
	struct check *check = calloc(1, sizeof(*check));

	if (check != NULL)
		check->deadline = evtimer_new(transaction->queue->base, on_deadline, check);
	if (check == NULL || check->deadline == NULL || set_deadline(check, CHECK_WAITING) == -1 ||
	    check_turn_enter(&checker->turns, &key, &check->turn) == -1) {
		if (check != NULL && check->deadline != NULL)
			event_free(check->deadline);
		free(check);
		transaction_fail(transaction, QUEUE_UNAVAILABLE);
		return;
	}
	check->checker = checker;
	check->transaction = transaction;
	transaction->check = check;
	send_some(checker);
}
