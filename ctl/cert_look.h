/* SPDX-License-Identifier: ISC */
/* cert_look - the certificates of the certs folder as certd describes them, and who uses them. */
#ifndef POSTERN_CTL_CERT_LOOK_H
#define POSTERN_CTL_CERT_LOOK_H

#include <stddef.h>
#include <time.h>

#include "ctl/cert.h"
#include "master/conf_uses.h"

#define CERT_TEXT_SIZE 128 /* of the texts below */

struct cert_item {
	struct cc_facts facts;
	char *names; /* facts.sans of them, each with its NUL */
};

/* Those in force first, then the refused, then those kept aside; each by name, the leaf first. */
struct cert_items {
	struct cert_item *list;
	size_t count;

	/* Of those in force, for conf_uses.h. */
	struct conf_candidate *candidates;
	size_t candidate_count;
};

/* What to ask for; as struct cc_look. */
struct cert_wanted {
	bool chain;
	const char *authorities; /* a PEM file to check them with; NULL: no check */
};

/*
 * Asks the running server's certd, or one of its own. Returns 0 with ITEMS, to be freed with
 * cert_items_free(), or -1 with ERR filled.
 */
int cert_look(const struct configuration *, const struct conf_users *, const struct cert_wanted *,
	      struct cert_items *, struct error *);
void cert_items_free(struct cert_items *);

/* The listeners that present it as their own, as conf_presenters() has them. */
void cert_presenters(const struct configuration *, const struct cert_items *,
		     const struct cert_item *, char *out, size_t size);

/* The one called NAME, its certificate itself; NULL with ERR filled if there is none. */
const struct cert_item *cert_item_find(const struct cert_items *, const char *name, struct error *);

/* -- Texts: OUT is of CERT_TEXT_SIZE bytes, and is returned -- */

/* "AB:CD:..." */
const char *cert_fingerprint(const uint8_t digest[CERT_SHA256_SIZE], char *out);
/* "2027-02-01 10:00:00 UTC"; "never" for INT64_MAX. */
const char *cert_time(int64_t seconds, char *out);
/* "2027-02-01T10:00:00Z" (RFC 3339); "" for INT64_MAX. */
const char *cert_iso_time(int64_t seconds, char *out);
/* "68 days left", "expired 3 days ago"; at NOW. */
const char *cert_days(int64_t until, time_t now, char *out);
/* "RSA, 2048 bits" */
const char *cert_key(const struct cc_facts *, char *out);

#endif
