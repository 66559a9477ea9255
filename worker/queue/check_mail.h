/* SPDX-License-Identifier: ISC */
/* check_mail - what filter is told of a mail (queue_filter.h), beside its recipients and itself. */
#ifndef POSTERN_WORKER_QUEUE_CHECK_MAIL_H
#define POSTERN_WORKER_QUEUE_CHECK_MAIL_H

#include "common/proto/queue_filter.h"

struct transaction;

enum filter_kind check_kind(const struct transaction *);

/* How many recipients filter is told of: those that were named. */
size_t check_recipients(const struct transaction *);

/* The mail of check NUMBER. */
void check_describe(const struct transaction *, uint32_t number, struct qf_mail *);

#endif
