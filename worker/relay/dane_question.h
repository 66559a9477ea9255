/* SPDX-License-Identifier: ISC */
/* dane_question - asks DNS for a mail server's TLSA records (dane.h). */
#ifndef POSTERN_WORKER_RELAY_DANE_QUESTION_H
#define POSTERN_WORKER_RELAY_DANE_QUESTION_H

#include "worker/relay/dane.h"

struct resolver;
struct dane_question;

/*
 * Asks for the records of the server at PORT that is called NAME, or ALIAS if that has none (2.2.2;
 * "" if it has no other name). DONE is called from the loop, never from here, once, unless
 * dane_forget() comes first; the reference is the callee's, and never NULL. NULL without memory.
 */
typedef void dane_done_fn(struct dane *, void *arg);
struct dane_question *dane_ask(struct resolver *, uint16_t port, const char *name,
			       const char *alias, dane_done_fn *done, void *arg);
/*
 * The same for a server that is called ALIAS, which stands for a name that is not secure (2.2.2):
 * that name's records would prove nothing, ALIAS's own count if that it is an alias is proved.
 */
struct dane_question *dane_ask_alias(struct resolver *, uint16_t port, const char *alias,
				     dane_done_fn *done, void *arg);
void dane_forget(struct dane_question *); /* NULL is fine */

#endif
