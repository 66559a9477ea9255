/* SPDX-License-Identifier: ISC */
#include "ctl/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * The socket's address. sun_path is short; a long state folder is reached through a descriptor
 * of it instead (*FOLDER, for the caller to close after connect(2)).
 */
static int
control_address(const char *state, struct sockaddr_un *address, int *folder, struct error *err)
{
	size_t size = sizeof(address->sun_path);

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	*folder = -1;
	if ((size_t)snprintf(address->sun_path, size, "%s/control", state) < size)
		return 0;
	*folder = open(state, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*folder == -1)
		return error_errno(err, "%s", state);
	snprintf(address->sun_path, size, "/proc/self/fd/%d/control", *folder);
	return 0;
}

int
ctl_connect(const char *state, int *fd, struct error *err)
{
	struct sockaddr_un address;
	int folder, done, saved;

	*fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (*fd == -1)
		return error_errno(err, "socket");
	if (control_address(state, &address, &folder, err) == -1) {
		close(*fd);
		return errno == ENOENT ? 0 : -1;
	}
	done = connect(*fd, (const struct sockaddr *)&address, sizeof(address));
	saved = errno;
	if (folder != -1)
		close(folder);
	if (done == 0)
		return 1;
	close(*fd);
	*fd = -1;
	errno = saved;
	/* ENOENT: never started; ECONNREFUSED: it was killed, and its socket stayed. */
	if (saved == ENOENT || saved == ECONNREFUSED)
		return 0;
	return error_errno(err, "cannot reach the server at %s/control", state);
}

int
ctl_receive(int fd, const struct ipc_boundary *boundary, void *buffer, struct ipc_message *message,
	    struct error *err)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	int ready;

	do
		ready = poll(&poll_fd, 1, CTL_TIMEOUT * 1000);
	while (ready == -1 && errno == EINTR);
	if (ready == -1)
		return error_errno(err, "poll");
	if (ready == 0)
		return error_set(err, "the server did not answer within %d seconds", CTL_TIMEOUT);
	switch (ipc_receive(fd, boundary, IPC_CLIENT, 1, buffer, message, err)) {
	case 1:
		return 0;
	case 0:
		return error_set(err, "the server closed the connection without an answer");
	default:
		return error_prefix(err, "the server's answer");
	}
}

int
ctl_request(int fd, uint16_t type, void *buffer, struct ipc_message *reply, struct error *err)
{
	const struct ipc_empty empty = {{0}};

	if (ipc_send_fd(fd, type, 1, &empty, sizeof(empty), NULL, 0, -1) == -1)
		return error_errno(err, "cannot ask the server");
	return ctl_receive(fd, &ctl_master_boundary, buffer, reply, err);
}

static int
take_result(struct ipc_message *reply, struct ctl_answer *answer, struct error *err)
{
	const struct cm_result *result = reply->body;

	if (reply->fd != -1)
		close(reply->fd);
	if (reply->type != CM_RESULT)
		return error_set(err, "unexpected answer of the server");
	answer->ok = result->ok != 0;
	memcpy(answer->text, reply->tail, reply->tail_length);
	answer->text[reply->tail_length] = '\0';
	return 0;
}

int
ctl_ask(const char *state, uint16_t type, struct ctl_answer *answer, struct error *err)
{
	struct ipc_message reply;
	void *buffer;
	int fd, result;

	*answer = (struct ctl_answer){0};
	result = ctl_connect(state, &fd, err);
	if (result != 1)
		return result;
	answer->running = 1;
	buffer = malloc(IPC_MESSAGE_MAX + 1);
	if (buffer == NULL)
		result = error_errno(err, "malloc");
	else if (ctl_request(fd, type, buffer, &reply, err) == -1)
		result = -1;
	else
		result = take_result(&reply, answer, err);
	free(buffer);
	close(fd);
	return result;
}
