/* SPDX-License-Identifier: ISC */
/* filter - which folders a command is about (RFC 5465 6, RFC 7377 2.2). Pure. */
#ifndef POSTERN_WORKER_SESSION_IMAP_FILTER_H
#define POSTERN_WORKER_SESSION_IMAP_FILTER_H

#include "worker/session/imap/command.h"

/*
 * Is this folder, or (id 0) this name that is only subscribed, one of those that FILTER means?
 * SELECTED and SELECTED-DELAYED never are: what is selected is the caller's to know.
 */
bool filter_has(const struct imap_filter *, const char *name, const struct store_folder *);

#endif
