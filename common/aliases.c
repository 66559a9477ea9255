/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/aliases.h"

#include <libconfig.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/nearest.h"

struct aliases {
	struct alias *list;
	size_t count;
	struct hsearch_data index;
	bool indexed;
	const struct accounts *accounts;
	uint32_t *seen; /* by an account's place: the last alias that has it, counted from 1 */
	const struct account **found; /* the accounts of the alias in work */
};

int
alias_address(const char *text, char *out, struct error *err)
{
	char whole[2 * ADDRESS_SIZE];

	if (text[0] != '@')
		return account_address(text, out, err);
	/* Its domain is what a domain of an account may be. */
	if ((size_t)snprintf(whole, sizeof(whole), "x%s", text) >= sizeof(whole))
		return error_set(err, "the domain is too long");
	if (account_address(whole, out, err) == -1)
		return -1;
	memmove(out, out + 1, strlen(out));
	return 0;
}

/*
 * -- From the file ----------------------------------------------------------------
 */

static size_t
count_targets(const config_setting_t *to)
{
	int type = to == NULL ? CONFIG_TYPE_NONE : config_setting_type(to);

	if (type == CONFIG_TYPE_STRING)
		return 1;
	if (type != CONFIG_TYPE_ARRAY && type != CONFIG_TYPE_LIST)
		return 0;
	return (size_t)config_setting_length(to);
}

static const char *
target_at(const config_setting_t *to, size_t index)
{
	if (config_setting_type(to) == CONFIG_TYPE_STRING)
		return config_setting_get_string(to);
	return config_setting_get_string_elem(to, (int)index);
}

/* Keeps the targets in lower case in one block of their own. */
static int
take_targets(struct alias *alias, const config_setting_t *to, struct error *err)
{
	size_t count = count_targets(to), size = 0;
	char *block = NULL, one[ADDRESS_SIZE];
	FILE *out = open_memstream(&block, &size);
	int result = 0;

	if (out == NULL)
		return error_errno(err, "no memory");
	if (count == 0 || count > ALIAS_ACCOUNTS_MAX)
		result = error_set(err,
				   "to must be an address, or up to %u of them: "
				   "[ \"...\", \"...\" ]",
				   ALIAS_ACCOUNTS_MAX);
	for (size_t i = 0; result == 0 && i < count; i++) {
		const char *text = target_at(to, i);

		if (text == NULL)
			result = error_set(err, "to has something else than strings in it");
		else if (account_address(text, one, err) == -1)
			result = error_prefix(err, "to: %.100s", text);
		else
			fwrite(one, 1, strlen(one) + 1, out);
	}
	if (fclose(out) == EOF && result == 0)
		result = error_errno(err, "no memory");
	alias->targets = block;
	alias->target_count = count;
	return result;
}

static const char *const key_names[] = {"address", "to", NULL};

static int
check_keys(const config_setting_t *group, unsigned *line, struct error *err)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *one = config_setting_get_elem(group, (unsigned)i);
		const char *name = config_setting_name(one), *nearest;

		if (strcmp(name, "address") == 0 || strcmp(name, "to") == 0)
			continue;
		*line = config_setting_source_line(one);
		nearest = nearest_word(name, key_names);
		if (nearest != NULL)
			return error_set(err, "unknown key '%s'; is '%s' meant?", name, nearest);
		return error_set(err, "unknown key '%s'", name);
	}
	return 0;
}

static int
take_alias(struct alias *alias, const config_setting_t *group, unsigned *line, struct error *err)
{
	char address[ADDRESS_SIZE];
	const char *text;

	*line = alias->line = config_setting_source_line(group);
	if (config_setting_type(group) != CONFIG_TYPE_GROUP)
		return error_set(err, "each alias must be a group, { address = ...; to = ...; }");
	if (check_keys(group, line, err) == -1)
		return -1;
	if (config_setting_lookup_string(group, "address", &text) != CONFIG_TRUE)
		return error_set(err, "an alias without an address");
	if (alias_address(text, address, err) == -1)
		return error_prefix(err, "address");
	alias->address = strdup(address);
	if (alias->address == NULL)
		return error_errno(err, "no memory");
	if (take_targets(alias, config_setting_get_member(group, "to"), err) == -1)
		return error_prefix(err, "the alias %s", address);
	return 0;
}

