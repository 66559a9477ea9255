/* SPDX-License-Identifier: ISC */
/*
 * state - the folders below the state folder: made where they are missing, checked where they are
 * not.
 *
 *   STATE/        0711  the master's user
 *   STATE/certs/  0700  certd's (or wherever the key "certs" says)
 *   STATE/mail/   0711  the master's; domains and mailboxes below: mailboxes.h
 *   STATE/queue/  0700  queue's
 *   STATE/empty/  0555  the master's; the root of gates
 *
 * (STATE/srs.secret is srs_file.h's.)
 */
#ifndef POSTERN_MASTER_STATE_H
#define POSTERN_MASTER_STATE_H

#include "common/error.h"
#include "master/conf.h"
#include "master/conf_check.h"

enum state_folder { STATE_TOP, STATE_CERTS, STATE_MAIL, STATE_QUEUE, STATE_EMPTY, STATE_COUNT };

/* Makes and checks them all. Returns 0, or -1 with ERR saying which, and what to do. */
int state_prepare(const struct configuration *, const struct conf_users *, struct error *);

/* Opens one (O_DIRECTORY, close-on-exec), checked again; the caller closes it. -1 with ERR. */
int state_open(const struct configuration *, const struct conf_users *, enum state_folder,
	       struct error *);

/* Its path. Returns OUT. */
const char *state_path(const struct configuration *, enum state_folder, char out[PATH_MAX]);

#endif
