/* SPDX-License-Identifier: ISC */
/*
 * Input, output and time of an IMAP session. Commands are taken one after the other; one that takes
 * longer is done in steps, so that the user's other connections go on. While an answer waits for
 * the client to read, nothing more is read from it.
 */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker/session/discard.h"
#include "worker/session/imap/notify.h"
#include "worker/session/imap/unasked.h"

#define TURN_MAX 262144 /* octets written before others have their turn */
#define STEPS_MAX 16    /* of work that writes nothing, before others have their turn */

void
imap_finish(struct imap *imap, const char *why)
{
	if (imap->state == IMAP_CLOSING)
		return;
	imap_unselect(imap);
	imap->state = IMAP_CLOSING;
	imap->why = why;
	imap->in_begin = imap->in_end = 0;
}

void
imap_go_on(struct imap *imap, imap_step_fn *step, void *task, void (*free_task)(struct imap *))
{
	imap->step = step;
	imap->task = task;
	imap->free_task = free_task;
}

void
imap_end_command(struct imap *imap)
{
	if (imap->free_task != NULL)
		imap->free_task(imap);
	imap->task_memory = 0;
	imap->seen_from = imap->seen_to = 0;
	imap->unfinished = "";
	imap->step = NULL;
	imap->task = NULL;
	imap->free_task = NULL;
	imap->command = NULL;
	kept_drop(imap->kept);
	imap->kept = NULL;
}

/*
 * -- The end ----------------------------------------------------------------------
 */

/* All but the descriptor. */
static void
free_session(struct imap *imap)
{
	imap_end_command(imap);
	imap_unselect(imap);
	notify_free(imap);
	imap_input_free(imap);
	imap_account(imap);
	if (imap->watch != NULL)
		store_unwatch(imap->store, imap->watch);
	if (imap->readable != NULL)
		event_free(imap->readable);
	if (imap->writable != NULL)
		event_free(imap->writable);
	if (imap->idle != NULL)
		event_free(imap->idle);
	stream_close(&imap->stream);
	free(imap);
}

static void
close_session(struct imap *imap)
{
	log_event(LOG_INFO, "imap.closed", KV_CONN(imap->options.conn),
		  KV_STR("user", imap->options.mailbox), KV_STR("why", imap->why),
		  KV_U64("commands", imap->commands), KV_U64("received", imap->stream.received),
		  KV_U64("sent", imap->stream.sent));
	close(imap->stream.fd);
	free_session(imap);
}

/* Frees it. */
static void
end(struct imap *imap)
{
	discard_input(imap->stream.fd);
	imap->closed(imap, imap->arg);
	close_session(imap);
}

void
imap_abort(struct imap *imap, const char *why)
{
	size_t written = 0;

	if (imap == NULL)
		return;
	if (imap->step == NULL && imap->state != IMAP_CLOSING && !imap->broken) {
		imap_printf(imap, "* BYE [UNAVAILABLE] %s\r\n", why);
		(void)stream_flush(&imap->stream, &written);
	}
	imap->why = why;
	close_session(imap);
}

/*
 * -- Working ----------------------------------------------------------------------
 */

static void
still_alive(struct imap *imap)
{
	struct timeval time = {.tv_sec = imap->options.idle_timeout};

	if (imap->options.idle_timeout != 0)
		event_add(imap->idle, &time);
}

/* A piece of the command in progress. */
static void
work_on(struct imap *imap)
{
	enum imap_progress progress;

	imap_begin_work(imap);
	progress = imap->step(imap);
	imap_end_work(imap);
	if (progress == IMAP_DONE)
		imap_end_command(imap);
	imap_limit_command(imap);
}

/*
 * Commands, and pieces of them, until there is enough to write or nothing left to do. False: there
 * is more, but others have their turn first.
 */
