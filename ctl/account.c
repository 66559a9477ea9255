/* SPDX-License-Identifier: ISC */
/* posternctl account ...: changes accounts.conf, and tells a running server. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/accounts_file.h"
#include "common/nearest.h"
#include "common/proto/types.h"
#include "ctl/account_keys.h"
#include "ctl/accounts_store.h"
#include "ctl/accounts_text.h"
#include "ctl/connect.h"
#include "ctl/ctl.h"
#include "ctl/password.h"
#include "ctl/settings.h"

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

/* Whether the account is, or for CHANGE_ADD can become, one of the file. */
static int
check_account(const struct configuration *conf, const struct accounts_store *store,
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

/* Edits, checks, writes. */
static int
apply(struct accounts_store *store, const struct change *change, struct error *err)
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
		result = store_replace(store, text, err);
	accounts_free(accounts);
	if (text != NULL)
		freezero(text, strlen(text));
	return result;
}

/*
 * -- The running server -----------------------------------------------------------
 */

int
ctl_tell_accounts(const struct configuration *conf)
{
	static struct ctl_answer answer;
	struct error err;

	if (ctl_ask(conf->state, CM_ACCOUNTS, &answer, &err) == -1) {
		error_prefix(&err, "the file is changed, but the server could not be told");
		return ctl_error(&err);
	}
	if (answer.running && !answer.ok) {
		error_set(&err, "the file is changed, but the server refused it: %s", answer.text);
		return ctl_error(&err);
	}
	if (ctl_options.verbose && !answer.running)
		printf("no server is running; it reads the file when it starts\n");
	else if (ctl_options.verbose && answer.text[0] != '\0')
		printf("%s\n", answer.text);
	return CTL_OK;
}

/*
 * -- Commands ---------------------------------------------------------------------
 */

/*
 * Checks without the lock first, so that the password is asked for only if the rest is right, and
 * nobody waits for whoever types it.
 */
static int
precheck(const struct configuration *conf, struct change *change, struct error *err)
{
	struct accounts_store store;
	int result = store_open(&store, conf->accounts, false, err);

	if (result == 0)
		result = check_account(conf, &store, change, err);
	if (result == 0 && change->kinds == 0)
		change->kinds =
		    change->kind == CHANGE_ADD
			? PASSWORD_KINDS
			: password_kinds_of(accounts_find(store.accounts, change->address));
	store_close(&store);
	return result;
}

int
ctl_account_known(const struct configuration *conf, const char *address, struct error *err)
{
	struct change change = {.kind = CHANGE_SET};

	strlcpy(change.address, address, sizeof(change.address));
	return precheck(conf, &change, err);
}

static int
locked_change(const struct configuration *conf, const struct change *change, struct error *err)
{
	struct accounts_store store;
	int result = store_open(&store, conf->accounts, true, err);

	if (result == 0)
		result = check_account(conf, &store, change, err);
	if (result == 0)
		result = apply(&store, change, err);
	store_close(&store);
	return result;
}

/* WITH_PASSWORD: the change is to have a new one. DONE: "account %s DONE". */
static int
run_change(struct change *change, bool with_password, const char *done)
{
	char password[CRYPT_MAX_PASSPHRASE_SIZE] = "";
	struct password_hashes hashes;
	struct configuration *conf;
	struct error err;
	int result;

	conf = ctl_settings();
	if (conf == NULL)
		return CTL_FAILED;
	result = precheck(conf, change, &err);
	if (result == 0 && with_password) {
		result = password_read(change->address, password, sizeof(password), &err);
		if (result == 0)
			result = password_hash(password, change->kinds, &hashes, &err);
		explicit_bzero(password, sizeof(password));
		change->password = &hashes;
	}
	if (result == 0)
		result = locked_change(conf, change, &err);
	change->password = NULL;
	explicit_bzero(&hashes, sizeof(hashes));
	if (result == 0) {
		printf("account %s %s\n", change->address, done);
		result = ctl_tell_accounts(conf);
	} else {
		result = ctl_error(&err);
	}
	conf_free(conf);
	return result;
}

/* The one argument is an address. */
static int
run_on_address(int argc, char **argv, struct change *change, bool with_password, const char *done)
{
	struct error err;

	if (argc != 2)
		return CTL_USAGE;
	if (account_address(argv[1], change->address, &err) == -1) {
		error_prefix(&err, "%s", argv[1]);
		return ctl_error(&err);
	}
	return run_change(change, with_password, done);
}

