/* SPDX-License-Identifier: ISC */
#include "worker/accounts/resolve.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/address.h"

struct domain {
	const char *name;
	const struct account *first; /* the first enabled account of the file */
};

struct resolver {
	char *names;
	struct domain *domains; /* sorted by name */
	size_t count;
	struct domain *standard; /* the default domain */
	const struct accounts *accounts;
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
resolver_use(struct resolver *resolver, const struct accounts *accounts)
{
	resolver->accounts = accounts;
	for (size_t i = 0; i < resolver->count; i++)
		resolver->domains[i].first = NULL;
	for (size_t i = 0; accounts != NULL && i < accounts_count(accounts); i++) {
		const struct account *account = accounts_at(accounts, i);
		struct domain *domain = find_domain(resolver, strchr(account->address, '@') + 1);

		if (domain != NULL && domain->first == NULL && account->enabled)
			domain->first = account;
	}
}

static const struct account *
find_account(const struct resolver *resolver, const char *local, const char *domain)
{
	char key[ADDRESS_SIZE];

	if ((size_t)snprintf(key, sizeof(key), "%s@%s", local, domain) >= sizeof(key))
		return NULL;
	for (char *p = key; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return accounts_find(resolver->accounts, key);
}

static enum rcpt_verdict
resolve_postmaster(const struct resolver *resolver, const struct domain *domain,
		   const struct account **account)
{
	const struct account *own = find_account(resolver, "postmaster", domain->name);

	if (own == NULL || !own->enabled)
		own = domain->first;
	if (own == NULL)
		own = resolver->standard->first;
	if (own == NULL)
		return RCPT_UNAVAILABLE;
	*account = own;
	return RCPT_LOCAL;
}

enum rcpt_verdict
resolve_mailbox(const struct resolver *resolver, const char *text, size_t length,
		const struct account **account)
{
	static const char postmaster[] = "postmaster";
	const struct account *found;
	const struct domain *domain;
	struct address address;

	*account = NULL;
	if (resolver->accounts == NULL)
		return RCPT_UNAVAILABLE;
	if (length == strlen(postmaster) && strncasecmp(text, postmaster, length) == 0)
		return resolve_postmaster(resolver, resolver->standard, account);
	if (address_parse(text, length, &address) != ADDRESS_OK)
		return RCPT_NO_MAILBOX;
	domain = find_domain(resolver, address.domain);
	if (domain == NULL)
		return RCPT_NOT_LOCAL;
	if (strcasecmp(address.local, postmaster) == 0)
		return resolve_postmaster(resolver, domain, account);
	found = find_account(resolver, address.local, domain->name);
	if (found == NULL)
		return RCPT_NO_MAILBOX;
	if (!found->enabled)
		return RCPT_DISABLED;
	*account = found;
	return RCPT_LOCAL;
}

const struct account *
resolve_login(const struct resolver *resolver, const char *name, char canonical[ADDRESS_SIZE])
{
	const char *at = strrchr(name, '@');
	int length;

	if (at == NULL)
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
