/* SPDX-License-Identifier: ISC */
#include "ctl/mailbox_stream.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/connect.h"

static int
take_stream(struct ipc_message *reply, int *fd, struct error *err)
{
	const struct cm_result *result = reply->body;

	*fd = -1;
	if (reply->type == CM_CHANNEL && reply->fd != -1) {
		*fd = reply->fd;
		return 0;
	}
	if (reply->fd != -1)
		close(reply->fd);
	if (reply->type != CM_RESULT || result->ok != 0)
		return error_set(err, "unexpected answer of the server");
	return error_set(err, "%.*s", (int)reply->tail_length, reply->tail);
}

/* The control socket is closed afterwards: the stream lives on without it. */
int
mailbox_stream(const char *state, const char *address, enum mailbox_purpose purpose, int *fd,
	       struct error *err)
{
	const struct cm_mailbox mailbox = {.purpose = purpose};
	struct ipc_message reply;
	void *buffer;
	int control, result = ctl_connect(state, &control, err);

	if (result == 0)
		return error_set(
		    err, "no server is running with the state folder %s: start it first", state);
	if (result == -1)
		return -1;
	buffer = malloc(IPC_MESSAGE_MAX + 1);
	if (buffer == NULL)
		result = error_errno(err, "malloc");
	else if (ipc_send_fd(control, CM_MAILBOX, 1, &mailbox, sizeof(mailbox), address,
			     strlen(address), -1) == -1)
		result = error_errno(err, "cannot ask the server");
	else if (ctl_receive(control, &ctl_master_boundary, buffer, &reply, err) == -1)
		result = -1;
	else
		result = take_stream(&reply, fd, err);
	free(buffer);
	close(control);
	return result;
}
