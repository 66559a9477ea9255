/* SPDX-License-Identifier: ISC */
#include "ctl/cert.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/child.h"
#include "common/proto/master_certd.h"
#include "ctl/connect.h"
#include "ctl/ctl.h"
#include "master/state.h"

/* Asks the running master for a channel to its certd. */
static int
ask_master(int master, struct cert_channel *channel, struct error *err)
{
	void *buffer = malloc(IPC_MESSAGE_MAX + 1);
	struct ipc_message reply;
	int result;

	if (buffer == NULL)
		return error_errno(err, "malloc");
	result = ctl_request(master, CM_CERTD, buffer, &reply, err);
	if (result == 0 && reply.type == CM_CHANNEL)
		channel->fd = reply.fd;
	else if (result == 0)
		result = error_set(err, "the server: %s",
				   reply.tail_length > 0 ? reply.tail : "certd is not there");
	free(buffer);
	return result;
}

/* What the master would do: the folder, who it belongs to, a channel, and off. */
static int
configure(struct cert_channel *channel, uid_t owner, int folder, int remote, struct error *err)
{
	const struct md_settings settings = {.uid = owner};
	const struct ipc_empty empty = {{0}};

	if (ipc_send_fd(channel->control, MD_SETTINGS, 0, &settings, sizeof(settings), NULL, 0,
			folder) == -1 ||
	    ipc_send_fd(channel->control, MC_START, 0, &empty, sizeof(empty), NULL, 0, -1) == -1 ||
	    ipc_send_fd(channel->control, MD_ADMIN, 0, &empty, sizeof(empty), NULL, 0, remote) ==
		-1)
		return error_errno(err, "starting postern-certd");
	return 0;
}

/* Waits until it has loaded its keys; before, it has said what is wrong to standard error. */
static int
await_ready(const struct cert_channel *channel, struct error *err)
{
	void *buffer = malloc(IPC_MESSAGE_MAX + 1);
	struct ipc_message message = {.fd = -1};
	int result;

	if (buffer == NULL)
		return error_errno(err, "malloc");
	result = ctl_receive(channel->control, &master_certd_boundary, buffer, &message, err);
	if (result == -1 || message.type != MC_READY)
		result = error_set(err, "postern-certd did not start");
	free(buffer);
	return result;
}

static int
start_own(const struct configuration *conf, const struct conf_users *users,
	  struct cert_channel *channel, struct error *err)
{
	uint32_t uid = users->uid[ROLE_CERTD];
	struct mc_identity identity = {.uid = uid,
				       .gid = users->gid[ROLE_CERTD],
				       .sandbox = (uint8_t)conf->sandbox,
				       .log_level = LOG_ERR};
	struct child_spec spec = {.role = "certd", .identity = &identity, .log_fd = STDERR_FILENO};
	char program[PATH_MAX];
	int folder, sv[2], result;

	if (state_prepare(conf, users, err) == -1)
		return -1;
	folder = state_open(conf, users, STATE_CERTS, err);
	if (folder == -1)
		return -1;
	snprintf(program, sizeof(program), "%s/postern-certd", ctl_options.libexec);
	spec.program = program;
	if (ipc_pair(sv) == -1) {
		close(folder);
		return error_errno(err, "socketpair");
	}
	channel->fd = sv[0];
	channel->pid = child_spawn(&spec, &channel->control, err);
	result = channel->pid == -1
		     ? -1
		     : configure(channel, uid == UINT32_MAX ? geteuid() : uid, folder, sv[1], err);
	close(sv[1]);
	close(folder);
	return result == -1 ? -1 : await_ready(channel, err);
}

int
cert_channel_open(const struct configuration *conf, const struct conf_users *users,
		  struct cert_channel *channel, struct error *err)
{
	int master, found, result;

	*channel = (struct cert_channel){.fd = -1, .control = -1, .pid = -1};
	found = ctl_connect(conf->state, &master, err);
	if (found == -1)
		return -1;
	channel->running = found == 1;
	if (found == 1) {
		result = ask_master(master, channel, err);
		close(master);
	} else {
		result = start_own(conf, users, channel, err);
	}
	if (result == -1)
		cert_channel_close(channel);
	return result;
}

void
cert_channel_close(struct cert_channel *channel)
{
	if (channel->fd != -1)
		close(channel->fd);
	if (channel->control != -1)
		close(channel->control); /* it ends when its master is gone */
	while (channel->pid > 0 && waitpid(channel->pid, NULL, 0) == -1 && errno == EINTR)
		;
	*channel = (struct cert_channel){.fd = -1, .control = -1, .pid = -1};
}
