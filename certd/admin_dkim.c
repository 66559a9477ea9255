/* SPDX-License-Identifier: ISC */
/* CC_DKIM_CREATE, CC_DKIM_LIST, CC_DKIM_ACTIVATE, CC_DKIM_REMOVE: the keys that sign mail. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "certd/admin_internal.h"
#include "certd/dkim.h"
#include "common/log.h"

static struct dkim_keys *
keys_of(const struct admins *admins)
{
	return dkim_keys_of(admins->target->dkim);
}

static bool
is_sound(const struct cc_dkim *order)
{
	return memchr(order->domain, '\0', sizeof(order->domain)) != NULL &&
	       memchr(order->selector, '\0', sizeof(order->selector)) != NULL &&
	       order->domain[0] != '\0' && order->selector[0] != '\0';
}

/*
 * The domain's other keys of the same algorithm, that sign at TIME, stop then. What fails is told:
 * two that sign are no harm.
 */
static int
retire(struct dkim_keys *keys, const struct dkim_entry *new, int64_t when, struct error *err)
{
	struct dkim_entry *entry;
	int result = 0;

	TAILQ_FOREACH (entry, &keys->list, entry) {
		if (entry == new || strcmp(entry->domain, new->domain) != 0 ||
		    entry->ed25519 != new->ed25519 || (entry->until != 0 && entry->until <= when))
			continue;
		if (dkim_keys_set(keys, entry, entry->from < when ? entry->from : when, when,
				  err) == -1)
			result = -1;
	}
	return result;
}

/* -- CC_DKIM_CREATE --------------------------------------------------------------------------- */

static int
add(struct admins *admins, EVP_PKEY *pkey, struct error *err)
{
	const struct cc_dkim *order = &admins->dkim;
	struct dkim_keys *keys = keys_of(admins);
	int64_t now = (int64_t)time(NULL), from = order->from > now ? order->from : now;

	if (dkim_keys_add(keys, order->domain, order->selector, pkey, from, err) == -1)
		return -1;
	log_event(LOG_NOTICE, "dkim.created", KV_STR("domain", order->domain),
		  KV_STR("selector", order->selector), KV_I64("signs_from", from));
	dkim_changed(admins->target->dkim);
	if (order->retire == 0)
		return 0;
	return retire(keys, dkim_keys_find(keys, order->domain, order->selector), from, err);
}

static void
on_key(EVP_PKEY *pkey, const struct error *failed, void *arg)
{
	struct admins *admins = arg;
	struct admin *admin = admins->worker;
	struct error err = *failed;
	int result = -1;

	if (pkey != NULL)
		result = add(admins, pkey, &err);
	EVP_PKEY_free(pkey);
	admin_end(admins);
	admin_result(admin, admins->id, result == 0, result == 0 ? "" : err.text);
}

int
admin_dkim_create(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct cc_dkim *order = message->body;
	struct admin *admin = context;
	struct admins *admins = admin->admins;
	struct error err;

	(void)channel;
	if (!is_sound(order) || order->retire > 1 ||
	    (order->key != CERT_KEY_RSA_2048 && order->key != CERT_KEY_RSA_3072 &&
	     order->key != CERT_KEY_RSA_4096 && order->key != CERT_KEY_ED25519))
		return -1;
	if (!admin_ready(admin, message->id))
		return 0;
	/* Before the work of making one. */
	if (dkim_keys_find(keys_of(admins), order->domain, order->selector) != NULL) {
		error_set(&err, "%s has a selector %s already: choose another one", order->domain,
			  order->selector);
		return admin_result(admin, message->id, false, err.text);
	}
	admins->dkim = *order;
	if (admin_make_key(admin, message->id, order->key, on_key, &err) == -1)
		return admin_result(admin, message->id, false, err.text);
	return 0;
}

/* -- The others ---------------------------------------------------------------------------------
 */

int
admin_dkim_list(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct cc_dkim *order = message->body;
	struct admin *admin = context;
	struct dkim_entry *entry;
	struct cc_dkim_key item;

	(void)channel;
	if (memchr(order->domain, '\0', sizeof(order->domain)) == NULL)
		return -1;
	if (!admin_ready(admin, message->id))
		return 0;
	TAILQ_FOREACH (entry, &keys_of(admin->admins)->list, entry) {
		if (order->domain[0] != '\0' && strcmp(order->domain, entry->domain) != 0)
			continue;
		memset(&item, 0, sizeof(item));
		item.from = entry->from;
		item.until = entry->until;
		item.bits = entry->ed25519 ? 0 : (uint32_t)EVP_PKEY_get_bits(entry->pkey);
		strlcpy(item.domain, entry->domain, sizeof(item.domain));
		strlcpy(item.selector, entry->selector, sizeof(item.selector));
		if (!dkim_entry_record(entry, item.record))
			return admin_result(admin, message->id, false, "no memory");
		admin_data(admin, message->id, 0, &item, sizeof(item));
	}
	return admin_result(admin, message->id, true, "");
}

/* The key that is named; NULL, and the answer is sent. */
static struct dkim_entry *
named(const struct admin *admin, uint32_t id, const struct cc_dkim *order)
{
	struct dkim_entry *entry;
	struct error err;

	if (!admin_ready(admin, id))
		return NULL;
	entry = dkim_keys_find(keys_of(admin->admins), order->domain, order->selector);
	if (entry == NULL) {
		error_set(&err, "%s has no selector %s", order->domain, order->selector);
		admin_result(admin, id, false, err.text);
	}
	return entry;
}

int
admin_dkim_activate(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct cc_dkim *order = message->body;
	struct admin *admin = context;
	struct dkim_keys *keys = keys_of(admin->admins);
	int64_t now = (int64_t)time(NULL);
	struct dkim_entry *entry;
	struct error err;
	bool ok;

	(void)channel;
	if (!is_sound(order))
		return -1;
	entry = named(admin, message->id, order);
	if (entry == NULL)
		return 0;
	ok = dkim_keys_set(keys, entry, now, 0, &err) == 0 && retire(keys, entry, now, &err) == 0;
	return admin_result(admin, message->id, ok, ok ? "" : err.text);
}

int
admin_dkim_remove(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct cc_dkim *order = message->body;
	struct admin *admin = context;
	struct dkim_entry *entry;
	struct error err;

	(void)channel;
	if (!is_sound(order))
		return -1;
	entry = named(admin, message->id, order);
	if (entry == NULL)
		return 0;
	if (dkim_keys_remove(keys_of(admin->admins), entry, &err) == -1)
		return admin_result(admin, message->id, false, err.text);
	log_event(LOG_NOTICE, "dkim.removed", KV_STR("domain", order->domain),
		  KV_STR("selector", order->selector));
	dkim_changed(admin->admins->target->dkim);
	return admin_result(admin, message->id, true, "");
}
