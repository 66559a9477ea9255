/* SPDX-License-Identifier: ISC */
/*
 * resolve - whose mailboxes an address leads to, and who a login name means.
 *
 * Local parts are compared without regard to ASCII case (RFC 5321 2.4 leaves that to the receiving
 * host), domains always are. What an address means, the first of these that there is:
 *
 *   1. the account or the alias of that address
 *   2. without a tag ("alice+list" is "alice"): the account or the alias of that
 *   3. "postmaster", alone or at any of our domains, and "abuse" at any (RFC 5321 4.5.1, RFC 2142):
 *      abuse goes where postmaster does; else to the domain's catch-all, else to the first enabled
 *      account of the domain in the file, or of the default domain
 *   4. the domain's catch-all, the alias "@domain"
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

/* What stands between a local part and its tag; '\0': there are no tags. */
void resolver_set_separator(struct resolver *, char separator);

/* Accounts of the file, in its order; those that are not enabled are not meant. */
struct resolved {
	const struct account *const *accounts;
	size_t count;
	const struct account *one; /* what accounts points to where it is no alias's */
};

/*
 * TEXT: a forward-path's mailbox, or "postmaster". *RESOLVED, which must not be copied, has at
 * least one enabled account with RCPT_LOCAL, and none else.
 */
enum rcpt_verdict resolve_mailbox(const struct resolver *, const char *text, size_t length,
				  struct resolved *);

/*
 * May ACCOUNT send with this reverse-path: does mail to it get there (by its address, an alias, a
 * tag, a catch-all), or is it among its senders?
 */
bool resolve_sender(const struct resolver *, const struct account *, const char *text,
		    size_t length);

/*
 * The account that NAME logs in to: an address, or a local part at the default domain; lower-cased
 * to CANONICAL. NULL if there is none; CANONICAL is then a name all the same.
 */
const struct account *resolve_login(const struct resolver *, const char *name,
				    char canonical[ADDRESS_SIZE]);

#endif
