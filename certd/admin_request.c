/* SPDX-License-Identifier: ISC */
/*
 * CC_REQUEST: the request for an authority, as it lies in the certs folder, or made anew from the
 * certificate in force. CC_FIELDS: what a certificate like that one is made of.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "certd/admin_internal.h"
#include "certd/file.h"
#include "certd/folder.h"
#include "certd/x509.h"
#include "common/cert_name.h"
#include "common/log.h"

/* The name under which a new key waits for its certificate. */
struct next_name {
	char text[CERT_NAME_SIZE + sizeof(".next")];
};

static struct next_name
next_of(const char *name)
{
	struct next_name next;

	snprintf(next.text, sizeof(next.text), "%s.next", name);
	return next;
}

static const struct vault_entry *
in_force(const struct admin_target *target, const char *name, struct error *err)
{
	const struct vault_entry *entry = vault_find(target->vault, name);

	if (entry == NULL)
		error_set(err, "%s: no certificate of that name is in force", name);
	return entry;
}

/* What the certificate says. */
static int
read_fields(const struct vault_entry *entry, struct cc_create *fields,
	    char tail[CERT_NAMES_TAIL_MAX], size_t *length, struct error *err)
{
	X509 *leaf = pair_leaf(entry->pair);
	int result;

	if (leaf == NULL)
		return error_set(err, "%s: no memory", entry->name);
	*fields = (struct cc_create){.name = ""};
	strlcpy(fields->name, entry->name, sizeof(fields->name));
	result = x509_fields(leaf, fields, tail, length, err);
	X509_free(leaf);
	return result == -1 ? error_prefix(err, "%s", entry->name) : 0;
}

int
admin_fields(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct cc_name *request = message->body;
	const struct admin *admin = context;
	struct {
		struct cc_create create;
		char tail[CERT_NAMES_TAIL_MAX];
	} fields;
	const struct vault_entry *entry;
	struct error err;
	size_t length;

	(void)channel;
	if (message->id == 0 || request->zero[0] != 0 || request->zero[1] != 0 ||
	    request->zero[2] != 0 || !cert_name_valid(request->name))
		return -1;
	if (!admin_ready(admin, message->id))
		return 0;
	if ((entry = in_force(admin->admins->target, request->name, &err)) == NULL ||
	    read_fields(entry, &fields.create, fields.tail, &length, &err) == -1)
		return admin_result(admin, message->id, false, err.text);
	admin_data(admin, message->id, 0, &fields, sizeof(fields.create) + length);
	return admin_result(admin, message->id, true, "");
}

static int
send_file(const struct admin *admin, uint32_t id, const struct contents *contents)
{
	if (contents->length > CERT_DATA_MAX)
		return admin_result(admin, id, false, "the request is too large");
	admin_data(admin, id, 0, contents->bytes, contents->length);
	return admin_result(admin, id, true, "");
}

/* The certificate's fields become those of the request that is being made. */
static int
take_fields(struct create_request *request, const struct vault_entry *entry, struct error *err)
{
	struct cc_create fields;
	size_t length;

	if (read_fields(entry, &fields, request->tail, &length, err) == -1)
		return -1;
	strlcpy(request->name, fields.name, sizeof(request->name));
	request->key = fields.key;
	request->days = fields.days;
	request->subject = fields.subject;
	request->count = fields.count;
	if (!names_split(request->tail, length, fields.count, request->names, SAN_MAX))
		return error_set(err, "%s: its names can't be read", entry->name);
	return 0;
}

/* For the same key: NAME.csr alone is new. */
static int
renew(struct admin *admin, uint32_t id, const struct vault_entry *entry, struct error *err)
{
	const struct create_request *request = &admin->admins->request;
	const struct admin_target *target = admin->admins->target;
	const struct x509_spec spec = {.pkey = key_pkey(entry->pair->key),
				       .names = request->names,
				       .count = request->count,
				       .subject = &request->subject};
	struct folder_set set;
	int result;

	if (x509_request(&spec, &set, err) == -1)
		return -1;
	result = folder_put(target->directory, request->name, PART_CSR, set.part[PART_CSR].bytes,
			    set.part[PART_CSR].length, err);
	if (result == 0) {
		log_event(LOG_NOTICE, "cert.requested", KV_STR("key", request->name));
		admin_data(admin, id, 0, set.part[PART_CSR].bytes, set.part[PART_CSR].length);
		admin_result(admin, id, true, "");
	}
	x509_set_free(&set);
	return result;
}

