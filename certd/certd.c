/* SPDX-License-Identifier: ISC */
#include "certd/certd.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "certd/audit.h"
#include "certd/authority.h"
#include "certd/certd_internal.h"
#include "certd/dkim.h"
#include "certd/expiry.h"
#include "certd/first.h"
#include "certd/importer.h"
#include "certd/memory.h"
#include "certd/relays.h"
#include "certd/report.h"
#include "certd/tickets.h"
#include "common/log.h"
#include "common/proto/master_certd.h"

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

void
certd_changed(const struct vault_entry *entry, void *arg)
{
	struct certd *certd = arg;

	gates_announce(entry, certd->gates);
	relays_announce(entry, certd->relays);
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
	relays_audit(certd->relays);
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
	certd->relays = relays_new(child->base, certd->target.vault);
	certd->target.gates = certd->gates;
	certd->target.relays = certd->relays;
	certd->admins = admins_new(child->base, &certd->target, on_empty, certd);
	if (certd->gates == NULL || certd->relays == NULL || certd->admins == NULL)
		return error_set(err, "no memory");
	gates_spare(certd->gates, certd->relays);
	certd->target.changed = certd_changed;
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
	relays_open(certd->relays);
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
	relays_free(certd->relays);
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

const struct child_role certd_role = {
    .name = "certd",
    .control = &master_certd_boundary,
    .handlers = certd_handlers,
    .rules = &certd_sandbox_rules,
    .init = certd_init,
    .prepare = certd_prepare,
    .run = certd_run,
    .drain = certd_drain,
    .shutdown = certd_shutdown,
    .log_changed = certd_log_changed,
};
