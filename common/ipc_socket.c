/* SPDX-License-Identifier: ISC */
/* One datagram with at most one descriptor, in and out. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/ipc.h"

/* Room for more descriptors than are ever allowed, so that a liar's are seen, counted and closed.
 */
#define FDS_ROOM 8

union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int) * FDS_ROOM)];
};

int
ipc_pair(int sv[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv);
}

int
ipc_send_fd(int channel, uint16_t type, uint32_t id, const void *body, size_t body_length,
	    const char *tail, size_t tail_length, int fd)
{
	static const struct ipc_empty empty;
	struct ipc_header header = {.type = type, .id = id};
	struct iovec parts[3];
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};
	union control control;
	ssize_t sent;

	if (body == NULL) {
		body = &empty;
		body_length = sizeof(empty);
	}
	header.length = (uint32_t)(body_length + tail_length);
	/* sendmsg() takes the parts as non-const, but only reads them. */
	parts[0] = (struct iovec){.iov_base = &header, .iov_len = sizeof(header)};
	memcpy(&parts[1].iov_base, &body, sizeof(void *));
	parts[1].iov_len = body_length;
	memcpy(&parts[2].iov_base, &tail, sizeof(void *));
	parts[2].iov_len = tail_length;
	if (fd != -1) {
		memset(&control, 0, sizeof(control));
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	do {
		sent = sendmsg(channel, &message, MSG_NOSIGNAL);
	} while (sent == -1 && errno == EINTR);
	return sent == -1 ? -1 : 0;
}

/* Collects the descriptors that came along; more than FDS_ROOM the kernel has closed itself. */
static size_t
take_fds(struct msghdr *message, int fds[FDS_ROOM])
{
	size_t count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
		size_t here;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		here = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < here && count < FDS_ROOM; i++)
			memcpy(&fds[count++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
	}
	return count;
}

static void
close_fds(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
}

static void
fill_message(struct ipc_message *message, const struct ipc_rule *rule, char *data, size_t length)
{
	struct ipc_header header;

	memcpy(&header, data, sizeof(header));
	message->type = header.type;
	message->id = header.id;
	message->body = data + sizeof(header);
	message->tail = data + sizeof(header) + rule->body;
	message->tail_length = header.length - rule->body;
	data[length] = '\0';
}

int
ipc_receive(int channel, const struct ipc_boundary *boundary, enum ipc_side receiver,
	    uint32_t state, void *buffer, struct ipc_message *message, struct error *err)
{
	struct iovec part = {.iov_base = buffer, .iov_len = IPC_MESSAGE_MAX};
	union control control;
	struct msghdr header = {.msg_iov = &part,
				.msg_iovlen = 1,
				.msg_control = &control,
				.msg_controllen = sizeof(control)};
	const struct ipc_rule *rule = NULL;
	enum ipc_verdict verdict;
	int fds[FDS_ROOM];
	ssize_t length;
	size_t count;

	/* A peer that died with messages unread is told of once, before those that it had sent. */
	do {
		length = recvmsg(channel, &header, MSG_CMSG_CLOEXEC);
	} while (length == -1 && (errno == EINTR || errno == ECONNRESET));
	if (length == -1)
		return error_errno(err, "receiving");
	count = take_fds(&header, fds);
	if (length == 0 && count == 0)
		return 0;
	verdict = ipc_check(boundary, receiver, state, buffer, (size_t)length, count, &rule);
	if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		verdict = IPC_BAD_HEADER;
	if (verdict != IPC_OK) {
		close_fds(fds, count);
		errno = EBADMSG;
		return error_set(err, "%s", ipc_verdict_text(verdict));
	}
	fill_message(message, rule, buffer, (size_t)length);
	message->fd = count == 1 ? fds[0] : -1;
	return 1;
}

int
ipc_take_fd(struct ipc_message *message)
{
	int fd = message->fd;

	message->fd = -1;
	return fd;
}
