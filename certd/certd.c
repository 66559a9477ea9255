/* SPDX-License-Identifier: ISC */
#include "certd/certd.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "certd/admin.h"
#include "certd/audit.h"
#include "certd/authority.h"
#include "certd/dkim.h"
#include "certd/expiry.h"
#include "certd/first.h"
#include "certd/gates.h"
#include "certd/importer.h"
#include "certd/memory.h"
#include "certd/report.h"
#include "certd/tickets.h"
#include "common/cert_name.h"
#include "common/log.h"
#include "common/proto/master_certd.h"

struct certd {
	struct child *child;
	bool draining;
	bool first;                /* make a certificate if there is none */
	char host[HOST_NAME_SIZE]; /* "": nobody serves yet */
	struct admin_target target;
	struct gc_ticket_keys *tickets;
	struct keygen *keygen;
	struct gates *gates;
	struct admins *admins;
	bool reported;
	char report[CERT_NAME_SIZE]; /* what the master knows to be self-signed; "": nothing */
	struct event *every_minute;
	struct event *every_hour;
	struct event *tell;    /* the master is to be told of the certificates */
	int64_t expiry_looked; /* when expiry_check() was last called */
};

/* The master shows in its status which certificate no authority has signed. */
static void
certd_report(struct certd *certd)
{
	const struct vault_entry *entry = NULL;
	struct md_self_signed report = {.zero = {0}};

	if (certd->host[0] == '\0')
		return;
	while ((entry = vault_next(certd->target.vault, entry)) != NULL) {
		if (!pair_for_host(entry->pair, certd->host))
			continue;
		if (!pair_self_signed(entry->pair)) {
			report.name[0] = '\0';
			break;
		}
		strlcpy(report.name, entry->name, sizeof(report.name));
	}
	if (certd->reported && strcmp(report.name, certd->report) == 0)
		return;
	certd->reported = true;
	strlcpy(certd->report, report.name, sizeof(certd->report));
	(void)ipc_send(certd->child->control, MD_SELF_SIGNED, 0, &report, NULL, 0, -1);
}

static void
on_changed(const struct vault_entry *entry, void *arg)
{
	struct certd *certd = arg;

	gates_announce(entry, certd->gates);
	certd_report(certd);
	/* Once for all that change together. */
	if (certd->host[0] != '\0')
		event_active(certd->tell, 0, 0);
}

static void
on_tell(evutil_socket_t fd, short what, void *arg)
{
	struct certd *certd = arg;

	(void)fd;
	(void)what;
	report_send(certd->child->control, certd->target.vault, certd->host, (int64_t)time(NULL));
}

/* Each hour rather than each day: a threshold is told soon after it is passed. */
static void
look_at_expiry(struct certd *certd)
{
	int64_t now = (int64_t)time(NULL);

	/* Nobody serves with what posternctl only looks at. */
	if (certd->host[0] == '\0')
		return;
	(void)expiry_check(certd->target.vault, certd->expiry_looked, now);
	certd->expiry_looked = now;
	event_active(certd->tell, 0, 0);
}

/* While draining: when nobody is left who could want a signature. */
static void
on_empty(void *arg)
{
	struct certd *certd = arg;

	if (certd->draining && gates_count(certd->gates) == 0 && admins_count(certd->admins) == 0)
		child_exit(certd->child);
}

static void
on_minute(evutil_socket_t fd, short what, void *arg)
{
	struct certd *certd = arg;

	(void)fd;
	(void)what;
	gates_audit(certd->gates);
	dkim_audit(certd->target.dkim);
	vault_retire(certd->target.vault);
}

/* The CRL of the authority for clients, if there is one, is of today. */
static void
refresh_authority(const struct certd *certd)
{
	const struct authority_place place = {certd->target.directory, certd->target.owner};
	struct error err;

	if (authority_refresh(&place, &err) == -1)
		log_event(LOG_ERR, "authority.failed", KV_STR("why", err.text),
			  KV_STR("text", "tried again in an hour; when the CRL is out of date, no "
					 "client's certificate is taken"));
}

static void
on_hour(evutil_socket_t fd, short what, void *arg)
{
	struct certd *certd = arg;
	struct error err;

	(void)fd;
	(void)what;
	refresh_authority(certd);
	look_at_expiry(certd);
	if (tickets_rotate(certd->tickets, &err) == -1) {
		log_event(LOG_ERR, "tickets.failed", KV_STR("why", err.text));
		return;
	}
	log_event(LOG_INFO, "tickets.rotated", KV_U64("generations", certd->tickets->count));
	gates_send_tickets(certd->gates);
}

