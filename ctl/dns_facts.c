/* SPDX-License-Identifier: ISC */
/* What this server is: from the configuration, from certd, from the host's interfaces. */
#include "config.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/cert.h"
#include "ctl/cert_look.h"
#include "ctl/dkim.h"
#include "ctl/dns.h"

#define NEXT ".next" /* behind the name of a key that waits (posternctl cert request --new-key) */
#define REQUEST_MAX 16384

/* -- Addresses -------------------------------------------------------------------------------- */

static void
add_address(struct dns_facts *facts, const struct in6_addr *address)
{
	for (size_t i = 0; i < facts->address_count; i++) {
		if (memcmp(&facts->addresses[i], address, sizeof(*address)) == 0)
			return;
	}
	if (facts->address_count < DNS_ADDRESSES_MAX)
		facts->addresses[facts->address_count++] = *address;
}

static int
add_given(struct dns_facts *facts, const char *text, struct error *err)
{
	struct in6_addr address;

	if (!dns_read_address(text, &address))
		return error_set(err, "%s: not an address", text);
	add_address(facts, &address);
	return 0;
}

/* IPv4 is mapped. False: it is of another family. */
static bool
address_of(const struct sockaddr *from, struct in6_addr *address)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	*address = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
	if (from == NULL)
		return false;
	if (from->sa_family == AF_INET) {
		memcpy(&v4, from, sizeof(v4));
		memcpy(address->s6_addr + 12, &v4.sin_addr, sizeof(v4.sin_addr));
	} else if (from->sa_family == AF_INET6) {
		memcpy(&v6, from, sizeof(v6));
		*address = v6.sin6_addr;
	}
	return from->sa_family == AF_INET || from->sa_family == AF_INET6;
}

static void
add_if_public(struct dns_facts *facts, const struct sockaddr *from)
{
	struct in6_addr address;

	if (address_of(from, &address) && dns_is_public(&address))
		add_address(facts, &address);
}

static void
add_interfaces(struct dns_facts *facts)
{
	struct ifaddrs *list;

	if (getifaddrs(&list) == -1)
		return;
	for (const struct ifaddrs *one = list; one != NULL; one = one->ifa_next)
		add_if_public(facts, one->ifa_addr);
	freeifaddrs(list);
}

/* Those that port 25 is bound to, or, if that is all, those of the interfaces. */
static void
add_listeners(struct dns_facts *facts, const struct configuration *conf)
{
	for (size_t l = 0; l < conf->listener_count; l++) {
		const struct conf_listener *listener = &conf->listeners[l];

		if (listener->service != SERVICE_SMTP || listener->all_addresses)
			continue;
		for (size_t i = 0; i < listener->address_count; i++)
			add_if_public(facts, &listener->addresses[i].address.any);
	}
	if (facts->address_count == 0)
		add_interfaces(facts);
}

/* -- Senders ---------------------------------------------------------------------------------- */

static bool
has_source(const struct conf_route *route)
{
	return !IN6_IS_ADDR_UNSPECIFIED(&route->source[0]) ||
	       !IN6_IS_ADDR_UNSPECIFIED(&route->source[1]);
}

static bool
has_public_source(const struct conf_route *route)
{
	return dns_is_public(&route->source[0]) || dns_is_public(&route->source[1]);
}

/*
 * Who has a host for a route of his own need not look where mail comes from, but may: with a source
 * for it, he is to find that. Smart hosts and who has a password for them don't show it to others.
 */
static bool
is_relayed(const struct configuration *conf, const struct conf_route *route)
{
	return route->host[0] != '\0' && (route == &conf->relay.standard ||
					  route->user[0] != '\0' || !has_public_source(route));
}

/* Nothing of it is for DNS: who takes mail by LMTP is no server of strangers', nor is a host that
 * is reached from a private address. */
static bool
is_inside(const struct conf_route *route)
{
	return route->protocol == RELAY_LMTP ||
	       (route->host[0] != '\0' && has_source(route) && !has_public_source(route));
}

static bool
is_same_sender(const struct dns_sender *a, const struct dns_sender *b)
{
	return strcmp(a->name, b->name) == 0 && a->relayed == b->relayed &&
	       memcmp(a->source, b->source, sizeof(a->source)) == 0;
}

