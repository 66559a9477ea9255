/* SPDX-License-Identifier: ISC */
#include "certd/relays.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "certd/ask.h"
#include "certd/audit.h"
#include "certd/compose.h"
#include "certd/slots.h"
#include "common/log.h"

/* One relay's. Beside the one in force there may be some that finish what they have. */
struct relay_channel {
	LIST_ENTRY(relay_channel) entry;
	struct relays *relays;
	struct ipc_channel *channel;
};
LIST_HEAD(relay_channels, relay_channel);

struct relays {
	struct event_base *base;
	const struct vault *vault;
	struct relay_channels channels;
	struct audit_channel audit;
	struct rate rate;
	struct slots slots; /* of all channels; NAMED: relay's now */
	bool open;
};

/* Where it is used: at no listener. */
static const struct gc_listener outgoing = {.service = USE_OUTGOING};

/* -- Which keys ----------------------------------------------------------------------------------
 */

static struct slot *
find_slot(const struct relays *relays, const char *name)
{
	for (size_t i = 0; i < relays->slots.count; i++) {
		if (strcmp(relays->slots.list[i].name, name) == 0)
			return &relays->slots.list[i];
	}
	return NULL;
}

bool
relays_have(const struct relays *relays, const char *name)
{
	const struct slot *slot = find_slot(relays, name);

	return slot != NULL && slot->named;
}

static bool
may_use(const struct slot *slot, const struct vault_entry *entry)
{
	return slot->named && entry != NULL && !entry->gone && !key_is_weak(entry->pair->key);
}

static void
withdraw(const struct relays *relays, struct slot *slot)
{
	const struct relay_channel *one;
	struct gc_gone gone = {.zero = {0}};

	slot_withdraw(slot);
	strlcpy(gone.name, slot->name, sizeof(gone.name));
	LIST_FOREACH (one, &relays->channels, entry)
		(void)ipc_send(one->channel, RC_GONE, 0, &gone, NULL, 0, -1);
}

static void
send_certificate(const struct relay_channel *to, const struct slot *slot)
{
	struct gc_certificate message = {.key = slots_handle(&to->relays->slots, slot)};
	const struct pair *pair = slot->entry->pair;

	strlcpy(message.name, slot->name, sizeof(message.name));
	(void)ipc_send(to->channel, RC_CERTIFICATE, 0, &message, (const char *)pair->chain,
		       pair->chain_length, -1);
}

static void
send_to_all(const struct relays *relays, const struct slot *slot)
{
	const struct relay_channel *one;

	LIST_FOREACH (one, &relays->channels, entry)
		send_certificate(one, slot);
}

/* CHANGED may be NULL: what relay has not been told of. */
static void
update(struct relays *relays, const struct vault_entry *changed)
{
	for (size_t i = 0; relays->open && i < relays->slots.count; i++) {
		struct slot *slot = &relays->slots.list[i];
		const struct vault_entry *entry = vault_find(relays->vault, slot->name);

		if (!may_use(slot, entry)) {
			if (slot->entry != NULL)
				withdraw(relays, slot);
		} else if (slot->entry != entry || entry == changed) {
			slot->entry = entry;
			send_to_all(relays, slot);
		}
	}
}

static void
tell_missing(const struct relays *relays)
{
	for (size_t i = 0; i < relays->slots.count; i++) {
		const struct slot *slot = &relays->slots.list[i];
		const struct vault_entry *entry = vault_find(relays->vault, slot->name);

		if (!slot->named || slot->entry != NULL)
			continue;
		log_event(
		    LOG_ERR, "key.missing", KV_STR("key", slot->name), KV_STR("peer", "relay"),
		    KV_STR("todo", entry != NULL && !entry->gone
				       ? "its RSA key has less than 2048 bits: replace it"
				       : "posternctl cert import brings it; mail of the routes "
					 "that name it waits until then"));
	}
}

void
relays_set_keys(struct relays *relays, const char *const *names, size_t count)
{
	struct slot *slot;

	for (size_t i = 0; i < relays->slots.count; i++)
		relays->slots.list[i].named = false;
	for (size_t i = 0; i < count; i++) {
		slot = slots_for(&relays->slots, names[i]);
		if (slot != NULL)
			slot->named = true;
		else
			log_event(LOG_ERR, "key.left_out", KV_STR("key", names[i]),
				  KV_STR("peer", "relay"),
				  KV_STR("why", "out of memory, or too many names: restart the "
						"server"));
	}
	update(relays, NULL);
	if (relays->open)
		tell_missing(relays);
}

void
relays_announce(const struct vault_entry *entry, void *arg)
{
	update(arg, entry);
}

/* -- Requests ------------------------------------------------------------------------------------
 */

