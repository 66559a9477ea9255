/* SPDX-License-Identifier: ISC */
#include "worker/queue/greylister.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/proto/gate_queue.h"
#include "worker/queue/clock.h"
#include "worker/queue/greylist.h"

#define COMPLAIN_SECONDS 60 /* between two lines about the same trouble */
/* Hashes lie all over the database: what comes together costs much less. */
#define COMMIT_SECONDS 3

struct greylister {
	struct greylist_rules rules;
	struct greylist *greylist; /* NULL: nobody waits */
	struct event *commit;
	int64_t complained; /* seconds since the epoch, or 0 */
};

static int64_t
now(void)
{
	return clock_now() / CLOCK_SECOND;
}

static void
complain(struct greylister *g, const char *why)
{
	int64_t second = now();

	if (g->complained != 0 && second < g->complained + COMPLAIN_SECONDS)
		return;
	g->complained = second;
	log_event(LOG_WARNING, "queue.greylist_failed", KV_STR("why", why),
		  KV_STR("so", "mail comes in without waiting"));
}

void
greylister_commit(struct greylister *g)
{
	if (g->greylist != NULL && greylist_is_dirty(g->greylist) &&
	    greylist_commit(g->greylist, now()) == -1)
		complain(g, greylist_error(g->greylist));
}

static void
on_commit(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	greylister_commit(arg);
}

struct greylister *
greylister_new(struct queue *queue)
{
	struct greylister *g = calloc(1, sizeof(*g));
	struct error err;

	if (g == NULL)
		return NULL;
	g->rules = queue->settings.greylist;
	g->commit = evtimer_new(queue->base, on_commit, g);
	if (g->commit == NULL) {
		free(g);
		return NULL;
	}
	if (g->rules.enabled == 1) {
		g->greylist = greylist_open(&g->rules, now(), &err);
		if (g->greylist == NULL)
			complain(g, err.text);
	}
	return g;
}

void
greylister_free(struct greylister *g)
{
	if (g == NULL)
		return;
	greylister_commit(g);
	greylist_close(g->greylist);
	event_free(g->commit);
	free(g);
}

/* -- Questions --------------------------------------------------------------------------- */

bool
greylister_is_question(const char *tail, size_t length)
{
	size_t recipient = strnlen(tail, length), sender;

	if (recipient == length || !queue_is_path(tail, recipient, true))
		return false;
	sender = length - recipient - 1;
	return sender == 0 || queue_is_path(tail + recipient + 1, sender, true);
}

/* One line for what has waited, and one for a network that need not any more. */
static void
log_pass(const struct greylister *g, const struct gq_greylist *question, const char *sender,
	 const char *recipient, const struct greylist_answer *answer)
{
	struct in6_addr network;

	greylist_network(&g->rules, &question->peer.address, &network);
	if (answer->verdict == GREYLIST_WAITED)
		log_event(LOG_INFO, "queue.greylist_passed", KV_CONN(question->conn),
			  KV_ADDR("peer", &question->peer.address), KV_STR("from", sender),
			  KV_STR("to", recipient), KV_U64("waited", answer->seconds));
	if (answer->now_known)
		log_event(LOG_INFO, "queue.greylist_known", KV_CONN(question->conn),
			  KV_ADDR("network", &network), KV_U64("passes", g->rules.passes));
}

/* Seconds to wait. */
static uint32_t
decide(struct greylister *g, const struct gq_greylist *question, const char *sender,
       const char *recipient)
{
	static const struct timeval soon = {.tv_sec = COMMIT_SECONDS};
	struct greylist_answer answer;

	answer = greylist_ask(g->greylist, &question->peer.address, sender, recipient, now());
	if (answer.verdict == GREYLIST_BROKEN)
		complain(g, greylist_error(g->greylist));
	if (greylist_is_dirty(g->greylist) && evtimer_pending(g->commit, NULL) == 0)
		(void)evtimer_add(g->commit, &soon);
	log_pass(g, question, sender, recipient, &answer);
	return answer.verdict == GREYLIST_WAIT ? answer.seconds : 0;
}

int
greylister_take(struct greylister *g, struct ipc_channel *channel,
		const struct ipc_message *message)
{
	const struct gq_greylist *question = message->body;
	const char *recipient = message->tail;
	struct gq_greylisted answer = {0};

	if (message->id == 0 || question->zero != 0 ||
	    !greylister_is_question(message->tail, message->tail_length))
		return -1;
	/* A gate of an older configuration may still ask. */
	if (g->greylist != NULL)
		answer.wait = decide(g, question, recipient + strlen(recipient) + 1, recipient);
	(void)ipc_send(channel, GQ_GREYLISTED, message->id, &answer, NULL, 0, -1);
	return 0;
}
