/* SPDX-License-Identifier: ISC */
/* posternctl alias ...: changes the aliases of accounts.conf, and tells a running server. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/aliases.h"
#include "ctl/accounts_store.h"
#include "ctl/accounts_text.h"
#include "ctl/ctl.h"
#include "ctl/settings.h"
#include "master/conf.h"

/* What an alias is to be; no targets: it goes. */
struct wanted {
	char address[ADDRESS_SIZE];
	char (*targets)[ADDRESS_SIZE];
	size_t count;
};

static bool
has_target(const struct wanted *wanted, const char *target)
{
	for (size_t i = 0; i < wanted->count; i++) {
		if (strcasecmp(wanted->targets[i], target) == 0)
			return true;
	}
	return false;
}

/* An address of ours in lower case, as the parser compares it; another host's as it is. */
static int
take_target(const struct configuration *conf, const char *text, char out[ADDRESS_SIZE],
	    struct error *err)
{
	if (alias_target(text, out, err) == -1)
		return -1;
	return conf_has_domain(conf, strrchr(out, '@') + 1) ? account_address(text, out, err) : 0;
}

/* The command line's ADDRESS and COUNT targets; free wanted->targets either way. */
static int
take_arguments(struct wanted *wanted, const struct configuration *conf, char **argv, size_t count,
	       struct error *err)
{
	*wanted = (struct wanted){.count = 0};
	if (alias_address(argv[0], wanted->address, err) == -1)
		return error_prefix(err, "%s", argv[0]);
	wanted->targets = calloc(count + 1, sizeof(*wanted->targets));
	if (wanted->targets == NULL)
		return error_errno(err, "no memory");
	for (size_t i = 0; i < count; i++) {
		char *place = wanted->targets[wanted->count];

		if (take_target(conf, argv[i + 1], place, err) == -1)
			return error_prefix(err, "%s", argv[i + 1]);
		if (!has_target(wanted, place))
			wanted->count++;
	}
	return 0;
}

/*
 * -- What it becomes --------------------------------------------------------------
 */

/* Those that OLD (NULL: none) has and NAMED hasn't, in front of those of NAMED if ADDING. */
static int
merge(struct wanted *named, const struct alias *old, bool adding, struct error *err)
{
	size_t had = old == NULL ? 0 : old->target_count, count = 0;
	char(*merged)[ADDRESS_SIZE] = calloc(had + named->count + 1, sizeof(*merged));
	const char *target = old == NULL ? NULL : old->targets;

	if (merged == NULL)
		return error_errno(err, "no memory");
	for (size_t i = 0; i < had; i++) {
		if (!has_target(named, target))
			strlcpy(merged[count++], target, ADDRESS_SIZE);
		target += strlen(target) + 1;
	}
	for (size_t i = 0; adding && i < named->count; i++)
		strlcpy(merged[count++], named->targets[i], ADDRESS_SIZE);
	free(named->targets);
	named->targets = merged;
	named->count = count;
	return 0;
}

static int
plan_add(struct wanted *wanted, const struct configuration *conf, const struct alias *old,
	 struct error *err)
{
	const char *domain = strchr(wanted->address, '@') + 1;

	if (!conf_has_domain(conf, domain))
		return error_set(err,
				 "%s is not in the domains of %s; mail for it would not come here",
				 domain, ctl_options.conf);
	return merge(wanted, old, true, err);
}

static int
plan_remove(struct wanted *wanted, const struct alias *old, struct error *err)
{
	const char *target;

	if (old == NULL)
		return error_set(err, "there is no alias %s", wanted->address);
	for (size_t i = 0; i < wanted->count; i++) {
		target = old->targets;
		for (size_t j = 0; j < old->target_count; j++) {
			if (strcasecmp(target, wanted->targets[i]) == 0)
				break;
			target = j + 1 == old->target_count ? NULL : target + strlen(target) + 1;
		}
		if (target == NULL)
			return error_set(err, "the alias %s does not lead to %s", wanted->address,
					 wanted->targets[i]);
	}
	return wanted->count == 0 ? 0 : merge(wanted, old, false, err);
}

/*
 * -- The edit, and whether it did what was meant ----------------------------------
 */

