/* SPDX-License-Identifier: ISC */
/*
 * GA_LOGIN: who knows the password. Whether the account exists and may log in is decided after the
 * hash has been computed, so that all attempts take as long.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "worker/accounts/login.h"

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

	login_tried(login, why == NULL ? THROTTLE_RIGHT : THROTTLE_WRONG);
	if (why != NULL)
		login_failed(login, why);
	else
		login_accept(login);
}

const struct account *
login_stand_in(const struct login *login)
{
	const struct accounts *accounts = login->service->accounts;
	uint64_t sum = login->service->secret;

	if (accounts == NULL || accounts_count(accounts) == 0)
		return NULL;
	for (const char *p = login->user; *p != '\0'; p++)
		sum = (sum ^ (unsigned char)*p) * 0x9e3779b97f4a7c15U;
	return accounts_at(accounts, (sum >> 32) % accounts_count(accounts));
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
	if (account == NULL)
		account = login_stand_in(login);
	return account != NULL ? account->hash : login->service->setting;
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
		login_tried(login, THROTTLE_UNDECIDED);
		login_unavailable(login, "too many logins at once");
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
	    request->service == SERVICE_SMTP || request->login > 1 ||
	    split_tail(message, &parts) == -1)
		return -1;
	login = login_new(service, channel, message->id);
	if (login == NULL)
		return 0;
	login->conn = request->conn;
	login->peer = request->peer;
	login->service_number = request->service;
	login->mechanism = request->login == 1 ? LOGIN_BY_LOGIN : LOGIN_BY_PLAIN;
	(void)resolve_login(service->resolver, parts.authentication, login->user);
	login->refuse = check_parts(login, &parts);
	strlcpy(login->job.password, parts.password, sizeof(login->job.password));
	if (service->accounts == NULL) {
		login_unavailable(login, "no good accounts.conf has been read yet");
		return 0;
	}
	login_slow(login, login_hash);
	return 0;
}
