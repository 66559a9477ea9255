/* SPDX-License-Identifier: ISC */
#include "ctl/account_change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/nearest.h"
#include "ctl/accounts_text.h"
#include "ctl/ctl.h"

/*
 * -- Which account ----------------------------------------------------------------
 */

static const char *
nearest_account(const struct accounts *accounts, const char *address)
{
	const char *best = NULL;
	size_t best_distance = SIZE_MAX;

	for (size_t i = 0; i < accounts_count(accounts); i++) {
		const char *one = accounts_at(accounts, i)->address;
		size_t distance = nearest_distance(address, one);

		if (distance < best_distance) {
			best = one;
			best_distance = distance;
		}
	}
	return best != NULL && nearest_enough(address, best_distance) ? best : NULL;
}

int
account_change_check(const struct configuration *conf, const struct accounts_store *store,
		     const struct change *change, struct error *err)
{
	const struct account *account = accounts_find(store->accounts, change->address);
	const char *nearest;

	if (change->kind == CHANGE_ADD && !conf_has_domain(conf, strchr(change->address, '@') + 1))
		return error_set(err,
				 "%s is not in the domains of %s; mail for it would not come here",
				 strchr(change->address, '@') + 1, ctl_options.conf);
	if (change->kind == CHANGE_ADD && account != NULL)
		return error_set(err, "the account %s is there already (%s:%u)", change->address,
				 store->path, account->line);
	if (change->kind == CHANGE_ADD || account != NULL)
		return 0;
	nearest = nearest_account(store->accounts, change->address);
	if (nearest != NULL)
		return error_set(err, "there is no account %s; is %s meant?", change->address,
				 nearest);
	return error_set(err, "there is no account %s in %s", change->address, store->path);
}

/*
 * -- The edit, and whether it did what was meant ----------------------------------
 */

/* Puts a string in quotes; nothing in it needs escaping, see account_address() and crypt(5). */
static const char *
quoted(const char *value, char *room, size_t size)
{
	snprintf(room, size, "\"%s\"", value);
	return room;
}

#define VALUES 5

/* The settings of the change as text; ROOM holds their values. */
static void
settings_of(const struct change *change, struct text_setting settings[VALUES + 1],
	    char room[VALUES][ADDRESS_SIZE + 2])
{
	size_t n = 0;

	if (change->kind == CHANGE_ADD)
		settings[n++] = (struct text_setting){
		    "address", quoted(change->address, room[0], sizeof(room[0]))};
	if (change->password != NULL)
		settings[n++] = (struct text_setting){"password", change->password->value};
	if (change->enabled != NULL)
		settings[n++] = (struct text_setting){"enabled", change->enabled};
	if (change->quota != NULL)
		settings[n++] =
		    (struct text_setting){"quota", quoted(change->quota, room[2], sizeof(room[2]))};
	if (change->keys.kind != 0)
		settings[n++] =
		    (struct text_setting){account_keys_name(&change->keys), change->keys.value};
	settings[n] = (struct text_setting){NULL, NULL};
}

static char *
edit(const struct accounts_store *store, const struct change *change, struct error *err)
{
	const struct account *account = accounts_find(store->accounts, change->address);
	char room[VALUES][ADDRESS_SIZE + 2];
	struct text_setting settings[VALUES + 1];
	size_t index;

	settings_of(change, settings, room);
	if (change->kind == CHANGE_ADD)
		return text_add(store->text, "accounts", settings, err);
	index = (size_t)(account - accounts_at(store->accounts, 0));
	if (change->kind == CHANGE_REMOVE)
		return text_remove(store->text, "accounts", index, err);
	return text_set(store->text, "accounts", index, &settings[0], err);
}

static bool
same_hashes(const struct account *account, const struct account *old)
{
	if (old == NULL || strcmp(account->hash, old->hash) != 0)
		return false;
	for (size_t i = 0; i < SCRAM_HASH_COUNT; i++) {
		const char *is = account->scram[i], *was = old->scram[i];

		if (is == NULL || was == NULL ? is != was : strcmp(is, was) != 0)
			return false;
	}
	return true;
}

/* ACCOUNT as it should be after the change; OLD: as it was, or NULL. */
static bool
as_meant(const struct account *account, const struct account *old, const struct change *change)
{
	bool changed = strcmp(account->address, change->address) == 0;
	struct account want = {.address = change->address, .enabled = true};
	struct error err;

	if (old != NULL)
		want = *old;
	if (changed && change->password != NULL) {
		if (!password_is(account, change->password))
			return false;
	} else if (!same_hashes(account, old)) {
		return false;
	}
	if (changed && change->enabled != NULL)
		want.enabled = strcmp(change->enabled, "true") == 0;
	if (changed && change->quota != NULL &&
	    account_quota(change->quota, &want.quota, &err) == -1)
		return false;
	if (!account_keys_match(account, old, changed ? &change->keys : NULL))
		return false;
	return strcmp(account->address, want.address) == 0 && account->enabled == want.enabled &&
	       account->quota == want.quota;
}

/* Each account of the new text is the old one, but for the change; in the same order. */
static bool
compare(const struct accounts *old, const struct accounts *new, const struct change *change)
{
	size_t old_count = accounts_count(old), new_count = accounts_count(new), j = 0;

	for (size_t i = 0; i < old_count; i++) {
		const struct account *one = accounts_at(old, i);

		if (change->kind == CHANGE_REMOVE && strcmp(one->address, change->address) == 0)
			continue;
		if (j >= new_count || !as_meant(accounts_at(new, j), one, change))
			return false;
		j++;
	}
	if (change->kind != CHANGE_ADD)
		return j == new_count;
	return j + 1 == new_count && as_meant(accounts_at(new, j), NULL, change);
}

int
account_change_apply(const struct configuration *conf, struct accounts_store *store,
		     const struct change *change, struct error *err)
{
	char *text = edit(store, change, err);
	struct accounts *accounts = NULL;
	unsigned line;
	int result;

	if (text != NULL)
		accounts = accounts_parse(text, strlen(text), &line, err);
	if (text != NULL && accounts == NULL &&
	    (change->keys.kind != 0 || change->kind != CHANGE_SET))
		result =
		    -1; /* a certificate or an alias of somebody else's: the parser says whose */
	else if (accounts == NULL || !compare(store->accounts, accounts, change))
		result =
		    error_set(err, "the layout of %s is too unusual; edit it by hand", store->path);
	else
		result = store_replace(store, text, accounts, conf, err);
	accounts_free(accounts);
	if (text != NULL)
		freezero(text, strlen(text));
	return result;
}
