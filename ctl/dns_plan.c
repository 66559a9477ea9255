/* SPDX-License-Identifier: ISC */
/* The records that a domain should have, from what this server is. */
#include "ctl/dns.h"

#include <arpa/inet.h>
#include <nettle/sha2.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *title;
	bool required;
} subjects[DNS_SUBJECTS] = {
    [DNS_DELIVERY] = {"Who takes mail for the domain (RFC 5321 5.1)", true},
    [DNS_HOST] = {"Where that host is; each address needs a PTR record that leads back", true},
    [DNS_SPF] = {"Who sends mail for the domain, and for the host (SPF, RFC 7208)", true},
    [DNS_DKIM] = {"Keys that sign the domain's mail (DKIM, RFC 6376)", true},
    [DNS_DMARC] =
	{"What others do with forged mail (DMARC, RFC 7489); p=quarantine, p=reject later", true},
    [DNS_DANE] = {"Keys of the host's certificates (DANE, RFC 7672); of use in a zone with DNSSEC",
		  false},
    [DNS_MTA_STS] = {"Mail comes over TLS (MTA-STS, RFC 8461); needs the file mta-sts, too", false},
    [DNS_TLS_REPORTS] = {"Who is told when that fails (TLS-RPT, RFC 8460)", false},
    [DNS_CLIENTS] = {"Where mail programs log in (RFC 6186, RFC 8314)", false},
};

struct making {
	const struct dns_facts *facts;
	struct dns_plan *plan;
	bool failed;
};

const char *
dns_subject_title(enum dns_subject subject)
{
	return subjects[subject].title;
}

bool
dns_subject_is_required(enum dns_subject subject)
{
	return subjects[subject].required;
}

