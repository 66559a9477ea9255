/* SPDX-License-Identifier: ISC */
/*
 * verify - looks at the certificates of clients, for accounts: a process that holds nothing, since
 * X.509 of a stranger is no food for one that holds password hashes. It runs only if a listener
 * asks its clients for certificates.
 *
 * What it is given: authorities and CRLs, by the master, as descriptors; proofs, by accounts. What
 * it answers: whose certificate it was. It opens no file and no socket.
 */
#include "config.h"

#include <event2/event.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/child.h"
#include "common/log.h"
#include "common/proto/accounts_verify.h"
#include "common/proto/master_verify.h"
#include "verify/check.h"
#include "verify/role.h"

LIST_HEAD(trusts, trust);

static struct verifier {
	struct child *child;
	struct trusts trusts;
	struct questions *questions;
	struct event *turn;
	struct ipc_channel *accounts;
	bool running; /* the sandbox is closed */
	int early;    /* accounts' channel, as long as it is not; or -1 */
} verifier;

static int64_t
now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static struct trust *
find_trust(uint32_t id)
{
	struct trust *trust;

	LIST_FOREACH (trust, &verifier.trusts, entry) {
		if (trust->id == id)
			return trust;
	}
	return NULL;
}

/*
 * -- Questions --------------------------------------------------------------------
 */

/* Not more than the names fit: clients may then choose a certificate without their help. */
static void
ask(const struct trust *trust)
{
	struct av_ask asked = {.trust = trust->id};
	uint8_t names[ASK_NAMES_MAX];
	size_t length = question_name(verifier.questions, trust->id, names), all = length;

	if (verifier.accounts == NULL || length == 0)
		return;
	if (!trust_names(trust, names, sizeof(names), &all))
		log_event(LOG_WARNING, "verify.names", KV_U64("trust", trust->id),
			  KV_STR("why", "the names of so many authorities don't fit: clients are "
					"told some of them"));
	(void)ipc_send(verifier.accounts, AV_ASK, 0, &asked, (const char *)names, all, -1);
}

static void
ask_all(void)
{
	const struct trust *trust;

	LIST_FOREACH (trust, &verifier.trusts, entry)
		ask(trust);
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	questions_turn(verifier.questions, now_seconds());
	ask_all();
}

/*
 * -- accounts ---------------------------------------------------------------------
 */

static void
refuse(struct ipc_channel *channel, uint32_t id, const char *why, bool later)
{
	const struct av_refused refused = {.later = later ? 1 : 0};

	(void)ipc_send(channel, AV_REFUSED, id, &refused, why, strnlen(why, REASON_MAX), -1);
}

static int
on_verify(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	static struct identity identity;
	const struct av_verify *asked = message->body;
	const struct trust *trust = find_trust(asked->trust);
	const char *why = "no such trust";
	bool later = true;

	(void)context;
	if (message->id == 0 || asked->zero != 0)
		return -1;
	if (trust != NULL)
		why = check_proof(trust, verifier.questions, (const uint8_t *)message->tail,
				  message->tail_length, now_seconds(), &identity, &later);
	if (why != NULL)
		refuse(channel, message->id, why, later);
	else
		(void)ipc_send(channel, AV_VERIFIED, message->id, &identity.body, identity.text,
			       identity.length, -1);
	return 0;
}

static void
on_accounts_ended(struct ipc_channel *channel, void *context)
{
	(void)context;
	if (verifier.accounts == channel)
		verifier.accounts = NULL;
}

static const struct ipc_handler accounts_handlers[] = {
    {AV_VERIFY, on_verify},
    {0, NULL},
};

/*
 * -- The master -------------------------------------------------------------------
 */

static int
on_trust(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct mv_trust *told = message->body;
	struct trust *trust = find_trust(told->trust);

	(void)channel;
	(void)context;
	if (told->trust == 0 || told->crl > 1 || told->zero != 0 || told->depth > 16)
		return -1;
	if (trust == NULL) {
		trust = trust_new(told->trust);
		if (trust == NULL)
			return 0;
		LIST_INSERT_HEAD(&verifier.trusts, trust, entry);
	}
	trust->depth = told->depth;
	trust->needs_crl = told->crl == 1;
	return 0;
}

static const char *const file_names[TRUST_KINDS] = {
    [TRUST_AUTHORITIES] = "client_authorities",
    [TRUST_CRLS] = "client_crl",
};

