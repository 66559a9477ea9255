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

static void
forget_question(struct accounts_service *service, uint32_t trust)
{
	struct question *question, *next;

	LIST_FOREACH_SAFE (question, &service->questions, entry, next) {
		/* cppcheck-suppress uninitvar ; set by LIST_FOREACH */
		if (question->trust != trust)
			continue;
		LIST_REMOVE(question, entry);
		free(question);
	}
}

/* The verifier is no more trusted than it must be: what it says is passed on, nothing else. */
static int
on_ask(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct accounts_service *service = context;
	const struct av_ask *asked = message->body;
	struct question *question;
	struct gate_channel *gate;

	(void)channel;
	if (message->id != 0 || asked->trust == 0 || asked->zero != 0 || message->tail_length == 0)
		return -1;
	question = malloc(sizeof(*question) + message->tail_length);
	if (question == NULL) {
		log_event(LOG_ERR, "accounts.question", KV_STR("why", "no memory"));
		return 0;
	}
	forget_question(service, asked->trust);
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
clients_verify(struct accounts_service *service, uint32_t trust, const char *proof, size_t length,
	       ipc_reply_fn *reply, void *arg)
{
	const struct av_verify asked = {.trust = trust};

	if (service->verify == NULL || ipc_queued(service->verify) >= VERIFY_QUEUED)
		return 0;
	return ipc_request(service->verify, AV_VERIFY, &asked, proof, length, -1, VERIFY_TIMEOUT,
			   reply, arg);
}
