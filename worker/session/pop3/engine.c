/* SPDX-License-Identifier: ISC */
/*
 * Input, output and time of a POP3 session. Commands are taken one after the other; while an answer
 * waits for the client to read, nothing more is read from it.
 */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker/session/discard.h"
#include "worker/session/pop3/pop3_private.h"

#define OUT_HIGH 65536  /* octets that may wait for the client */
#define TURN_MAX 262144 /* octets written before others have their turn */
#define ERRORS_MAX 20   /* lines that are no commands, before we hang up */

void
pop3_say(struct pop3 *p, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	evbuffer_add_vprintf(p->out, format, ap);
	va_end(ap);
	evbuffer_add(p->out, "\r\n", 2);
}

void
pop3_finish(struct pop3 *p, const char *why)
{
	p->state = POP3_CLOSING;
	p->why = why;
	p->in_length = 0;
}

/* All but the descriptor. */
static void
free_session(struct pop3 *p)
{
	pop3_stop_sending(p);
	maildrop_close(&p->drop);
	if (p->readable != NULL)
		event_free(p->readable);
	if (p->writable != NULL)
		event_free(p->writable);
	if (p->idle != NULL)
		event_free(p->idle);
	if (p->out != NULL)
		evbuffer_free(p->out);
	free(p);
}

static void
close_session(struct pop3 *p)
{
	log_event(LOG_INFO, "pop3.closed", KV_CONN(p->options.conn),
		  KV_STR("user", p->options.mailbox), KV_STR("why", p->why),
		  KV_U64("retrieved", p->retrieved), KV_U64("deleted", p->removed),
		  KV_U64("sent", p->sent));
	close(p->fd);
	free_session(p);
}

/* Frees it. */
static void
end(struct pop3 *p)
{
	discard_input(p->fd);
	p->closed(p, p->arg);
	close_session(p);
}

void
pop3_abort(struct pop3 *p, const char *why)
{
	if (p == NULL)
		return;
	p->why = why;
	close_session(p);
}

static void
still_alive(struct pop3 *p)
{
	struct timeval time = {.tv_sec = p->options.idle_timeout};

	if (p->options.idle_timeout != 0)
		event_add(p->idle, &time);
}

/*
 * -- Input --------------------------------------------------------------------
 */

static void
count_error(struct pop3 *p, const char *text)
{
	if (++p->errors < ERRORS_MAX) {
		pop3_say(p, "-ERR %s", text);
		return;
	}
	pop3_say(p, "-ERR %s; too many errors, goodbye", text);
	pop3_finish(p, "too many errors");
}

static void
take_line(struct pop3 *p, const char *line, size_t length)
{
	enum pop3_verdict verdict;
	struct pop3_command command;

	if (length > 0 && line[length - 1] == '\r')
		length--;
	verdict = pop3_parse_transaction(line, length, &command);
	if (verdict == POP3_OK)
		pop3_execute(p, &command);
	else
		count_error(p, pop3_verdict_text(verdict));
}

static void
consume(struct pop3 *p, size_t used)
{
	p->in_length -= used;
	memmove(p->in, p->in + used, p->in_length);
}

/*
 * Takes the first line of what has come; false if there is none yet. One that is too long is
 * thrown away as it comes, and answered once, at its end.
 */
static bool
take_input(struct pop3 *p)
{
	const char *lf = memchr(p->in, '\n', p->in_length);
	size_t used = lf != NULL ? (size_t)(lf - p->in) + 1 : p->in_length;
	bool too_long = p->skipping || used > POP3_LINE_MAX;
	char line[POP3_LINE_MAX];

	if (lf == NULL && !too_long)
		return false;
	p->skipping = lf == NULL;
	if (!too_long)
		memcpy(line, p->in, used);
	consume(p, used);
	if (!too_long)
		take_line(p, line, used - 1);
	else if (!p->skipping)
		count_error(p, "line too long, 255 octets are allowed");
	return !p->skipping;
}

/*
 * -- Output -------------------------------------------------------------------
 */

/* Commands and pieces of responses until there is enough to write, or nothing left to do. */
static void
work(struct pop3 *p)
{
	while (evbuffer_get_length(p->out) < OUT_HIGH) {
		if (p->producer != POP3_PRODUCE_NOTHING)
			pop3_produce(p);
		else if (p->state == POP3_CLOSING || !take_input(p))
			return;
	}
}

/* False: the client does not take more now, or is gone. */
static bool
write_out(struct pop3 *p, size_t *written)
{
	while (evbuffer_get_length(p->out) > 0) {
		int n = evbuffer_write(p->out, p->fd);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return false;
		if (n <= 0) {
			p->broken = true;
			p->why = "the client went away";
			return false;
		}
		*written += (size_t)n;
		p->sent += (uint64_t)n;
	}
	return true;
}

