/* SPDX-License-Identifier: ISC */
/* What queue does not take, in words for the client, and the log's line of how a message ended. */
#include <inttypes.h>
#include <string.h>

#include "common/log.h"
#include "common/proto/gate_queue.h"
#include "worker/gate/smtp/session.h"

static const struct {
	const char *reply; /* NULL: it has a function of its own */
	const char *why;   /* in the log */
} failures[] = {
    [QUEUE_NO_SPACE] = {"452 4.3.1 There is no space for the message now, try again later",
			"no-space"},
    [QUEUE_TOO_BIG] = {"552 5.3.4 Message refused: it is bigger than this server takes", "too-big"},
    [QUEUE_REFUSED] = {"554 5.5.1 Transaction failed: a recipient is not known any more",
		       "refused-by-queue"},
    [QUEUE_UNAVAILABLE] = {"451 4.3.0 The mail queue can't be reached now, try again later",
			   "queue-unavailable"},
    [QUEUE_UNKNOWN] = {"451 4.3.0 The message was not kept, try again later", "queue-restarted"},
    [QUEUE_SENDER] = {NULL, "sender-not-own"},
    [QUEUE_AUTHOR] = {NULL, "author"},
    [QUEUE_LIMIT] = {NULL, "limit"},
};
#define FAILURES (sizeof(failures) / sizeof(failures[0]))

static const struct {
	const char *reply; /* NULL: it has a function of its own */
	const char *why;
} authors[] = {
    [AUTHOR_FOREIGN] = {NULL, "author-not-own"},
    [AUTHOR_UNAVAILABLE] = {"451 4.3.0 The From field can't be checked now, try again later",
			    "author-unavailable"},
    [AUTHOR_MISSING] = {"550 5.6.0 Message refused: it has no From field (RFC 5322 3.6)",
			"author-missing"},
    [AUTHOR_TWICE] = {"550 5.6.0 Message refused: it has more than one From or Sender field "
		      "(RFC 5322 3.6)",
		      "author-twice"},
    [AUTHOR_BAD_FIELD] = {"550 5.6.0 Message refused: its From or Sender field is malformed, or "
			  "has no address in it (RFC 5322 3.4)",
			  "author-malformed"},
    [AUTHOR_BAD_HEADER] = {"550 5.6.0 Message refused: a line of its header is malformed "
			   "(RFC 5322 2.2)",
			   "header-malformed"},
    [AUTHOR_LONG_HEADER] = {"552 5.3.4 Message refused: its header is longer than 1048576 octets",
			    "header-too-long"},
};
#define AUTHORS (sizeof(authors) / sizeof(authors[0]))

void
smtp_log_outcome(struct conn *conn, const struct smtp_session *session, const char *event,
		 const char *why)
{
	const struct smtp_transaction *mail = session->mail;
	const struct smtp_rcpt *first = STAILQ_FIRST(&mail->taken);

	log_event(LOG_INFO, event, KV_CONN(conn_identity(conn)), KV_STR("stage", "data"),
		  KV_STR("why", why), KV_STR("queue_id", mail->body.queue_id),
		  KV_STR("from", mail->from), KV_STR("to", first != NULL ? first->path : ""),
		  KV_U64("rcpts", mail->taken_count),
		  KV_U64("size", mail->receipt != NULL ? mail->receipt->data.size : 0),
		  KV_STR("helo", session->helo),
		  KV_STR("user", session->account != NULL ? session->account : ""));
}

/* What is allowed, and how to have more of it. */
static void
reply_not_own(struct conn *conn, const struct smtp_session *session, const char *what,
	      const char *address)
{
	char quoted[SMTP_QUOTE_SIZE];

	smtp_reply(conn,
		   "550 5.7.1 %s<%s> is not an address of %s: send as that, as one of its "
		   "aliases, or as what the administrator lists in its senders",
		   what, smtp_quote(address, strlen(address), quoted),
		   session->account != NULL ? session->account : "yours");
}

/* How much may be sent, and when there is room again. */
static void
reply_limit(struct conn *conn, const struct gq_failed *failed)
{
	const char *what = failed->detail == LIMIT_MESSAGES ? "messages" : "recipients";
	uint32_t minutes = (failed->wait + 59) / 60;

	if (failed->detail == LIMIT_MESSAGE)
		smtp_reply(conn,
			   "554 5.5.3 Too many recipients: %" PRIu32
			   " at most in one message of yours",
			   failed->limit);
	else
		smtp_reply(conn,
			   "450 4.7.1 The limit of %" PRIu32
			   " %s within an hour is reached: try again in %" PRIu32 " minute%s",
			   failed->limit, what, minutes, minutes == 1 ? "" : "s");
}

static const char *
why_not(const struct gq_failed *failed)
{
	return failed->failure == QUEUE_AUTHOR ? authors[failed->detail].why
					       : failures[failed->failure].why;
}

static void
reply_failure(struct conn *conn, const struct smtp_session *session, const struct gq_failed *failed,
	      const char *text)
{
	if (failed->failure == QUEUE_SENDER)
		reply_not_own(conn, session, "", session->mail->from);
	else if (failed->failure == QUEUE_LIMIT)
		reply_limit(conn, failed);
	else if (failed->failure != QUEUE_AUTHOR)
		smtp_reply(conn, "%s", failures[failed->failure].reply);
	else if (failed->detail == AUTHOR_FOREIGN)
		reply_not_own(conn, session, "The author (From, Sender) ", text);
	else
		smtp_reply(conn, "%s", authors[failed->detail].reply);
}

void
smtp_queue_refused(struct conn *conn, struct smtp_session *session, const struct gq_failed *said,
		   const char *text)
{
	struct gq_failed failed = *said;

	/* QUEUE_FILTERED comes with its reply, and only after the commit (commit.c). */
	if (failed.failure == 0 || failed.failure >= FAILURES || failed.failure == QUEUE_FILTERED ||
	    (failed.failure == QUEUE_AUTHOR &&
	     (failed.detail <= AUTHOR_OWN || failed.detail >= AUTHORS)))
		failed.failure = QUEUE_UNAVAILABLE;
	smtp_log_outcome(conn, session, "smtp.refused", why_not(&failed));
	reply_failure(conn, session, &failed, text);
	smtp_transaction_end(conn, session);
}

void
smtp_queue_failed(struct conn *conn, struct smtp_session *session, uint32_t failure)
{
	smtp_queue_refused(conn, session, &(struct gq_failed){.failure = failure}, "");
}
