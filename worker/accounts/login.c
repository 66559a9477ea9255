/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "worker/accounts/login.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/proto/accounts_queue.h"
#include "common/proto/master_accounts.h"

#define ATTACH_TIMEOUT 30 /* seconds: the master may have to start a session process */

static const char *const service_names[SERVICE_COUNT] = {
    [SERVICE_SMTP] = "smtp",
    [SERVICE_SUBMISSION] = "submission",
    [SERVICE_POP3] = "pop3",
    [SERVICE_IMAP] = "imap",
};

void
login_set_state(struct login *login, enum login_state state)
{
	if (login->state == LOGIN_SLOWED)
		login->service->waiting--;
	if (state == LOGIN_SLOWED)
		login->service->waiting++;
	if (login->state == LOGIN_VERIFYING)
		login->from->verifying--;
	if (state == LOGIN_VERIFYING)
		login->from->verifying++;
	if (login->state == LOGIN_CHALLENGED)
		login->service->challenged--;
	if (state == LOGIN_CHALLENGED)
		login->service->challenged++;
	login->state = state;
}

/*
 * -- The end ----------------------------------------------------------------------
 */

/* The one place that frees a login; not while a thread has its job. */
static void
login_free(struct login *login)
{
	struct accounts_service *service = login->service;

	login_set_state(login, LOGIN_ENDED);
	if (login->timer != NULL)
		event_free(login->timer);
	scram_free(login);
	TAILQ_REMOVE(&service->logins, login, entry);
	freezero(login, sizeof(*login));
	accounts_rest(service);
}

static void
log_login(const struct login *login, int level, const char *event, const char *why)
{
	const struct log_value values[] = {
	    KV_CONN(login->conn),
	    KV_STR("user", login->user),
	    KV_ADDR("address", &login->peer.address),
	    KV_STR("service", service_names[login->service_number]),
	    KV_STR("by", login->by),
	    KV_STR("why", why),
	};
	size_t count = sizeof(values) / sizeof(values[0]);

	log_values(level, event, values, why == NULL ? count - 1 : count);
}

static void
answer_no(struct login *login, enum login_verdict verdict)
{
	struct ga_login_failed failed = {.verdict = verdict};

	if (login->gate != NULL)
		(void)ipc_send(login->gate, GA_LOGIN_FAILED, login->id, &failed, NULL, 0, -1);
}

/* The client is told "no"; fail2ban reads this line. */
void
login_failed(struct login *login, const char *why)
{
	log_login(login, LOG_NOTICE, "login.failed", why);
	answer_no(login, LOGIN_FAILED);
	login_free(login);
}

void
login_unavailable(struct login *login, const char *why)
{
	log_login(login, LOG_WARNING, "login.unavailable", why);
	answer_no(login, LOGIN_UNAVAILABLE);
	login_free(login);
}

void
login_refused(struct login *login, const char *why)
{
	log_login(login, LOG_NOTICE, "login.refused", why);
	answer_no(login, LOGIN_FAILED);
	login_free(login);
}

void
login_malformed(struct login *login)
{
	answer_no(login, LOGIN_MALFORMED);
	login_free(login);
}

/* FD: the gate's end; the caller closes it. */
static void
login_ok(struct login *login, int fd, const struct submit_limits *limits)
{
	struct ga_logged_in logged_in = {.limits = *limits};

	log_login(login, LOG_INFO, "login.ok", NULL);
	if (login->gate != NULL)
		(void)ipc_send(login->gate, GA_LOGGED_IN, login->id, &logged_in, login->user,
			       strlen(login->user), fd);
	login_free(login);
}

/*
 * -- The client is known: the way on ----------------------------------------------
 */

/* Queue gets one end, with the name; the gate the other, without one. */
static void
login_submission(struct login *login)
{
	struct aq_submitter submitter = {.conn = login->conn, .mechanism = login->mechanism};
	const struct account *account = login->service->accounts == NULL
					    ? NULL
					    : accounts_find(login->service->accounts, login->user);
	int pair[2];

	if (login->service->queue == NULL) {
		login_unavailable(login, "queue is not there");
		return;
	}
	if (ipc_pair(pair) == -1) {
		login_unavailable(login, "no channel could be made");
		return;
	}
	if (account != NULL)
		submitter.limits = account->limits;
	if (ipc_send(login->service->queue, AQ_SUBMITTER, 0, &submitter, login->user,
		     strlen(login->user), pair[0]) == -1)
		login_unavailable(login, "queue can't be reached");
	else
		login_ok(login, pair[1], &submitter.limits);
	close(pair[0]);
	close(pair[1]);
}

static int
on_attached(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct login *login = arg;

	(void)channel;
	login->attach = 0;
	if (message == NULL) {
		login_unavailable(login, "the master did not answer");
		return 0;
	}
	switch (message->type) {
	case MA_ATTACHED:
		login_ok(login, message->fd, &(struct submit_limits){0});
		return 0;
	case MA_ATTACH_FAILED:
		login_unavailable(login, message->tail);
		return 0;
	default:
		login_unavailable(login, "the master's answer was none");
		return -1;
	}
}

static void
login_attach(struct login *login)
{
	struct ma_attach attach = {
	    .conn = login->conn, .peer = login->peer, .service = login->service_number};

	login_set_state(login, LOGIN_ATTACHING);
	login->attach = ipc_request(login->service->child->control, MA_ATTACH, &attach, login->user,
				    strlen(login->user), -1, ATTACH_TIMEOUT, on_attached, login);
	if (login->attach == 0)
		login_unavailable(login, "the master can't be reached");
}

void
login_accept(struct login *login)
{
	if (login->gate == NULL)
		login_unavailable(login, "the connection is gone");
	else if (login->service_number == SERVICE_SUBMISSION)
		login_submission(login);
	else
		login_attach(login);
}

/*
 * -- The beginning ----------------------------------------------------------------
 */

struct login *
login_new(struct accounts_service *service, struct ipc_channel *gate, uint32_t id)
{
	struct login *login = calloc(1, sizeof(*login));

	if (login == NULL) {
		struct ga_login_failed failed = {.verdict = LOGIN_UNAVAILABLE};

		(void)ipc_send(gate, GA_LOGIN_FAILED, id, &failed, NULL, 0, -1);
		return NULL;
	}
	login->service = service;
	login->gate = gate;
	login->id = id;
	login->by = "password";
	TAILQ_INSERT_TAIL(&service->logins, login, entry);
	return login;
}

void
login_gate_gone(struct accounts_service *service, const struct ipc_channel *gate)
{
	struct login *login, *next;

	for (login = TAILQ_FIRST(&service->logins); login != NULL; login = next) {
		next = TAILQ_NEXT(login, entry);
		if (login->gate != gate)
			continue;
		login->gate = NULL;
		if (login->state == LOGIN_HASHING)
			continue; /* counted by the throttle when the thread is done */
		if (login->state == LOGIN_VERIFYING)
			external_cancel(login);
		if (login->state == LOGIN_ATTACHING)
			ipc_cancel(service->child->control, login->attach);
		login_free(login);
	}
}
