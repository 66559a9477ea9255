/* SPDX-License-Identifier: ISC */
/*
 * author - may an account be whom a message says it is from? The header is read here, from the
 * message as it will be stored: a gate says nothing about it.
 */
#ifndef POSTERN_WORKER_ACCOUNTS_AUTHOR_H
#define POSTERN_WORKER_ACCOUNTS_AUTHOR_H

#include <stdbool.h>
#include <stddef.h>

#include "worker/accounts/resolve.h"

/*
 * BYTES begin with the header, WHOLE says that nothing is behind them. Each address in From and
 * Sender must be one that resolve_sender() lets ACCOUNT have; with AUTHOR_FOREIGN, FOREIGN is the
 * first that isn't (cut where it is too long), else "".
 */
enum author_verdict author_check(const struct resolver *, const struct account *, const char *bytes,
				 size_t length, bool whole, char foreign[PATH_SIZE]);

/* The same for a file; FD is read from its start. */
enum author_verdict author_check_file(const struct resolver *, const struct account *, int fd,
				      char foreign[PATH_SIZE]);

#endif
