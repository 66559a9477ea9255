/* SPDX-License-Identifier: ISC */
/* An answer of DNS as anybody may have made it: names that are taken are names of hosts. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/relay/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t types[] = {DNS_MX, DNS_A, DNS_AAAA};
	struct dns_answer answer;

	for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
		if (dns_parse(data, size, types[t], &answer) == -1)
			continue;
		if (answer.count > DNS_RECORDS_MAX)
			abort();
		for (size_t i = 0; i < answer.count; i++) {
			const char *name = answer.records[i].name;

			if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != strlen(name))
				abort();
		}
	}
	return 0;
}
