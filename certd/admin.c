/* SPDX-License-Identifier: ISC */
#include "certd/admin_internal.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

int
admin_result(const struct admin *admin, uint32_t id, bool ok, const char *text)
{
	const struct cc_result result = {.ok = ok};

	(void)ipc_send(admin->channel, CC_RESULT, id, &result, text, strnlen(text, CERT_TEXT_MAX),
		       -1);
	return 0;
}

void
admin_progress(const struct admin *admin, uint32_t id, uint32_t done, uint32_t total,
	       const char *text)
{
	const struct cc_progress progress = {.done = done, .total = total};

	(void)ipc_send(admin->channel, CC_PROGRESS, id, &progress, text,
		       strnlen(text, CERT_PROGRESS_MAX), -1);
}

void
admin_data(const struct admin *admin, uint32_t id, uint32_t kind, const void *bytes, size_t length)
{
	const struct cc_data data = {.kind = kind};

	(void)ipc_send(admin->channel, CC_DATA, id, &data, bytes, length, -1);
}

bool
admin_ready(const struct admin *admin, uint32_t id)
{
	if (admin->admins->keygen == NULL)
		admin_result(admin, id, false, "certd is still starting: try again in a moment");
	else if (admin->admins->worker != NULL)
		admin_result(admin, id, false,
			     "certd works for another posternctl: try again in a moment");
	else
		return true;
	return false;
}

void
admin_begin(struct admin *admin, uint32_t id, void (*cancel)(struct admins *))
{
	admin->admins->worker = admin;
	admin->admins->id = id;
	admin->admins->cancel = cancel;
}

void
admin_end(struct admins *admins)
{
	if (admins->tick != NULL)
		event_free(admins->tick);
	admins->tick = NULL;
	admins->worker = NULL;
	admins->cancel = NULL;
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct admins *admins = arg;

	(void)fd;
	(void)what;
	admin_progress(admins->worker, admins->id, 0, 0, "making the key");
}

static void
cancel_key(struct admins *admins)
{
	keygen_cancel(admins->keygen);
}

int
admin_make_key(struct admin *admin, uint32_t id, uint32_t kind, keygen_done_fn *done,
	       struct error *err)
{
	static const struct timeval second = {.tv_sec = 1};
	struct admins *admins = admin->admins;

	if (keygen_start(admins->keygen, kind, done, admins) == -1)
		return error_set(err, "another certificate is being made: try again in a moment");
	admin_begin(admin, id, cancel_key);
	/* Without it, the key comes without a word before. */
	admins->tick = event_new(admins->base, -1, EV_PERSIST, on_tick, admins);
	if (admins->tick != NULL)
		(void)event_add(admins->tick, &second);
	return 0;
}

static const struct ipc_handler admin_handlers[] = {
    {CC_CREATE, admin_create},
    {CC_REQUEST, admin_request},
    {CC_FIELDS, admin_fields},
    {CC_RESTORE, admin_restore},
    {CC_REMOVE, admin_remove},
    {CC_RENAME, admin_rename},
    {CC_EXPORT, admin_export},
    {CC_EXPORT_CLEAR, admin_export_clear},
    {CC_LOOK, admin_look},
    {CC_CHECK, admin_check},
    {CC_AUDIT, admin_audit},
    {CC_IMPORT_FILE, admin_import_file},
    {CC_IMPORT, admin_import},
    {CC_IMPORT_PASSPHRASE, admin_import_passphrase},
    {CC_CLIENT, admin_client},
    {CC_REVOKE, admin_revoke},
    {CC_CLIENTS, admin_clients},
    {CC_DKIM_CREATE, admin_dkim_create},
    {CC_DKIM_LIST, admin_dkim_list},
    {CC_DKIM_ACTIVATE, admin_dkim_activate},
    {CC_DKIM_REMOVE, admin_dkim_remove},
    {0, NULL},
};

static void
admin_free(struct admin *admin)
{
	struct admins *admins = admin->admins;

	if (admins->worker == admin) {
		if (admins->cancel != NULL)
			admins->cancel(admins);
		admin_end(admins);
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
