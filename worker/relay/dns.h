/* SPDX-License-Identifier: ISC */
/* dns - the records of an answer (RFC 1035 4): MX, A and AAAA. A pure function over octets. */
#ifndef POSTERN_WORKER_RELAY_DNS_H
#define POSTERN_WORKER_RELAY_DNS_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "common/proto/types.h"

#define DNS_A 1
#define DNS_MX 15
#define DNS_AAAA 28

#define DNS_RECORDS_MAX 16 /* what is more is left out */

struct dns_record {
	uint16_t preference;       /* MX */
	char name[HOST_NAME_SIZE]; /* MX: lower case, without the last dot; "" is the root */
	struct in6_addr address;   /* AAAA; A as an IPv4-mapped one */
};

struct dns_answer {
	size_t count;
	struct dns_record records[DNS_RECORDS_MAX];
};

/*
 * Takes the records of TYPE out of the answer section: the resolver has followed CNAMEs. Names
 * that no host can have are left out. 0, or -1 if the packet is damaged.
 */
int dns_parse(const uint8_t *packet, size_t length, uint16_t type, struct dns_answer *);

#endif
