/* SPDX-License-Identifier: ISC */
/* One mail goes through its stages. */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "worker/filter/filter.h"
#include "worker/filter/milter_envelope.h"

#define PROPERTIES_MAX 8 /* of one result */

/* -- Its way ------------------------------------------------------------------------------ */

static void
cancel(struct check_private *private)
{
	struct check *check = &private->check;

	if (private->running && stages[private->stage]->cancel != NULL)
		stages[private->stage]->cancel(check);
	private->running = false;
}

void
check_free(struct check_private *private)
{
	cancel(private);
	if (private->room != 0 && private->check.filter->queue != NULL)
		ipc_cancel(private->check.filter->queue, private->room);
	LIST_REMOVE(private, entry);
	private->check.filter->check_count--;
	if (private->next != NULL)
		event_free(private->next);
	if (private->deadline != NULL)
		event_free(private->deadline);
	message_free(private->check.message);
	milter_envelope_free(private->check.envelope);
	free(private->recipients);
	free((char *)private->check.sender);
	free(private);
}

static bool
is_over(const struct check_private *private)
{
	return stages[private->stage] == NULL || private->verdict.verdict >= FILTER_DISCARD;
}

static bool
is_wanted(const struct stage *stage, const struct check *check)
{
	return (stage->kinds & check->mail.kind) != 0 &&
	       (stage->wanted == NULL || stage->wanted(check));
}

static bool
has_time(const struct stage *stage, const struct check_private *private)
{
	return stage->cancel == NULL || private->time == TIME_LEFT ||
	       (stage->own && private->time == TIME_OVER);
}

static void
skip(struct check_private *private)
{
	const struct stage *stage = stages[private->stage];

	if (stage->skip != NULL)
		stage->skip(&private->check);
	cancel(private);
	private->stage++;
}

static void
on_next(evutil_socket_t fd, short what, void *arg)
{
	struct check_private *private = arg;
	struct check *check = &private->check;
	const struct stage *stage;

	(void)fd;
	(void)what;
	while (!is_over(private)) {
		stage = stages[private->stage];
		check->stage = NULL;
		if (!is_wanted(stage, check)) {
			private->stage++;
		} else if (!has_time(stage, private)) {
			skip(private);
		} else {
			private->running = true;
			stage->start(check);
			return;
		}
	}
	event_del(private->deadline);
	check_finish(private);
}

void
check_next(struct check *check)
{
	struct check_private *private = check->private;

	private->running = false;
	private->stage++;
	event_active(private->next, 0, 0);
}

/* Its time is over: it is put off, or goes on without what others would have to say. */
static void
end_time(struct check_private *private)
{
	static const struct timeval late = {.tv_sec = LATE_SECONDS};
	struct check *check = &private->check;

	if (private->time == TIME_LEFT && check->mail.kind != FILTER_OWN &&
	    check->filter->settings.failure == FILTER_FAIL_LATER) {
		cancel(private);
		check_verdict(check, FILTER_LATER, 451, "4.7.1", "too slow",
			      "The message could not be checked in time, try again later");
		return;
	}
	/* Without memory for a timer no more time is given. */
	private->time = private->time == TIME_LEFT && evtimer_add(private->deadline, &late) == 0
			    ? TIME_OVER
			    : TIME_OUT;
	if (private->running && !has_time(stages[private->stage], private))
		skip(private);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct check_private *private = arg;
	const struct stage *stage = stages[private->stage];

	(void)fd;
	(void)what;
	log_event(LOG_WARNING, "filter.slow", KV_CONN(private->check.mail.conn),
		  KV_STR("stage", stage == NULL ? "end" : stage->name),
		  KV_U64("seconds", private->time == TIME_LEFT ? CHECK_SECONDS : LATE_SECONDS));
	end_time(private);
	if (!private->running)
		event_active(private->next, 0, 0);
}

