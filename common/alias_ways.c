/* SPDX-License-Identifier: ISC */
/*
 * Where aliases lead: to accounts of the file, over each other, and to addresses of other hosts. A
 * target is another host's if the file has neither an account nor an alias in its domain: what
 * looks like one of ours and is nobody's is a mistake.
 */
#include "config.h"

#include <sys/tree.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/aliases_private.h"

/* A domain that the file knows. */
struct known {
	RB_ENTRY(known) entry;
	const char *name; /* in somebody's address */
};
RB_HEAD(known_domains, known);

/* All that is needed until everything has been led to its end. */
struct leading {
	struct aliases *aliases;
	uint32_t *seen; /* by an account's place: the last alias that has it, counted from 1 */
	const struct account **accounts; /* of the alias in work */
	const char **forwards;
	struct known_domains known;
	bool gathered; /* they are known */
	struct elsewhere *elsewhere;
	size_t elsewhere_count;
	struct hsearch_data index; /* of these */
	bool indexed;
};

static int
compare_known(const struct known *a, const struct known *b)
{
	return strcmp(a->name, b->name);
}

RB_GENERATE_INTERNAL(known_domains, known, entry, compare_known, static __attribute__((unused)))

/* -- What a target is --------------------------------------------------------------------- */

struct target {
	const struct account *account; /* at most one of them is not NULL */
	const struct alias *alias;
	const char *forward;
};

static int
add_known(struct leading *leading, const char *address, const char **last)
{
	const char *domain = strchr(address, '@') + 1;
	struct known *known;

	if (*last != NULL && strcmp(*last, domain) == 0)
		return 0;
	*last = domain;
	known = calloc(1, sizeof(*known));
	if (known == NULL)
		return -1;
	known->name = domain;
	if (RB_INSERT(known_domains, &leading->known, known) != NULL)
		free(known);
	return 0;
}

/* Only a file with such aliases has to be gone through. */
static int
gather_known(struct leading *leading, struct error *err)
{
	const struct aliases *aliases = leading->aliases;
	const char *last = NULL;
	int result = 0;

	if (leading->gathered)
		return 0;
	leading->gathered = true;
	for (size_t i = 0; result == 0 && i < accounts_count(aliases->accounts); i++)
		result = add_known(leading, accounts_at(aliases->accounts, i)->address, &last);
	for (size_t i = 0; result == 0 && i < aliases->count; i++)
		result = add_known(leading, aliases->list[i].address, &last);
	return result == 0 ? 0 : error_errno(err, "no memory");
}

static int
find_target(struct leading *leading, const struct alias *alias, const char *text,
	    struct target *target, struct error *err)
{
	struct known key = {.name = strrchr(text, '@') + 1};
	char lower[ADDRESS_SIZE];

	*target = (struct target){NULL, NULL, NULL};
	strlcpy(lower, text, sizeof(lower));
	for (char *p = lower; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	target->account = accounts_find(leading->aliases->accounts, lower);
	if (target->account == NULL)
		target->alias = aliases_find(leading->aliases, lower);
	if (target->account != NULL || target->alias != NULL)
		return 0;
	if (gather_known(leading, err) == -1)
		return -1;
	if (RB_FIND(known_domains, &leading->known, &key) != NULL)
		return error_set(err,
				 "the alias %s leads to %s, which is no account and no alias of "
				 "this file, though its domain is in it",
				 alias->address, text);
	target->forward = text;
	return 0;
}

/* -- Gathering ----------------------------------------------------------------------------- */

/* What an alias leads to, while it is gathered. */
struct gathering {
	uint32_t mark;
	size_t accounts, forwards;
	size_t bytes;
};

static int
count(struct gathering *g, const char *address, struct error *err)
{
	g->bytes += strlen(address) + 1;
	if (g->accounts + g->forwards == ALIAS_ACCOUNTS_MAX || g->bytes > ALIAS_BYTES_MAX)
		return error_set(err, "leads to more than %u accounts or %u bytes of addresses",
				 ALIAS_ACCOUNTS_MAX, (unsigned)ALIAS_BYTES_MAX);
	return 0;
}

static int
gather(struct leading *leading, struct gathering *g, const struct account *account,
       struct error *err)
{
	size_t place = (size_t)(account - accounts_at(leading->aliases->accounts, 0));

	if (leading->seen[place] == g->mark)
		return 0;
	leading->seen[place] = g->mark;
	if (count(g, account->address, err) == -1)
		return -1;
	leading->accounts[g->accounts++] = account;
	return 0;
}

static size_t
count_all_targets(const struct aliases *aliases)
{
	size_t targets = 0;

	for (size_t i = 0; i < aliases->count; i++)
		targets += aliases->list[i].target_count;
	return targets;
}

/* Where it is marked that somebody leads there. */
static struct elsewhere *
find_elsewhere(struct leading *leading, const char *address, struct error *err)
{
	size_t targets;
	ENTRY *found, entry;

	if (!leading->indexed) {
		targets = count_all_targets(leading->aliases);
		leading->elsewhere = calloc(targets + 1, sizeof(*leading->elsewhere));
		leading->indexed =
		    leading->elsewhere != NULL && hcreate_r(targets * 2 + 1, &leading->index) != 0;
	}
	memcpy(&entry.key, &address, sizeof(entry.key)); /* hsearch(3) lacks a const */
	entry.data = leading->elsewhere + leading->elsewhere_count;
	if (!leading->indexed || hsearch_r(entry, ENTER, &found, &leading->index) == 0) {
		error_errno(err, "no memory");
		return NULL;
	}
	if (found->data == entry.data)
		leading->elsewhere[leading->elsewhere_count++].address = address;
	return found->data;
}

static int
gather_forward(struct leading *leading, struct gathering *g, const char *address, struct error *err)
{
	struct elsewhere *elsewhere = find_elsewhere(leading, address, err);

	if (elsewhere == NULL)
		return -1;
	if (elsewhere->seen == g->mark)
		return 0;
	elsewhere->seen = g->mark;
	if (count(g, address, err) == -1)
		return -1;
	leading->forwards[g->forwards++] = address;
	return 0;
}

static int
gather_target(struct leading *leading, struct gathering *g, const struct target *target,
	      struct error *err)
{
	const struct alias *next = target->alias;
	int result = 0;

