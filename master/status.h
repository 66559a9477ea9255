/* SPDX-License-Identifier: ISC */
/* status - processes, listeners and connections, for posternctl, the log and the init system. */
#ifndef POSTERN_MASTER_STATUS_H
#define POSTERN_MASTER_STATUS_H

#include <stddef.h>

struct master;

/* A line each; cut with "..." if there is no room for all. */
void status_text(const struct master *, char *out, size_t size);
/* The same as log events (SIGUSR1). */
void status_log(const struct master *);
/* One short line. Returns OUT. */
const char *status_line(const struct master *, char *out, size_t size);

#endif