int
check_start(struct check_private *private)
{
	static const struct timeval wait = {.tv_sec = CHECK_SECONDS};
	struct event_base *base = private->check.filter->base;

	private->verdict.verdict = FILTER_ACCEPT;
	results_begin(&private->results, private->check.filter->settings.hostname);
	private->next = event_new(base, -1, 0, on_next, private);
	private->deadline = evtimer_new(base, on_deadline, private);
	if (private->next == NULL || private->deadline == NULL ||
	    evtimer_add(private->deadline, &wait) == -1)
		return -1;
	event_active(private->next, 0, 0);
	return 0;
}

/* -- What stages say ---------------------------------------------------------------------- */

const char *
auth_result_name(enum auth_result result)
{
	static const char *const names[] = {
	    [AUTH_NONE] = "none",           [AUTH_PASS] = "pass",
	    [AUTH_FAIL] = "fail",           [AUTH_SOFTFAIL] = "softfail",
	    [AUTH_POLICY] = "policy",       [AUTH_NEUTRAL] = "neutral",
	    [AUTH_TEMPERROR] = "temperror", [AUTH_PERMERROR] = "permerror",
	};

	return names[result];
}

void
check_result(struct check *check, const char *method, enum auth_result result, const char *reason,
	     ...)
{
	const char *properties[3 * PROPERTIES_MAX];
	const char *type;
	size_t count = 0;
	va_list ap;

	va_start(ap, reason);
	while (count < PROPERTIES_MAX && (type = va_arg(ap, const char *)) != NULL) {
		properties[3 * count] = type;
		properties[3 * count + 1] = va_arg(ap, const char *);
		properties[3 * count + 2] = va_arg(ap, const char *);
		count++;
	}
	va_end(ap);
	if (!results_add(&check->private->results, method, auth_result_name(result), reason,
			 properties, count))
		log_event(LOG_NOTICE, "filter.result_left_out", KV_CONN(check->mail.conn),
			  KV_STR("method", method));
}

/* Only what a reply may have. */
static void
copy_text(char *out, size_t size, const char *text)
{
	(void)strlcpy(out, text == NULL ? "" : text, size);
	for (; *out != '\0'; out++) {
		if (*out < ' ' || *out > '~')
			*out = '?';
	}
}

/* Only as many lines, and only so much of each, as a reply may have. */
static void
copy_lines(char out[FILTER_WORDS_SIZE], const char *text)
{
	size_t used = 0, lines = 1, column = 0;

	for (; *text != '\0' && used < FILTER_WORDS_SIZE - 1; text++) {
		if (*text == '\n' && ++lines > FILTER_LINES_MAX)
			break;
		column = *text == '\n' ? 0 : column + 1;
		if (column < FILTER_TEXT_SIZE)
			out[used++] = *text == '\n' || (*text >= ' ' && *text <= '~') ? *text : '?';
	}
	out[used] = '\0';
}

/* False: another counts. */
static bool
take_verdict(struct check *check, enum filter_verdict verdict, unsigned code, const char *status,
	     const char *why)
{
	struct qf_verdict *current = &check->private->verdict;
	const struct stage *stage = stages[check->private->stage];

	log_event(LOG_INFO, "filter.verdict", KV_CONN(check->mail.conn),
		  KV_STR("stage", stage == NULL ? "" : stage->name), KV_U64("verdict", verdict),
		  KV_STR("why", why));
	if (verdict <= current->verdict)
		return false;
	current->verdict = verdict;
	current->code = code;
	copy_text(current->status, sizeof(current->status), status);
	return true;
}

void
check_verdict(struct check *check, enum filter_verdict verdict, unsigned code, const char *status,
	      const char *why, const char *text)
{
	if (take_verdict(check, verdict, code, status, why))
		copy_text(check->private->verdict.text, FILTER_TEXT_SIZE, text);
}

void
check_refuse(struct check *check, unsigned code, const char *status, const char *why,
	     const char *lines)
{
	if (take_verdict(check, code < 500 ? FILTER_LATER : FILTER_REJECT, code, status, why))
		copy_lines(check->private->verdict.text, lines);
}

void
check_junk(struct check *check, const char *why)
{
	log_event(LOG_INFO, "filter.junk", KV_CONN(check->mail.conn), KV_STR("why", why));
	check->private->verdict.junk = 1;
}