/* "[ \"a@example.org\", \"b@example.org\" ]": nothing in an address needs escaping. */
static char *
format_targets(const struct wanted *wanted)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < wanted->count; i++)
		fprintf(out, "%s\"%s\"", i == 0 ? "[ " : ", ", wanted->targets[i]);
	fputs(" ]", out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* A new group at the end, with what it leads to put in afterwards: that can be long. */
static char *
edit_add(const char *text, const struct wanted *wanted, size_t index, const char *targets,
	 struct error *err)
{
	char address[ADDRESS_SIZE + 2], *added, *result;
	const struct text_setting settings[] = {{"address", address}, {"to", "\"\""}, {NULL, NULL}};
	const struct text_setting to = {"to", targets};

	snprintf(address, sizeof(address), "\"%s\"", wanted->address);
	added = text_add(text, "aliases", settings, err);
	if (added == NULL)
		return NULL;
	result = text_set(added, "aliases", index, &to, err);
	freezero(added, strlen(added));
	return result;
}

static char *
edit(const struct accounts_store *store, const struct alias *old, const struct wanted *wanted,
     struct error *err)
{
	const struct aliases *aliases = accounts_aliases(store->accounts);
	char *targets = format_targets(wanted), *text;
	const struct text_setting to = {"to", targets};
	size_t index = aliases_count(aliases);

	if (targets == NULL) {
		error_errno(err, "no memory");
		return NULL;
	}
	if (old != NULL)
		index = (size_t)(old - aliases_at(aliases, 0));
	if (old == NULL)
		text = edit_add(store->text, wanted, index, targets, err);
	else if (wanted->count == 0)
		text = text_remove(store->text, "aliases", index, err);
	else
		text = text_set(store->text, "aliases", index, &to, err);
	free(targets);
	return text;
}

static bool
is_wanted(const struct alias *alias, const struct wanted *wanted)
{
	const char *target = alias->targets;

	if (alias->target_count != wanted->count)
		return false;
	for (size_t i = 0; i < wanted->count; i++) {
		if (strcmp(target, wanted->targets[i]) != 0)
			return false;
		target += strlen(target) + 1;
	}
	return true;
}

static bool
same_alias(const struct alias *a, const struct alias *b)
{
	const char *x = a->targets, *y = b->targets;

	if (strcmp(a->address, b->address) != 0 || a->target_count != b->target_count)
		return false;
	for (size_t i = 0; i < a->target_count; i++) {
		if (strcmp(x, y) != 0)
			return false;
		x += strlen(x) + 1;
		y += strlen(y) + 1;
	}
	return true;
}

static bool
same_accounts(const struct accounts *old, const struct accounts *new)
{
	if (accounts_count(old) != accounts_count(new))
		return false;
	for (size_t i = 0; i < accounts_count(old); i++) {
		const struct account *a = accounts_at(old, i), *b = accounts_at(new, i);

		if (strcmp(a->address, b->address) != 0 || strcmp(a->hash, b->hash) != 0 ||
		    a->enabled != b->enabled)
			return false;
	}
	return true;
}

/* All is as it was, but for the one alias. */
static bool
as_meant(const struct accounts *old, const struct accounts *new, const struct wanted *wanted)
{
	const struct aliases *before = accounts_aliases(old), *after = accounts_aliases(new);
	const struct alias *changed = aliases_find(after, wanted->address);
	size_t count = 0;

	if (!same_accounts(old, new) || (changed != NULL) != (wanted->count > 0) ||
	    (changed != NULL && !is_wanted(changed, wanted)))
		return false;
	for (size_t i = 0; i < aliases_count(before); i++) {
		const struct alias *one = aliases_at(before, i), *now;

		if (strcmp(one->address, wanted->address) == 0)
			continue;
		count++;
		now = aliases_find(after, one->address);
		if (now == NULL || !same_alias(one, now))
			return false;
	}
	return aliases_count(after) == count + (changed != NULL ? 1 : 0);
}

static int
apply(const struct configuration *conf, struct accounts_store *store, const struct alias *old,
      const struct wanted *wanted, struct error *err)
{
	char *text = edit(store, old, wanted, err);
	struct accounts *accounts;
	unsigned line;
	int result;

	if (text == NULL)
		return -1;
	accounts = accounts_parse(text, strlen(text), &line, err);
	if (accounts == NULL)
		result = -1; /* it leads nowhere, or in a loop: the parser says so */
	else if (!as_meant(store->accounts, accounts, wanted))
		result =
		    error_set(err, "the layout of %s is too unusual; edit it by hand", store->path);
	else
		result = store_replace(store, text, accounts, conf, err);
	accounts_free(accounts);
	freezero(text, strlen(text));
	return result;
}

/*
 * -- Commands ---------------------------------------------------------------------
 */

static int
change(const struct configuration *conf, struct wanted *wanted, bool adding, struct error *err)
{
	const struct alias *old = NULL;
	struct accounts_store store;
	int result = store_open(&store, conf->accounts, true, err);

	if (result == 0)
		old = aliases_find(accounts_aliases(store.accounts), wanted->address);
	if (result == 0)
		result = adding ? plan_add(wanted, conf, old, err) : plan_remove(wanted, old, err);
	if (result == 0)
		result = apply(conf, &store, old, wanted, err);
	store_close(&store);
	return result;
}

static int
run_change(int argc, char **argv, bool adding)
{
	struct configuration *conf;
	struct wanted wanted = {.count = 0};
	struct error err;
	int result;

	if (argc < (adding ? 3 : 2))
		return CTL_USAGE;
	conf = ctl_settings();
	if (conf == NULL)
		return CTL_FAILED;
	result = take_arguments(&wanted, conf, argv + 1, (size_t)argc - 2, &err);
	if (result == 0)
		result = change(conf, &wanted, adding, &err);
	if (result == 0) {
		printf("alias %s %s", wanted.address, wanted.count == 0 ? "removed\n" : "leads to");
		for (size_t i = 0; i < wanted.count; i++)
			printf(" %s%s", wanted.targets[i], i + 1 == wanted.count ? "\n" : "");
		result = ctl_tell_accounts(conf);
	} else {
		result = ctl_error(&err);
	}
	free(wanted.targets);
	conf_free(conf);
	return result;
}

int
ctl_alias_add(int argc, char **argv)
{
	return run_change(argc, argv, true);
}

int
ctl_alias_remove(int argc, char **argv)
{
	return run_change(argc, argv, false);
}

static void
print_alias(const struct alias *alias)
{
	const char *target = alias->targets;

	printf("%s\t", alias->address);
	for (size_t i = 0; i < alias->target_count; i++) {
		printf("%s%s", i == 0 ? "" : ",", target);
		target += strlen(target) + 1;
	}
	printf("\n");
}

static int
print_accounts(const struct aliases *aliases, const struct configuration *conf, const char *text,
	       struct error *err)
{
	char address[ADDRESS_SIZE];
	const struct alias *alias;

	if (alias_address(text, address, err) == -1)
		return error_prefix(err, "%s", text);
	alias = aliases_find(aliases, address);
	if (alias == NULL)
		return error_set(err, "there is no alias %s", address);
	for (size_t i = 0; i < alias->account_count; i++)
		printf("%s\t%s\n", alias->accounts[i]->address,
		       alias->accounts[i]->enabled ? "enabled" : "disabled");
	for (size_t i = 0; i < alias->forward_count; i++)
		printf("%s\t%s\n", alias->forwards[i],
		       store_is_nobodys(conf, alias->forwards[i]) ? "nobody" : "elsewhere");
	return 0;
}

/* ADDRESS: the accounts and other hosts' addresses it leads to in the end; NULL: all aliases, as
 * they are written. */
static int
print(const char *address)
{
	struct configuration *conf = ctl_settings();
	struct accounts_store store;
	struct error err;
	int result;

	if (conf == NULL)
		return CTL_FAILED;
	result = store_open(&store, conf->accounts, false, &err);
	if (result == 0 && address != NULL)
		result = print_accounts(accounts_aliases(store.accounts), conf, address, &err);
	for (size_t i = 0;
	     result == 0 && address == NULL && i < aliases_count(accounts_aliases(store.accounts));
	     i++)
		print_alias(aliases_at(accounts_aliases(store.accounts), i));
	store_close(&store);
	conf_free(conf);
	return result == -1 ? ctl_error(&err) : CTL_OK;
}

int
ctl_alias_list(int argc, char **argv)
{
	(void)argv;
	return argc != 1 ? CTL_USAGE : print(NULL);
}

int
ctl_alias_show(int argc, char **argv)
{
	return argc != 2 ? CTL_USAGE : print(argv[1]);
}