static bool
work(struct imap *imap)
{
	unsigned steps = 0;

	while (evbuffer_get_length(imap->stream.out) < IMAP_OUT_HIGH && !imap->broken) {
		if (imap->step != NULL) {
			work_on(imap);
			if (++steps == STEPS_MAX)
				return false;
		} else if (imap->state == IMAP_SELECTED && imap->unasked != NULL) {
			unasked_begin(imap); /* before the next command, or it may wait for ever */
		} else if (imap->state == IMAP_CLOSING || !imap_input_take(imap)) {
			return true;
		}
	}
	return true;
}

/* What others have changed, for a client that waits for it; never while a command is in progress.
 */
static void
tell_changes(struct imap *imap)
{
	if (imap->step != NULL || imap->state == IMAP_CLOSING || imap->state == IMAP_GREETING ||
	    evbuffer_get_length(imap->stream.out) >= IMAP_OUT_HIGH)
		return;
	if (imap->changed && (imap->idling || notify_is_on(imap))) {
		imap->changed = false;
		imap_sync(imap, imap->idling || notify_expunges(imap), NULL);
		if (imap->state ==
		    IMAP_CLOSING) /* the selected mailbox is gone: BYE was the last word */
			return;
	}
	notify_tell(imap);
	unasked_begin(imap);
}

static void
await(struct imap *imap, bool output)
{
	event_del(output ? imap->readable : imap->writable);
	event_add(output ? imap->writable : imap->readable, NULL);
}

/* Works and writes as far as it goes; then waits for the one or the other. May free it. */
static void
go_on(struct imap *imap)
{
	size_t written = 0;
	bool whole = true;
	int taken = 1;

	do {
		whole = work(imap);
		tell_changes(imap);
		if (stream_waiting(&imap->stream) == 0)
			break;
		taken = stream_flush(&imap->stream, &written);
	} while (whole && taken == 1 && written < TURN_MAX);
	imap->options.worked();
	if (written > 0)
		still_alive(imap);
	if (taken == -1) {
		imap->broken = true;
		imap->why = "the client went away";
	}
	if (imap->broken || (imap->state == IMAP_CLOSING && imap->step == NULL &&
			     stream_waiting(&imap->stream) == 0)) {
		end(imap);
		return;
	}
	if (stream_waiting(&imap->stream) > 0 || imap->step != NULL || !whole ||
	    written >= TURN_MAX) {
		await(imap, true);
	} else {
		imap_input_rest(imap);
		await(imap, false);
	}
	imap_account(imap);
}

/*
 * -- Events -----------------------------------------------------------------------
 */

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct imap *imap = arg;
	ssize_t n = imap_input_read(imap);

	(void)fd;
	(void)what;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		imap->why = n == -1 && errno == EBADMSG ? "no deflated data came"
							: "the client went away without LOGOUT";
		end(imap);
		return;
	}
	still_alive(imap);
	go_on(imap);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	go_on(arg);
}

/* RFC 9051 5.4. */
static void
on_idle(evutil_socket_t fd, short what, void *arg)
{
	struct imap *imap = arg;
	size_t written = 0;

	(void)fd;
	(void)what;
	if (imap->step == NULL) {
		imap_text(imap, "* BYE Idle for too long\r\n");
		(void)stream_flush(&imap->stream, &written);
	}
	imap->why = "idle for too long";
	end(imap);
}

/* From inside of somebody's command, perhaps this one's: told when the loop comes round. */
static void
on_changed(void *arg, int64_t folder)
{
	struct imap *imap = arg;
	bool selected = imap->state == IMAP_SELECTED && folder == imap->view.folder;

	imap->changed = imap->changed || selected;
	if (notify_changed(imap, folder) || (selected && imap->idling))
		event_active(imap->writable, EV_WRITE, 0);
}

static void
on_noted(void *arg, int64_t folder, const char *entry)
{
	struct imap *imap = arg;

	if (notify_noted(imap, folder, entry))
		event_active(imap->writable, EV_WRITE, 0);
}

/*
 * -- The beginning ------------------------------------------------------------------
 */

