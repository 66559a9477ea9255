/* SPDX-License-Identifier: ISC */
/*
 * resolve - whose mailboxes an address leads to, and who a login name means.
 *
 * Local parts are compared without regard to ASCII case (RFC 5321 2.4 leaves that to the receiving
 * host), domains always are. What an address means, the first of these that there is:
 *
 *   1. the account or the alias of that address
 *   2. a reverse-path that this host made for a mail it forwarded (srs.h): its sender
 *   3. without a tag ("alice+list" is "alice"): the account or the alias of that
 *   4. "postmaster", alone or at any of our domains, and "abuse" at any (RFC 5321 4.5.1, RFC 2142),
 *      and both at this host's name, as at the default domain:
 *      abuse goes where postmaster does; else to the domain's catch-all, else to the first enabled
 *      account of the domain in the file, or of the default domain, or of any of our domains
 *   5. the domain's catch-all, the alias "@domain"
 */
#ifndef POSTERN_WORKER_ACCOUNTS_RESOLVE_H
#define POSTERN_WORKER_ACCOUNTS_RESOLVE_H

#include <stddef.h>

#include "common/accounts_file.h"
#include "common/address.h"
#include "common/proto/gate_accounts.h"
#include "common/proto/master_accounts.h"
#include "worker/accounts/inbound.h"

struct resolver;

/*
 * DOMAINS: COUNT names, each NUL-terminated, in LENGTH bytes; the first is the default. Returns
 * NULL if that is not what they are, or without memory.
 */
struct resolver *resolver_new(const char *domains, size_t length, size_t count);
void resolver_free(struct resolver *);

/* This host's name, in lower case; "", as at first: it has none. */
void resolver_set_host(struct resolver *, const char *name);

/* The accounts to answer from (not taken); NULL: can't tell now. */
void resolver_use(struct resolver *, const struct accounts *);

/* Whether it is one of our domains. */
bool resolver_has_domain(const struct resolver *, const char *domain);

/* What stands between a local part and its tag; '\0': there are no tags. In all domains. */
void resolver_set_separator(struct resolver *, char separator);
/* In that domain; and whether its aliases may lead elsewhere. -1: it is none of ours. */
int resolver_set_domain(struct resolver *, const char *domain, char separator, bool forward);

/* Mail for these is RCPT_ROUTED. What was in it is the resolver's then, and it is empty. */
void resolver_take_inbound(struct resolver *, struct inbound *);

/* How mail may leave (not taken); NULL, as at first: it may not. */
void resolver_set_srs(struct resolver *, const struct ma_srs *);

/* Accounts of the file, in its order; those for which resolve_is_mailbox() says no are not meant.
 * And addresses of other hosts; those for which resolve_is_elsewhere() says no are not meant. */
struct resolved {
	const struct account *const *accounts;
	size_t count;
	const struct account *one; /* what accounts points to where it is no alias's */
	const char *const *forwards;
	size_t forward_count;
	const char *forward; /* what forwards points to where it is no alias's, which is */
	char unpacked[ADDRESS_TEXT_SIZE]; /* the sender that a reverse-path of ours stands for */
};

/* Whether it can have mail: it is enabled, and in a domain of ours. */
bool resolve_is_mailbox(const struct resolver *, const struct account *);

/* A domain of ours whose postmaster is nobody, so that mail for him can't be taken (RFC
 * 5321 4.5.1); NULL if there is none. Only while accounts are used. */
const char *resolve_unanswered(const struct resolver *);

/* Whether an address that an alias leads to is neither in a domain of ours nor at this host. */
bool resolve_is_elsewhere(const struct resolver *, const char *forward);

/*
 * TEXT: a forward-path's mailbox, or "postmaster". *RESOLVED, which must not be copied, has at
 * least one enabled account or address elsewhere with RCPT_LOCAL, and none else.
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
