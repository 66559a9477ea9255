/* SPDX-License-Identifier: ISC */
#include "worker/queue/sign.h"

#include <stdlib.h>
#include <string.h>

#include "worker/queue/queue.h"

#define SIGN_SECONDS 10

struct signer {
	struct queue *queue;
	struct ipc_channel *channel; /* NULL while certd is being restarted */
	uint32_t keys;
};

/* Who waits: ipc calls back with one pointer. */
struct wish {
	signer_done_fn *done; /* NULL: nobody any more */
	void *arg;
};

static int
on_signed(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct wish *wish = arg;
	bool refused = message != NULL && message->type == QC_REFUSED;
	bool there = message != NULL && message->type == QC_SIGNED;

	(void)channel;
	if (wish->done != NULL)
		wish->done(there ? message->tail : NULL, there ? message->tail_length : 0,
			   wish->arg);
	free(wish);
	return message == NULL || refused || there ? 0 : -1;
}

static int
on_keys(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct qc_keys *keys = message->body;
	struct signer *signer = context;

	(void)channel;
	signer->keys = keys->count;
	return 0;
}

static const struct ipc_handler handlers[] = {
    {QC_KEYS, on_keys},
    {0, NULL},
};

static void
on_ended(struct ipc_channel *channel, void *context)
{
	struct signer *signer = context;

	if (signer->channel == channel)
		signer->channel = NULL;
}

struct signer *
signer_new(struct queue *queue)
{
	struct signer *signer = calloc(1, sizeof(*signer));

	if (signer != NULL)
		signer->queue = queue;
	return signer;
}

void
signer_free(struct signer *signer)
{
	if (signer == NULL)
		return;
	ipc_close(signer->channel);
	free(signer);
}

int
signer_open(struct signer *signer, int fd)
{
	ipc_close(signer->channel);
	signer->channel = ipc_open(signer->queue->base, fd, &queue_certd_boundary, IPC_CLIENT,
				   handlers, on_ended, signer, "certd");
	return signer->channel == NULL ? -1 : 0;
}

bool
signer_has_keys(const struct signer *signer)
{
	return signer->keys > 0;
}

struct wish *
signer_ask(struct signer *signer, const struct qf_sign *order, const char *tail, size_t length,
	   signer_done_fn *done, void *arg)
{
	struct wish *wish = signer->channel == NULL ? NULL : calloc(1, sizeof(*wish));
	struct qc_dkim body;

	if (wish == NULL)
		return NULL;
	wish->done = done;
	wish->arg = arg;
	memset(&body, 0, sizeof(body));
	strlcpy(body.domain, order->domain, sizeof(body.domain));
	memcpy(body.body_hash, order->body_hash, sizeof(body.body_hash));
	body.without = order->without;
	if (ipc_request(signer->channel, QC_DKIM, &body, tail, length, -1, SIGN_SECONDS, on_signed,
			wish) != 0)
		return wish;
	free(wish);
	return NULL;
}

void
signer_forget(struct wish *wish)
{
	if (wish != NULL)
		wish->done = NULL;
}