/* One address is one account or one alias. */
static int
index_alias(struct aliases *aliases, struct alias *alias, struct error *err)
{
	const struct account *account = accounts_find(aliases->accounts, alias->address);
	const struct alias *first = aliases_find(aliases, alias->address);
	ENTRY *found, entry;

	if (account != NULL)
		return error_set(err, "the address of the alias %s is an account's, in line %u",
				 alias->address, account->line);
	if (first != NULL)
		return error_set(err, "the alias %s is there already, in line %u", alias->address,
				 first->line);
	memcpy(&entry.key, &alias->address, sizeof(entry.key)); /* hsearch(3) lacks a const */
	entry.data = alias;
	if (hsearch_r(entry, ENTER, &found, &aliases->index) == 0)
		return error_errno(err, "indexing the aliases");
	return 0;
}

/*
 * -- Where they lead --------------------------------------------------------------
 */

/* Aliases from the one that was begun with. */
struct way {
	struct alias *alias;
	const struct way *before;
	unsigned length;
};

static int lead(struct aliases *, struct alias *, const struct way *, struct error *);

/* "a@x -> b@x -> a@x" */
static int
say_loop(const struct way *way, const struct alias *back, struct error *err)
{
	char text[ERROR_MAX] = "", more[ERROR_MAX];

	for (; way != NULL; way = way->before) {
		if (snprintf(more, sizeof(more), "%s -> %s", way->alias->address, text) >=
		    (int)sizeof(more))
			break; /* that much tells enough of it */
		strlcpy(text, more, sizeof(text));
		if (way->alias == back)
			break;
	}
	return error_set(err, "aliases in a loop: %s%s", text, back->address);
}

static int
check_way(const struct way *way, const struct alias *next, struct error *err)
{
	for (const struct way *at = way; at != NULL; at = at->before) {
		if (at->alias == next)
			return say_loop(way, next, err);
	}
	return 0;
}

/* The accounts of an alias while they are gathered, in aliases->found. */
struct gathering {
	uint32_t mark;
	size_t count;
	size_t bytes;
};

static int
gather(struct aliases *aliases, struct gathering *g, const struct account *account,
       struct error *err)
{
	size_t place = (size_t)(account - accounts_at(aliases->accounts, 0));

	if (aliases->seen[place] == g->mark)
		return 0;
	aliases->seen[place] = g->mark;
	g->bytes += strlen(account->address) + 1;
	if (g->count == ALIAS_ACCOUNTS_MAX || g->bytes > ALIAS_BYTES_MAX)
		return error_set(err, "leads to more than %u accounts or %u bytes of addresses",
				 ALIAS_ACCOUNTS_MAX, (unsigned)ALIAS_BYTES_MAX);
	aliases->found[g->count++] = account;
	return 0;
}

/* All targets have been led to their end. */
static int
gather_all(struct aliases *aliases, struct alias *alias, struct error *err)
{
	struct gathering g = {.mark = (uint32_t)(alias - aliases->list) + 1};
	const char *target = alias->targets;
	int result = 0;

	for (size_t i = 0; result == 0 && i < alias->target_count; i++) {
		const struct account *account = accounts_find(aliases->accounts, target);
		const struct alias *next = aliases_find(aliases, target);

		if (account != NULL)
			result = gather(aliases, &g, account, err);
		for (size_t j = 0; result == 0 && next != NULL && j < next->account_count; j++)
			result = gather(aliases, &g, next->accounts[j], err);
		target += strlen(target) + 1;
	}
	if (result == -1)
		return error_prefix(err, "the alias %s", alias->address);
	alias->accounts = reallocarray(NULL, g.count, sizeof(const struct account *));
	if (alias->accounts == NULL)
		return error_errno(err, "no memory");
	memcpy(alias->accounts, aliases->found, g.count * sizeof(const struct account *));
	alias->account_count = g.count;
	return 0;
}

/* Follows one target of the last alias on WAY. */
static int
follow(struct aliases *aliases, const char *target, const struct way *way, struct error *err)
{
	struct alias *alias = way->alias, *next = NULL;
	const struct alias *found = aliases_find(aliases, target);

	if (accounts_find(aliases->accounts, target) != NULL)
		return 0;
	if (found == NULL)
		return error_set(err,
				 "the alias %s leads to %s, which is no account and no alias of "
				 "this file; mail is not forwarded to other servers",
				 alias->address, target);
	next = &aliases->list[found - aliases->list];
	if (check_way(way, next, err) == -1)
		return -1;
	if (next->depth == 0 && lead(aliases, next, way, err) == -1)
		return -1;
	if (next->depth >= alias->depth)
		alias->depth = next->depth + 1;
	return 0;
}