static void
read_file(struct trust *trust, enum trust_kind kind, int fd)
{
	const char *what = file_names[kind];
	struct error err;
	int count = trust_read(trust, kind, fd, &err);

	if (count == -1)
		log_event(LOG_ERR, "verify.refused", KV_STR("file", what),
			  KV_U64("trust", trust->id), KV_STR("why", err.text),
			  KV_STR("so", "what was read before stays in force"));
	else
		log_event(LOG_INFO, "verify.loaded", KV_STR("file", what),
			  KV_U64("trust", trust->id), KV_I64("count", count));
	/* Without authorities too: gates wait for a question, and nobody is vouched for. */
	ask(trust);
}

/* Nothing is parsed before the sandbox is closed. */
static int
take_file(struct ipc_message *message, enum trust_kind kind)
{
	const struct mv_file *told = message->body;
	struct trust *trust = find_trust(told->trust);

	if (trust == NULL || told->zero != 0)
		return -1;
	if (verifier.running) {
		read_file(trust, kind, message->fd);
		return 0;
	}
	if (trust->early[kind] != -1)
		close(trust->early[kind]);
	trust->early[kind] = ipc_take_fd(message);
	return 0;
}

static void
read_early(struct trust *trust)
{
	for (size_t kind = 0; kind < TRUST_KINDS; kind++) {
		if (trust->early[kind] == -1)
			continue;
		read_file(trust, (enum trust_kind)kind, trust->early[kind]);
		close(trust->early[kind]);
		trust->early[kind] = -1;
	}
}

static int
on_authorities(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	(void)context;
	return take_file(message, TRUST_AUTHORITIES);
}

static int
on_crl(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	(void)context;
	return take_file(message, TRUST_CRLS);
}

static void
open_accounts(int fd)
{
	ipc_close(verifier.accounts); /* a new channel: the old accounts is dead */
	verifier.accounts =
	    ipc_open(verifier.child->base, fd, &accounts_verify_boundary, IPC_SERVER,
		     accounts_handlers, on_accounts_ended, NULL, "accounts");
	if (verifier.accounts == NULL)
		log_event(LOG_ERR, "verify.channel", KV_STR("why", "no memory"));
	ask_all();
}

static int
on_channel(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct mc_channel *from = message->body;

	(void)channel;
	(void)context;
	if (from->peer_role != ROLE_ACCOUNTS)
		return -1;
	if (verifier.running) {
		open_accounts(ipc_take_fd(message));
		return 0;
	}
	if (verifier.early != -1)
		close(verifier.early);
	verifier.early = ipc_take_fd(message);
	return 0;
}

static const struct ipc_handler master_handlers[] = {
    {MV_TRUST, on_trust},
    {MV_AUTHORITIES, on_authorities},
    {MV_CRL, on_crl},
    {MV_CHANNEL, on_channel},
    {0, NULL},
};

/*
 * -- The process ------------------------------------------------------------------
 */

static int
verify_init(struct child *child, struct error *err)
{
	verifier.child = child;
	verifier.early = -1;
	child->context = &verifier;
	LIST_INIT(&verifier.trusts);
	/* No configuration file: it could load modules. */
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_LOAD_CRYPTO_STRINGS |
				    OPENSSL_INIT_ADD_ALL_DIGESTS,
				NULL) != 1)
		return error_set(err, "OpenSSL does not start");
	verifier.questions = questions_new();
	verifier.turn = event_new(child->base, -1, EV_PERSIST, on_turn, NULL);
	if (verifier.questions == NULL || verifier.turn == NULL)
		return error_set(err, "out of memory");
	questions_turn(verifier.questions, now_seconds());
	return 0;
}

static int
verify_run(struct child *child, struct error *err)
{
	const struct timeval every = {.tv_sec = QUESTION_EVERY};
	struct trust *trust;

	if (event_add(verifier.turn, &every) == -1)
		return error_set(err, "no timer");
	verifier.running = true;
	LIST_FOREACH (trust, &verifier.trusts, entry)
		read_early(trust);
	if (verifier.early != -1)
		open_accounts(verifier.early);
	verifier.early = -1;
	child_ready(child);
	return 0;
}

/* accounts drains after the gates, and is answered until it ends. */
static void
verify_drain(struct child *child)
{
	child_exit(child);
}

/* Files are read by descriptor. */
static const char *const syscalls[] = {"pread64", NULL};

static const struct sandbox_rules rules = {
    .role = "verify",
    .files = SANDBOX_NO_FILES,
    .syscalls = syscalls,
};

const struct child_role verify_role = {
    .name = "verify",
    .control = &master_verify_boundary,
    .handlers = master_handlers,
    .rules = &rules,
    .init = verify_init,
    .run = verify_run,
    .drain = verify_drain,
};
