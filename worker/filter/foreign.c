/* SPDX-License-Identifier: ISC */
/*
 * Authentication-Results fields that came with the message and say that this server wrote them are
 * lies: they are removed (RFC 8601 5), and so are those that nobody can read. So is Return-Path,
 * which only the last server writes (RFC 5321 4.4). The mails that filter is not asked about, and
 * those of users, the gate has rid of them (worker/gate/smtp/claims.h); what strangers have signed
 * must be whole until here.
 */
#include "common/log.h"
#include "common/mime/authserv_id.h"
#include "worker/filter/filter.h"

static void
remove_results(struct check *check)
{
	const char *hostname = check->filter->settings.hostname;
	struct message_field *field = NULL;
	unsigned removed = 0;

	while ((field = message_came(check->message, "Authentication-Results", field)) != NULL) {
		if (!authserv_id_may_be(field->text.value, hostname))
			continue;
		message_remove(check->message, field);
		removed++;
	}
	if (removed > 0)
		log_event(LOG_INFO, "filter.foreign_results", KV_CONN(check->mail.conn),
			  KV_U64("removed", removed));
}

static void
start(struct check *check)
{
	struct message_field *field = NULL;

	remove_results(check);
	while ((field = message_came(check->message, "Return-Path", field)) != NULL)
		message_remove(check->message, field);
	check_next(check);
}

const struct stage stage_foreign = {
    .name = "foreign",
    .kinds = FILTER_STRANGER | FILTER_SUBMITTER,
    .start = start,
};
