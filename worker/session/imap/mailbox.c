/* SPDX-License-Identifier: ISC */
/* CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE (RFC 9051 6.3.4 to 6.3.8); rights (RFC 4314). */
#include "config.h"

#include <string.h>

#include "worker/session/imap/commands.h"

static void
answer(struct imap *imap, const struct imap_command *command, enum store_result result,
       const struct error *err)
{
	if (result == STORE_OK)
		imap_ok(imap, "%s done", imap_verb_name(command));
	else
		imap_failed(imap, result, err);
}

/* RFC 9051 6.3.4: a "/" at the end says that there will be names below. */
static void
without_slash(const char *name, char out[STORE_NAME_MAX + 2])
{
	size_t length = strlcpy(out, name, STORE_NAME_MAX + 2);

	if (length > 1 && length < STORE_NAME_MAX + 2 && out[length - 1] == '/')
		out[length - 1] = '\0';
}

void
imap_do_create(struct imap *imap, const struct imap_command *command)
{
	const struct imap_create *create = &command->create;
	char name[STORE_NAME_MAX + 2];
	struct store_folder folder;
	struct error err;
	enum store_result result;

	if (create->unknown_use != NULL) {
		imap_tagged(imap, "NO", "[USEATTR] There is no use %s here", create->unknown_use);
		return;
	}
	without_slash(create->mailbox, name);
	result = store_folder_create(imap->store, name, create->use, &folder, &err);
	if (result == STORE_OK)
		imap_ok(imap, "[MAILBOXID (%s)] %s done", folder.object, imap_verb_name(command));
	else if (result == STORE_REFUSED && create->use != 0)
		imap_tagged(imap, "NO", "[USEATTR] %s", err.text);
	else
		imap_failed(imap, result, &err);
}

void
imap_do_delete(struct imap *imap, const struct imap_command *command)
{
	struct store_folder folder;
	struct error err;
	enum store_result result = store_folder(imap->store, command->mailbox, &folder, &err);

	if (result == STORE_OK)
		result = store_folder_delete(imap->store, command->mailbox, &err);
	/* One's own is closed, so that this isn't answered with a BYE as others' are. */
	if (result == STORE_OK && imap->state == IMAP_SELECTED && imap->view.folder == folder.id) {
		imap_unselect(imap);
		imap_text(imap, "* OK [CLOSED] The selected mailbox is deleted\r\n");
	}
	answer(imap, command, result, &err);
}

void
imap_do_rename(struct imap *imap, const struct imap_command *command)
{
	char to[STORE_NAME_MAX + 2];
	struct error err;

	without_slash(command->rename.to, to);
	answer(imap, command, store_folder_rename(imap->store, command->rename.from, to, &err),
	       &err);
}

void
imap_do_subscribe(struct imap *imap, const struct imap_command *command)
{
	char name[STORE_NAME_MAX + 2];
	struct error err;

	without_slash(command->mailbox, name);
	answer(imap, command,
	       store_subscribe(imap->store, name, command->verb == IMAP_SUBSCRIBE, &err), &err);
}

/* RFC 4314 2.1: everything but "a", as there is nobody to administer for. */
void
imap_tell_rights(struct imap *imap, const char *name)
{
	imap_text(imap, "* MYRIGHTS ");
	imap_mailbox(imap, name);
	imap_text(imap, " lrswipkxte\r\n");
}

void
imap_do_myrights(struct imap *imap, const struct imap_command *command)
{
	struct store_folder folder;
	struct error err;
	enum store_result result = store_folder(imap->store, command->mailbox, &folder, &err);

	if (result != STORE_OK) {
		imap_failed(imap, result, &err);
		return;
	}
	imap_tell_rights(imap, command->mailbox);
	imap_ok(imap, "%s done", imap_verb_name(command));
}

void
imap_do_acl(struct imap *imap, const struct imap_command *command)
{
	(void)command;
	imap_tagged(imap, "NO", "[CANNOT] There is nobody else who could have rights here");
}