	if (target->account != NULL)
		return gather(leading, g, target->account, err);
	if (target->forward != NULL)
		return gather_forward(leading, g, target->forward, err);
	for (size_t i = 0; result == 0 && i < next->account_count; i++)
		result = gather(leading, g, next->accounts[i], err);
	for (size_t i = 0; result == 0 && i < next->forward_count; i++)
		result = gather_forward(leading, g, next->forwards[i], err);
	return result;
}

static int
keep(struct leading *leading, struct alias *alias, const struct gathering *g, struct error *err)
{
	alias->accounts = calloc(g->accounts + 1, sizeof(const struct account *));
	alias->forwards = calloc(g->forwards + 1, sizeof(const char *));
	if (alias->accounts == NULL || alias->forwards == NULL)
		return error_errno(err, "no memory");
	memcpy(alias->accounts, leading->accounts, g->accounts * sizeof(const struct account *));
	memcpy(alias->forwards, leading->forwards, g->forwards * sizeof(const char *));
	alias->account_count = g->accounts;
	alias->forward_count = g->forwards;
	return 0;
}

/* All targets have been led to their end. */
static int
gather_all(struct leading *leading, struct alias *alias, struct error *err)
{
	struct gathering g = {.mark = (uint32_t)(alias - leading->aliases->list) + 1};
	const char *text = alias->targets;
	struct target target;
	int result = 0;

	for (size_t i = 0; result == 0 && i < alias->target_count; i++) {
		result = find_target(leading, alias, text, &target, err);
		if (result == 0)
			result = gather_target(leading, &g, &target, err);
		text += strlen(text) + 1;
	}
	if (result == -1)
		return error_prefix(err, "the alias %s", alias->address);
	return keep(leading, alias, &g, err);
}

/* -- The ways ------------------------------------------------------------------------------ */

/* Aliases from the one that was begun with. */
struct way {
	struct alias *alias;
	const struct way *before;
	unsigned length;
};

static int lead(struct leading *, struct alias *, const struct way *, struct error *);

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

/* Follows one target of the last alias on WAY. */
static int
follow(struct leading *leading, const char *text, const struct way *way, struct error *err)
{
	struct alias *alias = way->alias, *next;
	struct target target;

	if (find_target(leading, alias, text, &target, err) == -1)
		return -1;
	if (target.alias == NULL)
		return 0;
	next = &leading->aliases->list[target.alias - leading->aliases->list];
	if (check_way(way, next, err) == -1)
		return -1;
	if (next->depth == 0 && lead(leading, next, way, err) == -1)
		return -1;
	if (next->depth >= alias->depth)
		alias->depth = next->depth + 1;
	return 0;
}

static int
lead(struct leading *leading, struct alias *alias, const struct way *before, struct error *err)
{
	struct way way = {alias, before, before == NULL ? 1 : before->length + 1};
	const char *target = alias->targets;
	unsigned depth = 0;

	if (way.length > ALIAS_DEPTH_MAX)
		return error_set(err, "the alias %s is behind more than %d others", alias->address,
				 ALIAS_DEPTH_MAX);
	alias->depth = 0;
	for (size_t i = 0; i < alias->target_count; i++) {
		if (follow(leading, target, &way, err) == -1)
			return -1;
		target += strlen(target) + 1;
	}
	depth = alias->depth == 0 ? 1 : alias->depth;
	if (depth > ALIAS_DEPTH_MAX)
		return error_set(err, "the alias %s has more than %d others behind it",
				 alias->address, ALIAS_DEPTH_MAX - 1);
	alias->depth = depth;
	return gather_all(leading, alias, err);
}

/* -- All of it ------------------------------------------------------------------------------ */

static void
end(struct leading *leading)
{
	struct known *known;

	while ((known = RB_ROOT(&leading->known)) != NULL) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): those before have left the tree */
		RB_REMOVE(known_domains, &leading->known, known);
		free(known);
	}
	if (leading->indexed)
		hdestroy_r(&leading->index);
	free(leading->elsewhere);
	free(leading->seen);
	free(leading->accounts);
	free(leading->forwards);
}

int
aliases_lead_all(struct aliases *aliases, unsigned *line, struct error *err)
{
	struct leading leading = {.aliases = aliases};
	int result = 0;

	RB_INIT(&leading.known);
	leading.seen = calloc(accounts_count(aliases->accounts) + 1, sizeof(*leading.seen));
	leading.accounts = calloc(ALIAS_ACCOUNTS_MAX, sizeof(const struct account *));
	leading.forwards = calloc(ALIAS_ACCOUNTS_MAX, sizeof(const char *));
	if (leading.seen == NULL || leading.accounts == NULL || leading.forwards == NULL)
		result = error_errno(err, "no memory");
	for (size_t i = 0; result == 0 && i < aliases->count; i++) {
		struct alias *alias = &aliases->list[i];

		*line = alias->line;
		if (alias->depth == 0)
			result = lead(&leading, alias, NULL, err);
	}
	end(&leading);
	return result;
}