/* A source that is not public is that of a host behind a translator of addresses. */
static void
add_sender(struct dns_facts *facts, const struct configuration *conf,
	   const struct conf_route *route)
{
	struct dns_sender *sender = &facts->senders[facts->sender_count];

	*sender = (struct dns_sender){.relayed = is_relayed(conf, route)};
	strlcpy(sender->name, route->helo[0] != '\0' ? route->helo : conf->hostname,
		sizeof(sender->name));
	for (size_t i = 0; i < 2; i++) {
		if (dns_is_public(&route->source[i]))
			sender->source[i] = route->source[i];
	}
	for (size_t i = 0; i < facts->sender_count; i++) {
		if (is_same_sender(&facts->senders[i], sender))
			return;
	}
	facts->sender_count++;
}

/* Relay's own way first. */
static void
find_senders(struct dns_facts *facts, const struct configuration *conf)
{
	const struct conf_relay *relay = &conf->relay;

	add_sender(facts, conf, &relay->standard);
	for (size_t i = 0; relay->wanted && i < relay->route_count; i++) {
		if (!is_inside(&relay->routes[i]) && facts->sender_count < DNS_SENDERS_MAX)
			add_sender(facts, conf, &relay->routes[i]);
	}
}

/* -- Services --------------------------------------------------------------------------------- */

static void
find_services(struct dns_facts *facts, const struct configuration *conf)
{
	static const struct {
		const char *label;
		enum service service;
		enum tls_mode tls;
	} labels[DNS_SERVICES] = {
	    {"_submissions._tcp", SERVICE_SUBMISSION, TLS_IMPLICIT},
	    {"_submission._tcp", SERVICE_SUBMISSION, TLS_EXPLICIT},
	    {"_imaps._tcp", SERVICE_IMAP, TLS_IMPLICIT},
	    {"_imap._tcp", SERVICE_IMAP, TLS_EXPLICIT},
	    {"_pop3s._tcp", SERVICE_POP3, TLS_IMPLICIT},
	    {"_pop3._tcp", SERVICE_POP3, TLS_EXPLICIT},
	};

	for (size_t i = 0; i < DNS_SERVICES; i++) {
		facts->services[i].label = labels[i].label;
		for (size_t l = 0; l < conf->listener_count && facts->services[i].port == 0; l++) {
			const struct conf_listener *listener = &conf->listeners[l];

			if (listener->service == labels[i].service &&
			    listener->tls == labels[i].tls)
				facts->services[i].port = (uint16_t)listener->port;
		}
	}
}

/* -- Keys ------------------------------------------------------------------------------------- */

/* Does a listener for mail of other servers show it? */
static bool
is_shown(const struct configuration *conf, const struct cert_items *items, const char *name)
{
	for (size_t i = 0; i < items->candidate_count; i++) {
		if (strcmp(items->candidates[i].name, name) != 0)
			continue;
		for (size_t l = 0; l < conf->listener_count; l++) {
			if (conf->listeners[l].service == SERVICE_SMTP &&
			    conf_presents(conf, &conf->listeners[l], items->candidates,
					  items->candidate_count, i))
				return true;
		}
	}
	return false;
}

/* A key may be that of several certificates. */
static void
add_key(struct dns_facts *facts, const char *name, const uint8_t sha256[FINGERPRINT_SIZE],
	bool next)
{
	struct dns_key *key = &facts->keys[facts->key_count];

	for (size_t i = 0; i < facts->key_count; i++) {
		if (memcmp(facts->keys[i].sha256, sha256, FINGERPRINT_SIZE) == 0)
			return;
	}
	if (facts->key_count == DNS_KEYS_MAX)
		return;
	facts->key_count++;
	strlcpy(key->name, name, sizeof(key->name));
	memcpy(key->sha256, sha256, sizeof(key->sha256));
	key->next = next;
}

struct request_text {
	char octets[REQUEST_MAX];
	size_t length;
};

static int
on_request(uint32_t kind, const char *bytes, size_t length, void *arg, struct error *err)
{
	struct request_text *text = arg;

	(void)kind;
	if (length > sizeof(text->octets) - text->length)
		return error_set(err, "certd: a request that is too long");
	memcpy(text->octets + text->length, bytes, length);
	text->length += length;
	return 0;
}

/* The key of a name that waits for its certificate, from its request. */
static int
add_waiting(struct dns_facts *facts, const struct configuration *conf,
	    const struct conf_users *users, const char *name, struct error *err)
{
	struct cc_request ask = {.how = CERT_REQUEST_PRINT};
	struct request_text text = {.length = 0};
	struct cert_request request = {.type = CC_REQUEST,
				       .body = &ask,
				       .size = sizeof(ask),
				       .fd = -1,
				       .on_data = on_request,
				       .arg = &text};
	char result[CERT_TEXT_MAX + 1];
	uint8_t sha256[FINGERPRINT_SIZE];

	strlcpy(ask.name, name, sizeof(ask.name));
	if (cert_ask_once(conf, users, &request, result, err) == -1)
		return -1;
	if (!dns_request_key(text.octets, text.length, sha256))
		return error_set(err, "%s: its request can't be read", name);
	add_key(facts, name, sha256, true);
	return 0;
}

