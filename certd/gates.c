/* SPDX-License-Identifier: ISC */
#include "certd/gates_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certd/relays.h"
#include "common/log.h"

struct gates *
gates_new(struct event_base *base, const struct vault *vault, const struct gc_ticket_keys *tickets,
	  void (*empty)(void *), void *arg)
{
	struct gates *gates = calloc(1, sizeof(*gates));

	if (gates == NULL)
		return NULL;
	gates->base = base;
	gates->vault = vault;
	gates->tickets = tickets;
	gates->empty = empty;
	gates->arg = arg;
	TAILQ_INIT(&gates->list);
	STAILQ_INIT(&gates->past);
	return gates;
}

static bool
is_spared(const struct gates *gates, const struct vault_entry *entry)
{
	return gates->relays != NULL && relays_have(gates->relays, entry->name);
}

/* Of all that are not relay's. */
static bool
is_only_one(const struct gates *gates)
{
	const struct vault_entry *entry = NULL;
	size_t count = 0;

	while (count < 2 && (entry = vault_next(gates->vault, entry)) != NULL)
		count += is_spared(gates, entry) ? 0 : 1;
	return count == 1;
}

/* A certificate that one of the gate's listeners names, or that one takes which names none. */
static bool
is_own(const struct gate *gate, const struct vault_entry *entry)
{
	for (size_t i = 0; i < gate->slots.count; i++) {
		if (gate->slots.list[i].named && strcmp(gate->slots.list[i].name, entry->name) == 0)
			return true;
	}
	if (gate->host[0] == '\0')
		return false;
	return strcmp(entry->name, gate->host) == 0 ||
	       (!is_spared(gate->gates, entry) &&
		(is_only_one(gate->gates) || pair_for_host(entry->pair, gate->host)));
}

/* The walls' second one: may this channel use this key? */
static bool
may_use(const struct gate *gate, const struct vault_entry *entry)
{
	if (entry->gone || (key_is_weak(entry->pair->key) && !gate->weak))
		return false;
	return (gate->any && !is_spared(gate->gates, entry)) || is_own(gate, entry);
}

static void
withdraw(struct gate *gate, struct slot *slot)
{
	struct gc_gone gone = {.zero = {0}};

	slot_withdraw(slot);
	strlcpy(gone.name, slot->name, sizeof(gone.name));
	(void)ipc_send(gate->channel, GC_GONE, 0, &gone, NULL, 0, -1);
}

static void
send_certificate(struct gate *gate, const struct vault_entry *entry)
{
	struct gc_certificate message = {.key = 0};
	struct slot *slot = slots_for(&gate->slots, entry->name);

	if (slot == NULL) {
		log_event(LOG_ERR, "key.left_out", KV_STR("key", entry->name),
			  KV_STR("peer", ipc_peer(gate->channel)),
			  KV_STR("why", "out of memory, or too many names: restart the server"));
		return;
	}
	slot->entry = entry;
	message.key = slots_handle(&gate->slots, slot);
	strlcpy(message.name, slot->name, sizeof(message.name));
	(void)ipc_send(gate->channel, GC_CERTIFICATE, 0, &message, (const char *)entry->pair->chain,
		       entry->pair->chain_length, -1);
}

/* CHANGED may be NULL: everything, for a channel that is new. */
static void
update(struct gate *gate, const struct vault_entry *changed)
{
	const struct vault *vault = gate->gates->vault;
	const struct vault_entry *entry = NULL;

	for (size_t i = 0; i < gate->slots.count; i++) {
		struct slot *slot = &gate->slots.list[i];

		if (slot->entry != NULL && !may_use(gate, slot->entry))
			withdraw(gate, slot);
	}
	while ((entry = vault_next(vault, entry)) != NULL) {
		if (may_use(gate, entry) && (entry == changed || !slots_have(&gate->slots, entry)))
			send_certificate(gate, entry);
	}
}

static void
tell_missing(const struct gate *gate)
{
	for (size_t i = 0; i < gate->slots.count; i++) {
		const struct slot *slot = &gate->slots.list[i];

		if (slot->entry != NULL || !slot->named)
			continue;
		log_event(LOG_ERR, "key.missing", KV_STR("key", slot->name),
			  KV_STR("peer", ipc_peer(gate->channel)),
			  KV_STR("todo", "posternctl cert create NAME makes one; TLS on its "
					 "listeners fails until then"));
	}
}

static void
send_all(struct gate *gate)
{
	const struct ipc_empty empty = {{0}};

	update(gate, NULL);
	tell_missing(gate);
	(void)ipc_send(gate->channel, GC_TICKET_KEYS, 0, gate->gates->tickets, NULL, 0, -1);
	(void)ipc_send(gate->channel, GC_READY, 0, &empty, NULL, 0, -1);
}

