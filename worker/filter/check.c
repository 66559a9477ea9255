/* SPDX-License-Identifier: ISC */
/* One mail goes through its stages. */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "worker/filter/filter.h"

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
	free(private->recipients);
	free((char *)private->check.sender);
	free(private);
}

static bool
is_over(const struct check_private *private)
{
	return stages[private->stage] == NULL || private->verdict.verdict >= FILTER_DISCARD;
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
		if ((stage->kinds & check->mail.kind) != 0 &&
		    (stage->wanted == NULL || stage->wanted(check))) {
			check->stage = NULL;
			private->running = true;
			stage->start(check);
			return;
		}
		private->stage++;
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

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct check_private *private = arg;
	struct check *check = &private->check;
	const struct stage *stage = stages[private->stage];
	const char *name = stage == NULL ? "end" : stage->name;

	(void)fd;
	(void)what;
	cancel(private);
	log_event(LOG_WARNING, "filter.slow", KV_CONN(check->mail.conn), KV_STR("stage", name),
		  KV_U64("seconds", CHECK_SECONDS));
	if (check->filter->settings.failure == FILTER_FAIL_LATER && check->mail.kind != FILTER_OWN)
		check_verdict(check, FILTER_LATER, 451, "4.7.1", "too slow",
			      "The message could not be checked in time, try again later");
	while (stages[private->stage] != NULL)
	private->stage++;
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

void
check_verdict(struct check *check, enum filter_verdict verdict, unsigned code, const char *status,
	      const char *why, const char *text)
{
	struct qf_verdict *current = &check->private->verdict;
	const struct stage *stage = stages[check->private->stage];

	log_event(LOG_INFO, "filter.verdict", KV_CONN(check->mail.conn),
		  KV_STR("stage", stage == NULL ? "" : stage->name), KV_U64("verdict", verdict),
		  KV_STR("why", why));
	if (verdict <= current->verdict)
		return;
	current->verdict = verdict;
	current->code = code;
	copy_text(current->status, sizeof(current->status), status);
	copy_text(current->text, sizeof(current->text), text);
}

void
check_junk(struct check *check, const char *why)
{
	log_event(LOG_INFO, "filter.junk", KV_CONN(check->mail.conn), KV_STR("why", why));
	check->private->verdict.junk = 1;
}