static int
certd_init(struct child *child, struct error *err)
{
	struct certd *certd = calloc(1, sizeof(*certd));

	if (certd == NULL)
		return error_errno(err, "certd");
	memory_report();
	child->context = certd;
	certd->child = child;
	certd->target.directory = -1;
	certd->target.vault = vault_new();
	certd->target.dkim = dkim_new(child->base);
	/* While it may still start a program, and has no key yet. */
	certd->target.importer =
	    importer_start(child->base, "/proc/self/exe", &child->identity, err);
	if (certd->target.importer == NULL)
		return -1;
	certd->tickets = tickets_new();
	certd->every_minute = event_new(child->base, -1, EV_PERSIST, on_minute, certd);
	certd->every_hour = event_new(child->base, -1, EV_PERSIST, on_hour, certd);
	certd->tell = event_new(child->base, -1, 0, on_tell, certd);
	certd->expiry_looked = EXPIRY_NEVER_LOOKED;
	if (certd->target.vault == NULL || certd->target.dkim == NULL || certd->tickets == NULL ||
	    certd->every_minute == NULL || certd->every_hour == NULL || certd->tell == NULL)
		return error_set(err, "no memory");
	certd->gates = gates_new(child->base, certd->target.vault, certd->tickets, on_empty, certd);
	certd->target.gates = certd->gates;
	certd->admins = admins_new(child->base, &certd->target, on_empty, certd);
	if (certd->gates == NULL || certd->admins == NULL)
		return error_set(err, "no memory");
	certd->target.changed = on_changed;
	certd->target.changed_arg = certd;
	certd->target.since = (int64_t)time(NULL);
	return 0;
}

static int
certd_prepare(struct child *child, struct error *err)
{
	struct certd *certd = child->context;

	certd->keygen = keygen_new(child->base, err);
	return certd->keygen == NULL ? -1 : 0;
}

/* All is there: answers whoever waits. */
static void
serve(struct certd *certd)
{
	certd_report(certd);
	look_at_expiry(certd);
	gates_open(certd->gates);
	dkim_open(certd->target.dkim, certd->target.directory, certd->target.owner);
	admins_open(certd->admins, certd->keygen);
	child_ready(certd->child);
}

static void
on_first_key(EVP_PKEY *pkey, const struct error *failed, void *arg)
{
	struct certd *certd = arg;
	struct error err = *failed;

	/* Without one the server runs all the same, and can be given one. */
	if (pkey == NULL || first_make(&certd->target, certd->host, pkey, &err) == -1)
		log_event(LOG_ERR, "cert.failed", KV_STR("name", certd->host),
			  KV_STR("why", err.text));
	EVP_PKEY_free(pkey);
	serve(certd);
}

static int
certd_run(struct child *child, struct error *err)
{
	struct certd *certd = child->context;
	const struct timeval minute = {.tv_sec = AUDIT_INTERVAL};
	const struct timeval hour = {.tv_sec = TICKETS_ROTATE};

	vault_set_folder(certd->target.vault, certd->target.directory, certd->target.owner);
	if (vault_load(certd->target.vault, NULL, NULL, err) == -1 ||
	    tickets_rotate(certd->tickets, err) == -1)
		return -1;
	if (event_add(certd->every_minute, &minute) == -1 ||
	    event_add(certd->every_hour, &hour) == -1)
		return error_set(err, "no timers");
	refresh_authority(certd);
	if (certd->first && first_wanted(certd->target.directory) &&
	    keygen_start(certd->keygen, FIRST_KEY, on_first_key, certd) == 0)
		return 0;
	serve(certd);
	return 0;
}

static void
certd_drain(struct child *child)
{
	struct certd *certd = child->context;

	certd->draining = true;
	on_empty(certd);
}

static void
certd_shutdown(struct child *child)
{
	struct certd *certd = child->context;

	admins_free(certd->admins);
	importer_stop(certd->target.importer);
	keygen_free(certd->keygen);
	gates_free(certd->gates);
	dkim_free(certd->target.dkim);
	vault_free(certd->target.vault);
	tickets_free(certd->tickets);
	event_free(certd->every_minute);
	event_free(certd->every_hour);
	event_free(certd->tell);
	free(certd);
}

static void
certd_log_changed(struct child *child)
{
	struct certd *certd = child->context;

	importer_log_changed(certd->target.importer);
}

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
	if (vault_load(certd->target.vault, on_changed, certd, &err) == -1)
		log_event(LOG_ERR, "folder.rejected", KV_STR("why", err.text),
			  KV_STR("text", "the old keys stay in force"));
	return 0;
}

static const struct ipc_handler handlers[] = {
    {MD_SETTINGS, on_settings}, {MD_GATE, on_gate},   {MD_ADMIN, on_admin},
    {MD_RELOAD, on_reload},     {MD_QUEUE, on_queue}, {0, NULL},
};

const struct child_role certd_role = {
    .name = "certd",
    .control = &master_certd_boundary,
    .handlers = handlers,
    .rules = &certd_sandbox_rules,
    .init = certd_init,
    .prepare = certd_prepare,
    .run = certd_run,
    .drain = certd_drain,
    .shutdown = certd_shutdown,
    .log_changed = certd_log_changed,
};