static int
make_events(struct imap *imap, struct error *err)
{
	if (evutil_make_socket_nonblocking(imap->stream.fd) == -1 ||
	    stream_open(&imap->stream, imap->stream.fd) == -1)
		return error_set(err, "no memory for an IMAP session");
	imap->readable =
	    event_new(imap->base, imap->stream.fd, EV_READ | EV_PERSIST, on_readable, imap);
	imap->writable =
	    event_new(imap->base, imap->stream.fd, EV_WRITE | EV_PERSIST, on_writable, imap);
	imap->idle = event_new(imap->base, -1, 0, on_idle, imap);
	imap->watch = store_watch(imap->store, on_changed, imap);
	imap->parser = imap_parser_new();
	if (imap->parser != NULL && imap->options.administrator)
		imap_parser_set_administrator(imap->parser);
	if (imap->readable == NULL || imap->writable == NULL || imap->idle == NULL ||
	    imap->watch == NULL || imap->parser == NULL)
		return error_set(err, "no memory for an IMAP session");
	store_watch_metadata(imap->watch, on_noted);
	return 0;
}

void
imap_refuse(int fd, const char *why)
{
	char line[256];
	int length = snprintf(line, sizeof(line), "* BYE [UNAVAILABLE] %s\r\n", why);

	/* A new stream takes a line, or its client is gone. */
	(void)send(fd, line, (size_t)length, MSG_NOSIGNAL | MSG_DONTWAIT);
	evutil_make_socket_nonblocking(fd);
	discard_input(fd);
	close(fd);
}

/* NULL: FD is closed. */
static struct imap *
new_session(struct event_base *base, int fd, const struct imap_options *options,
	    struct store *store, imap_closed_fn *closed, void *arg, struct error *err)
{
	struct imap *imap = calloc(1, sizeof(*imap));

	if (imap == NULL) {
		error_errno(err, "IMAP session");
		imap_refuse(fd, "There is no memory for a session");
		return NULL;
	}
	imap->options = *options;
	imap->base = base;
	imap->stream.fd = fd;
	imap->store = store;
	imap->closed = closed;
	imap->arg = arg;
	imap->told_events = NOTIFY_MESSAGES;
	imap->unfinished = "";
	if (make_events(imap, err) == -1) {
		free_session(imap);
		imap_refuse(fd, "There is no memory for a session");
		return NULL;
	}
	still_alive(imap);
	return imap;
}

struct imap *
imap_start(struct event_base *base, int fd, const struct imap_options *options, struct store *store,
	   imap_closed_fn *closed, void *arg, struct error *err)
{
	struct imap *imap = new_session(base, fd, options, store, closed, arg, err);

	if (imap == NULL)
		return NULL;
	log_event(LOG_INFO, "imap.opened", KV_CONN(options->conn),
		  KV_STR("user", options->mailbox));
	if (options->administrator) {
		imap->state = IMAP_AUTHENTICATED;
		imap_printf(imap, "* PREAUTH [CAPABILITY %s] %s\r\n", imap_capabilities,
			    options->mailbox);
		event_add(imap->writable, NULL);
	} else {
		event_add(imap->readable, NULL);
	}
	return imap;
}

int
imap_leave(struct imap *imap)
{
	int fd = imap->stream.fd;

	free_session(imap);
	return fd;
}

struct imap *
imap_resume(struct event_base *base, int fd, const struct imap_options *options,
	    struct store *store, const struct ms_parked *parked, imap_closed_fn *closed, void *arg,
	    struct error *err)
{
	struct imap *imap = new_session(base, fd, options, store, closed, arg, err);

	if (imap == NULL)
		return NULL;
	if (!imap_take_up(imap, parked, err)) {
		imap_abort(imap, "the mailbox has changed too much");
		return NULL;
	}
	/* What happened meanwhile is told as soon as the loop comes round. */
	imap->changed = true;
	event_add(imap->readable, NULL);
	event_active(imap->writable, EV_WRITE, 0);
	return imap;
}
