/* SPDX-License-Identifier: ISC */
/*
 * The protocol has the word: what the client sends goes to its input(), what it queues goes to the
 * client. While a client does not read its answers, it is not heard.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "worker/gate/conn_private.h"

#define CONTENT_CREDIT 1024 /* octets of a mail's content for one idle timeout */

/* Why reading stopped. */
enum stop {
	STOP_WAITING, /* for more from the client */
	STOP_PAUSED,
	STOP_BACKLOG, /* for the client to read */
	STOP_TURN,    /* enough for one turn */
	STOP_ENDED,   /* the state has changed */
};

/*
 * Who connects has the command timeout for a first command. From then on a mail server has the
 * patience of RFC 5321 4.5.3.2.7; for the others, what counts is the time until they are logged in.
 */
void
conn_start_quiet_time(struct conn *c)
{
	bool mail = c->listener->settings.service == SERVICE_SMTP ||
		    c->listener->settings.service == SERVICE_SUBMISSION;

	deadline_start(&c->deadline, mail && c->heard ? &c->listener->idle : &c->gate->command);
}

bool
conn_is_idle(struct conn *c)
{
	const struct protocol *protocol = c->listener->protocol;

	return !c->paused && c->input_length == 0 && (protocol->busy == NULL || !protocol->busy(c));
}

void
conn_drain(struct conn *c)
{
	const char *farewell = conn_drain_farewell(c);

	if (farewell == NULL || c->state_now != CONN_TALKING || !conn_is_idle(c))
		return;
	conn_output(c, farewell, strlen(farewell));
	conn_end(c, "drained");
}

/* A client that speaks TLS where it should speak plaintext first. */
static bool
refuse_tls(struct conn *c, char first)
{
	const char *farewell = c->listener->protocol->tls_farewell;

	if (c->first_seen || c->tls != NULL)
		return false;
	c->first_seen = true;
	if (first != RECORD_HANDSHAKE)
		return false;
	log_event(LOG_NOTICE, "conn.tls_on_plain_port", KV_CONN(c->id),
		  KV_ADDR("peer", &c->peer.address),
		  KV_STR("hint", "this listener's tls is not \"implicit\""));
	if (farewell != NULL)
		conn_output(c, farewell, strlen(farewell));
	conn_end(c, "TLS instead of plaintext");
	return true;
}

/*
 * What a client sends buys it time: each command does, but of a mail's content only so much at a
 * time. A client that lets it drip would hold its place for days.
 */
static void
credit(struct conn *c, size_t used)
{
	const struct protocol *protocol = c->listener->protocol;

	c->credit += (uint32_t)used;
	if (protocol->content != NULL && protocol->content(c) && c->credit < CONTENT_CREDIT)
		return;
	c->credit = 0;
	conn_start_quiet_time(c);
}

/* Gives the protocol what there is; returns how much it used. *STOP: why it went no further. */
static size_t
offer(struct conn *c, const char *bytes, size_t length, enum stop *stop)
{
	const struct protocol *protocol = c->listener->protocol;
	size_t used, offset = 0;

	*stop = STOP_WAITING;
	if (length > 0 && refuse_tls(c, bytes[0]))
		*stop = STOP_ENDED;
	while (*stop == STOP_WAITING && offset < length) {
		used = protocol->input(c, bytes + offset, length - offset);
		offset += used;
		if (c->state_now != CONN_TALKING)
			*stop = STOP_ENDED;
		else if (c->paused || conn_is_held_back(c))
			*stop = STOP_PAUSED;
		else if (used == 0)
			break;
		else if (conn_backlog(c) > OUTPUT_BACKLOG)
			*stop = STOP_BACKLOG;
		c->heard = c->heard || used > 0;
		if (used > 0 && *stop != STOP_ENDED && *stop != STOP_PAUSED)
			credit(c, used);
	}
	return offset;
}

/* Keeps what was not used up, no longer than it is. */
static void
keep(struct conn *c, const char *bytes, size_t length)
{
	if (length == 0)
		return;
	c->input = malloc(length);
	if (c->input == NULL) {
		conn_abort(c, "out of memory");
		return;
	}
	memcpy(c->input, bytes, length);
	c->input_length = (uint32_t)length;
}

/* Moves what was kept into BUFFER. */
static size_t
take(struct conn *c, char *buffer)
{
	size_t length = c->input_length;

	if (length == 0)
		return 0;
	memcpy(buffer, c->input, length);
	freezero(c->input, length);
	c->input = NULL;
	c->input_length = 0;
	return length;
}

static void
reading_failed(struct conn *c, enum tls_result result)
{
	if (result == TLS_EOF)
		conn_end(c, "closed by client");
	else
		conn_abort(c, conn_failure(c));
}

/* Reads and offers until something stops it. What is left over is in BUFFER, *LEFT bytes. */
static enum stop
read_and_offer(struct conn *c, char *buffer, size_t *left)
{
	enum stop stop;
	int i;

	for (i = 0;; i++) {
		size_t used = offer(c, buffer, *left, &stop), done;
		enum tls_result result;

		*left -= used;
		memmove(buffer, buffer + used, *left);
		if (stop != STOP_WAITING)
			return stop;
		if (i == ROUNDS_A_TURN)
			return STOP_TURN;
		if (*left >= GATE_BUFFER_SIZE) {
			conn_end(c, "a line without an end");
			return STOP_ENDED;
		}
		result = conn_read(c, buffer + *left, GATE_BUFFER_SIZE - *left, &done);
		if (result == TLS_WANT_READ || result == TLS_WANT_WRITE)
			return STOP_WAITING;
		if (result != TLS_OK) {
			reading_failed(c, result);
			return STOP_ENDED;
		}
		*left += done;
	}
}

/* One round of hearing and answering. Returns why it stopped. */
static enum stop
hear(struct conn *c)
{
	char *buffer = c->gate->buffer;
	size_t left = take(c, buffer);
	enum stop stop = read_and_offer(c, buffer, &left);

	/*
	 * Plaintext behind STARTTLS or STLS is dropped here (CVE-2011-0411, CVE-2021-33515): all
	 * that this process has read. What is still in the socket meets the TLS parser, and fails.
	 */
	if (c->state_now == CONN_TALKING || c->state_now == CONN_PUMPING)
		keep(c, buffer, left);
	/* There may have been a password in it. */
	explicit_bzero(buffer, GATE_BUFFER_SIZE);
	return stop;
}

/* Why not to hear the client now; STOP_WAITING if nothing speaks against it. */
static enum stop
hindrance(const struct conn *c)
{
	if (c->paused || conn_is_held_back(c))
		return STOP_PAUSED;
	return conn_backlog(c) > OUTPUT_BACKLOG ? STOP_BACKLOG : STOP_WAITING;
}

void
conn_talk(struct conn *c)
{
	enum tls_result flushed;
	enum stop stop;
	int i;

	for (i = 0; i < ROUNDS_A_TURN; i++) {
		c->wanted = 0;
		stop = hindrance(c);
		if (stop == STOP_WAITING)
			stop = hear(c);
		if (c->state_now != CONN_TALKING)
			return;
		flushed = conn_is_held_back(c) ? TLS_OK : conn_flush(c);
		if (flushed == TLS_EOF || flushed == TLS_FAILED) {
			conn_abort(c, conn_failure(c));
			return;
		}
		conn_drain(c);
		if (c->state_now != CONN_TALKING || flushed != TLS_OK || stop != STOP_BACKLOG)
			break;
	}
	if (stop == STOP_TURN || (stop == STOP_BACKLOG && flushed == TLS_OK))
		conn_yield(c);
}
