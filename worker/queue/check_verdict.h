/* SPDX-License-Identifier: ISC */
/* check_verdict - what filter may say of a mail (queue_filter.h), as pure functions. */
#ifndef POSTERN_WORKER_QUEUE_CHECK_VERDICT_H
#define POSTERN_WORKER_QUEUE_CHECK_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/proto/queue_filter.h"

/*
 * Is it one of that mail, of SIZE octets? TAIL octets came with it. A mail of this server's own is
 * signed, and nothing else becomes of it.
 */
bool check_verdict_is_sound(const struct qf_verdict *, const struct qf_mail *, size_t tail,
			    uint64_t size);

const char *check_verdict_name(uint32_t verdict);

#endif
