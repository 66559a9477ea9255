/* SPDX-License-Identifier: ISC */
/* An answer of DNS as anybody may have made it: names that are taken are names of hosts. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/dns/dns.h"
#include "worker/relay/dane.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads all of it. */
static void
on_text(const char *text, size_t length, void *arg)
{
	unsigned *sum = arg;

	if (length > DNS_TXT_MAX)
		abort();
	for (size_t i = 0; i < length; i++)
		*sum += (unsigned char)text[i];
}

static void
on_tlsa(const struct dns_tlsa *tlsa, void *arg)
{
	unsigned *sum = arg;

	for (size_t i = 0; i < tlsa->length; i++)
		*sum += tlsa->data[i];
}

/* Usable records are what RFC 7672 3.1 says, and have all of their data. */
static void
check_dane(const uint8_t *data, size_t size, unsigned *sum)
{
	struct dane *dane = dane_new();

	if (dane == NULL)
		return;
	(void)dns_parse_tlsa(data, size, dane_add, dane);
	if (dane->count > DANE_RECORDS_MAX || (dane->count > 0) != (dane->state == DANE_USABLE))
		abort();
	for (size_t i = 0; i < dane->count; i++) {
		const struct dns_tlsa *tlsa = &dane->records[i];

		if ((tlsa->usage != 2 && tlsa->usage != 3) || tlsa->selector > 1 ||
		    tlsa->matching > 2 || tlsa->length == 0)
			abort();
		on_tlsa(tlsa, sum);
	}
	dane_release(dane);
}

static void
on_service(const struct dns_service *service, void *arg)
{
	(void)arg;
	if (strlen(service->name) >= sizeof(service->name))
		abort();
}

static void
on_address(const struct in6_addr *address, void *arg)
{
	(void)address;
	++*(size_t *)arg;
}

/* Whatever a packet says, it has as many addresses as it has octets for. */
static void
check_addresses(const uint8_t *data, size_t size, uint16_t type)
{
	struct dns_answer answer;
	size_t count = 0;

	if (dns_parse_addresses(data, size, type, on_address, &count) !=
	    dns_parse(data, size, type, &answer))
		abort();
	if (count > size / 15 || answer.count > count)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t types[] = {DNS_MX, DNS_A, DNS_AAAA, DNS_PTR};
	struct dns_answer answer;
	unsigned sum = 0;

	for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
		if (dns_parse(data, size, types[t], &answer) == -1)
			continue;
		if (answer.count > DNS_RECORDS_MAX)
			abort();
		if (answer.count == 0 && answer.owner[0] != '\0')
			abort();
		for (size_t i = 0; i < answer.count; i++) {
			const char *name = answer.records[i].name;

			if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != strlen(name))
				abort();
		}
	}
	check_addresses(data, size, DNS_A);
	check_addresses(data, size, DNS_AAAA);
	(void)dns_parse_txt(data, size, on_text, &sum);
	(void)dns_parse_tlsa(data, size, on_tlsa, &sum);
	check_dane(data, size, &sum);
	(void)dns_parse_srv(data, size, on_service, NULL);
	return 0;
}
