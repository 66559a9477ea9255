/* SPDX-License-Identifier: ISC */
/* dns_command - what posternctl dns and posternctl dns check have in common. */
#ifndef POSTERN_CTL_DNS_COMMAND_H
#define POSTERN_CTL_DNS_COMMAND_H

#include "ctl/dns.h"

struct dns_command {
	const char *domain;
	const char *addresses[DNS_ADDRESSES_MAX];
	size_t address_count;
	const char *file;
	const char *resolver;
	bool json;
};

/* ALLOWED: the first letters of those that the command has. Returns CTL_OK or CTL_USAGE. */
int dns_command_parse(int argc, char **argv, const char *allowed, struct dns_command *);

/* The facts about its domain, as dns_facts_find(). */
int dns_command_facts(const struct dns_command *, const struct configuration *, struct dns_facts *,
		      bool *incomplete, struct error *);

#endif
