/* SPDX-License-Identifier: ISC */
/*
 * account_group - one account of accounts.conf, as libconfig has read it: its keys, checked. What
 * the accounts are together is the business of accounts_file.c.
 */
#ifndef POSTERN_COMMON_ACCOUNT_GROUP_H
#define POSTERN_COMMON_ACCOUNT_GROUP_H

#include <libconfig.h>

#include "common/accounts_file.h"

/* One group while it is read. */
struct account_group {
	char address[ADDRESS_SIZE];
	struct account account;
	const char *crypt; /* the hash of crypt(3), or NULL */
	const char *scram[SCRAM_HASH_COUNT];
	const config_setting_t *fingerprints; /* a string or several; NULL: none */
	const config_setting_t *subjects;
	const config_setting_t *senders;
};

/*
 * Reads the group. 0, or -1 with ERR filled and *LINE where that is. The strings stay libconfig's.
 */
int account_group_take(const config_setting_t *, struct account_group *, unsigned *line,
		       struct error *);

/* How many strings SETTING is: one, or an array; 0 if it is neither. */
int setting_strings(const config_setting_t *setting);
/* INDEX < setting_strings(). */
const char *setting_string_at(const config_setting_t *setting, int index);

/* ERR says that there is no key NAME, and which of KNOWN (ends with NULL) may be meant; -1. */
int setting_unknown(const char *name, const char *const *known, struct error *);

#endif
