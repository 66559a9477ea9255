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
#include "worker/queue/check_verdict.h"
#include "worker/queue/queue.h"
#include "worker/queue/sign.h"
#include "worker/queue/transaction.h"

#define ASKED_MAX 200    /* checks that filter has at once */
#define CHECK_SECONDS 75 /* for one, also over a restart; filter itself takes less */
#define DEATHS_MAX 2     /* of filter while it had the same mail */

enum check_state { CHECK_WAITING, CHECK_ASKED };

struct check {
	TAILQ_ENTRY(check) entry;
	struct checker *checker;
	struct transaction *transaction;
	enum check_state state;
	uint32_t number;     /* while ASKED */
	uint32_t request;    /* likewise */
	struct qf_mail mail; /* likewise */
	unsigned deaths;
	bool room;             /* it has been given a file, */
	uint32_t slot;         /* this one of the spool */
	struct wish *wish;     /* for signatures, or NULL; */
	uint32_t sign_request; /* filter's request for them */
	struct event *deadline;
};
TAILQ_HEAD(check_list, check);

struct checker {
	struct queue *queue;
	struct ipc_channel *channel; /* NULL while there is none */
	struct check_list waiting;
	struct check_list asked;
	size_t asked_count;
	uint32_t last_number;
};

/* -- Its life ----------------------------------------------------------------------------- */

static void
move(struct check *check, enum check_state state)
{
	struct checker *checker = check->checker;

	if (check->state == CHECK_ASKED) {
		TAILQ_REMOVE(&checker->asked, check, entry);
		checker->asked_count--;
	} else {
		TAILQ_REMOVE(&checker->waiting, check, entry);
	}
	if (state == CHECK_ASKED) {
		TAILQ_INSERT_TAIL(&checker->asked, check, entry);
		checker->asked_count++;
	} else {
		TAILQ_INSERT_TAIL(&checker->waiting, check, entry);
	}
	check->state = state;
}

/* What was done for filter as it had it. */
static void
drop_room(struct check *check)
{
	signer_forget(check->wish);
	check->wish = NULL;
	if (check->room)
		spool_discard(check->checker->queue->spool, check->slot);
	check->room = false;
}

/* Takes it out of everything, and frees it; its transaction lives on. */
static void
check_free(struct check *check)
{
	struct checker *checker = check->checker;

	check->transaction->check = NULL;
	drop_room(check);
	if (check->state == CHECK_ASKED) {
		TAILQ_REMOVE(&checker->asked, check, entry);
		checker->asked_count--;
	} else {
		TAILQ_REMOVE(&checker->waiting, check, entry);
	}
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

/* It can't be made: what then, says the configuration. This server's own mails go on. */
static void
give_up(struct check *check, const char *why)
{
	struct transaction *transaction = check->transaction;
	struct queue *queue = transaction->queue;
	bool accept = queue->settings.filter_failure == FILTER_FAIL_ACCEPT ||
		      transaction->source == queue->own;

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
	give_up(check,
		check->state == CHECK_ASKED ? "filter did not answer" : "there is no filter");
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

/* What the verdict says is done; the check is gone. */
static void
carry_out(struct transaction *transaction, const struct qf_verdict *verdict)
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
		(void)snprintf(reply, sizeof(reply), "%u %s%s%s", verdict->code, verdict->status,
			       verdict->status[0] == '\0' ? "" : " ", verdict->text);
		transaction_refuse(transaction, reply);
		return;
	case FILTER_HOLD:
		transaction_hold(transaction, verdict->text);
		transaction_checked(transaction);
		return;
	default:
		transaction_checked(transaction);
	}
}

