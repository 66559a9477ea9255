/* SPDX-License-Identifier: ISC */
/*
 * login - one attempt to log in, from GA_LOGIN to its answer.
 *
 *   LOGIN_NEW        has just come
 *   LOGIN_SLOWED     waits until the throttle lets it go
 *   LOGIN_HASHING    a thread verifies the password
 *   LOGIN_ATTACHING  the master is asked for a stream to the user's session process
 *
 * Whether the account exists and may log in is decided after the hash has been computed, so that
 * all attempts take as long.
 */
#include "config.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/proto/accounts_queue.h"
#include "common/proto/master_accounts.h"
#include "worker/accounts/accounts.h"

#define SLOWED_MAX 4096   /* logins that wait for the throttle */
#define ATTACH_TIMEOUT 30 /* seconds: the master may have to start a session process */

enum login_state { LOGIN_NEW, LOGIN_SLOWED, LOGIN_HASHING, LOGIN_ATTACHING, LOGIN_ENDED };

struct login {
	TAILQ_ENTRY(login) entry;
	struct accounts_service *service;
	enum login_state state;
	struct ipc_channel *gate; /* NULL: gone, nobody waits for the answer */
	uint32_t id;              /* of the request */
	struct ga_login request;
	char user[ADDRESS_SIZE];
	const char *refuse; /* why it fails whatever the password, or NULL */
	struct throttle_attempt attempt;
	struct event *timer;
	struct hash_job job;
	uint32_t attach; /* id of MA_ATTACH */
};

static const char *const service_names[SERVICE_COUNT] = {
    [SERVICE_SMTP] = "smtp",
    [SERVICE_SUBMISSION] = "submission",
    [SERVICE_POP3] = "pop3",
    [SERVICE_IMAP] = "imap",
};

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
set_state(struct login *login, enum login_state state)
{
	if (login->state == LOGIN_SLOWED)
		login->service->waiting--;
	if (state == LOGIN_SLOWED)
		login->service->waiting++;
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

	set_state(login, LOGIN_ENDED);
	if (login->timer != NULL)
		event_free(login->timer);
	TAILQ_REMOVE(&service->logins, login, entry);
	freezero(login, sizeof(*login));
	accounts_rest(service);
}

