/* SPDX-License-Identifier: ISC */
/* CC_RESTORE, CC_REMOVE, CC_RENAME: certificates of the folder move, or go. */
#include <stdio.h>
#include <string.h>

#include "certd/admin_internal.h"
#include "certd/folder.h"
#include "certd/gates.h"
#include "certd/relays.h"
#include "common/cert_name.h"
#include "common/log.h"

/* Refuses what a gate's listener has for its own, or relay. */
static int
check_unused(const struct admin_target *target, const char *name, struct error *err)
{
	const struct vault_entry *entry = vault_find(target->vault, name);

	if (entry != NULL && target->relays != NULL && relays_have(target->relays, name))
		return error_set(err,
				 "%s: mail to other servers is sent with it: give relay another "
				 "certificate in postern.conf, then posternctl reload",
				 name);
	if (entry == NULL || target->gates == NULL || !gates_need(target->gates, entry))
		return 0;
	return error_set(err,
			 "%s: a listener of the running server uses it: give that another "
			 "certificate in postern.conf, then posternctl reload",
			 name);
}

/* The files are good, or nothing is touched. */
static int
check_files(const struct admin_target *target, const char *name, struct error *err)
{
	struct pair *pair = pair_load(target->directory, name, target->owner, err);

	pair_free(pair);
	return pair == NULL ? -1 : 0;
}

static int
restore(const struct admin_target *target, const char *from, const char *name,
	char kept[CERT_KEPT_SIZE], struct error *err)
{
	if (file_check_folder(target->directory, target->owner, err) == -1 ||
	    check_files(target, from, err) == -1)
		return -1;
	if (folder_restore(target->directory, from, kept, err) == -1)
		return -1;
	return vault_load_one(target->vault, name, target->changed, target->changed_arg, err);
}

int
admin_restore(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct cc_kept *request = message->body;
	const struct admin *admin = context;
	char name[CERT_NAME_SIZE], kept[CERT_KEPT_SIZE], text[512];
	struct error err;

	(void)channel;
	if (message->id == 0 || request->zero[0] != 0 || request->zero[1] != 0 ||
	    !cert_name_kept(request->name, name))
		return -1;
	if (!admin_ready(admin, message->id))
		return 0;
	if (restore(admin->admins->target, request->name, name, kept, &err) == -1)
		return admin_result(admin, message->id, false, err.text);
	log_event(LOG_NOTICE, "cert.restored", KV_STR("key", name), KV_STR("from", request->name),
		  KV_STR("kept", kept));
	snprintf(text, sizeof(text), "%s is what it was before.%s%s", name,
		 kept[0] == '\0' ? "" : " What was there until now is kept as ", kept);
	return admin_result(admin, message->id, true, text);
}

int
admin_remove(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct cc_kept *request = message->body;
	const struct admin *admin = context;
	const struct admin_target *target = admin->admins->target;
	char name[CERT_NAME_SIZE];
	struct error err;
	bool in_force;

	(void)channel;
	if (message->id == 0 || request->zero[0] != 0 || request->zero[1] != 0 ||
	    (!cert_name_valid(request->name) && !cert_name_kept(request->name, name)))
		return -1;
	if (!admin_ready(admin, message->id))
		return 0;
	/* Names of what is kept aside are longer than the vault's. */
	in_force = cert_name_valid(request->name);
	if ((in_force && check_unused(target, request->name, &err) == -1) ||
	    file_check_folder(target->directory, target->owner, &err) == -1 ||
	    folder_remove(target->directory, request->name, &err) == -1)
		return admin_result(admin, message->id, false, err.text);
	if (in_force)
		vault_remove(target->vault, request->name, target->changed, target->changed_arg);
	log_event(LOG_NOTICE, "cert.removed", KV_STR("key", request->name));
	return admin_result(admin, message->id, true, "");
}

int
admin_rename(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct cc_rename *request = message->body;
	const struct admin *admin = context;
	const struct admin_target *target = admin->admins->target;
	struct error err;
	bool used;

	(void)channel;
	if (message->id == 0 || request->zero[0] != 0 || request->zero[1] != 0 ||
	    !cert_name_valid(request->from) || !cert_name_valid(request->to))
		return -1;
	if (!admin_ready(admin, message->id))
		return 0;
	used = vault_find(target->vault, request->from) != NULL;
	/* What is in force may be better than its files: it is not given up for those. */
	if (check_unused(target, request->from, &err) == -1 ||
	    file_check_folder(target->directory, target->owner, &err) == -1 ||
	    (used && check_files(target, request->from, &err) == -1) ||
	    folder_rename(target->directory, request->from, request->to, &err) == -1)
		return admin_result(admin, message->id, false, err.text);
	log_event(LOG_NOTICE, "cert.renamed", KV_STR("key", request->from),
		  KV_STR("to", request->to));
	vault_remove(target->vault, request->from, target->changed, target->changed_arg);
	/* A key that waits for its certificate was in nobody's hands. */
	if (used && vault_load_one(target->vault, request->to, target->changed, target->changed_arg,
				   &err) == -1)
		return admin_result(admin, message->id, false, err.text);
	return admin_result(admin, message->id, true, "");
}
