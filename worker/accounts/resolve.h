/* SPDX-License-Identifier: ISC */
/*
 * resolve - whose mailbox an address is, and who a login name means.
 *
 * Local parts are compared without regard to ASCII case (RFC 5321 2.4 leaves that to the receiving
 * host), domains always are. "postmaster", alone or at any of our domains, is always somebody
 * (RFC 5321 4.5.1): the account of that name, or if there is none the first enabled account of the
 * domain in the file, or of the default domain.
 */
#ifndef POSTERN_WORKER_ACCOUNTS_RESOLVE_H
#define POSTERN_WORKER_ACCOUNTS_RESOLVE_H

#include <stddef.h>

#include "common/accounts_file.h"
#include "common/proto/gate_accounts.h"

struct resolver;

/*
 * DOMAINS: COUNT names, each NUL-terminated, in LENGTH bytes; the first is the default. Returns
 * NULL if that is not what they are, or without memory.
 */
struct resolver *resolver_new(const char *domains, size_t length, size_t count);
void resolver_free(struct resolver *);

/* The accounts to answer from (not taken); NULL: can't tell now. */
void resolver_use(struct resolver *, const struct accounts *);

/* Whether it is one of our domains. */
bool resolver_has_domain(const struct resolver *, const char *domain);

/* TEXT: a forward-path's mailbox, or "postmaster". *ACCOUNT is set with RCPT_LOCAL. */
enum rcpt_verdict resolve_mailbox(const struct resolver *, const char *text, size_t length,
				  const struct account **account);

/*
 * The account that NAME logs in to: an address, or a local part at the default domain; lower-cased
 * to CANONICAL. NULL if there is none; CANONICAL is then a name all the same.
 */
const struct account *resolve_login(const struct resolver *, const char *name,
				    char canonical[ADDRESS_SIZE]);

#endif
