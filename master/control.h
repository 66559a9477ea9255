/* SPDX-License-Identifier: ISC */
/* control - the socket STATE/control, on which posternctl asks (ctl_master.h). */
#ifndef POSTERN_MASTER_CONTROL_H
#define POSTERN_MASTER_CONTROL_H

#include "common/error.h"
#include "common/proto/ctl_master.h"
#include "common/proto/master_accounts.h"

struct master;

/* Binds it (a stale one is replaced: the caller holds the lock). 0, or -1 with ERR filled. */
int control_open(struct master *, struct error *);
void control_close(struct master *); /* and removes it */

/* posternctl's channel, by the number it has while it is connected; NULL: it has gone. */
struct ipc_channel *control_channel(const struct master *, uint32_t number);

/* accounts has taken or refused a file: whoever waits for that is told. */
void control_accounts_loaded(struct master *, const struct ma_loaded *, const char *reason);
/* A reload is over: OK, or TEXT says why not. */
void control_reloaded(struct master *, bool ok, const char *text);

#endif
