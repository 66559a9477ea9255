/* SPDX-License-Identifier: ISC */
#include "worker/accounts/clients.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/proto/accounts_verify.h"
#include "common/proto/gate_accounts.h"
#include "worker/accounts/accounts.h"

#define VERIFY_TIMEOUT 20 /* seconds; a proof takes some milliseconds */
#define VERIFY_QUEUED 64  /* proofs that wait for the verifier to read them, 60 kB each at most */
/* Of a gate that are under way, once half of VERIFY_QUEUED wait: the rest is for other gates. */
#define VERIFY_SHARE 16
/* Of the configuration in force, and of the one before, whose gates drain. */
#define QUESTIONS_MAX (2 * TRUSTS_MAX)

static void
tell(struct gate_channel *gate, const struct question *question)
{
	const struct ga_ask asked = {.trust = question->trust};

	(void)ipc_send(gate->channel, GA_ASK, 0, &asked, question->names, question->length, -1);
}

bool
clients_allowed(const struct gate_channel *gate, uint32_t trust)
{
	for (size_t i = 0; i < gate->trust_count; i++) {
		if (gate->trusts[i] == trust)
			return true;
	}
	return false;
}

void
clients_tell(struct accounts_service *service, struct gate_channel *gate)
{
	const struct question *question;

	LIST_FOREACH (question, &service->questions, entry) {
		/* cppcheck-suppress uninitvar ; set by LIST_FOREACH */
		if (clients_allowed(gate, question->trust))
			tell(gate, question);
	}
}

/* A series of SEQUENCEs that fill it (X.690 8.1, 10.1): as far as it matters here, names. */
static bool
are_names(const char *names, size_t length)
{
	const uint8_t *at = (const uint8_t *)names, *end = at + length;

	while (at < end) {
		size_t size, octets;

		if (end - at < 2 || at[0] != 0x30)
			return false;
		octets = at[1] < 0x80 ? 0 : at[1] - 0x80u;
		size = octets == 0 ? at[1] : 0;
		if (at[1] == 0x80 || octets > 2 || (size_t)(end - at) < 2 + octets)
			return false;
		for (size_t i = 0; i < octets; i++)
			size = size << 8 | at[2 + i];
		at += 2 + octets;
		if (size > (size_t)(end - at))
			return false;
		at += size;
	}
	return true;
}

static bool
is_asked(const struct accounts_service *service, uint32_t trust)
{
	const struct gate_channel *gate;

	LIST_FOREACH (gate, &service->gate_channels, entry) {
		/* cppcheck-suppress uninitvar ; set by LIST_FOREACH */
		if (clients_allowed(gate, trust))
			return true;
	}
	return false;
}

/*
 * Makes room for one of TRUST: its earlier one goes, or else, if there are too many, one that no
 * gate asks with; of these the oldest, as the master counts.
 */
static void
make_room(struct accounts_service *service, uint32_t trust)
{
	struct question *question, *spare = NULL;
	bool spare_asked = false, same = false;
	size_t count = 0;

	LIST_FOREACH (question, &service->questions, entry) {
		/* cppcheck-suppress uninitvar ; set by LIST_FOREACH */
		bool asked = is_asked(service, question->trust);

		count++;
		same = question->trust == trust;
		if (same || spare == NULL || (spare_asked && !asked) ||
		    (spare_asked == asked && question->trust < spare->trust)) {
			spare = question;
			spare_asked = asked;
		}
		if (same)
			break;
	}
	if (spare == NULL || (!same && count < QUESTIONS_MAX))
		return;
	LIST_REMOVE(spare, entry);
	free(spare);
}

/*
 * The verifier is no more trusted than it must be: what it says is passed on, nothing else, and so
 * much of it as there can be.
 */
static int
on_ask(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct accounts_service *service = context;
	const struct av_ask *asked = message->body;
	struct question *question;
	struct gate_channel *gate;

	(void)channel;
	if (message->id != 0 || asked->trust == 0 || asked->zero != 0 ||
	    message->tail_length == 0 || !are_names(message->tail, message->tail_length))
		return -1;
	question = malloc(sizeof(*question) + message->tail_length);
	if (question == NULL) {
		log_event(LOG_ERR, "accounts.question", KV_STR("why", "no memory"));
		return 0;
	}
	make_room(service, asked->trust);
	question->trust = asked->trust;
	question->length = message->tail_length;
	memcpy(question->names, message->tail, message->tail_length);
	LIST_INSERT_HEAD(&service->questions, question, entry);
	LIST_FOREACH (gate, &service->gate_channels, entry) {
		if (clients_allowed(gate, question->trust))
			tell(gate, question);
	}
	return 0;
}

static const struct ipc_handler handlers[] = {
    {AV_ASK, on_ask},
    {0, NULL},
};

static void
on_ended(struct ipc_channel *channel, void *context)
{
	struct accounts_service *service = context;

	if (service->verify == channel)
		service->verify = NULL;
}

/* The older channel ends by itself: so those who wait for an answer on it hear that none comes. */
void
clients_open(struct accounts_service *service, int fd)
{
	service->verify = ipc_open(service->child->base, fd, &accounts_verify_boundary, IPC_CLIENT,
				   handlers, on_ended, service, "verify");
	if (service->verify == NULL)
		log_event(LOG_ERR, "accounts.channel", KV_STR("peer", "verify"),
			  KV_STR("why", "no memory"));
}

uint32_t
clients_verify(struct gate_channel *gate, uint32_t trust, const char *proof, size_t length,
	       ipc_reply_fn *reply, void *arg)
{
	struct accounts_service *service = gate->service;
	const struct av_verify asked = {.trust = trust};
	size_t queued;

	if (service->verify == NULL)
		return 0;
	queued = ipc_queued(service->verify);
	if (queued >= VERIFY_QUEUED ||
	    (queued >= VERIFY_QUEUED / 2 && gate->verifying > VERIFY_SHARE))
		return 0;
	return ipc_request(service->verify, AV_VERIFY, &asked, proof, length, -1, VERIFY_TIMEOUT,
			   reply, arg);
}
