/* SPDX-License-Identifier: ISC */
/* XUIDS: an administrator's folder keeps the UIDs it had on another server (posternctl import). */
#include "config.h"

#include "worker/session/imap/commands.h"

void
imap_do_uids(struct imap *imap, const struct imap_command *command)
{
	const struct imap_uids *uids = &command->uids;
	struct error err;
	enum store_result result = store_folder_adopt(imap->store, uids->mailbox, uids->uidvalidity,
						      uids->uidnext, uids->done, &err);

	if (result == STORE_OK)
		imap_ok(imap, "%s done", imap_verb_name(command));
	else
		imap_failed(imap, result, &err);
}
