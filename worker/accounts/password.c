/* SPDX-License-Identifier: ISC */
/*
 * GA_LOGIN: who knows the password. Whether the account exists and may log in is decided after the
 * hash has been computed, so that all attempts take as long.
 */
#include "config.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "worker/accounts/login.h"

#define SLOWED_MAX 4096 /* logins that wait for the throttle */

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
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
	else
		login_accept(login);
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

	login_set_state(login, LOGIN_HASHING);
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

	login_set_state(login, LOGIN_SLOWED);
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
	const struct gate_channel *from = context;
	struct accounts_service *service = from->service;
	struct login *login;
	struct parts parts;

	if (message->id == 0 || request->service >= SERVICE_COUNT ||
	    request->service == SERVICE_SMTP || split_tail(message, &parts) == -1)
		return -1;
	login = login_new(service, channel, message->id);
	if (login == NULL)
		return 0;
	login->conn = request->conn;
	login->peer = request->peer;
	login->service_number = request->service;
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
