/* SPDX-License-Identifier: ISC */
/* dkim - the channel to queue (queue_certd.h): mails are signed with the keys of dkim_keys.h. */
#ifndef POSTERN_CERTD_DKIM_H
#define POSTERN_CERTD_DKIM_H

#include "certd/dkim_keys.h"

struct event_base;
struct dkim;

/* NULL without memory. */
struct dkim *dkim_new(struct event_base *);
void dkim_free(struct dkim *); /* NULL is fine */

/* Reads the folder; from then on it answers. */
void dkim_open(struct dkim *, int certs, uid_t owner);
struct dkim_keys *dkim_keys_of(struct dkim *);
/* Their number has changed: queue is told. */
void dkim_changed(struct dkim *);

/* Takes the channel to queue, in place of an older one. -1 with ERR filled. */
int dkim_set_queue(struct dkim *, int fd, struct error *);

/* A line in the log for each key that was used since the last one. */
void dkim_audit(struct dkim *);

#endif