static struct ask
ask_of(const struct relay_channel *from, uint32_t id, uint32_t key, uint16_t scheme)
{
	return (struct ask){
	    .channel = from->channel,
	    .slots = &from->relays->slots,
	    .rate = &from->relays->rate,
	    .audit = &from->relays->audit,
	    .signed_type = RC_SIGNED,
	    .refused_type = RC_REFUSED,
	    .id = id,
	    .key = key,
	    .scheme = scheme,
	    .listener = &outgoing,
	};
}

static int
on_tls13_client(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct rc_tls13_client *request = message->body;
	struct ask ask = ask_of(context, message->id, request->key, request->scheme);
	struct composed composed;

	(void)channel;
	if (message->id == 0)
		return -1;
	if (!ask_accept(&ask))
		return 0;
	return ask_answer(&ask, compose_tls13_client(request, key_kind(ask.pair->key), &composed),
			  &composed, USE_TLS13);
}

static int
on_tls12_client(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct rc_tls12_client *request = message->body;
	struct ask ask = ask_of(context, message->id, request->key, request->scheme);
	struct transcript transcript = {.bytes = (const uint8_t *)message->tail,
					.length = message->tail_length};
	struct composed composed;

	(void)channel;
	if (message->id == 0)
		return -1;
	if (!ask_accept(&ask))
		return 0;
	transcript.chain = ask.pair->chain;
	transcript.chain_length = ask.pair->chain_length;
	return ask_answer(
	    &ask, compose_tls12_client(request, &transcript, key_kind(ask.pair->key), &composed),
	    &composed, USE_TLS12);
}

static const struct ipc_handler handlers[] = {
    {RC_TLS13_CLIENT, on_tls13_client},
    {RC_TLS12_CLIENT, on_tls12_client},
    {0, NULL},
};

/* -- The channel ---------------------------------------------------------------------------------
 */

static void
greet(const struct relay_channel *to)
{
	const struct ipc_empty empty = {{0}};
	const struct relays *relays = to->relays;

	for (size_t i = 0; i < relays->slots.count; i++) {
		if (relays->slots.list[i].entry != NULL)
			send_certificate(to, &relays->slots.list[i]);
	}
	(void)ipc_send(to->channel, RC_READY, 0, &empty, NULL, 0, -1);
}

static void
on_ended(struct ipc_channel *channel, void *context)
{
	struct relay_channel *one = context;

	(void)channel;
	relays_audit(one->relays);
	LIST_REMOVE(one, entry);
	free(one);
}

int
relays_add_channel(struct relays *relays, int fd, struct error *err)
{
	struct relay_channel *one = calloc(1, sizeof(*one));

	if (one == NULL) {
		close(fd);
		return error_errno(err, "a channel to relay");
	}
	one->relays = relays;
	one->channel = ipc_open(relays->base, fd, &relay_certd_boundary, IPC_SERVER, handlers,
				on_ended, one, "relay");
	if (one->channel == NULL) {
		free(one);
		return error_errno(err, "a channel to relay");
	}
	if (relays->open)
		update(relays, NULL);
	LIST_INSERT_HEAD(&relays->channels, one, entry);
	if (relays->open)
		greet(one);
	return 0;
}

void
relays_open(struct relays *relays)
{
	const struct relay_channel *one;

	relays->open = true;
	update(relays, NULL);
	tell_missing(relays);
	LIST_FOREACH (one, &relays->channels, entry)
		greet(one);
}

/* -- What they were used for ---------------------------------------------------------------------
 */

void
relays_audit(struct relays *relays)
{
	for (size_t i = 0; i < relays->slots.count; i++)
		audit_summary(&relays->slots.list[i].uses, "relay", relays->slots.list[i].name);
	audit_interval(&relays->audit, "relay");
}

const struct uses *
relays_uses(const struct relays *relays, const char *name)
{
	const struct slot *slot = find_slot(relays, name);

	return slot == NULL ? NULL : &slot->uses;
}

struct relays *
relays_new(struct event_base *base, const struct vault *vault)
{
	struct relays *relays = calloc(1, sizeof(*relays));

	if (relays != NULL) {
		relays->base = base;
		relays->vault = vault;
		LIST_INIT(&relays->channels);
	}
	return relays;
}

void
relays_free(struct relays *relays)
{
	struct relay_channel *one, *next;

	if (relays == NULL)
		return;
	relays_audit(relays);
	LIST_FOREACH_SAFE (one, &relays->channels, entry, next) {
		ipc_close(one->channel);
		free(one);
	}
	for (size_t i = 0; i < relays->slots.count; i++)
		uses_free(&relays->slots.list[i].uses);
	free(relays->slots.list);
	free(relays);
}
