/* SPDX-License-Identifier: ISC */
/* CC_CREATE: a key, a request and a self-signed certificate. */
#include <stdio.h>
#include <string.h>

#include "certd/admin_internal.h"
#include "certd/folder.h"
#include "certd/x509.h"
#include "common/log.h"

/* The answer's text: what is where, a line each. */
static void
describe(const struct create_request *request, const struct x509_made *made, const struct key *key,
	 char *text, size_t size)
{
	size_t used;

	snprintf(text, size,
		 "%s.key  the private key: %s, %d bits\n"
		 "%s.csr  a request, for a certificate authority\n"
		 "%s.crt  self-signed, valid until %s\n"
		 "SHA-256  %s\n"
		 "names   ",
		 request->name, key_kind_name(key_kind(key)), EVP_PKEY_get_bits(key_pkey(key)),
		 request->name, request->name, made->until, made->fingerprint);
	for (size_t i = 0; i < request->count; i++) {
		used = strlen(text);
		snprintf(text + used, size - used, " %s", request->names[i]);
	}
}

/* What was there stays, under another name. */
static void
describe_kept(const char *kept, char *text, size_t size)
{
	size_t used = strlen(text);

	if (kept[0] != '\0')
		snprintf(text + used, size - used,
			 "\nkept     what was there before: %s.* (posternctl cert restore %s)",
			 kept, kept);
}

static int
put(const struct admin_target *target, const struct create_request *request,
    const struct folder_set *set, char kept[CERT_KEPT_SIZE], struct error *err)
{
	kept[0] = '\0';
	if (request->replace)
		return folder_replace(target->directory, request->name, set, kept, err);
	return folder_commit(target->directory, request->name, set, err);
}

static int
make(struct admins *admins, EVP_PKEY *pkey, char *text, size_t size, struct error *err)
{
	const struct create_request *request = &admins->request;
	const struct admin_target *target = admins->target;
	const struct x509_spec spec = {pkey, request->names, request->count, request->days,
				       &request->subject};
	const struct vault_entry *entry;
	char kept[CERT_KEPT_SIZE];
	struct x509_made made;
	int result;

	if (x509_make(&spec, &made, err) == -1)
		return -1;
	result = put(target, request, &made.set, kept, err);
	if (result == 0)
		result = vault_load_one(target->vault, request->name, target->changed,
					target->changed_arg, err);
	if (result == 0 && (entry = vault_find(target->vault, request->name)) != NULL) {
		describe(request, &made, entry->pair->key, text, size);
		describe_kept(kept, text, size);
		log_event(LOG_NOTICE, "cert.created", KV_STR("key", request->name),
			  KV_STR("name", request->names[0]), KV_U64("names", request->count),
			  KV_STR("until", made.until), KV_STR("sha256", made.fingerprint),
			  KV_STR("kept", kept));
	}
	x509_made_free(&made);
	return result;
}

/* Makes it of PKEY, which it frees, and answers; without one, ERR says why. */
static void
make_and_answer(const struct admin *admin, uint32_t id, EVP_PKEY *pkey, struct error *err)
{
	struct admins *admins = admin->admins;
	char text[CERT_TEXT_MAX + 1] = "";

	if (pkey == NULL || make(admins, pkey, text, sizeof(text), err) == -1) {
		log_event(LOG_ERR, "cert.failed", KV_STR("key", admins->request.name),
			  KV_STR("why", err->text));
		admin_result(admin, id, false, err->text);
	} else {
		admin_result(admin, id, true, text);
	}
	EVP_PKEY_free(pkey);
}

static void
on_key(EVP_PKEY *pkey, const struct error *failed, void *arg)
{
	struct admins *admins = arg;
	const struct admin *maker = admins->worker;
	struct error err = *failed;

	admin_end(admins);
	make_and_answer(maker, admins->id, pkey, &err);
}

/* The key of another certificate, which need not be in force. The caller frees it. */
static EVP_PKEY *
key_of(const struct admin_target *target, const char *name, struct error *err)
{
	struct key *key = pair_load_key(target->directory, name, target->owner, err);
	EVP_PKEY *pkey = NULL;

	if (key != NULL && EVP_PKEY_up_ref(key_pkey(key)) == 1)
		pkey = key_pkey(key);
	key_free(key);
	return pkey;
}

static int
begin(struct admins *admins, struct admin *admin, uint32_t id, struct error *err)
{
	const struct create_request *request = &admins->request;
	const struct admin_target *target = admins->target;
	int there;

	if (file_check_folder(target->directory, target->owner, err) == -1)
		return -1;
	there = folder_exists(target->directory, request->name, err);
	if (there == -1)
		return -1;
	if (there == 1 && !request->replace)
		return error_set(err,
				 "%s: there is a certificate of that name already: choose another "
				 "name, or --replace it, which keeps the old one aside",
				 request->name);
	if (request->other[0] == '\0')
		return admin_make_key(admin, id, request->key, on_key, err);
	make_and_answer(admin, id, key_of(target, request->other, err), err);
	return 0;
}

int
admin_create(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct admin *admin = context;
	struct admins *admins = admin->admins;
	struct error err;

	(void)channel;
	if (message->id == 0)
		return -1;
	if (!admin_ready(admin, message->id))
		return 0;
	switch (create_parse(message->body, message->tail, message->tail_length, &admins->request,
			     &err)) {
	case CREATE_MALFORMED:
		return -1;
	case CREATE_REFUSED:
		return admin_result(admin, message->id, false, err.text);
	case CREATE_OK:
		break;
	}
	if (begin(admins, admin, message->id, &err) == -1)
		return admin_result(admin, message->id, false, err.text);
	return 0;
}