static int
lead(struct aliases *aliases, struct alias *alias, const struct way *before, struct error *err)
{
	struct way way = {alias, before, before == NULL ? 1 : before->length + 1};
	const char *target = alias->targets;
	unsigned depth = 0;

	if (way.length > ALIAS_DEPTH_MAX)
		return error_set(err, "the alias %s is behind more than %d others", alias->address,
				 ALIAS_DEPTH_MAX);
	alias->depth = 0;
	for (size_t i = 0; i < alias->target_count; i++) {
		if (follow(aliases, target, &way, err) == -1)
			return -1;
		target += strlen(target) + 1;
	}
	depth = alias->depth == 0 ? 1 : alias->depth;
	if (depth > ALIAS_DEPTH_MAX)
		return error_set(err, "the alias %s has more than %d others behind it",
				 alias->address, ALIAS_DEPTH_MAX - 1);
	alias->depth = depth;
	return gather_all(aliases, alias, err);
}

static int
take_all(struct aliases *aliases, const config_setting_t *list, unsigned *line, struct error *err)
{
	size_t count = (size_t)config_setting_length(list);

	for (size_t i = 0; i < count; i++) {
		struct alias *alias = &aliases->list[i];

		aliases->count++;
		if (take_alias(alias, config_setting_get_elem(list, (unsigned)i), line, err) == -1)
			return -1;
		*line = alias->line;
		if (index_alias(aliases, alias, err) == -1)
			return -1;
	}
	for (size_t i = 0; i < count; i++) {
		struct alias *alias = &aliases->list[i];

		*line = alias->line;
		if (alias->depth == 0 && lead(aliases, alias, NULL, err) == -1)
			return -1;
	}
	*line = 0;
	return 0;
}

struct aliases *
aliases_take(const struct config_setting_t *list, const struct accounts *accounts, unsigned *line,
	     struct error *err)
{
	size_t count = list == NULL ? 0 : (size_t)config_setting_length(list);
	struct aliases *aliases = calloc(1, sizeof(*aliases));
	int result;

	if (aliases == NULL) {
		error_errno(err, "no memory");
		return NULL;
	}
	if (count == 0)
		return aliases;
	aliases->accounts = accounts;
	aliases->list = calloc(count, sizeof(*aliases->list));
	aliases->seen = calloc(accounts_count(accounts) + 1, sizeof(*aliases->seen));
	aliases->found = calloc(ALIAS_ACCOUNTS_MAX, sizeof(const struct account *));
	aliases->indexed = hcreate_r(count * 2 + 1, &aliases->index) != 0;
	if (count > ALIASES_MAX)
		result = error_set(err, "more than %u aliases", ALIASES_MAX);
	else if (aliases->list == NULL || aliases->seen == NULL || aliases->found == NULL ||
		 !aliases->indexed)
		result = error_set(err, "no memory for %zu aliases", count);
	else
		result = take_all(aliases, list, line, err);
	free(aliases->seen);
	free(aliases->found);
	aliases->seen = NULL;
	aliases->found = NULL;
	if (result == 0)
		return aliases;
	aliases_free(aliases);
	return NULL;
}

void
aliases_free(struct aliases *aliases)
{
	if (aliases == NULL)
		return;
	if (aliases->indexed)
		hdestroy_r(&aliases->index);
	for (size_t i = 0; i < aliases->count; i++) {
		struct alias *alias = &aliases->list[i];

		free((void *)(uintptr_t)alias->address);
		free((void *)(uintptr_t)alias->targets);
		free(alias->accounts);
	}
	free(aliases->list);
	free(aliases);
}

size_t
aliases_count(const struct aliases *aliases)
{
	return aliases->count;
}

const struct alias *
aliases_at(const struct aliases *aliases, size_t index)
{
	return &aliases->list[index];
}

const struct alias *
aliases_find(const struct aliases *aliases, const char *address)
{
	struct hsearch_data index = aliases->index; /* a lookup changes nothing, but wants to */
	ENTRY *found, entry;

	if (!aliases->indexed)
		return NULL;
	memcpy(&entry.key, &address, sizeof(entry.key));
	entry.data = NULL;
	if (hsearch_r(entry, FIND, &found, &index) == 0)
		return NULL;
	return found->data;
}
