/* SPDX-License-Identifier: ISC */
#include "worker/filter/dkim_bodies.h"

#include <event2/event.h>
#include <stdlib.h>

#define STEP (256 * 1024) /* octets in one turn of the loop */

struct form {
	struct dkim_body body;
	EVP_MD_CTX *hash; /* NULL at the end */
	uint8_t result[DKIM_HASH_SIZE];
};

struct dkim_bodies {
	const struct message *message;
	struct event *step;
	dkim_bodies_fn *done;
	void *arg;
	uint64_t at;
	char *piece;
	int count;
	struct form forms[DKIM_BODIES_MAX];
};

static void
emit(void *arg, const void *octets, size_t length)
{
	dkim_hash_add(arg, octets, length);
}

/* A timer, not an active event: others have their turn in between. */
static void
go_on(struct dkim_bodies *bodies)
{
	static const struct timeval now = {0};

	(void)evtimer_add(bodies->step, &now);
}

static void
finish(struct dkim_bodies *bodies)
{
	for (int i = 0; i < bodies->count; i++) {
		struct form *form = &bodies->forms[i];

		dkim_body_end(&form->body);
		dkim_hash_end(form->hash, form->result);
		form->hash = NULL;
	}
	bodies->done(false, bodies->arg);
}

static void
on_step(evutil_socket_t fd, short what, void *arg)
{
	struct dkim_bodies *bodies = arg;
	ssize_t n = 0;

	(void)fd;
	(void)what;
	if (bodies->count > 0)
		n = message_body(bodies->message, bodies->at, bodies->piece, STEP);
	if (n < 0) {
		bodies->done(true, bodies->arg);
		return;
	}
	if (n == 0) {
		finish(bodies);
		return;
	}
	for (int i = 0; i < bodies->count; i++)
		dkim_body_add(&bodies->forms[i].body, bodies->piece, (size_t)n);
	bodies->at += (uint64_t)n;
	go_on(bodies);
}

struct dkim_bodies *
dkim_bodies_new(struct event_base *base, const struct message *message)
{
	struct dkim_bodies *bodies = calloc(1, sizeof(*bodies));

	if (bodies == NULL)
		return NULL;
	bodies->message = message;
	bodies->step = evtimer_new(base, on_step, bodies);
	bodies->piece = malloc(STEP);
	if (bodies->step != NULL && bodies->piece != NULL)
		return bodies;
	dkim_bodies_free(bodies);
	return NULL;
}

void
dkim_bodies_free(struct dkim_bodies *bodies)
{
	if (bodies == NULL)
		return;
	if (bodies->step != NULL)
		event_free(bodies->step);
	for (int i = 0; i < bodies->count; i++)
		dkim_hash_drop(bodies->forms[i].hash);
	free(bodies->piece);
	free(bodies);
}

int
dkim_bodies_want(struct dkim_bodies *bodies, enum dkim_canon canon, bool limited, uint64_t limit)
{
	struct form *form = &bodies->forms[bodies->count];

	for (int i = 0; i < bodies->count; i++) {
		const struct dkim_body *body = &bodies->forms[i].body;

		if (body->canon == canon && body->limited == limited &&
		    (!limited || body->limit == limit))
			return i;
	}
	if (bodies->count == DKIM_BODIES_MAX)
		return -1;
	form->hash = dkim_hash_begin();
	if (form->hash == NULL)
		return -1;
	dkim_body_begin(&form->body, canon, limited, limit, emit, form->hash);
	return bodies->count++;
}

int
dkim_bodies_start(struct dkim_bodies *bodies, dkim_bodies_fn *done, void *arg)
{
	static const struct timeval now = {0};

	bodies->done = done;
	bodies->arg = arg;
	return evtimer_add(bodies->step, &now);
}

const uint8_t *
dkim_bodies_hash(const struct dkim_bodies *bodies, int number, uint64_t *size)
{
	*size = bodies->forms[number].body.size;
	return bodies->forms[number].result;
}