/* A new key and its request, beside what is in force until the authority has answered. */
static int
put_next(const struct admins *admins, const struct admin *admin, EVP_PKEY *pkey, struct error *err)
{
	const struct create_request *request = &admins->request;
	const struct x509_spec spec = {.pkey = pkey,
				       .names = request->names,
				       .count = request->count,
				       .subject = &request->subject};
	const struct next_name next = next_of(request->name);
	char kept[CERT_KEPT_SIZE], text[512];
	struct folder_set set;
	int result;

	if (x509_request(&spec, &set, err) == -1)
		return -1;
	result = folder_replace(admins->target->directory, next.text, &set, kept, err);
	if (result == 0) {
		vault_load_name(admins->target->vault, next.text, admins->target->changed,
				admins->target->changed_arg);
		log_event(LOG_NOTICE, "cert.requested", KV_STR("key", next.text),
			  KV_STR("kept", kept));
		admin_data(admin, admins->id, 0, set.part[PART_CSR].bytes,
			   set.part[PART_CSR].length);
		snprintf(text, sizeof(text),
			 "The new key waits as %s; %s is served until its certificate is there: "
			 "posternctl cert import FILE --name %s --replace%s%s",
			 next.text, request->name, request->name,
			 kept[0] == '\0' ? "" : "\nThe key that waited there before is kept as ",
			 kept);
		admin_result(admin, admins->id, true, text);
	}
	x509_set_free(&set);
	return result;
}

static void
on_next_key(EVP_PKEY *pkey, const struct error *failed, void *arg)
{
	struct admins *admins = arg;
	const struct admin *admin = admins->worker;
	struct error err = *failed;

	admin_end(admins);
	if (pkey == NULL || put_next(admins, admin, pkey, &err) == -1)
		admin_result(admin, admins->id, false, err.text);
	EVP_PKEY_free(pkey);
}

static int
make_anew(struct admin *admin, uint32_t id, const struct cc_request *request, struct error *err)
{
	struct create_request *making = &admin->admins->request;
	const struct admin_target *target = admin->admins->target;
	const struct next_name next = next_of(request->name);
	const struct vault_entry *entry;

	if (file_check_folder(target->directory, target->owner, err) == -1 ||
	    (entry = in_force(target, request->name, err)) == NULL ||
	    take_fields(making, entry, err) == -1)
		return -1;
	if (request->how != CERT_REQUEST_NEW_KEY)
		return renew(admin, id, entry, err);
	if (strlen(next.text) >= CERT_NAME_SIZE)
		return error_set(err, "%s: too long a name for NAME.next", request->name);
	if (vault_find(target->vault, next.text) != NULL)
		return error_set(err,
				 "%s: there is a certificate of that name, in force: rename or "
				 "remove it first",
				 next.text);
	return admin_make_key(admin, id, request->key == 0 ? making->key : request->key,
			      on_next_key, err);
}

static bool
request_valid(const struct cc_request *request)
{
	bool new_key = request->how == CERT_REQUEST_NEW_KEY;

	return request->zero[0] == 0 && request->zero[1] == 0 && request->zero[2] == 0 &&
	       cert_name_valid(request->name) && request->how >= CERT_REQUEST_PRINT &&
	       request->how <= CERT_REQUEST_NEW_KEY &&
	       request->key <= (new_key ? CERT_KEY_ED25519 : 0);
}

int
admin_request(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct cc_request *request = message->body;
	struct admin *admin = context;
	const struct admin_target *target = admin->admins->target;
	struct contents contents = {NULL, 0};
	char file[CERT_NAME_SIZE + sizeof(".csr")];
	struct error err;

	(void)channel;
	if (message->id == 0 || !request_valid(request))
		return -1;
	if (!admin_ready(admin, message->id))
		return 0;
	snprintf(file, sizeof(file), "%s.csr", request->name);
	if (request->how == CERT_REQUEST_PRINT) {
		if (file_read(target->directory, file, FILE_PUBLIC, target->owner, &contents,
			      &err) == 0) {
			send_file(admin, message->id, &contents);
			contents_free(&contents);
			return 0;
		}
		/* An imported pair has none. */
		if (errno != ENOENT || vault_find(target->vault, request->name) == NULL)
			return admin_result(admin, message->id, false, err.text);
	}
	if (make_anew(admin, message->id, request, &err) == -1)
		return admin_result(admin, message->id, false, err.text);
	return 0;
}
