/* SPDX-License-Identifier: ISC */
/*
 * Authentication-Results fields that came with the message and say that this server wrote them are
 * lies: they are removed (RFC 8601 5), and so are those that nobody can read.
 */
#include <string.h>

#include "common/log.h"
#include "worker/filter/filter.h"
#include "worker/filter/results.h"

static bool
is_ours(const struct check *check, const struct message_field *field)
{
	char id[HOST_NAME_SIZE];

	return !results_id(field->text.value, id, sizeof(id)) ||
	       strcasecmp(id, check->filter->settings.hostname) == 0;
}

static void
start(struct check *check)
{
	struct message_field *field = NULL;
	unsigned removed = 0;

	while ((field = message_came(check->message, "Authentication-Results", field)) != NULL) {
		if (!is_ours(check, field))
			continue;
		message_remove(check->message, field);
		removed++;
	}
	if (removed > 0)
		log_event(LOG_INFO, "filter.foreign_results", KV_CONN(check->mail.conn),
			  KV_U64("removed", removed));
	check_next(check);
}

const struct stage stage_foreign = {
    .name = "foreign",
    .kinds = FILTER_STRANGER | FILTER_SUBMITTER,
    .start = start,
};
