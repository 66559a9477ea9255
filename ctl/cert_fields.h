/* SPDX-License-Identifier: ISC */
/*
 * cert_fields - what a new certificate shall say: from options, from questions on a terminal, from
 * defaults.
 */
#ifndef POSTERN_CTL_CERT_FIELDS_H
#define POSTERN_CTL_CERT_FIELDS_H

#include <stdbool.h>
#include <stdio.h>

#include "certd/name.h"
#include "common/error.h"
#include "common/proto/ctl_certd.h"

#define CERT_DAYS 365 /* unless said otherwise */

/* The message, as it grows. */
struct cert_fields {
	struct cc_create create;
	size_t length; /* of tail */
	char tail[CERT_NAMES_TAIL_MAX];
};

/*
 * Each checks TEXT. 0, or -1 with ERR filled: then nothing has changed. A key is a kind, or the
 * name of the certificate whose key is to be used again.
 */
int cert_fields_key(struct cert_fields *, const char *text, struct error *);
int cert_fields_days(struct cert_fields *, const char *text, struct error *);

/*
 * Adds a host name or an address. A name in other letters than ASCII becomes A-labels (RFC 5891
 * 5.3).
 */
int cert_fields_name(struct cert_fields *, const char *text, struct error *);
/* The same with all names in TEXT, which are separated by blanks or commas, in place of those
 * there. */
int cert_fields_names(struct cert_fields *, const char *text, struct error *);

/* "rsa2048"; and back: 0 for a word that is none. */
const char *cert_key_word(uint32_t kind);
uint32_t cert_key_kind(const char *word);
#define CERT_KEY_WORDS "rsa2048, rsa3072, rsa4096, p256, p384, p521, ed25519"

/*
 * Asks for one after the other on OUT and reads the answers from IN: Enter takes what is shown, "-"
 * nothing, "?" explains. Returns 0, or -1 with ERR at the end of IN.
 */
int cert_fields_ask(struct cert_fields *, FILE *in, FILE *out, struct error *);

#endif