int
ctl_account_add(int argc, char **argv)
{
	static const struct option options[] = {{"quota", required_argument, NULL, 'q'},
						{"disabled", no_argument, NULL, 'd'},
						{"scram", required_argument, NULL, 's'},
						{NULL, 0, NULL, 0}};
	struct change change = {.kind = CHANGE_ADD};
	struct error err;
	uint64_t bytes;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'd')
			change.enabled = "false";
		else if (option == 'q')
			change.quota = optarg;
		else if (option != 's')
			return CTL_USAGE;
		else if (password_kinds(optarg, &change.kinds, &err) == -1)
			return ctl_error(&err);
	}
	if (change.quota != NULL && account_quota(change.quota, &bytes, &err) == -1)
		return ctl_error(&err);
	return run_on_address(argc - optind + 1, argv + optind - 1, &change, true, "added");
}

int
ctl_account_passwd(int argc, char **argv)
{
	static const struct option options[] = {{"scram", required_argument, NULL, 's'},
						{NULL, 0, NULL, 0}};
	struct change change = {.kind = CHANGE_SET};
	struct error err;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 's')
			return CTL_USAGE;
		if (password_kinds(optarg, &change.kinds, &err) == -1)
			return ctl_error(&err);
	}
	return run_on_address(argc - optind + 1, argv + optind - 1, &change, true,
			      "has a new password");
}

int
ctl_account_enable(int argc, char **argv)
{
	struct change change = {.kind = CHANGE_SET, .enabled = "true"};

	return run_on_address(argc, argv, &change, false, "enabled");
}

int
ctl_account_disable(int argc, char **argv)
{
	struct change change = {.kind = CHANGE_SET, .enabled = "false"};

	return run_on_address(argc, argv, &change, false, "disabled");
}

int
ctl_account_remove(int argc, char **argv)
{
	struct change change = {.kind = CHANGE_REMOVE};

	return run_on_address(argc, argv, &change, false, "removed; its mailbox stays");
}

/* KIND: of account_keys.h. The arguments are an address, and fingerprints or subjects. */
static int
run_keys(int argc, char **argv, char kind, const char *done)
{
	struct change change = {.kind = CHANGE_SET};
	struct error err;
	int result;

	if (argc < 2)
		return CTL_USAGE;
	if (account_keys_take(&change.keys, kind, argv + 2, (size_t)argc - 2, &err) == -1)
		return ctl_error(&err);
	result = run_on_address(2, argv, &change, false, done);
	account_keys_free(&change.keys);
	return result;
}

int
ctl_account_fingerprint(int argc, char **argv)
{
	return run_keys(argc, argv, 'F', argc == 2 ? "has no fingerprint" : "has its fingerprints");
}

int
ctl_account_subject(int argc, char **argv)
{
	return run_keys(argc, argv, 'S', argc == 2 ? "has no subject" : "has its subjects");
}

/* Which hashes of the password there are: "crypt,SCRAM-SHA-256". */
static void
print_hashes(const struct account *account)
{
	const char *comma = "";

	if (!scram_is_verifier(account->hash)) {
		printf("crypt");
		comma = ",";
	}
	for (unsigned i = 0; i < SCRAM_HASH_COUNT; i++) {
		if (account->scram[i] == NULL)
			continue;
		printf("%s%s", comma, scram_name((enum scram_hash)i));
		comma = ",";
	}
	printf("\n");
}

static void
print_account(const struct account *account)
{
	static const char units[] = "\0KMGT";
	uint64_t quota = account->quota;
	size_t unit = 0;

	for (; quota != 0 && quota % 1024 == 0 && unit < 4; unit++)
		quota /= 1024;
	printf("%s\t%s\t", account->address, account->enabled ? "enabled" : "disabled");
	if (quota == 0)
		printf("-\t");
	else
		printf("%" PRIu64 "%.1s\t", quota, &units[unit]);
	print_hashes(account);
}

int
ctl_account_list(int argc, char **argv)
{
	struct configuration *conf;
	struct accounts_store store;
	struct error err;
	int result;

	(void)argv;
	if (argc != 1)
		return CTL_USAGE;
	conf = ctl_settings();
	if (conf == NULL)
		return CTL_FAILED;
	result = store_open(&store, conf->accounts, false, &err);
	for (size_t i = 0; result == 0 && i < accounts_count(store.accounts); i++)
		print_account(accounts_at(store.accounts, i));
	store_close(&store);
	conf_free(conf);
	return result == -1 ? ctl_error(&err) : CTL_OK;
}
