/* SPDX-License-Identifier: ISC */
/* The verdict goes to queue, and with it the whole message, if it has changed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/write_all.h"
#include "worker/filter/filter.h"
#include "worker/filter/milter_envelope.h"

#define PIECE 262144

/* Only what is taken has an envelope. */
static void
send_envelope(const struct check_private *private)
{
	struct qf_envelope fixed;
	char tail[QF_ENVELOPE_MAX];
	size_t length;

	if (private->check.envelope == NULL || private->verdict.verdict > FILTER_HOLD ||
	    milter_envelope_write(private->check.envelope, &fixed, tail, &length) != 1)
		return;
	fixed.check = private->check.mail.check;
	(void)ipc_send(private->check.filter->queue, QF_ENVELOPE, 0, &fixed, tail, length, -1);
}

static void
send_verdict(struct check_private *private, const char *tail, size_t length)
{
	struct ipc_channel *queue = private->check.filter->queue;

	send_envelope(private);
	(void)ipc_send(queue, QF_VERDICT, private->request, &private->verdict, tail, length, -1);
	check_free(private);
}

/* The message can't be had as it should be: it stays as it is, or has to come again. */
static void
give_up(struct check_private *private, const char *why, int number)
{
	struct check *check = &private->check;

	log_event(LOG_ERR, "filter.not_rewritten", KV_CONN(check->mail.conn), KV_STR("why", why),
		  KV_ERRNO(number));
	private->verdict.change = FILTER_SAME;
	private->verdict.size = 0;
	private->verdict.seven_bit = 0;
	if (check->mail.kind != FILTER_OWN)
		check_verdict(check, FILTER_LATER, 451, "4.3.0", why,
			      "The message can't be kept now, try again later");
	send_verdict(private, NULL, 0);
}

static void
send_in_tail(struct check_private *private)
{
	const struct message *message = private->check.message;
	size_t size = (size_t) private->verdict.size;
	char *octets = malloc(size);

	if (octets == NULL) {
		give_up(private, "no memory", ENOMEM);
		return;
	}
	if (message_write(message, octets))
		send_verdict(private, octets, size);
	else
		give_up(private, "it can't be read", errno);
	free(octets);
}

static int
copy_body(const struct message *message, int fd)
{
	char *piece = malloc(PIECE);
	uint64_t done = 0;
	ssize_t n = -1;

	while (piece != NULL && (n = message_body(message, done, piece, PIECE)) > 0) {
		if (write_all(fd, piece, (size_t)n) == -1) {
			n = -1;
			break;
		}
		done += (uint64_t)n;
	}
	free(piece);
	return n == 0 ? 0 : -1;
}

static int
write_message(const struct message *message, int fd)
{
	size_t size = message_header_size(message);
	char *header = malloc(size + 1);
	int result = -1;

	if (header != NULL) {
		message_write_header(message, header);
		result = write_all(fd, header, size);
	}
	free(header);
	return result == 0 ? copy_body(message, fd) : -1;
}

static int
on_room(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct check_private *private = arg;
	int fd, result;

	(void)channel;
	private->room = 0;
	/* Without an answer its end is near: queue is gone. */
	if (message == NULL || message->type != QF_FILE) {
		give_up(private, "there is no file for it", ENOSPC);
		return message == NULL || message->type == QF_NO_ROOM ? 0 : -1;
	}
	fd = ipc_take_fd(message);
	result = write_message(private->check.message, fd);
	/* Queue takes it only when nobody can write to it any more. */
	if (close(fd) == -1)
		result = -1;
	if (result == 0)
		send_verdict(private, NULL, 0);
	else
		give_up(private, "it can't be written", errno);
	return 0;
}

static void
ask_for_room(struct check_private *private)
{
	struct qf_number number = {private->check.mail.check};

	private->room = ipc_request(private->check.filter->queue, QF_ROOM, &number, NULL, 0, -1,
				    ROOM_SECONDS, on_room, private);
	if (private->room == 0)
		give_up(private, "there is no file for it", errno);
}

void
check_finish(struct check_private *private)
{
	const struct message *message = private->check.message;

	if (private->verdict.verdict >= FILTER_DISCARD || message == NULL || !message->changed) {
		private->verdict.seven_bit = 0;
		send_verdict(private, NULL, 0);
		return;
	}
	private->verdict.size = message_header_size(message) + message_body_size(message);
	private->verdict.change =
	    private->verdict.size <= QF_TAIL_MAX ? FILTER_IN_TAIL : FILTER_IN_FILE;
	if (private->verdict.size > qf_size_max(private->came, private->verdict.seven_bit == 1) ||
	    private->verdict.size == 0)
		give_up(private, "too much was added to it", EMSGSIZE);
	else if (private->verdict.change == FILTER_IN_TAIL)
		send_in_tail(private);
	else
		ask_for_room(private);
}
