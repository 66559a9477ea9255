/* SPDX-License-Identifier: ISC */
#include "certd/admin.h"

#include <sys/queue.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certd/folder.h"
#include "certd/x509.h"
#include "common/log.h"

struct admin {
	LIST_ENTRY(admin) entry;
	struct admins *admins;
	struct ipc_channel *channel;
};
LIST_HEAD(admin_list, admin);

struct admins {
	struct event_base *base;
	struct keygen *keygen;
	const struct admin_target *target;
	void (*empty)(void *);
	void *arg;
	size_t count;
	struct admin_list list;
	/* The one creation under way, if maker is not NULL. */
	struct admin *maker;
	uint32_t id;
	struct create_request request;
};

struct admins *
admins_new(struct event_base *base, const struct admin_target *target, void (*empty)(void *),
	   void *arg)
{
	struct admins *admins = calloc(1, sizeof(*admins));

	if (admins == NULL)
		return NULL;
	admins->base = base;
	admins->target = target;
	admins->empty = empty;
	admins->arg = arg;
	LIST_INIT(&admins->list);
	return admins;
}

void
admins_open(struct admins *admins, struct keygen *keygen)
{
	admins->keygen = keygen;
}

static int
answer(const struct admin *admin, uint32_t id, bool ok, const char *text)
{
	const struct cc_result result = {.ok = ok};

	(void)ipc_send(admin->channel, CC_RESULT, id, &result, text, strlen(text), -1);
	return 0;
}

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

static int
make(struct admins *admins, EVP_PKEY *pkey, char *text, size_t size, struct error *err)
{
	const struct create_request *request = &admins->request;
	const struct admin_target *target = admins->target;
	const struct x509_spec spec = {pkey, request->names, request->count, request->days};
	const struct vault_entry *entry;
	struct x509_made made;
	int result;

	if (x509_make(&spec, &made, err) == -1)
		return -1;
	result = folder_commit(target->directory, request->name, &made.set, err);
	if (result == 0)
		result = vault_load_one(target->vault, request->name, target->changed,
					target->changed_arg, err);
	if (result == 0 && (entry = vault_find(target->vault, request->name)) != NULL) {
		describe(request, &made, entry->pair->key, text, size);
		log_event(LOG_NOTICE, "cert.created", KV_STR("key", request->name),
			  KV_STR("name", request->names[0]), KV_U64("names", request->count),
			  KV_STR("until", made.until), KV_STR("sha256", made.fingerprint));
	}
	x509_made_free(&made);
	return result;
}

static void
on_key(EVP_PKEY *pkey, const struct error *failed, void *arg)
{
	struct admins *admins = arg;
	struct admin *maker = admins->maker;
	char text[CERT_TEXT_MAX + 1] = "";
	struct error err = *failed;

	admins->maker = NULL;
	if (pkey == NULL || make(admins, pkey, text, sizeof(text), &err) == -1) {
		log_event(LOG_ERR, "cert.failed", KV_STR("key", admins->request.name),
			  KV_STR("why", err.text));
		answer(maker, admins->id, false, err.text);
	} else {
		answer(maker, admins->id, true, text);
	}
	EVP_PKEY_free(pkey);
}

static int
begin(struct admins *admins, struct admin *admin, uint32_t id, struct error *err)
{
	const struct create_request *request = &admins->request;
	int there;

	if (file_check_folder(admins->target->directory, admins->target->owner, err) == -1)
		return -1;
	there = folder_exists(admins->target->directory, request->name, err);
	if (there == -1)
		return -1;
	if (there == 1)
		return error_set(err,
				 "%s: there is a %s.key, .csr or .crt already: choose another "
				 "name, or move them away",
				 request->name, request->name);
	if (keygen_start(admins->keygen, request->key, on_key, admins) == -1)
		return error_set(err, "another certificate is being made: try again in a moment");
	admins->maker = admin;
	admins->id = id;
	return 0;
}

static int
on_create(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct admin *admin = context;
	struct admins *admins = admin->admins;
	struct error err;

	(void)channel;
	if (message->id == 0)
		return -1;
	if (admins->keygen == NULL)
		return answer(admin, message->id, false,
			      "certd is still starting: try again in a moment");
	if (admins->maker != NULL)
		return answer(admin, message->id, false,
			      "another certificate is being made: try again in a moment");
	switch (create_parse(message->body, message->tail, message->tail_length, &admins->request,
			     &err)) {
	case CREATE_MALFORMED:
		return -1;
	case CREATE_REFUSED:
		return answer(admin, message->id, false, err.text);
	case CREATE_OK:
		break;
	}
	if (begin(admins, admin, message->id, &err) == -1)
		return answer(admin, message->id, false, err.text);
	return 0;
}

static const struct ipc_handler admin_handlers[] = {
    {CC_CREATE, on_create},
    {0, NULL},
};

static void
admin_free(struct admin *admin)
{
	struct admins *admins = admin->admins;

	if (admins->maker == admin) {
		keygen_cancel(admins->keygen);
		admins->maker = NULL;
	}
	LIST_REMOVE(admin, entry);
	admins->count--;
	free(admin);
}

static void
on_admin_ended(struct ipc_channel *channel, void *context)
{
	struct admin *admin = context;
	struct admins *admins = admin->admins;

	(void)channel;
	admin_free(admin);
	if (admins->count == 0 && admins->empty != NULL)
		admins->empty(admins->arg);
}

int
admins_add(struct admins *admins, int fd, struct error *err)
{
	struct admin *admin = calloc(1, sizeof(*admin));

	if (admin == NULL) {
		close(fd);
		return error_errno(err, "a channel to posternctl");
	}
	admin->admins = admins;
	admin->channel = ipc_open(admins->base, fd, &ctl_certd_boundary, IPC_SERVER, admin_handlers,
				  on_admin_ended, admin, "posternctl");
	if (admin->channel == NULL) {
		free(admin);
		return error_errno(err, "a channel to posternctl");
	}
	LIST_INSERT_HEAD(&admins->list, admin, entry);
	admins->count++;
	return 0;
}

size_t
admins_count(const struct admins *admins)
{
	return admins->count;
}

void
admins_free(struct admins *admins)
{
	struct admin *next;

	if (admins == NULL)
		return;
	for (struct admin *admin = LIST_FIRST(&admins->list); admin != NULL; admin = next) {
		next = LIST_NEXT(admin, entry);
		ipc_close(admin->channel);
		admin_free(admin);
	}
	free(admins);
}