/* Is it NAME.next of one that is shown? */
static bool
is_next(const struct configuration *conf, const struct cert_items *items, const char *name)
{
	size_t length = strlen(name), suffix = sizeof(NEXT) - 1;
	char before[CERT_KEPT_SIZE];

	if (length <= suffix || strcmp(name + length - suffix, NEXT) != 0)
		return false;
	strlcpy(before, name, length - suffix + 1);
	return is_shown(conf, items, before);
}

static int
find_keys(struct dns_facts *facts, const struct configuration *conf, const struct conf_users *users,
	  struct error *err)
{
	static const struct cert_wanted wanted = {.chain = false};
	struct cert_items items;
	int result = 0;

	if (cert_look(conf, users, &wanted, &items, err) == -1)
		return -1;
	for (size_t i = 0; i < items.count; i++) {
		const struct cc_facts *item = &items.list[i].facts;

		if (item->state != CERT_IN_FORCE || !is_shown(conf, &items, item->name))
			continue;
		if ((item->flags & CERT_FLAG_SELF_SIGNED) == 0)
			facts->trusted = true;
		add_key(facts, item->name, item->key_sha256, false);
	}
	for (size_t i = 0; i < items.count && result == 0; i++) {
		const struct cc_facts *item = &items.list[i].facts;

		if (item->state == CERT_REFUSED && is_next(conf, &items, item->name))
			result = add_waiting(facts, conf, users, item->name, err);
	}
	cert_items_free(&items);
	return result;
}

/* The keys that sign the domain's mail, also those that no longer do: mail is still on its way. */
static int
find_selectors(struct dns_facts *facts, const struct configuration *conf,
	       const struct conf_users *users, struct error *err)
{
	struct dkim_found found = {.count = 0};
	struct cert_channel channel;
	int result;

	if (cert_channel_open(conf, users, &channel, err) == -1)
		return -1;
	result = dkim_list(&channel, facts->domain, &found, err);
	cert_channel_close(&channel);
	for (size_t i = 0; result == 0 && i < found.count; i++) {
		const struct cc_dkim_key *key = &found.keys[i];
		struct dns_selector *selector = &facts->selectors[facts->selector_count];

		if (facts->selector_count == DNS_SELECTORS_MAX)
			break;
		facts->selector_count++;
		strlcpy(selector->name, key->selector, sizeof(selector->name));
		strlcat(selector->name, "._domainkey.", sizeof(selector->name));
		strlcat(selector->name, key->domain, sizeof(selector->name));
		strlcpy(selector->text, key->record, sizeof(selector->text));
	}
	dkim_found_free(&found);
	return result;
}

/* What certd knows. */
static int
find_certd(struct dns_facts *facts, const struct configuration *conf, struct error *err)
{
	struct conf_problems problems = {.count = 0};
	struct conf_users users;
	int result;

	conf_find_users(conf, &users, &problems);
	result = problems.errors > 0 ? error_set(err, "%s", problems.list[0].text) : 0;
	conf_problems_free(&problems);
	if (result == 0)
		result = find_keys(facts, conf, &users, err);
	return result == 0 ? find_selectors(facts, conf, &users, err) : -1;
}

int
dns_facts_find(const struct configuration *conf, const char *domain, const char *const *addresses,
	       size_t count, struct dns_facts *facts, bool *incomplete, struct error *err)
{
	struct error certd;

	*facts = (struct dns_facts){.address_count = 0};
	*incomplete = false;
	strlcpy(facts->domain, domain, sizeof(facts->domain));
	strlcpy(facts->hostname, conf->hostname, sizeof(facts->hostname));
	strlcpy(facts->smart_host, conf->relay.standard.host, sizeof(facts->smart_host));
	find_senders(facts, conf);
	find_services(facts, conf);
	for (size_t i = 0; i < count; i++) {
		if (add_given(facts, addresses[i], err) == -1)
			return -1;
	}
	if (count == 0)
		add_listeners(facts, conf);
	if (find_certd(facts, conf, &certd) == -1) {
		error_prefix(&certd, "the server's keys are missing here");
		(void)ctl_error(&certd);
		*incomplete = true;
	}
	return 0;
}