static void add(struct making *, enum dns_subject, const char *prefix, const char *name,
		const char *type, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* Adds a record of PREFIX and NAME. */
static void
add(struct making *making, enum dns_subject subject, const char *prefix, const char *name,
    const char *type, const char *format, ...)
{
	struct dns_plan *plan = making->plan;
	struct dns_entry *list, *entry;
	va_list ap;
	int result;

	list = reallocarray(plan->list, plan->count + 1, sizeof(*list));
	if (list == NULL) {
		making->failed = true;
		return;
	}
	plan->list = list;
	entry = &list[plan->count];
	entry->subject = subject;
	strlcpy(entry->name, prefix, sizeof(entry->name));
	strlcat(entry->name, name, sizeof(entry->name));
	strlcpy(entry->type, type, sizeof(entry->type));
	va_start(ap, format);
	result = vasprintf(&entry->value, format, ap);
	va_end(ap);
	if (result == -1)
		making->failed = true;
	else
		plan->count++;
}

static const char *
address_text(const struct in6_addr *address, char out[INET6_ADDRSTRLEN])
{
	bool v4 = IN6_IS_ADDR_V4MAPPED(address);

	return inet_ntop(v4 ? AF_INET : AF_INET6, address->s6_addr + (v4 ? 12 : 0), out,
			 INET6_ADDRSTRLEN);
}

static void
add_address(struct making *making, const char *name, const struct in6_addr *address)
{
	char text[INET6_ADDRSTRLEN];

	add(making, DNS_HOST, "", name, IN6_IS_ADDR_V4MAPPED(address) ? "A" : "AAAA", "%s",
	    address_text(address, text));
}

static void
add_pointer(struct making *making, const struct in6_addr *address)
{
	char reverse[HOST_NAME_SIZE];

	add(making, DNS_HOST, "", dns_reverse_name(address, reverse), "PTR", "%s.",
	    dns_greeting(making->facts, address));
}

/* The names that EHLO says and that aren't the host's, one after the other. NULL: no more. */
static const char *
next_name(const struct dns_facts *facts, size_t *next)
{
	while (*next < facts->sender_count) {
		const char *name = facts->senders[(*next)++].name;
		size_t before = 0;

		while (strcasecmp(facts->senders[before].name, name) != 0)
			before++;
		if (before == *next - 1 && strcasecmp(name, facts->hostname) != 0)
			return name;
	}
	return NULL;
}

/* Each address has to lead to the name that is greeted with there, and back. */
static void
add_host(struct making *making)
{
	const struct dns_facts *facts = making->facts;
	struct dns_sending sending;
	const char *name;
	size_t next = 0;

	for (size_t i = 0; i < facts->address_count; i++)
		add_address(making, facts->hostname, &facts->addresses[i]);
	dns_sending_find(facts, facts->hostname, &sending);
	for (size_t i = 0; i < sending.count; i++) {
		if (!dns_is_of_host(facts, &sending.list[i]))
			add_address(making, facts->hostname, &sending.list[i]);
	}
	while ((name = next_name(facts, &next)) != NULL) {
		dns_sending_find(facts, name, &sending);
		for (size_t i = 0; i < sending.count; i++)
			add_address(making, name, &sending.list[i]);
	}
	dns_sending_all(facts, &sending);
	for (size_t i = 0; i < sending.count; i++)
		add_pointer(making, &sending.list[i]);
}

/* The mechanism for a smart host: "a" takes no addresses (RFC 7208 5.3, 5.6). */
static void
format_sender(const char *host, char *out, size_t size)
{
	struct in6_addr address;
	struct in_addr v4;

	if (inet_pton(AF_INET, host, &v4) == 1)
		snprintf(out, size, "ip4:%s", host);
	else if (inet_pton(AF_INET6, host, &address) != 1)
		snprintf(out, size, "a:%s", host);
	else if (!IN6_IS_ADDR_V4MAPPED(&address))
		snprintf(out, size, "ip6:%s", host);
	else
		snprintf(out, size, "ip4:%u.%u.%u.%u", address.s6_addr[12], address.s6_addr[13],
			 address.s6_addr[14], address.s6_addr[15]);
}

/* The mechanisms for the domain's mail but "mx" and "all". The caller frees them; NULL: no memory.
 */
static char *
senders_text(const struct dns_facts *facts)
{
	char mechanism[HOST_NAME_SIZE + sizeof("ip4:")], address[INET6_ADDRSTRLEN], *text = NULL;
	struct dns_sending sending;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	dns_sending_find(facts, NULL, &sending);
	for (size_t i = 0; i < sending.count; i++) {
		if (dns_is_of_host(facts, &sending.list[i]))
			continue;
		format_sender(address_text(&sending.list[i], address), mechanism,
			      sizeof(mechanism));
		fprintf(out, " %s", mechanism);
	}
	if (facts->smart_host[0] != '\0') {
		format_sender(facts->smart_host, mechanism, sizeof(mechanism));
		fprintf(out, " %s", mechanism);
	}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* For the names in greetings, and of reports (RFC 7208 2.3, 2.4): all their addresses are in DNS.
 */
static void
add_name_spf(struct making *making, const char *name)
{
	if (strcasecmp(name, making->facts->domain) != 0)
		add(making, DNS_SPF, "", name, "TXT", "v=spf1 a -all");
}

/* Behind a smart host it is that which sends, from addresses that only its owner knows. */
static void
add_spf(struct making *making)
{
	const struct dns_facts *facts = making->facts;
	char *senders = senders_text(facts);
	const char *name;
	size_t next = 0;

	if (senders == NULL)
		making->failed = true;
	else
		add(making, DNS_SPF, "", facts->domain, "TXT", "v=spf1 mx%s %call", senders,
		    facts->smart_host[0] == '\0' ? '-' : '~');
	free(senders);
	add_name_spf(making, facts->hostname);
	while ((name = next_name(facts, &next)) != NULL)
		add_name_spf(making, name);
}

static void
add_keys(struct making *making)
{
	const struct dns_facts *facts = making->facts;
	char hex[2 * FINGERPRINT_SIZE + 1];

	for (size_t i = 0; i < facts->selector_count; i++)
		add(making, DNS_DKIM, facts->selectors[i].name, "", "TXT", "%s",
		    facts->selectors[i].text);
	for (size_t i = 0; i < facts->key_count; i++) {
		for (size_t n = 0; n < FINGERPRINT_SIZE; n++)
			snprintf(hex + 2 * n, 3, "%02x", facts->keys[i].sha256[n]);
		add(making, DNS_DANE, "_25._tcp.", facts->hostname, "TLSA", "3 1 1 %s", hex);
	}
}

/* The policy's id (RFC 8461 3.1) changes with the policy. */
static void
add_mta_sts(struct making *making)
{
	struct sha256_ctx context;
	uint8_t digest[SHA256_DIGEST_SIZE];
	char *policy = dns_files[0].text(making->facts);
	char id[2 * 8 + 1];

	if (policy == NULL) {
		making->failed = true;
		return;
	}
	sha256_init(&context);
	sha256_update(&context, strlen(policy), (const uint8_t *)policy);
	sha256_digest(&context, sizeof(digest), digest);
	for (size_t n = 0; n < 8; n++)
		snprintf(id + 2 * n, 3, "%02x", digest[n]);
	free(policy);
	add(making, DNS_MTA_STS, "_mta-sts.", making->facts->domain, "TXT", "v=STSv1; id=%s", id);
}

static void
add_services(struct making *making)
{
	const struct dns_facts *facts = making->facts;

	for (size_t i = 0; i < DNS_SERVICES; i++) {
		const struct dns_login *service = &facts->services[i];
		char prefix[64];

		snprintf(prefix, sizeof(prefix), "%s.", service->label);
		/* RFC 6186 3.4: "." says that it is not there. */
		if (service->port == 0)
			add(making, DNS_CLIENTS, prefix, facts->domain, "SRV", "0 0 0 .");
		else
			add(making, DNS_CLIENTS, prefix, facts->domain, "SRV", "0 1 %u %s.",
			    (unsigned)service->port, facts->hostname);
	}
}

int
dns_plan_make(const struct dns_facts *facts, struct dns_plan *plan)
{
	struct making making = {.facts = facts, .plan = plan};

	*plan = (struct dns_plan){.count = 0};
	add(&making, DNS_DELIVERY, "", facts->domain, "MX", "10 %s.", facts->hostname);
	add_host(&making);
	add_spf(&making);
	add_keys(&making);
	add(&making, DNS_DMARC, "_dmarc.", facts->domain, "TXT",
	    "v=DMARC1; p=none; rua=mailto:postmaster@%s", facts->domain);
	add_mta_sts(&making);
	add(&making, DNS_TLS_REPORTS, "_smtp._tls.", facts->domain, "TXT",
	    "v=TLSRPTv1; rua=mailto:postmaster@%s", facts->domain);
	add_services(&making);
	return making.failed ? -1 : 0;
}

void
dns_plan_free(struct dns_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		free(plan->list[i].value);
	free(plan->list);
	*plan = (struct dns_plan){.count = 0};
}

bool
dns_read_address(const char *text, struct in6_addr *address)
{
	*address = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
	return inet_pton(AF_INET6, text, address) == 1 ||
	       inet_pton(AF_INET, text, address->s6_addr + 12) == 1;
}

const char *
dns_reverse_name(const struct in6_addr *address, char *out)
{
	const uint8_t *octets = address->s6_addr;
	size_t used = 0;

	if (IN6_IS_ADDR_V4MAPPED(address)) {
		snprintf(out, HOST_NAME_SIZE, "%u.%u.%u.%u.in-addr.arpa", octets[15], octets[14],
			 octets[13], octets[12]);
		return out;
	}
	for (size_t i = 16; i > 0; i--) {
		snprintf(out + used, HOST_NAME_SIZE - used, "%x.%x.", octets[i - 1] & 15U,
			 octets[i - 1] >> 4U);
		used += 4;
	}
	strlcpy(out + used, "ip6.arpa", HOST_NAME_SIZE - used);
	return out;
}
