/* SPDX-License-Identifier: ISC */
#include "worker/accounts/resolve.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "common/aliases.h"
#include "common/idn.h"
#include "worker/accounts/srs.h"

struct domain {
	const char *name;
	const struct account *first; /* the first enabled account of the file */
	char separator;              /* '\0': none */
	bool no_forward;
};

struct resolver {
	char *names;
	struct domain *domains; /* sorted by name */
	size_t count;
	struct domain *standard;     /* the default domain */
	const struct account *first; /* the first enabled account of the file, in any of them */
	struct inbound inbound;
	char host[HOST_NAME_SIZE];
	const struct accounts *accounts;
	const struct ma_srs *srs; /* NULL: nothing leaves */
};

static int
compare(const void *a, const void *b)
{
	const struct domain *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static struct domain *
find_domain(const struct resolver *resolver, const char *name)
{
	struct domain key = {.name = name};

	return bsearch(&key, resolver->domains, resolver->count, sizeof(key), compare);
}

struct resolver *
resolver_new(const char *domains, size_t length, size_t count)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));
	size_t used = 0, n = 0;

	if (resolver == NULL)
		return NULL;
	resolver->names = malloc(length + 1);
	resolver->domains = calloc(count + 1, sizeof(*resolver->domains));
	if (resolver->names != NULL && resolver->domains != NULL) {
		memcpy(resolver->names, domains, length);
		resolver->names[length] = '\0';
		for (; n < count && used < length; n++) {
			resolver->domains[n].name = resolver->names + used;
			used += strlen(resolver->names + used) + 1;
		}
	}
	if (count == 0 || n != count || used != length) {
		resolver_free(resolver);
		return NULL;
	}
	resolver->count = count;
	qsort(resolver->domains, count, sizeof(*resolver->domains), compare);
	resolver->standard = find_domain(resolver, resolver->names);
	return resolver;
}

void
resolver_free(struct resolver *resolver)
{
	if (resolver == NULL)
		return;
	inbound_clear(&resolver->inbound);
	free(resolver->domains);
	free(resolver->names);
	free(resolver);
}

bool
resolver_has_domain(const struct resolver *resolver, const char *domain)
{
	return find_domain(resolver, domain) != NULL;
}

void
resolver_set_host(struct resolver *resolver, const char *name)
{
	strlcpy(resolver->host, name, sizeof(resolver->host));
}

void
resolver_use(struct resolver *resolver, const struct accounts *accounts)
{
	resolver->accounts = accounts;
	resolver->first = NULL;
	for (size_t i = 0; i < resolver->count; i++)
		resolver->domains[i].first = NULL;
	for (size_t i = 0; accounts != NULL && i < accounts_count(accounts); i++) {
		const struct account *account = accounts_at(accounts, i);
		struct domain *domain = find_domain(resolver, strchr(account->address, '@') + 1);

		if (domain == NULL || !account->enabled)
			continue;
		if (domain->first == NULL)
			domain->first = account;
		if (resolver->first == NULL)
			resolver->first = account;
	}
}

void
resolver_set_separator(struct resolver *resolver, char separator)
{
	for (size_t i = 0; i < resolver->count; i++)
		resolver->domains[i].separator = separator;
}

int
resolver_set_domain(struct resolver *resolver, const char *name, char separator, bool forward)
{
	struct domain *domain = find_domain(resolver, name);

	if (domain == NULL)
		return -1;
	domain->separator = separator;
	domain->no_forward = !forward;
	return 0;
}

void
resolver_take_inbound(struct resolver *resolver, struct inbound *inbound)
{
	inbound_clear(&resolver->inbound);
	resolver->inbound = *inbound;
	*inbound = (struct inbound){NULL, 0};
}

void
resolver_set_srs(struct resolver *resolver, const struct ma_srs *srs)
{
	resolver->srs = srs;
}

bool
resolve_is_mailbox(const struct resolver *resolver, const struct account *account)
{
	return account->enabled && resolver_has_domain(resolver, strchr(account->address, '@') + 1);
}

bool
resolve_is_elsewhere(const struct resolver *resolver, const char *forward)
{
	const char *domain = strrchr(forward, '@') + 1;

	return !resolver_has_domain(resolver, domain) && strcmp(domain, resolver->host) != 0;
}

static void
resolve_to_one(struct resolved *resolved, const struct account *account)
{
	resolved->forward_count = 0;
	resolved->one = account;
	resolved->accounts = &resolved->one;
	resolved->count = 1;
}

static bool
is_enabled(const struct resolver *resolver, const struct resolved *resolved)
{
	for (size_t i = 0; i < resolved->count; i++) {
		if (resolve_is_mailbox(resolver, resolved->accounts[i]))
			return true;
	}
	for (size_t i = 0; i < resolved->forward_count; i++) {
		if (resolve_is_elsewhere(resolver, resolved->forwards[i]))
			return true;
	}
	return false;
}

static bool
may_forward(const struct resolver *resolver, const struct domain *domain)
{
	return resolver->srs != NULL && resolver->srs->forwards == 1 && !domain->no_forward;
}

