/* SPDX-License-Identifier: ISC */
/*
 * What the files behind admin.h share:
 *
 *   admin.c         channels to posternctl, and which request goes where
 *   admin_NAME.c    one request, or a few that belong together
 */
#ifndef POSTERN_CERTD_ADMIN_INTERNAL_H
#define POSTERN_CERTD_ADMIN_INTERNAL_H

#include <sys/queue.h>

#include "certd/admin.h"
#include "certd/pack.h"
#include "common/ipc.h"

struct admin {
	LIST_ENTRY(admin) entry;
	struct admins *admins;
	struct ipc_channel *channel;
};
LIST_HEAD(admin_list, admin);

struct admins {
	struct event_base *base;
	struct keygen *keygen; /* NULL: certd is starting */
	const struct admin_target *target;
	void (*empty)(void *);
	void *arg;
	size_t count;
	struct admin_list list;

	/* The one request that takes longer, if WORKER is not NULL: for whom, and its id. */
	struct admin *worker;
	uint32_t id;
	void (*cancel)(struct admins *); /* WORKER has gone; may be NULL */
	struct event *tick;              /* for its progress, or NULL */
	struct create_request request;
	struct import *import;    /* admin_import.c; NULL: there is none */
	struct cc_dkim dkim;      /* a CC_DKIM_CREATE */
	struct cc_client *client; /* of a CC_CLIENT; wiped when it is done */
};

/* Ends request ID of ADMIN. Returns 0, for handlers. */
int admin_result(const struct admin *, uint32_t id, bool ok, const char *text);
void admin_progress(const struct admin *, uint32_t id, uint32_t done, uint32_t total,
		    const char *text);
/* LENGTH: CERT_DATA_MAX at most. */
void admin_data(const struct admin *, uint32_t id, uint32_t kind, const void *bytes, size_t length);

/* Sends it as CC_DATA of kind 0, in as many as it takes. */
void admin_pieces(const struct admin *, uint32_t id, const struct packed *);

/* Does it have an end, and no line ends? Is it of printable ASCII, too? */
bool admin_passphrase_ends(const char passphrase[CERT_PASSPHRASE_SIZE]);
bool admin_passphrase_is_ascii(const char *passphrase);

/*
 * Only one request at a time may change the folder or take long. admin_ready() is false, and has
 * answered, while another does or certd is starting. Between admin_begin() and admin_end() it is
 * this one; CANCEL is called if its posternctl goes away meanwhile.
 */
bool admin_ready(const struct admin *, uint32_t id);
void admin_begin(struct admin *, uint32_t id, void (*cancel)(struct admins *));
void admin_end(struct admins *);

/*
 * Begins to make a key of KIND for this request, and tells how that goes; DONE as in keygen.h, with
 * the struct admins. Returns 0, or -1 with ERR filled.
 */
int admin_make_key(struct admin *, uint32_t id, uint32_t kind, keygen_done_fn *done,
		   struct error *);

/* Requests; CONTEXT is the struct admin. */
ipc_handler_fn admin_create;  /* admin_create.c */
ipc_handler_fn admin_request; /* admin_request.c */
ipc_handler_fn admin_fields;
ipc_handler_fn admin_restore; /* admin_files.c */
ipc_handler_fn admin_remove;
ipc_handler_fn admin_rename;
ipc_handler_fn admin_export; /* admin_export.c */
ipc_handler_fn admin_export_clear;
ipc_handler_fn admin_look; /* admin_look.c */
ipc_handler_fn admin_check;
ipc_handler_fn admin_audit;       /* admin_audit.c */
ipc_handler_fn admin_import_file; /* admin_import.c */
ipc_handler_fn admin_import;
ipc_handler_fn admin_import_passphrase;
ipc_handler_fn admin_client; /* admin_client.c */
ipc_handler_fn admin_revoke;
ipc_handler_fn admin_clients;
ipc_handler_fn admin_dkim_create; /* admin_dkim.c */
ipc_handler_fn admin_dkim_list;
ipc_handler_fn admin_dkim_activate;
ipc_handler_fn admin_dkim_remove;

#endif
