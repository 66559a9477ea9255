/* SPDX-License-Identifier: ISC */
/* The table of stages. Their order is what a stage may build on. */
#include <errno.h>
#include <stddef.h>

#include "common/log.h"
#include "worker/filter/filter.h"

/* What all methods before it have found becomes one field (RFC 8601 4). */
static void
write_results(struct check *check)
{
	const char *value = results_end(&check->private->results);

	if (message_prepend(check->message, "Authentication-Results", value) == NULL)
		log_event(LOG_ERR, "filter.no_results", KV_CONN(check->mail.conn), KV_ERRNO(errno));
	check_next(check);
}

const struct stage stage_results = {
    .name = "results",
    .kinds = FILTER_STRANGER,
    .start = write_results,
};

const struct stage *const stages[] = {
    &stage_foreign,
    &stage_host,
    &stage_spf,
    &stage_dkim,
    &stage_arc,
    &stage_dmarc, /* builds on all of those */
    &stage_results,
    /* those that see the message as it will be, and last of all what signs it */
    &stage_milters,
    &stage_seven_bit,
    &stage_sign,
    NULL,
};