/* The filter is gone: its successor may do better. */
static void
interrupted(struct check *check)
{
	drop_room(check);
	move(check, CHECK_WAITING);
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
	struct qf_verdict copy;

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
	    take_change(check, verdict, message->tail) == -1) {
		give_up(check, "filter's verdict is none, or there is no memory for it");
		return -1;
	}
	copy = *verdict;
	check_free(check);
	carry_out(transaction, &copy);
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
	struct check *check;

	while (checker->channel != NULL && checker->asked_count < ASKED_MAX &&
	       (check = TAILQ_FIRST(&checker->waiting)) != NULL) {
		/* No number of a check that is there: ASKED_MAX are far fewer than there are. */
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

/* -- What filter asks for ------------------------------------------------------------------ */

static struct check *
asked(const struct checker *checker, uint32_t number)
{
	struct check *check;

	TAILQ_FOREACH (check, &checker->asked, entry) {
		if (check->number == number)
			return check;
	}
	return NULL;
}

/* A check that is not there may have been dropped meanwhile. */
static int
on_room(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct qf_number *number = message->body;
	struct checker *checker = context;
	struct check *check = asked(checker, number->check);
	int fd = -1;

	if (message->id == 0 || (check != NULL && check->room))
		return -1;
	if (check != NULL)
		fd = spool_create(checker->queue->spool, &check->slot);
	if (fd == -1) {
		(void)ipc_send(channel, QF_NO_ROOM, message->id, NULL, NULL, 0, -1);
		return 0;
	}
	check->room = true;
	(void)ipc_send(channel, QF_FILE, message->id, NULL, NULL, 0, fd);
	close(fd);
	return 0;
}

/* Only what this host's users, and itself, send is signed. */
static bool
may_be_signed(const struct check *check, const struct qf_sign *order)
{
	const struct transaction *transaction = check->transaction;
	static const uint8_t zero[sizeof(order->zero)];

	return check_kind(transaction) != FILTER_STRANGER && check->wish == NULL &&
	       memcmp(order->zero, zero, sizeof(zero)) == 0 &&
	       memchr(order->domain, '\0', sizeof(order->domain)) != NULL;
}

static void
on_signed(const char *fields, size_t length, void *arg)
{
	struct check *check = arg;
	struct ipc_channel *channel = check->checker->channel;

	check->wish = NULL;
	if (channel == NULL)
		return;
	if (fields == NULL)
		(void)ipc_send(channel, QF_UNSIGNED, check->sign_request, NULL, NULL, 0, -1);
	else
		(void)ipc_send(channel, QF_SIGNED, check->sign_request, NULL, fields, length, -1);
}

static int
on_sign(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct qf_sign *order = message->body;
	struct checker *checker = context;
	struct check *check = asked(checker, order->check);

	if (message->id == 0 || (check != NULL && !may_be_signed(check, order)))
		return -1;
	if (check != NULL) {
		check->sign_request = message->id;
		check->wish = signer_ask(checker->queue->signer, order, message->tail,
					 message->tail_length, on_signed, check);
	}
	if (check == NULL || check->wish == NULL)
		(void)ipc_send(channel, QF_UNSIGNED, message->id, NULL, NULL, 0, -1);
	return 0;
}

static const struct ipc_handler handlers[] = {
    {QF_ROOM, on_room},
    {QF_SIGN, on_sign},
    {0, NULL},
};

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
	TAILQ_INIT(&checker->waiting);
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
				    handlers, on_ended, checker, "filter");
	if (checker->channel == NULL)
		return -1;
	send_some(checker);
	return 0;
}

void
check_begin(struct transaction *transaction)
{
	static const struct timeval wait = {.tv_sec = CHECK_SECONDS};
	struct checker *checker = transaction->queue->checker;
	struct check *check = calloc(1, sizeof(*check));

	if (check != NULL)
		check->deadline = evtimer_new(transaction->queue->base, on_deadline, check);
	if (check == NULL || check->deadline == NULL || evtimer_add(check->deadline, &wait) == -1) {
		if (check != NULL && check->deadline != NULL)
			event_free(check->deadline);
		free(check);
		transaction_fail(transaction, QUEUE_UNAVAILABLE);
		return;
	}
	check->checker = checker;
	check->transaction = transaction;
	transaction->check = check;
	TAILQ_INSERT_TAIL(&checker->waiting, check, entry);
	send_some(checker);
}
