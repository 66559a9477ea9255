/* SPDX-License-Identifier: ISC */
/* admin - the channels to posternctl (ctl_certd.h): makes new certificates. */
#ifndef POSTERN_CERTD_ADMIN_H
#define POSTERN_CERTD_ADMIN_H

#include "certd/keygen.h"
#include "certd/name.h"
#include "certd/vault.h"
#include "common/proto/ctl_certd.h"

struct event_base;
struct gates;
struct admins;
struct importer_client;

/* What an administrator asked for, checked. */
struct create_request {
	char name[CERT_NAME_SIZE];
	char other[CERT_NAME_SIZE]; /* whose key it gets; "": a new one */
	uint32_t key;               /* enum cert_key_kind */
	uint32_t days;
	bool replace;
	struct cert_subject subject;
	size_t count;
	const char *names[SAN_MAX]; /* into tail */
	char tail[CERT_NAMES_TAIL_MAX + 1];
};

/*
 * A pure function: takes a CC_CREATE apart. CREATE_REFUSED: ERR tells the administrator why;
 * CREATE_MALFORMED: posternctl would not have sent that.
 */
enum create_verdict { CREATE_OK, CREATE_REFUSED, CREATE_MALFORMED };
enum create_verdict create_parse(const struct cc_create *, const char *tail, size_t tail_length,
				 struct create_request *, struct error *);

/* Where new certificates go, and who is told. */
struct dkim;
struct admin_target {
	int directory;
	uid_t owner;
	struct vault *vault;
	struct dkim *dkim;
	vault_changed_fn *changed;
	void *changed_arg;
	struct importer_client *importer; /* NULL: nothing can be imported */
	const struct gates *gates;        /* who uses what; NULL: nobody */
	const struct relays *relays;      /* likewise */
	int64_t since;                    /* when counting of uses began, seconds since the epoch */
};

/* TARGET is kept (not copied); EMPTY (may be NULL) as in gates.h. */
struct admins *admins_new(struct event_base *, const struct admin_target *, void (*empty)(void *),
			  void *arg);
void admins_free(struct admins *); /* NULL is fine */

/* The vault is loaded, work can begin (until then requests are put off). KEYGEN stays the caller's.
 */
void admins_open(struct admins *, struct keygen *);

/* Opens a channel on FD (taken). Returns 0, or -1 with ERR filled. */
int admins_add(struct admins *, int fd, struct error *);
size_t admins_count(const struct admins *);

#endif
