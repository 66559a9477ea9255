/* SPDX-License-Identifier: ISC */
/* client_private - between client.c, the session, and client_mail.c, a mail in it. */
#ifndef POSTERN_WORKER_RELAY_CLIENT_PRIVATE_H
#define POSTERN_WORKER_RELAY_CLIENT_PRIVATE_H

#include "worker/relay/client.h"

/* What a state does with a reply. */
typedef enum client_action client_reply_fn(struct client *, const struct reply *,
					   struct evbuffer *out);

client_reply_fn client_on_rset, client_on_envelope, client_on_data, client_on_body, client_on_dot;

/* A reply of our own. */
struct reply client_own_reply(unsigned code, const char *status, const char *text);
/* All of the mail's recipients that have no outcome yet end with this one. */
void client_settle_all(struct client *, const struct reply *, enum client_outcome);
enum client_action client_close_with(struct client *, const struct reply *why);

#endif
