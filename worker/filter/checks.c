/* SPDX-License-Identifier: ISC */
/* What queue says (queue_filter.h): mails, as they come together. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "worker/filter/filter.h"

#define CHECKS_MAX 1024                   /* more than queue ever has */
#define RECIPIENTS_MAX (16 * 1024 * 1024) /* octets of forward-paths of one mail */

static struct check_private *
find(const struct filter *filter, uint32_t number)
{
	struct check_private *private;

	LIST_FOREACH (private, &filter->checks, entry) {
		if (private->check.mail.check == number)
			return private;
	}
	return NULL;
}

/* One that is still without its message. */
static struct check_private *
open_one(const struct filter *filter, uint32_t number)
{
	struct check_private *private = find(filter, number);

	return private == NULL || private->request != 0 ? NULL : private;
}

static bool
is_mail(const struct qf_mail *mail)
{
	static const uint8_t zero[sizeof(mail->zero)];

	return mail->check != 0 && memcmp(mail->zero, zero, sizeof(zero)) == 0 &&
	       (mail->kind == FILTER_STRANGER || mail->kind == FILTER_SUBMITTER ||
		mail->kind == FILTER_OWN) &&
	       client_tls_is_sound(&mail->tls) && mail->seven_bit < FILTER_LEAVES_COUNT &&
	       mail->mechanism < LOGIN_WAYS && mail->utf8 <= 1 &&
	       mail->envelope < FILTER_ENVELOPE_COUNT &&
	       (mail->kind != FILTER_OWN || mail->envelope == FILTER_ENVELOPE_OFF) &&
	       (mail->submitter[0] != '\0' || mail->mechanism == LOGIN_BY_NOTHING) &&
	       memchr(mail->helo, '\0', sizeof(mail->helo)) != NULL &&
	       memchr(mail->submitter, '\0', sizeof(mail->submitter)) != NULL &&
	       (mail->kind == FILTER_SUBMITTER) == (mail->submitter[0] != '\0');
}

static int
on_mail(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct qf_mail *mail = message->body;
	struct filter *filter = context;
	struct check_private *private;

	(void)channel;
	if (!is_mail(mail) || memchr(message->tail, '\0', message->tail_length) != NULL ||
	    find(filter, mail->check) != NULL || filter->check_count >= CHECKS_MAX)
		return -1;
	private = calloc(1, sizeof(*private));
	if (private == NULL)
		return -1;
	private->check.sender = strdup(message->tail_length == 0 ? "" : message->tail);
	if (private->check.sender == NULL) {
		free(private);
		return -1;
	}
	private->check.filter = filter;
	private->check.mail = *mail;
	private->check.private = private;
	private->check.recipients = "";
	LIST_INSERT_HEAD(&filter->checks, private, entry);
	filter->check_count++;
	return 0;
}

static int
on_rcpt(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct qf_number *number = message->body;
	struct check_private *private = open_one(context, number->check);
	size_t length = message->tail_length;
	char *more;

	(void)channel;
	if (private == NULL || length == 0 || message->tail[length - 1] != '\0' ||
	    private->recipients_size + length > RECIPIENTS_MAX)
		return -1;
	more = realloc(private->recipients, private->recipients_size + length);
	if (more == NULL)
		return -1;
	memcpy(more + private->recipients_size, message->tail, length);
	private->recipients = more;
	private->recipients_size += length;
	private->check.recipients = more;
	for (size_t i = 0; i < length; i++) {
		if (message->tail[i] == '\0')
		private->check.recipient_count++;
	}
	return 0;
}

/* A message that can't be looked at: what is wrong with it is its own, or ours. */
static void
refuse_unread(struct check_private *private, int number)
{
	struct check *check = &private->check;

	private->verdict.verdict = FILTER_ACCEPT;
	if (check->mail.kind == FILTER_OWN)
		return;
	if (number == EMSGSIZE)
		check_verdict(check, FILTER_REJECT, 552, "5.3.4", "header too long",
			      "Message refused: its header is longer than 1 MiB, or has more than "
			      "10000 fields");
	else
		check_verdict(check, FILTER_LATER, 451, "4.3.0", strerror(number),
			      "The message can't be checked now, try again later");
}

/* Takes FD. */
static int
begin(struct filter *filter, const struct ipc_message *message, int fd)
{
	const struct qf_check *body = message->body;
	struct check_private *private = open_one(filter, body->check);
	bool file = message->type == QF_CHECK_FILE;

	if (private == NULL || message->id == 0 || private->check.recipient_count == 0 ||
	    body->zero != 0 || body->size == 0 || (!file && body->size != message->tail_length)) {
		if (fd != -1)
			close(fd);
		return -1;
	}
	private->request = message->id;
	private->came = body->size;
	private->check.message = message_new(file ? NULL : message->tail, fd, body->size);
	if (private->check.message == NULL) {
		refuse_unread(private, errno);
		check_finish(private);
		return 0;
	}
	return check_start(private);
}

static int
on_check(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	return begin(context, message, -1);
}

static int
on_check_file(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	return begin(context, message, ipc_take_fd(message));
}

/* One that is not there has been answered meanwhile. */
static int
on_cancel(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct qf_number *number = message->body;
	struct check_private *private = find(context, number->check);

	(void)channel;
	if (private != NULL)
		check_free(private);
	return 0;
}

const struct ipc_handler checks_handlers[] = {
    {QF_MAIL, on_mail},     {QF_RCPT, on_rcpt},
    {QF_CHECK, on_check},   {QF_CHECK_FILE, on_check_file},
    {QF_CANCEL, on_cancel}, {0, NULL},
};

void
checks_drop(struct filter *filter)
{
	struct check_private *private;

	while ((private = LIST_FIRST(&filter->checks)) != NULL)
		check_free(private);
}
