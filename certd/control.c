/* SPDX-License-Identifier: ISC */
/* What the master says to certd: its settings, and whom it may sign for. */
#include <string.h>

#include "certd/certd_internal.h"
#include "certd/dkim.h"
#include "certd/relays.h"
#include "common/cert_name.h"
#include "common/log.h"
#include "common/proto/master_certd.h"

static int
on_settings(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct md_settings *settings = message->body;
	struct child *child = context;
	struct certd *certd = child->context;

	(void)channel;
	if (child->directory != -1 || settings->first > 1 || settings->zero[0] != 0 ||
	    settings->zero[1] != 0 || settings->zero[2] != 0 ||
	    memchr(settings->host, '\0', sizeof(settings->host)) == NULL ||
	    (settings->first == 1 && settings->host[0] == '\0'))
		return -1;
	certd->first = settings->first == 1;
	strlcpy(certd->host, settings->host, sizeof(certd->host));
	child->directory = ipc_take_fd(message);
	certd->target.directory = child->directory;
	certd->target.owner = settings->uid;
	return 0;
}

static int
on_gate(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct md_gate *gate = message->body;
	struct child *child = context;
	struct certd *certd = child->context;
	const char *names[GATE_NAMES_MAX];
	const struct gate_keys keys = {.any = gate->any == 1,
				       .weak = gate->weak == 1,
				       .host = gate->host,
				       .names = names,
				       .count = gate->count,
				       .listeners = gate->listeners,
				       .listener_count = gate->listener_count};
	struct error err;

	(void)channel;
	if (gate->any > 1 || gate->weak > 1 || gate->zero[0] != 0 || gate->zero[1] != 0 ||
	    memchr(gate->host, '\0', sizeof(gate->host)) == NULL ||
	    gate->listener_count > CERTD_LISTENERS_MAX)
		return -1;
	for (uint32_t i = 0; i < gate->listener_count; i++) {
		if (gate->listeners[i].service >= SERVICE_COUNT || gate->listeners[i].zero != 0)
			return -1;
	}
	/* A gate whose listeners are all without TLS may use no key. */
	if (!(gate->count == 0 && message->tail_length == 0) &&
	    !names_split(message->tail, message->tail_length, gate->count, names, GATE_NAMES_MAX))
		return -1;
	for (uint32_t i = 0; i < gate->count; i++) {
		if (!cert_name_valid(names[i]))
			return -1;
	}
	if (gates_add(certd->gates, ipc_take_fd(message), gate->gate, &keys, &err) == -1)
		log_event(LOG_ERR, "certd.channel", KV_STR("why", err.text));
	return 0;
}

static int
on_queue(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct child *child = context;
	struct certd *certd = child->context;
	struct error err;

	(void)channel;
	if (dkim_set_queue(certd->target.dkim, ipc_take_fd(message), &err) == -1)
		log_event(LOG_ERR, "certd.channel", KV_STR("why", err.text));
	return 0;
}

/* The keys that relay has from now on: no listener has them for the mere being there. */
static int
on_relay_keys(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct md_relay_keys *keys = message->body;
	struct child *child = context;
	struct certd *certd = child->context;
	const char *names[CERTD_RELAY_KEYS_MAX];

	(void)channel;
	if (keys->zero != 0 || keys->count > CERTD_RELAY_KEYS_MAX)
		return -1;
	if (!(keys->count == 0 && message->tail_length == 0) &&
	    !names_split(message->tail, message->tail_length, keys->count, names,
			 CERTD_RELAY_KEYS_MAX))
		return -1;
	for (uint32_t i = 0; i < keys->count; i++) {
		if (!cert_name_valid(names[i]))
			return -1;
	}
	relays_set_keys(certd->relays, names, keys->count);
	gates_refresh(certd->gates);
	return 0;
}

static int
on_relay(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct child *child = context;
	struct certd *certd = child->context;
	struct error err;

	(void)channel;
	if (relays_add_channel(certd->relays, ipc_take_fd(message), &err) == -1)
		log_event(LOG_ERR, "certd.channel", KV_STR("why", err.text));
	return 0;
}

static int
on_admin(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct child *child = context;
	struct certd *certd = child->context;
	struct error err;

	(void)channel;
	if (admins_add(certd->admins, ipc_take_fd(message), &err) == -1)
		log_event(LOG_ERR, "certd.channel", KV_STR("why", err.text));
	return 0;
}

static int
on_reload(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct child *child = context;
	struct certd *certd = child->context;
	struct error err;

	(void)channel;
	(void)message;
	if (vault_load(certd->target.vault, certd_changed, certd, &err) == -1)
		log_event(LOG_ERR, "folder.rejected", KV_STR("why", err.text),
			  KV_STR("text", "the old keys stay in force"));
	return 0;
}

const struct ipc_handler certd_handlers[] = {
    {MD_SETTINGS, on_settings},     {MD_GATE, on_gate},
    {MD_ADMIN, on_admin},           {MD_RELOAD, on_reload},
    {MD_QUEUE, on_queue},           {MD_RELAY, on_relay},
    {MD_RELAY_KEYS, on_relay_keys}, {0, NULL},
};