static void
gate_audit(struct gate *gate)
{
	for (size_t i = 0; i < gate->slots.count; i++)
		audit_summary(&gate->slots.list[i].uses, ipc_peer(gate->channel),
			      gate->slots.list[i].name);
	audit_interval(&gate->audit, ipc_peer(gate->channel));
}

static void
gate_free(struct gate *gate)
{
	struct gates *gates = gate->gates;

	TAILQ_REMOVE(&gates->list, gate, entry);
	gates->count--;
	for (size_t i = 0; i < gate->slots.count; i++) {
		uses_keep(gates, &gate->slots.list[i]);
		uses_free(&gate->slots.list[i].uses);
	}
	free(gate->slots.list);
	free(gate);
}

static void
on_gate_ended(struct ipc_channel *channel, void *context)
{
	struct gate *gate = context;
	struct gates *gates = gate->gates;

	(void)channel;
	gate_audit(gate);
	gate_free(gate);
	if (gates->count == 0 && gates->empty != NULL)
		gates->empty(gates->arg);
}

static struct gate *
gate_new(struct gates *gates, const struct gate_keys *keys)
{
	struct gate *gate = calloc(1, sizeof(*gate));
	struct slot *slot;

	if (gate == NULL)
		return NULL;
	gate->gates = gates;
	gate->any = keys->any;
	gate->weak = keys->weak;
	strlcpy(gate->host, keys->host, sizeof(gate->host));
	gate->listener_count =
	    keys->listener_count < CERTD_LISTENERS_MAX ? keys->listener_count : CERTD_LISTENERS_MAX;
	if (gate->listener_count > 0)
		memcpy(gate->listeners, keys->listeners,
		       gate->listener_count * sizeof(gate->listeners[0]));
	for (size_t i = 0; i < keys->count; i++) {
		if ((slot = slots_for(&gate->slots, keys->names[i])) == NULL) {
			free(gate->slots.list);
			free(gate);
			return NULL;
		}
		slot->named = true;
	}
	return gate;
}

int
gates_add(struct gates *gates, int fd, unsigned number, const struct gate_keys *keys,
	  struct error *err)
{
	struct gate *gate = gate_new(gates, keys);
	char peer[32];

	if (gate == NULL) {
		close(fd);
		return error_errno(err, "a channel to gate %u", number);
	}
	gate->number = number;
	snprintf(peer, sizeof(peer), "gate %u", number);
	gate->channel = ipc_open(gates->base, fd, &gate_certd_boundary, IPC_SERVER, gate_handlers,
				 on_gate_ended, gate, peer);
	if (gate->channel == NULL) {
		free(gate->slots.list);
		free(gate);
		return error_errno(err, "a channel to gate %u", number);
	}
	TAILQ_INSERT_TAIL(&gates->list, gate, entry);
	gates->count++;
	if (gates->open)
		send_all(gate);
	return 0;
}

void
gates_spare(struct gates *gates, const struct relays *relays)
{
	gates->relays = relays;
}

void
gates_refresh(struct gates *gates)
{
	struct gate *gate;

	TAILQ_FOREACH (gate, &gates->list, entry) {
		if (gates->open)
			update(gate, NULL);
	}
}

void
gates_open(struct gates *gates)
{
	struct gate *gate;

	gates->open = true;
	TAILQ_FOREACH (gate, &gates->list, entry)
		send_all(gate);
}

void
gates_announce(const struct vault_entry *entry, void *arg)
{
	struct gates *gates = arg;
	struct gate *gate;

	if (!gates->open)
		return;
	TAILQ_FOREACH (gate, &gates->list, entry)
		update(gate, entry);
}

void
gates_send_tickets(struct gates *gates)
{
	struct gate *gate;

	TAILQ_FOREACH (gate, &gates->list, entry) {
		if (gates->open)
			(void)ipc_send(gate->channel, GC_TICKET_KEYS, 0, gates->tickets, NULL, 0,
				       -1);
	}
}

void
gates_audit(struct gates *gates)
{
	struct gate *gate;

	TAILQ_FOREACH (gate, &gates->list, entry)
		gate_audit(gate);
}

bool
gates_need(const struct gates *gates, const struct vault_entry *entry)
{
	const struct gate *gate;

	TAILQ_FOREACH (gate, &gates->list, entry) {
		if (is_own(gate, entry))
			return true;
	}
	return false;
}

size_t
gates_count(const struct gates *gates)
{
	return gates->count;
}

void
gates_free(struct gates *gates)
{
	struct gate *gate, *next;

	if (gates == NULL)
		return;
	TAILQ_FOREACH_SAFE (gate, &gates->list, entry, next) {
		gate_audit(gate);
		ipc_close(gate->channel);
		gate_free(gate);
	}
	uses_forget(gates);
	free(gates);
}
