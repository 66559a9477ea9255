/* SPDX-License-Identifier: ISC */
/*
 * milter_link - one connection to one milter, for one mail: its socket, its time, and the session
 * (milter_session.h) on it.
 */
#ifndef POSTERN_WORKER_FILTER_MILTER_LINK_H
#define POSTERN_WORKER_FILTER_MILTER_LINK_H

#include "worker/filter/milter_session.h"

struct event_base;
struct milter_link;

/*
 * The session is over (WHY is NULL), or there is none to be had: WHY says in words what failed.
 * Called once, from the loop, never from within milter_link_new(). The link is to be freed then.
 */
typedef void milter_done_fn(void *context, const struct milter_session *, const char *why);

/*
 * FD (taken, also on failure; non-blocking) is a stream's socket that is connected, or has begun
 * to. It is told of MAIL, which has to live as long. SECONDS: without a word from it, or room for
 * one to it. Returns NULL with ERR filled.
 */
struct milter_link *milter_link_new(struct event_base *, int fd, unsigned seconds,
				    const struct milter_mail *, milter_done_fn *done, void *context,
				    struct error *err);

/* Closes it, whatever it is doing; done is not called any more. NULL is fine. */
void milter_link_free(struct milter_link *);

#endif
