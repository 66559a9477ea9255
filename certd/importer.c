/* SPDX-License-Identifier: ISC */
#include "certd/importer.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/log.h"
#include "common/proto/certd_importer.h"

struct importer_client {
	struct ipc_channel *channel; /* NULL: it is gone */
	uint32_t number;
	importer_ended_fn *ended;
	void *arg;
};

static int
on_ended(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct ci_ended *ended = message->body;
	struct importer_client *client = context;

	(void)channel;
	if (client->ended != NULL)
		client->ended(ended->number, ended->signal, ended->status, client->arg);
	return 0;
}

static int
on_ready(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	(void)message;
	(void)context;
	return 0;
}

static const struct ipc_handler handlers[] = {
    {MC_READY, on_ready}, {CI_ENDED, on_ended}, {0, NULL}};

/* certd signs all the same; who imports is told. */
static void
on_gone(struct ipc_channel *channel, void *context)
{
	struct importer_client *client = context;

	(void)channel;
	client->channel = NULL;
	log_event(LOG_ERR, "importer.died",
		  KV_STR("todo", "certificates can be imported again after a restart"));
	if (client->ended != NULL)
		client->ended(client->number, 0, 1, client->arg);
}

struct importer_client *
importer_start(struct event_base *base, const char *program, const struct mc_identity *identity,
	       struct error *err)
{
	/* It is already who it shall be. */
	const struct mc_identity same = {.uid = UINT32_MAX,
					 .gid = UINT32_MAX,
					 .sandbox = identity->sandbox,
					 .log_level = identity->log_level};
	const struct child_spec spec = {
	    .program = program, .role = "importer", .identity = &same, .log_fd = STDERR_FILENO};
	struct importer_client *client = calloc(1, sizeof(*client));
	int control;

	if (client == NULL) {
		error_errno(err, "the importer");
		return NULL;
	}
	if (child_spawn(&spec, &control, err) == -1) {
		free(client);
		return NULL;
	}
	client->channel = ipc_open(base, control, &certd_importer_boundary, IPC_CLIENT, handlers,
				   on_gone, client, "importer");
	if (client->channel == NULL ||
	    ipc_send(client->channel, MC_START, 0, NULL, NULL, 0, -1) == -1) {
		error_errno(err, "the importer's channel");
		importer_stop(client);
		return NULL;
	}
	return client;
}

void
importer_stop(struct importer_client *client)
{
	if (client == NULL)
		return;
	ipc_close(client->channel);
	free(client);
}

void
importer_listen(struct importer_client *client, importer_ended_fn *ended, void *arg)
{
	client->ended = ended;
	client->arg = arg;
}

uint32_t
importer_job(struct importer_client *client, int *channel, struct error *err)
{
	struct ci_job job = {.number = client->number + 1};
	int sv[2], result;

	if (client->channel == NULL) {
		error_set(err, "the process that reads imports has died (see the log): restart the "
			       "server");
		return 0;
	}
	if (ipc_pair(sv) == -1) {
		error_errno(err, "a channel to the importer");
		return 0;
	}
	if (job.number == 0)
		job.number = 1;
	result = ipc_send(client->channel, CI_JOB, 0, &job, NULL, 0, sv[1]);
	close(sv[1]);
	if (result == -1) {
		close(sv[0]);
		error_set(err, "the importer does not listen");
		return 0;
	}
	*channel = sv[0];
	return client->number = job.number;
}

void
importer_kill(struct importer_client *client, uint32_t number)
{
	const struct ci_kill request = {.number = number};

	if (client->channel != NULL)
		(void)ipc_send(client->channel, CI_KILL, 0, &request, NULL, 0, -1);
}

void
importer_log_changed(struct importer_client *client)
{
	if (client->channel != NULL)
		(void)ipc_send(client->channel, MC_LOG, 0, NULL, NULL, 0, STDERR_FILENO);
}
