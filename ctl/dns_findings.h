/* SPDX-License-Identifier: ISC */
/* dns_findings - what posternctl dns check has found, for a person or a program. */
#ifndef POSTERN_CTL_DNS_FINDINGS_H
#define POSTERN_CTL_DNS_FINDINGS_H

#include <stdio.h>

#include "ctl/dns_compare.h"

#define DNS_FINDINGS_MAX 8192 /* each route may have names and addresses of its own */

struct dns_findings {
	struct dns_finding list[DNS_FINDINGS_MAX];
	size_t count;
	bool no_address; /* the host has none in DNS, and none that others can reach */
};

/* How many are to be mended. */
size_t dns_findings_wrong(const struct dns_findings *);

void dns_findings_print(const struct dns_findings *, const struct dns_facts *, FILE *out);
void dns_findings_print_json(const struct dns_findings *, const struct dns_facts *, FILE *out);

#endif
