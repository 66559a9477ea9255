/* SPDX-License-Identifier: ISC */
/* account_change - what a command does to one account of accounts.conf, and to nothing else in it.
 */
#ifndef POSTERN_CTL_ACCOUNT_CHANGE_H
#define POSTERN_CTL_ACCOUNT_CHANGE_H

#include "common/accounts_file.h"
#include "common/proto/types.h"
#include "ctl/account_keys.h"
#include "ctl/accounts_store.h"
#include "ctl/password.h"
#include "master/conf.h"

/* What a command is about to do to one account. */
struct change {
	enum change_kind { CHANGE_ADD, CHANGE_SET, CHANGE_REMOVE } kind;
	char address[ADDRESS_SIZE];
	const struct password_hashes *password; /* NULL: not changed */
	unsigned kinds;                         /* of hashes to be made; 0: not said */
	const char *enabled;                    /* "true", "false", or NULL */
	const char *quota;                      /* "2G", or NULL */
	struct account_keys keys;
};

/*
 * Whether the account is, or for CHANGE_ADD can become, one of the file. 0, or -1 with ERR filled,
 * which names the one that may be meant.
 */
int account_change_check(const struct configuration *, const struct accounts_store *,
			 const struct change *, struct error *);

/*
 * Edits the text, looks whether all accounts are in it as they were but for the change, and
 * replaces the file, which the store has locked. 0, or -1 with ERR filled: then it is as it was.
 */
int account_change_apply(const struct configuration *, struct accounts_store *,
			 const struct change *, struct error *);

#endif
