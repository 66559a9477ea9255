/* SPDX-License-Identifier: ISC */
/*
 * aliases - the list `aliases` of accounts.conf(5): addresses that lead to accounts and to other
 * hosts, by themselves or over other aliases, and catch-alls ("@domain").
 *
 * What each leads to in the end is worked out when the file is read: a loop, or an address that is
 * nobody's, is an error of the file, and a lookup costs the same however deep aliases are nested.
 */
#ifndef POSTERN_COMMON_ALIASES_H
#define POSTERN_COMMON_ALIASES_H

#include <stddef.h>

#include "common/accounts_file.h"

#define ALIASES_MAX 1000000u
#define ALIAS_DEPTH_MAX 10 /* aliases on the way to an account */
/* What one alias leads to at most: accounts and other addresses, and bytes of them with a NUL each,
 * so that they fit into one message (accounts_queue.h). */
#define ALIAS_ACCOUNTS_MAX 1000u
#define ALIAS_BYTES_MAX MAILBOXES_MAX

struct alias {
	const char *address; /* local@domain or @domain, lower case */
	const char *targets; /* as alias_target() makes them: strings one behind the other */
	size_t target_count;
	const struct account **accounts; /* that they lead to, each once */
	size_t account_count;
	const char *
	    *forwards;        /* addresses of other hosts, each once, their domains in lower case */
	size_t forward_count; /* 1 at least of the two kinds */
	unsigned depth;       /* aliases on the way, this one too; 0: not known yet */
	unsigned line;
};

struct aliases;

/*
 * LIST: the setting of libconfig's (struct config_setting_t), or NULL. The accounts must outlive
 * what is returned, and their addresses have to be indexed. Returns NULL with ERR and *LINE filled.
 */
struct config_setting_t;
struct aliases *aliases_take(const struct config_setting_t *list, const struct accounts *,
			     unsigned *line, struct error *);
void aliases_free(struct aliases *); /* NULL is fine */

size_t aliases_count(const struct aliases *);
/* In the order of the file; INDEX < count. */
const struct alias *aliases_at(const struct aliases *, size_t index);
/* ADDRESS: lower case. NULL if there is none. */
const struct alias *aliases_find(const struct aliases *, const char *address);

/*
 * What can be the address of an alias: that of an account, or "@" and a domain for all that is
 * nobody's there. As account_address().
 */
int alias_address(const char *text, char *out, struct error *);

/*
 * What an alias can lead to: as account_address(), but the case of the local part stays (RFC 5321
 * 2.4), and it may have a "/", for the host may be another.
 */
int alias_target(const char *text, char *out, struct error *);

#endif
