/* SPDX-License-Identifier: ISC */
/* notify - what the init system is told, and what it hands over. Nothing, where there is none. */
#ifndef POSTERN_MASTER_NOTIFY_H
#define POSTERN_MASTER_NOTIFY_H

#include "common/error.h"
#include "master/generation.h"

struct event_base;

void notify_ready(const char *status);  /* READY=1, STATUS= */
void notify_status(const char *status); /* STATUS= */
void notify_reloading(void);            /* RELOADING=1, MONOTONIC_USEC= */
void notify_stopping(void);             /* STOPPING=1, STATUS= */
void
notify_wait(unsigned seconds); /* EXTEND_TIMEOUT_USEC=: it takes so long until the next is said */

/* WATCHDOG=1, at half of the time-out that was asked for, as long as the loop runs. */
void notify_start_watchdog(struct event_base *);
void notify_stop_watchdog(void);

/*
 * The listening sockets that were handed over (sd_listen_fds(3)): an array for free(3), *COUNT may
 * be 0. What is no listening TCP socket is closed, with a warning.
 */
struct activated *notify_sockets(size_t *count);

#endif