/* The account or the alias LENGTH bytes of LOCAL at the domain; false if there is neither. */
static bool
find_local(const struct resolver *resolver, const char *local, size_t length,
	   const struct domain *domain, struct resolved *resolved)
{
	const struct account *account;
	const struct alias *alias;
	char key[ADDRESS_SIZE];

	if ((size_t)snprintf(key, sizeof(key), "%.*s@%s", (int)length, local, domain->name) >=
	    sizeof(key))
		return false;
	for (char *p = key; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	account = accounts_find(resolver->accounts, key);
	if (account != NULL) {
		resolve_to_one(resolved, account);
		return true;
	}
	alias = aliases_find(accounts_aliases(resolver->accounts), key);
	if (alias == NULL)
		return false;
	resolved->accounts = alias->accounts;
	resolved->count = alias->account_count;
	resolved->forwards = alias->forwards;
	resolved->forward_count = may_forward(resolver, domain) ? alias->forward_count : 0;
	return true;
}

static bool
find_word(const struct resolver *resolver, const char *word, const struct domain *domain,
	  struct resolved *resolved)
{
	return find_local(resolver, word, strlen(word), domain, resolved);
}

static bool
is_word(const char *local, size_t length, const char *word)
{
	return length == strlen(word) && strncasecmp(local, word, length) == 0;
}

/* Who has a role that nobody was given. NULL if no account can have mail. */
static const struct account *
first_of(const struct resolver *resolver, const struct domain *domain)
{
	if (domain->first != NULL)
		return domain->first;
	return resolver->standard->first != NULL ? resolver->standard->first : resolver->first;
}

/* Who must always be somebody: false if there is no account at all for it. */
static bool
find_role(const struct resolver *resolver, bool abuse, const struct domain *domain,
	  struct resolved *resolved)
{
	const struct account *first = first_of(resolver, domain);

	if (abuse && find_word(resolver, "abuse", domain, resolved) &&
	    is_enabled(resolver, resolved))
		return true;
	if (find_word(resolver, "postmaster", domain, resolved) && is_enabled(resolver, resolved))
		return true;
	if (find_word(resolver, "", domain, resolved) && is_enabled(resolver, resolved))
		return true;
	if (first == NULL)
		return false;
	resolve_to_one(resolved, first);
	return true;
}

static enum rcpt_verdict
resolve_role(const struct resolver *resolver, bool abuse, const struct domain *domain,
	     struct resolved *resolved)
{
	if (find_role(resolver, abuse, domain, resolved))
		return RCPT_LOCAL;
	resolved->count = resolved->forward_count = 0;
	return RCPT_UNAVAILABLE;
}

const char *
resolve_unanswered(const struct resolver *resolver)
{
	struct resolved resolved;

	for (size_t i = 0; i < resolver->count; i++) {
		if (!find_role(resolver, false, &resolver->domains[i], &resolved))
			return resolver->domains[i].name;
	}
	return NULL;
}

/* At this host, where that is no domain of ours: who writes its reports (RFC 3461 9.3), or is asked
 * what it does. */
static enum rcpt_verdict
resolve_at_host(const struct resolver *resolver, const char *local, struct resolved *resolved)
{
	size_t length = strlen(local);
	bool abuse = is_word(local, length, "abuse");

	if (!abuse && !is_word(local, length, "postmaster"))
		return RCPT_NOT_LOCAL;
	return resolve_role(resolver, abuse, resolver->standard, resolved);
}

/* How much of LOCAL stands in front of a tag; all of it if there is none. */
static size_t
without_tag(const struct domain *domain, const char *local)
{
	const char *at = domain->separator == '\0' || local[0] == '\0'
			     ? NULL
			     : strchr(local + 1, domain->separator);

	return at == NULL ? strlen(local) : (size_t)(at - local);
}

static enum rcpt_verdict
resolve_local(const struct resolver *resolver, const char *local, const struct domain *domain,
	      struct resolved *resolved)
{
	size_t base = without_tag(domain, local);
	bool abuse = is_word(local, base, "abuse"), tagged = base < strlen(local);
	/* Who has all of the address is never taken for a role's tag: "abuse-team" is a name. */
	bool found = tagged && find_word(resolver, local, domain, resolved);

	if (!found && (abuse || is_word(local, base, "postmaster")))
		return resolve_role(resolver, abuse, domain, resolved);
	found = found || find_local(resolver, local, base, domain, resolved) ||
		find_word(resolver, "", domain, resolved);
	if (!found)
		return RCPT_NO_MAILBOX;
	return is_enabled(resolver, resolved) ? RCPT_LOCAL : RCPT_DISABLED;
}

/* Back to the sender of a mail that this host forwarded. One that has become ours meanwhile is
 * looked up; what stands in it leads no further. */
static enum rcpt_verdict
resolve_srs(const struct resolver *resolver, const char *local, struct resolved *resolved)
{
	static const enum rcpt_verdict verdicts[] = {
	    [SRS_GOOD] = RCPT_LOCAL, [SRS_FORGED] = RCPT_FORGED, [SRS_OLD] = RCPT_OLD};
	const struct domain *domain;
	struct address sender;
	enum srs_verdict verdict;

	verdict = srs_unpack(resolver->srs, local, (int64_t)time(NULL), &sender);
	if (verdict != SRS_GOOD)
		return verdicts[verdict];
	domain = find_domain(resolver, sender.domain);
	if (domain != NULL)
		return resolve_local(resolver, sender.local, domain, resolved);
	(void)address_format(&sender, resolved->unpacked, sizeof(resolved->unpacked));
	resolved->forward = resolved->unpacked;
	resolved->forwards = &resolved->forward;
	resolved->forward_count = resolver->srs->forwards;
	return resolver->srs->forwards == 1 ? RCPT_LOCAL : RCPT_DISABLED;
}

/* Whether it is to be taken for a reverse-path of ours. DOMAIN: NULL if it is not among ours. */
static bool
is_srs(const struct resolver *resolver, const struct address *address, const struct domain *domain)
{
	const struct ma_srs *srs = resolver->srs;

	return srs != NULL && srs->count > 0 &&
	       (domain != NULL || strcmp(address->domain, srs->domain) == 0) &&
	       address_is_srs(address->local, strlen(address->local));
}

enum rcpt_verdict
resolve_mailbox(const struct resolver *resolver, const char *text, size_t length,
		struct resolved *resolved)
{
	static const char postmaster[] = "postmaster";
	const struct domain *domain;
	struct address address;
	enum rcpt_verdict verdict;

	*resolved = (struct resolved){.count = 0};
	if (resolver->accounts == NULL)
		return RCPT_UNAVAILABLE;
	if (is_word(text, length, postmaster))
		return resolve_role(resolver, false, resolver->standard, resolved);
	if (address_parse_utf8(text, length, &address) != ADDRESS_OK)
		return RCPT_NO_MAILBOX;
	domain = find_domain(resolver, address.domain);
	if (is_srs(resolver, &address, domain) &&
	    (domain == NULL || !find_word(resolver, address.local, domain, resolved)))
		return resolve_srs(resolver, address.local, resolved);
	if (domain == NULL && strcmp(address.domain, resolver->host) == 0 &&
	    (verdict = resolve_at_host(resolver, address.local, resolved)) != RCPT_NOT_LOCAL)
		return verdict;
	if (domain == NULL)
		return inbound_has(&resolver->inbound, address.domain) ? RCPT_ROUTED
								       : RCPT_NOT_LOCAL;
	/* What looks like a catch-all's address is "" in quotes, and no mailbox. */
	if (address.local[0] == '\0')
		return RCPT_NO_MAILBOX;
	verdict = resolve_local(resolver, address.local, domain, resolved);
	if (verdict != RCPT_LOCAL)
		resolved->count = resolved->forward_count = 0;
	return verdict;
}

static bool
is_listed(const struct account *account, const char *text, size_t length)
{
	const char *sender = account->senders;
	struct address address;
	char name[ADDRESS_TEXT_SIZE];

	if (address_parse_utf8(text, length, &address) != ADDRESS_OK)
		return false;
	address_format(&address, name, sizeof(name));
	for (size_t i = 0; i < account->sender_count; i++) {
		bool all = sender[0] == '@';

		if (all ? strcmp(address.domain, sender + 1) == 0 : strcasecmp(name, sender) == 0)
			return true;
		sender += strlen(sender) + 1;
	}
	return false;
}

bool
resolve_sender(const struct resolver *resolver, const struct account *account, const char *text,
	       size_t length)
{
	struct resolved resolved;

	if (!account->enabled)
		return false;
	if (is_listed(account, text, length))
		return true;
	if (resolve_mailbox(resolver, text, length, &resolved) != RCPT_LOCAL)
		return false;
	for (size_t i = 0; i < resolved.count; i++) {
		if (resolved.accounts[i] == account)
			return true;
	}
	return false;
}

const struct account *
resolve_login(const struct resolver *resolver, const char *name, char canonical[ADDRESS_SIZE])
{
	const char *at = strrchr(name, '@');
	char domain[HOST_NAME_SIZE];
	struct error err;
	int length;

	if (at != NULL && idn_to_ascii(at + 1, domain, &err) == 0)
		length =
		    snprintf(canonical, ADDRESS_SIZE, "%.*s@%s", (int)(at - name), name, domain);
	else if (at == NULL)
		length = snprintf(canonical, ADDRESS_SIZE, "%s@%s", name, resolver->standard->name);
	else
		length = snprintf(canonical, ADDRESS_SIZE, "%s", name);
	for (char *p = canonical; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	if (length >= ADDRESS_SIZE) {
		/* Cut off, it must not mean another account now. */
		canonical[ADDRESS_SIZE - 2] = '@';
		return NULL;
	}
	if (resolver->accounts == NULL ||
	    !resolver_has_domain(resolver, strrchr(canonical, '@') + 1))
		return NULL;
	return accounts_find(resolver->accounts, canonical);
}
