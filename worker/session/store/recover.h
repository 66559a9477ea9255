/* SPDX-License-Identifier: ISC */
#ifndef POSTERN_WORKER_SESSION_STORE_RECOVER_H
#define POSTERN_WORKER_SESSION_STORE_RECOVER_H

#include "worker/session/store.h"

/*
 * Once a process, before it first writes a message: makes the folders for messages, ends what a
 * crash left half-done (files in tmp/, doomed messages), and forgets old delivery ids. A login
 * alone writes nothing.
 */
enum store_result recover(struct store *, struct error *);

#endif