/* Works and writes as far as it goes; then waits for the one or the other. May free it. */
static void
go_on(struct pop3 *p)
{
	size_t written = 0;
	bool taken = true;

	do {
		work(p);
		if (evbuffer_get_length(p->out) == 0)
			break;
		taken = write_out(p, &written);
	} while (taken && written < TURN_MAX);
	if (written > 0)
		still_alive(p);
	if (p->broken || (p->state == POP3_CLOSING && p->producer == POP3_PRODUCE_NOTHING &&
			  evbuffer_get_length(p->out) == 0)) {
		end(p);
		return;
	}
	if (evbuffer_get_length(p->out) > 0 || p->producer != POP3_PRODUCE_NOTHING ||
	    (written >= TURN_MAX && p->in_length > 0)) {
		event_del(p->readable);
		event_add(p->writable, NULL);
	} else {
		event_del(p->writable);
		event_add(p->readable, NULL);
	}
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct pop3 *p = arg;
	ssize_t n = read((int)fd, p->in + p->in_length, sizeof(p->in) - p->in_length);

	(void)what;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		p->why = "the client went away without QUIT";
		end(p);
		return;
	}
	p->in_length += (size_t)n;
	still_alive(p);
	go_on(p);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	go_on(arg);
}

/* RFC 1939 3: the connection is closed, nothing is removed and nothing said. */
static void
on_idle(evutil_socket_t fd, short what, void *arg)
{
	struct pop3 *p = arg;

	(void)fd;
	(void)what;
	p->why = "idle for too long";
	end(p);
}

/*
 * -- The beginning --------------------------------------------------------------
 */

static const char *const refusals[] = {
    [POP3_IN_USE] = "-ERR [IN-USE] another POP3 session has this mailbox\r\n",
    [POP3_TEMPORARY] = "-ERR [SYS/TEMP] the mailbox can't be opened now\r\n",
    [POP3_PERMANENT] = "-ERR [SYS/PERM] the mailbox is damaged; ask its administrator\r\n",
};

enum pop3_refusal
pop3_refusal_for(enum store_result result)
{
	return result == STORE_DAMAGED || result == STORE_GONE ? POP3_PERMANENT : POP3_TEMPORARY;
}

void
pop3_refuse(int fd, enum pop3_refusal refusal)
{
	/* A new stream takes a line, or its client is gone. */
	(void)send(fd, refusals[refusal], strlen(refusals[refusal]), MSG_NOSIGNAL | MSG_DONTWAIT);
	evutil_make_socket_nonblocking(fd);
	discard_input(fd);
	close(fd);
}

static int
make_events(struct pop3 *p, struct error *err)
{
	p->out = evbuffer_new();
	p->readable = event_new(p->base, p->fd, EV_READ | EV_PERSIST, on_readable, p);
	p->writable = event_new(p->base, p->fd, EV_WRITE | EV_PERSIST, on_writable, p);
	p->idle = event_new(p->base, -1, 0, on_idle, p);
	if (p->out == NULL || p->readable == NULL || p->writable == NULL || p->idle == NULL ||
	    evutil_make_socket_nonblocking(p->fd) == -1)
		return error_set(err, "no memory for a POP3 session");
	return 0;
}

struct pop3 *
pop3_start(struct event_base *base, int fd, const struct pop3_options *options, struct store *store,
	   pop3_closed_fn *closed, void *arg, struct error *err)
{
	struct pop3 *p = calloc(1, sizeof(*p));
	enum store_result result = STORE_TEMPORARY;

	if (p == NULL) {
		error_errno(err, "POP3 session");
		pop3_refuse(fd, POP3_TEMPORARY);
		return NULL;
	}
	p->options = *options;
	p->base = base;
	p->fd = fd;
	p->closed = closed;
	p->arg = arg;
	if (make_events(p, err) == 0)
		result = maildrop_open(&p->drop, store, err);
	if (result != STORE_OK) {
		free_session(p);
		pop3_refuse(fd, pop3_refusal_for(result));
		return NULL;
	}
	log_event(LOG_INFO, "pop3.opened", KV_CONN(options->conn), KV_STR("user", options->mailbox),
		  KV_U64("messages", p->drop.count), KV_U64("octets", p->drop.octets));
	pop3_say(p, "+OK %zu messages (%" PRIu64 " octets)", p->drop.left, p->drop.octets);
	still_alive(p);
	/* Written from the loop, so that the closed function never runs in here. */
	event_add(p->writable, NULL);
	return p;
}
