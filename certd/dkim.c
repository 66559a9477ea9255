/* SPDX-License-Identifier: ISC */
#include "certd/dkim.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "certd/dkim_compose.h"
#include "common/address.h"
#include "common/dkim_fields.h"
#include "common/log.h"

#define SIGNATURES_MAX 4 /* of one mail: RSA and Ed25519, and what overlaps */

struct dkim {
	struct event_base *base;
	bool open;
	struct dkim_keys keys;
	struct ipc_channel *queue;
};

/* -- Signing ------------------------------------------------------------------------------ */

static bool
hash_header(const char *fields, size_t length, const struct dkim_composed *composed,
	    uint8_t hash[DKIM_HASH_SIZE])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool result =
	    context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
	    EVP_DigestUpdate(context, fields, length) == 1 &&
	    EVP_DigestUpdate(context, composed->canonical, composed->canonical_length) == 1 &&
	    EVP_DigestFinal_ex(context, hash, NULL) == 1;

	EVP_MD_CTX_free(context);
	return result;
}

/* Appends one field to OUT. False if it can't. */
static bool
sign_with(struct dkim_entry *entry, const struct qc_dkim *body, const char *fields, size_t length,
	  char *out, size_t *used)
{
	const struct dkim_order order = {.domain = entry->domain,
					 .selector = entry->selector,
					 .ed25519 = entry->ed25519,
					 .now = (int64_t)time(NULL),
					 .body_hash = body->body_hash,
					 .fields = fields,
					 .length = length,
					 .without = body->without};
	uint8_t hash[DKIM_HASH_SIZE], signature[SIGNATURE_OCTETS_MAX];
	struct dkim_composed composed;
	size_t size, added;
	struct error err;

	if (!dkim_compose(&order, &composed) || !hash_header(fields, length, &composed, hash) ||
	    dkim_entry_sign(entry, hash, signature, &size, &err) == -1)
		return false;
	added = dkim_finish(&composed, signature, size, out + *used, QF_SIGNED_MAX - *used);
	*used += added;
	return added > 0;
}

/* The keys of exactly that domain. Returns how many have signed, or -1. */
static int
sign_for(struct dkim *dkim, const char *domain, const struct qc_dkim *body, const char *fields,
	 size_t length, char *out, size_t *used)
{
	int64_t now = (int64_t)time(NULL);
	struct dkim_entry *entry;
	int count = 0;

	TAILQ_FOREACH (entry, &dkim->keys.list, entry) {
		if (strcmp(entry->domain, domain) != 0 || !dkim_entry_in_force(entry, now) ||
		    count == SIGNATURES_MAX)
			continue;
		if (!sign_with(entry, body, fields, length, out, used))
			return -1;
		count++;
	}
	return count;
}

/* A subdomain without a key of its own signs as the domain above it, which DMARC aligns. */
static int
sign(struct dkim *dkim, const struct qc_dkim *body, const char *fields, size_t length, char *out,
     size_t *used)
{
	const char *domain = body->domain;
	int count = 0;

	*used = 0;
	while (count == 0 && domain != NULL) {
		count = sign_for(dkim, domain, body, fields, length, out, used);
		domain = strchr(domain, '.');
		if (domain != NULL)
			domain++;
	}
	return count;
}

static int
on_dkim(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct qc_dkim *body = message->body;
	char domain[HOST_NAME_SIZE], out[QF_SIGNED_MAX];
	const char *end = memchr(body->domain, '\0', sizeof(body->domain));
	struct dkim *dkim = context;
	size_t used = 0;

	if (message->id == 0 || end == NULL ||
	    address_parse_domain(body->domain, (size_t)(end - body->domain), domain) !=
		ADDRESS_OK ||
	    strcmp(domain, body->domain) != 0 || !dkim_fields_may_lack(body->without))
		return -1;
	if (!dkim_fields_canonical(message->tail, message->tail_length) ||
	    sign(dkim, body, message->tail, message->tail_length, out, &used) == -1) {
		log_event(LOG_WARNING, "dkim.refused", KV_STR("domain", domain));
		(void)ipc_send(channel, QC_REFUSED, message->id, NULL, NULL, 0, -1);
	} else {
		(void)ipc_send(channel, QC_SIGNED, message->id, NULL, out, used, -1);
	}
	return 0;
}

static const struct ipc_handler handlers[] = {
    {QC_DKIM, on_dkim},
    {0, NULL},
};

/* -- From outside --------------------------------------------------------------------------- */

struct dkim *
dkim_new(struct event_base *base)
{
	struct dkim *dkim = calloc(1, sizeof(*dkim));

	if (dkim == NULL)
		return NULL;
	dkim->base = base;
	TAILQ_INIT(&dkim->keys.list);
	return dkim;
}

void
dkim_free(struct dkim *dkim)
{
	if (dkim == NULL)
		return;
	ipc_close(dkim->queue);
	dkim_keys_free(&dkim->keys);
	free(dkim);
}

void
dkim_open(struct dkim *dkim, int certs, uid_t owner)
{
	dkim_keys_load(&dkim->keys, certs, owner);
	dkim->open = true;
	dkim_changed(dkim);
}

struct dkim_keys *
dkim_keys_of(struct dkim *dkim)
{
	return &dkim->keys;
}

void
dkim_changed(struct dkim *dkim)
{
	const struct qc_keys keys = {.count = dkim->keys.count};

	if (dkim->queue != NULL && dkim->open)
		(void)ipc_send(dkim->queue, QC_KEYS, 0, &keys, NULL, 0, -1);
}

static void
on_ended(struct ipc_channel *channel, void *context)
{
	struct dkim *dkim = context;

	if (dkim->queue == channel)
		dkim->queue = NULL;
}

int
dkim_set_queue(struct dkim *dkim, int fd, struct error *err)
{
	ipc_close(dkim->queue);
	dkim->queue = ipc_open(dkim->base, fd, &queue_certd_boundary, IPC_SERVER, handlers,
			       on_ended, dkim, "queue");
	if (dkim->queue == NULL)
		return error_errno(err, "a channel to queue");
	dkim_changed(dkim);
	return 0;
}

void
dkim_audit(struct dkim *dkim)
{
	struct dkim_entry *entry;

	TAILQ_FOREACH (entry, &dkim->keys.list, entry) {
		if (entry->used == 0)
			continue;
		log_event(LOG_INFO, "dkim.use", KV_STR("domain", entry->domain),
			  KV_STR("selector", entry->selector), KV_U64("signatures", entry->used));
		entry->used = 0;
	}
}
