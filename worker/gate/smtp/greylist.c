/* SPDX-License-Identifier: ISC */
/* Is it too soon for a stranger's mail? Queue remembers who has come before (queue/greylist.h). */
#include <string.h>

#include "common/proto/gate_queue.h"
#include "worker/gate/smtp/session.h"

static int
on_answer(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct smtp_rcpt *rcpt = arg;
	struct conn *conn = rcpt->conn;
	bool sound = message == NULL || message->type == GQ_GREYLISTED;

	(void)channel;
	rcpt->request = 0;
	if (message == NULL || !sound) {
		rcpt->verdict = RCPT_UNAVAILABLE;
	} else {
		const struct gq_greylisted *answer = message->body;

		rcpt->wait = answer->wait;
	}
	smtp_rcpts_reply(conn, conn_state(conn));
	return sound ? 0 : -1;
}

void
smtp_greylist(struct conn *conn, const struct smtp_session *session, struct smtp_rcpt *rcpt)
{
	struct gq_greylist question = {.conn = conn_identity(conn), .peer = *conn_peer(conn)};
	struct ipc_channel *queue = conn_queue(conn);
	size_t to = strlen(rcpt->path) + 1, from = strlen(session->mail->from);
	char tail[GQ_GREYLIST_TAIL_MAX];

	/* Longer paths are none (PATH_SIZE). */
	if (!conn_may_greylist(conn) || to + from > sizeof(tail))
		return;
	rcpt->verdict = RCPT_UNAVAILABLE;
	if (queue == NULL || ipc_queued(queue) > SMTP_BACKLOG_MAX)
		return;
	memcpy(tail, rcpt->path, to);
	memcpy(tail + to, session->mail->from, from);
	rcpt->asked = queue;
	rcpt->request = ipc_request(queue, GQ_GREYLIST, &question, tail, to + from, -1,
				    SMTP_RCPT_TIMEOUT, on_answer, rcpt);
	if (rcpt->request != 0)
		rcpt->verdict = RCPT_LOCAL;
}
