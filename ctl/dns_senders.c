/* SPDX-License-Identifier: ISC */
/* Where mail leaves from, and what it is greeted with: pure. */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "ctl/dns.h"

bool
dns_is_public(const struct in6_addr *address)
{
	static const struct {
		uint8_t octets[4];
		unsigned bits;
	} private4[] = {
	    {{0, 0, 0, 0}, 8},      {{10, 0, 0, 0}, 8},     {{100, 64, 0, 0}, 10},
	    {{127, 0, 0, 0}, 8},    {{169, 254, 0, 0}, 16}, {{172, 16, 0, 0}, 12},
	    {{192, 168, 0, 0}, 16}, {{198, 18, 0, 0}, 15},  {{224, 0, 0, 0}, 3},
	};
	const uint8_t *octets = address->s6_addr;
	uint32_t v4, network;

	if (!IN6_IS_ADDR_V4MAPPED(address))
		return (octets[0] & 0xe0) == 0x20; /* 2000::/3: global unicast */
	memcpy(&v4, octets + 12, sizeof(v4));
	for (size_t i = 0; i < sizeof(private4) / sizeof(private4[0]); i++) {
		memcpy(&network, private4[i].octets, sizeof(network));
		if ((ntohl(v4) ^ ntohl(network)) >> (32 - private4[i].bits) == 0)
			return false;
	}
	return true;
}

static bool
is_in(const struct in6_addr *list, size_t count, const struct in6_addr *address)
{
	for (size_t i = 0; i < count; i++) {
		if (memcmp(&list[i], address, sizeof(*address)) == 0)
			return true;
	}
	return false;
}

bool
dns_is_of_host(const struct dns_facts *facts, const struct in6_addr *address)
{
	return is_in(facts->addresses, facts->address_count, address);
}

static void
add(struct dns_sending *sending, const struct in6_addr *address)
{
	if (sending->count < DNS_SENDING_MAX && !is_in(sending->list, sending->count, address))
		sending->list[sending->count++] = *address;
}

static void
add_host(struct dns_sending *sending, const struct dns_facts *facts, bool v4)
{
	for (size_t i = 0; i < facts->address_count; i++) {
		if (IN6_IS_ADDR_V4MAPPED(&facts->addresses[i]) == v4)
			add(sending, &facts->addresses[i]);
	}
}

static void
add_sender(struct dns_sending *sending, const struct dns_facts *facts,
	   const struct dns_sender *sender)
{
	for (size_t i = 0; i < 2; i++) {
		if (IN6_IS_ADDR_UNSPECIFIED(&sender->source[i]))
			add_host(sending, facts, i == 0);
		else
			add(sending, &sender->source[i]);
	}
}

void
dns_sending_find(const struct dns_facts *facts, const char *name, struct dns_sending *sending)
{
	sending->count = 0;
	for (size_t i = 0; i < facts->sender_count; i++) {
		const struct dns_sender *sender = &facts->senders[i];

		if (name == NULL ? !sender->relayed : strcasecmp(sender->name, name) == 0)
			add_sender(sending, facts, sender);
	}
	/* Nobody greets with it; it is the host's all the same. */
	if (name != NULL && sending->count == 0) {
		add_host(sending, facts, true);
		add_host(sending, facts, false);
	}
}

void
dns_sending_all(const struct dns_facts *facts, struct dns_sending *sending)
{
	sending->count = 0;
	for (size_t i = 0; i < facts->address_count; i++)
		add(sending, &facts->addresses[i]);
	for (size_t i = 0; i < facts->sender_count; i++)
		add_sender(sending, facts, &facts->senders[i]);
}

const char *
dns_greeting(const struct dns_facts *facts, const struct in6_addr *address)
{
	for (size_t i = 0; i < facts->sender_count; i++) {
		struct dns_sending sending = {.count = 0};

		add_sender(&sending, facts, &facts->senders[i]);
		if (is_in(sending.list, sending.count, address))
			return facts->senders[i].name;
	}
	return facts->hostname;
}
