/* SPDX-License-Identifier: ISC */
/* posternctl account ...: changes accounts.conf, and tells a running server. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/accounts_file.h"
#include "common/proto/types.h"
#include "ctl/account_change.h"
#include "ctl/accounts_store.h"
#include "ctl/connect.h"
#include "ctl/ctl.h"
#include "ctl/options.h"
#include "ctl/password.h"
#include "ctl/settings.h"

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
		result = account_change_check(conf, &store, change, err);
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
		result = account_change_check(conf, &store, change, err);
	if (result == 0)
		result = account_change_apply(conf, &store, change, err);
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
	static const struct option table[] = {{"quota", required_argument, NULL, 'q'},
					      {"disabled", no_argument, NULL, 'd'},
					      {"scram", required_argument, NULL, 's'},
					      {NULL, 0, NULL, 0}};
	struct options options = {.table = table};
	struct change change = {.kind = CHANGE_ADD};
	struct error err;
	uint64_t bytes;
	int option;

	while ((option = options_next(&options, argc, argv)) != -1) {
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
	static const struct option table[] = {{"scram", required_argument, NULL, 's'},
					      {NULL, 0, NULL, 0}};
	struct options options = {.table = table};
	struct change change = {.kind = CHANGE_SET};
	struct error err;
	int option;

	while ((option = options_next(&options, argc, argv)) != -1) {
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
