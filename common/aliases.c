/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/aliases.h"

#include <libconfig.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/aliases_private.h"
#include "common/nearest.h"

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

/* Keeps the targets in one block of their own. */
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
		else if (alias_target(text, one, err) == -1)
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
	if (aliases_lead_all(aliases, line, err) == -1)
		return -1;
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
	aliases->indexed = hcreate_r(count * 2 + 1, &aliases->index) != 0;
	if (count > ALIASES_MAX)
		result = error_set(err, "more than %u aliases", ALIASES_MAX);
	else if (aliases->list == NULL || !aliases->indexed)
		result = error_set(err, "no memory for %zu aliases", count);
	else
		result = take_all(aliases, list, line, err);
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
		free(alias->forwards);
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
