/* SPDX-License-Identifier: ISC */
/*
 * conf_uses - which certificates the listeners of a configuration present as their own. A pure
 * function, by the rules that gates choose by (worker/gate/tls_choice.c) for a client that names no
 * host; one that does may be shown others (postern.conf(5), sni).
 */
#ifndef POSTERN_MASTER_CONF_USES_H
#define POSTERN_MASTER_CONF_USES_H

#include <stdint.h>

#include "master/conf.h"

/* One kind of signature: a client gets the first it can use of each. */
enum conf_key_kind { CONF_KEY_RSA = 1, CONF_KEY_ECDSA, CONF_KEY_ED25519, CONF_KEY_KINDS };

/* A certificate that is in force, as far as the choice goes. */
struct conf_candidate {
	const char *name;
	enum conf_key_kind kind;
	bool weak;        /* RSA below 2048 bits */
	bool self_signed; /* comes behind an authority's */
	bool exact;       /* for the hostname, by its very name */
	bool wildcard;    /* for the hostname, by a wildcard */
	int64_t until;    /* seconds since the epoch */
};

/* Does LISTENER present candidate INDEX of COUNT as its own? */
bool conf_presents(const struct configuration *, const struct conf_listener *,
		   const struct conf_candidate *, size_t count, size_t index);

/*
 * Those listeners of CONF that do, as "smtp:25 pop3:995", each once, and "relay", if that shows it
 * to other servers; "" if there are none. Cut with
 * "..." if it is longer than SIZE (at least 8).
 */
void conf_presenters(const struct configuration *, const struct conf_candidate *, size_t count,
		     size_t index, char *out, size_t size);

/* May any client that asks for its name be shown any certificate, at some listener? */
bool conf_has_sni_any(const struct configuration *);

#endif
