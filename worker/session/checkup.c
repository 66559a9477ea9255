/* SPDX-License-Identifier: ISC */
#include "worker/session/checkup.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/proto/checkup.h"
#include "worker/session/store_check.h"

#define ANSWER_SECONDS 60 /* an administrator who does not read is not waited for */

struct checkup {
	struct bufferevent *stream;
	struct evbuffer *text; /* what is to be said */
	uint64_t told;
	const char *mailbox;
	checkup_closed_fn *closed;
	void *arg;

	bool repair;
	enum store_result result;
	struct store_check report;
	struct error err;
};

static void
checkup_free(struct checkup *checkup)
{
	if (checkup->stream != NULL)
		bufferevent_free(checkup->stream);
	if (checkup->text != NULL)
		evbuffer_free(checkup->text);
	free(checkup);
}

struct checkup *
checkup_new(struct event_base *base, int fd, const char *mailbox, checkup_closed_fn *closed,
	    void *arg)
{
	struct checkup *checkup = calloc(1, sizeof(*checkup));

	if (checkup != NULL) {
		checkup->mailbox = mailbox;
		checkup->closed = closed;
		checkup->arg = arg;
		checkup->text = evbuffer_new();
		checkup->stream = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	}
	if (checkup != NULL && checkup->text != NULL && checkup->stream != NULL)
		return checkup;
	if (checkup == NULL || checkup->stream == NULL)
		close(fd);
	if (checkup != NULL)
		checkup_free(checkup);
	return NULL;
}

/*
 * -- Looking ------------------------------------------------------------------------
 */

/* A line; names of files and folders may have anything in them. Without memory it is left out. */
static void
say(struct checkup *checkup, const char *word, const char *what)
{
	char line[CHECKUP_LINE_MAX];
	size_t length;

	strlcpy(line, word, sizeof(line) - 1);
	strlcat(line, what, sizeof(line) - 1);
	for (char *at = line; (at = strpbrk(at, "\r\n")) != NULL;)
		*at = '?';
	length = strlen(line);
	line[length++] = '\n';
	(void)evbuffer_add(checkup->text, line, length);
}

static void
on_problem(const char *what, void *arg)
{
	struct checkup *checkup = arg;

	if (checkup->told++ < CHECKUP_FINDINGS_MAX)
		say(checkup, CHECKUP_FINDING, what);
}

static void
forget(struct checkup *checkup, bool repair)
{
	(void)evbuffer_drain(checkup->text, evbuffer_get_length(checkup->text));
	checkup->told = 0;
	checkup->repair = repair;
}

bool
checkup_look(struct checkup *checkup, struct store *open)
{
	forget(checkup, false);
	checkup->result =
	    open != NULL
		? store_check_open(open, on_problem, checkup, &checkup->report, &checkup->err)
		: store_check(false, on_problem, checkup, &checkup->report, &checkup->err);
	return checkup->result == STORE_OK && checkup->report.problems == 0;
}

void
checkup_repair(struct checkup *checkup)
{
	forget(checkup, true);
	checkup->result = store_check(true, on_problem, checkup, &checkup->report, &checkup->err);
}

/*
 * -- Answering ----------------------------------------------------------------------
 */

/* A damaged index is what a check looks for: it is found, and no failure. */
static bool
is_done(const struct checkup *checkup)
{
	return checkup->result == STORE_OK ||
	       (checkup->result == STORE_DAMAGED && !checkup->repair);
}

static void
log_checkup(const struct checkup *checkup)
{
	const struct store_check *report = &checkup->report;

	if (is_done(checkup))
		log_event(LOG_NOTICE, checkup->repair ? "mailbox.repaired" : "mailbox.checked",
			  KV_STR("user", checkup->mailbox), KV_U64("messages", report->messages),
			  KV_U64("problems", report->problems), KV_U64("lost", report->lost),
			  KV_U64("recovered", report->recovered),
			  KV_STR("rebuilt", report->rebuilt ? "yes" : "no"));
	else
		log_event(LOG_ERR, "mailbox.checkup_failed", KV_STR("user", checkup->mailbox),
			  KV_STR("why", checkup->err.text));
}

static void
say_done(struct checkup *checkup)
{
	const struct store_check *report = &checkup->report;
	const uint64_t numbers[CHECKUP_NUMBERS] = {
	    [CHECKUP_MESSAGES] = report->messages, [CHECKUP_FILES] = report->files,
	    [CHECKUP_PROBLEMS] = report->problems, [CHECKUP_STRANGE] = report->strange,
	    [CHECKUP_LOST] = report->lost,         [CHECKUP_RECOVERED] = report->recovered,
	    [CHECKUP_REBUILT] = report->rebuilt,
	};

	(void)evbuffer_add_printf(checkup->text, "%s", CHECKUP_DONE);
	for (size_t i = 0; i < CHECKUP_NUMBERS; i++)
		(void)evbuffer_add_printf(checkup->text, " %" PRIu64, numbers[i]);
	(void)evbuffer_add(checkup->text, "\n", 1);
}

static void
close_stream(struct checkup *checkup)
{
	checkup->closed(checkup, checkup->arg);
	checkup_free(checkup);
}

static void
on_written(struct bufferevent *stream, void *arg)
{
	(void)stream;
	close_stream(arg);
}

static void
on_ended(struct bufferevent *stream, short what, void *arg)
{
	(void)stream;
	(void)what;
	close_stream(arg);
}

void
checkup_answer(struct checkup *checkup)
{
	static const struct timeval time = {.tv_sec = ANSWER_SECONDS};

	log_checkup(checkup);
	if (checkup->result == STORE_DAMAGED && is_done(checkup) && checkup->report.problems == 0) {
		checkup->report.problems++;
		on_problem(checkup->err.text, checkup);
	}
	if (is_done(checkup))
		say_done(checkup);
	else
		say(checkup, CHECKUP_FAILED, checkup->err.text);
	bufferevent_setcb(checkup->stream, NULL, on_written, on_ended, checkup);
	bufferevent_set_timeouts(checkup->stream, NULL, &time);
	(void)bufferevent_write_buffer(checkup->stream, checkup->text);
	(void)bufferevent_enable(checkup->stream, EV_WRITE);
}
