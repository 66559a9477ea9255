/* SPDX-License-Identifier: ISC */
/* GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208): one quota root "", the account. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "worker/session/imap/commands.h"

#define STORAGE_UNIT 1024 /* octets, RFC 9208 5.1 */

/* Only what is limited is a resource of the root (RFC 9208 4.2.1). */
static enum store_result
tell_quota(struct imap *imap, struct error *err)
{
	struct store_quota quota;
	enum store_result result = store_quota(imap->store, &quota, err);
	const char *space = "";

	if (result != STORE_OK)
		return result;
	imap_text(imap, "* QUOTA \"\" (");
	if (quota.storage_limit != 0) {
		imap_printf(imap, "STORAGE %" PRIu64 " %" PRIu64,
			    (quota.storage + STORAGE_UNIT - 1) / STORAGE_UNIT,
			    quota.storage_limit / STORAGE_UNIT);
		space = " ";
	}
	if (quota.messages_limit != 0)
		imap_printf(imap, "%sMESSAGE %" PRIu64 " %" PRIu64, space, quota.messages,
			    quota.messages_limit);
	imap_text(imap, ")\r\n");
	return STORE_OK;
}

static void
answer(struct imap *imap, const struct imap_command *command, enum store_result result,
       const struct error *err)
{
	if (result == STORE_OK)
		imap_ok(imap, "%s done", imap_verb_name(command));
	else
		imap_failed(imap, result, err);
}

void
imap_do_getquota(struct imap *imap, const struct imap_command *command)
{
	struct error err;

	if (command->string[0] != '\0') {
		imap_tagged(imap, "NO", "[NONEXISTENT] The only quota root is \"\"");
		return;
	}
	answer(imap, command, tell_quota(imap, &err), &err);
}

/* A mailbox that could be made has the root too (RFC 9208 4.1.3). */
void
imap_do_getquotaroot(struct imap *imap, const struct imap_command *command)
{
	struct error err;

	imap_text(imap, "* QUOTAROOT ");
	imap_mailbox(imap, command->mailbox);
	imap_text(imap, " \"\"\r\n");
	answer(imap, command, tell_quota(imap, &err), &err);
}

void
imap_do_setquota(struct imap *imap, const struct imap_command *command)
{
	(void)command;
	imap_tagged(imap, "NO", "[NOPERM] Quotas are set by the administrator");
}