static void
log_login(const struct login *login, int level, const char *event, const char *why)
{
	const struct log_value values[] = {
	    KV_CONN(login->request.conn),
	    KV_STR("user", login->user),
	    KV_ADDR("address", &login->request.peer.address),
	    KV_STR("service", service_names[login->request.service]),
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
static void
login_failed(struct login *login, const char *why)
{
	log_login(login, LOG_NOTICE, "login.failed", why);
	answer_no(login, LOGIN_FAILED);
	login_free(login);
}

static void
login_unavailable(struct login *login, const char *why)
{
	log_login(login, LOG_WARNING, "login.unavailable", why);
	answer_no(login, LOGIN_UNAVAILABLE);
	login_free(login);
}

/* FD: the gate's end; the caller closes it. */
static void
login_ok(struct login *login, int fd)
{
	log_login(login, LOG_INFO, "login.ok", NULL);
	if (login->gate != NULL)
		(void)ipc_send(login->gate, GA_LOGGED_IN, login->id, NULL, login->user,
			       strlen(login->user), fd);
	login_free(login);
}

/*
 * -- A right password: the way on -------------------------------------------------
 */

/* Queue gets one end, with the name; the gate the other, without one. */
static void
login_submission(struct login *login)
{
	struct aq_submitter submitter = {.conn = login->request.conn};
	int pair[2];

	if (login->service->queue == NULL) {
		login_unavailable(login, "queue is not there");
		return;
	}
	if (ipc_pair(pair) == -1) {
		login_unavailable(login, "no channel could be made");
		return;
	}
	if (ipc_send(login->service->queue, AQ_SUBMITTER, 0, &submitter, login->user,
		     strlen(login->user), pair[0]) == -1)
		login_unavailable(login, "queue can't be reached");
	else
		login_ok(login, pair[1]);
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
		login_ok(login, message->fd);
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
	struct ma_attach attach = {.conn = login->request.conn,
				   .peer = login->request.peer,
				   .service = login->request.service};

	set_state(login, LOGIN_ATTACHING);
	login->attach = ipc_request(login->service->child->control, MA_ATTACH, &attach, login->user,
				    strlen(login->user), -1, ATTACH_TIMEOUT, on_attached, login);
	if (login->attach == 0)
		login_unavailable(login, "the master can't be reached");
}

/*
 * -- The password -----------------------------------------------------------------
 */

/*
 * What the account is now, after the hash: the file may have changed meanwhile. Returns why the
 * login fails, or NULL.
 */
static const char *
judge(const struct login *login)
{
	char canonical[ADDRESS_SIZE];
	const struct account *account =
	    resolve_login(login->service->resolver, login->user, canonical);

	if (account == NULL)
		return "no such account";
	if (login->refuse != NULL)
		return login->refuse;
	if (!login->job.match || strcmp(account->hash, login->job.hash) != 0)
		return "wrong password";
	if (!account->enabled)
		return "the account is disabled";
	return NULL;
}

static void
on_hashed(struct pool_job *job)
{
	struct login *login = ((struct hash_job *)(void *)job)->arg;
	const char *why = judge(login);

	throttle_done(login->service->throttle, &login->attempt,
		      why == NULL ? THROTTLE_RIGHT : THROTTLE_WRONG, now_ms());
	if (why != NULL)
		login_failed(login, why);
	else if (login->gate == NULL)
		login_unavailable(login, "the connection is gone");
	else if (login->request.service == SERVICE_SUBMISSION)
		login_submission(login);
	else
		login_attach(login);
}

/*
 * The hash to verify against. For an account that does not exist: that of another account, always
 * the same for one name, so that neither the time of one attempt nor the spread over many tells an
 * unknown name from a known one, in a file with hashes of several kinds too. It can't match:
 * judge() finds no account.
 */
static const char *
choose_hash(const struct login *login, const struct account *account)
{
	const struct accounts *accounts = login->service->accounts;
	uint64_t sum = login->service->secret;

	if (account != NULL)
		return account->hash;
	if (accounts == NULL || accounts_count(accounts) == 0)
		return login->service->setting;
	for (const char *p = login->user; *p != '\0'; p++)
		sum = (sum ^ (unsigned char)*p) * 0x9e3779b97f4a7c15U;
	return accounts_at(accounts, (sum >> 32) % accounts_count(accounts))->hash;
}

static void
login_hash(struct login *login)
{
	char canonical[ADDRESS_SIZE];
	const struct account *account =
	    resolve_login(login->service->resolver, login->user, canonical);

	set_state(login, LOGIN_HASHING);
	strlcpy(login->job.hash, choose_hash(login, account), sizeof(login->job.hash));
	login->job.job.run = hash_run;
	login->job.job.done = on_hashed;
	login->job.arg = login;
	if (pool_submit(login->service->pool, &login->job.job) == -1) {
		throttle_done(login->service->throttle, &login->attempt, THROTTLE_UNDECIDED,
			      now_ms());
		login_unavailable(login, "too many logins at once");
	}
}

/*
 * -- The throttle -----------------------------------------------------------------
 */
static void login_go_on(struct login *);

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	login_go_on(arg);
}

static void
login_slow(struct login *login, int64_t wait)
{
	struct timeval tv = {.tv_sec = (time_t)(wait / 1000),
			     .tv_usec = (suseconds_t)(wait % 1000 * 1000)};

	set_state(login, LOGIN_SLOWED);
	if (login->timer == NULL)
		login->timer = evtimer_new(login->service->child->base, on_timer, login);
	if (login->timer == NULL || login->service->waiting > SLOWED_MAX ||
	    evtimer_add(login->timer, &tv) == -1)
		login_unavailable(login, "too many logins wait");
}

static void
login_go_on(struct login *login)
{
	int64_t wait = 0;

	switch (throttle_ask(login->service->throttle, &login->attempt, now_ms(), &wait)) {
	case THROTTLE_GO:
		login_hash(login);
		return;
	case THROTTLE_WAIT:
		login_slow(login, wait);
		return;
	case THROTTLE_REFUSE:
		login_failed(login, "too many failures");
		return;
	case THROTTLE_BUSY:
		login_unavailable(login, "too many logins at once from there");
		return;
	}
}

/*
 * -- The request ------------------------------------------------------------------
 */

/* The three parts of the tail; the last has no NUL behind it but the one of every tail. */
struct parts {
	const char *authorization;
	const char *authentication;
	const char *password;
	size_t password_length;
};

static int
split_tail(const struct ipc_message *message, struct parts *parts)
{
	const char *end = message->tail + message->tail_length;
	const char *first = memchr(message->tail, '\0', message->tail_length);
	const char *second =
	    first == NULL ? NULL : memchr(first + 1, '\0', (size_t)(end - first - 1));

	if (second == NULL)
		return -1;
	*parts = (struct parts){.authorization = message->tail,
				.authentication = first + 1,
				.password = second + 1,
				.password_length = (size_t)(end - second - 1)};
	return 0;
}

/* Why it can't be right, whatever the hash says; it is hashed all the same. */
static const char *
check_parts(const struct login *login, const struct parts *parts)
{
	char authorized[ADDRESS_SIZE];

	if (parts->authorization[0] != '\0') {
		(void)resolve_login(login->service->resolver, parts->authorization, authorized);
		if (strcmp(authorized, login->user) != 0)
			return "may not act for another account";
	}
	if (strlen(parts->password) != parts->password_length)
		return "NUL in the password";
	if (parts->password_length == 0)
		return "empty password";
	if (parts->password_length >= CRYPT_MAX_PASSPHRASE_SIZE)
		return "password too long";
	return NULL;
}

int
login_handle(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct ga_login *request = message->body;
	struct accounts_service *service = context;
	struct login *login;
	struct parts parts;

	if (message->id == 0 || request->service >= SERVICE_COUNT ||
	    request->service == SERVICE_SMTP || split_tail(message, &parts) == -1)
		return -1;
	login = calloc(1, sizeof(*login));
	if (login == NULL) {
		struct ga_login_failed failed = {.verdict = LOGIN_UNAVAILABLE};

		(void)ipc_send(channel, GA_LOGIN_FAILED, message->id, &failed, NULL, 0, -1);
		return 0;
	}
	login->service = service;
	login->gate = channel;
	login->id = message->id;
	login->request = *request;
	TAILQ_INSERT_TAIL(&service->logins, login, entry);
	(void)resolve_login(service->resolver, parts.authentication, login->user);
	login->refuse = check_parts(login, &parts);
	strlcpy(login->job.password, parts.password, sizeof(login->job.password));
	if (service->accounts == NULL) {
		login_unavailable(login, "no good accounts.conf has been read yet");
		return 0;
	}
	throttle_begin(&login->attempt, &request->peer.address, login->user, now_ms());
	login_go_on(login);
	return 0;
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
		if (login->state == LOGIN_ATTACHING)
			ipc_cancel(service->child->control, login->attach);
		login_free(login);
	}
}
