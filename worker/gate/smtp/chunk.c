/* SPDX-License-Identifier: ISC */
/*
 * BDAT: the content in chunks (RFC 3030 2). Each has a reply of its own. The octets of a chunk that
 * is refused are read and thrown away: none of them is ever a command.
 */
#include <inttypes.h>

#include "worker/gate/smtp/session.h"

/* All of the chunk has been read, and thrown away. */
static void
dropped(struct conn *conn, struct smtp_session *session)
{
	const char *reply = session->chunk_reply;

	session->chunk_dropped = false;
	session->chunk_reply = NULL;
	if (reply == NULL)
		return;
	smtp_reply(conn, "%s", reply);
	(void)smtp_count_idle(conn);
}

static void
drop(struct conn *conn, struct smtp_session *session, const char *reply)
{
	session->chunk_dropped = true;
	session->chunk_reply = reply;
	if (session->chunk_left == 0)
		dropped(conn, session);
}

void
smtp_chunk_drop(struct smtp_session *session)
{
	session->chunk_dropped = session->chunk_left > 0;
	session->chunk_reply = NULL;
}

/* The chunk that begins now, or has none. */
static void
take(struct conn *conn, struct smtp_session *session)
{
	session->state = SMTP_CHUNK;
	if (session->chunk_left == 0)
		(void)smtp_chunk(conn, session, "", 0);
}

void
smtp_chunk_begin(struct conn *conn, struct smtp_session *session)
{
	take(conn, session);
	/* Where it was the last and empty, the commit holds the session on. */
	if (session->state != SMTP_COMMITTING)
		smtp_release(conn, session);
}

void
smtp_chunk_over(struct conn *conn, struct smtp_session *session)
{
	session->state = SMTP_CHUNKS;
	smtp_reply(conn, "250 2.0.0 Ok: %" PRIu64 " octets so far",
		   session->mail->receipt->data.size);
}

size_t
smtp_chunk(struct conn *conn, struct smtp_session *session, const char *bytes, size_t length)
{
	size_t used = length < session->chunk_left ? length : (size_t)session->chunk_left;

	session->chunk_left -= used;
	if (!session->chunk_dropped)
		return smtp_receive(conn, session, bytes, used);
	if (session->chunk_left == 0)
		dropped(conn, session);
	return used;
}

void
smtp_cmd_bdat(struct conn *conn, struct smtp_session *session, const struct smtp_command *command)
{
	session->chunk_left = command->chunk;
	session->chunk_last = command->last;
	if (session->state == SMTP_NEW)
		drop(conn, session, "503 5.5.1 Send EHLO first");
	else if (session->state == SMTP_READY)
		drop(conn, session, "503 5.5.1 Send MAIL and RCPT first");
	else if (session->state == SMTP_CHUNKS)
		take(conn, session);
	else if (session->mail->taken_count == 0)
		drop(conn, session, "554 5.5.1 No valid recipients");
	else {
		session->mail->chunked = true;
		smtp_open_body(conn, session);
	}
}
