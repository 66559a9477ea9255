/* SPDX-License-Identifier: ISC */
/*
 * dns - the records of an answer (RFC 1035 4): MX, A, AAAA, PTR, TXT and TLSA. Pure functions over
 * octets.
 */
#ifndef POSTERN_WORKER_DNS_DNS_H
#define POSTERN_WORKER_DNS_DNS_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "common/proto/types.h"

#define DNS_A 1
#define DNS_CNAME 5
#define DNS_PTR 12
#define DNS_MX 15
#define DNS_TXT 16
#define DNS_AAAA 28
#define DNS_SRV 33
#define DNS_TLSA 52

#define DNS_RECORDS_MAX 16 /* what is more is left out */

struct dns_record {
	uint16_t preference;       /* MX */
	char name[HOST_NAME_SIZE]; /* MX, PTR: lower case, no last dot; "" is the root */
	struct in6_addr address;   /* AAAA; A as an IPv4-mapped one */
};

struct dns_answer {
	size_t count;
	size_t left_out; /* records of the type: damaged, or with a name that no host can have */
	/* Whose the first record is: another name than was asked for, where that is an alias. "" if
	 * there is no record, or no host can be called so. */
	char owner[HOST_NAME_SIZE];
	struct dns_record records[DNS_RECORDS_MAX];
};

/*
 * Takes the records of TYPE, one with names or addresses, out of the answer section: the resolver
 * has followed CNAMEs. Names that no host can have are left out. 0, or -1 if the packet is damaged.
 * Whoever has to know that an address is not there asks dns_parse_addresses().
 */
int dns_parse(const uint8_t *packet, size_t length, uint16_t type, struct dns_answer *);

/*
 * Hands each address in records of TYPE, DNS_A (as an IPv4-mapped one) or DNS_AAAA, to EACH,
 * however many there are. 0, or -1 if the packet is damaged, which may be seen after some calls.
 */
typedef void dns_address_fn(const struct in6_addr *, void *arg);
int dns_parse_addresses(const uint8_t *packet, size_t length, uint16_t type, dns_address_fn *each,
			void *arg);

#define DNS_TXT_MAX 8192 /* octets of one record; a longer one is left out */

/*
 * Hands each TXT record's strings, put together (RFC 7208 3.3, RFC 6376 3.6.2.2), to EACH: LENGTH
 * octets of any value, there during the call only. 0, or -1 if the packet is damaged, which may
 * be seen after some calls.
 */
typedef void dns_txt_fn(const char *text, size_t length, void *arg);
int dns_parse_txt(const uint8_t *packet, size_t length, dns_txt_fn *each, void *arg);

/* What a certificate has to be (RFC 6698 2.1); the numbers are not looked at. */
struct dns_tlsa {
	uint8_t usage;
	uint8_t selector;
	uint8_t matching; /* type */
	uint16_t length;  /* of the data, in octets */
	const uint8_t *data;
};

/*
 * Hands each TLSA record to EACH; its data is in PACKET. 0, or -1 if the packet is damaged, which
 * may be seen after some calls.
 */
typedef void dns_tlsa_fn(const struct dns_tlsa *, void *arg);
int dns_parse_tlsa(const uint8_t *packet, size_t length, dns_tlsa_fn *each, void *arg);

/* Where a service is (RFC 2782). */
struct dns_service {
	uint16_t priority, weight, port;
	char name[HOST_NAME_SIZE]; /* lower case, no last dot; "": the service is not there */
};

/*
 * Hands each SRV record to EACH; names that no host can have are left out. 0, or -1 if the packet
 * is damaged, which may be seen after some calls.
 */
typedef void dns_srv_fn(const struct dns_service *, void *arg);
int dns_parse_srv(const uint8_t *packet, size_t length, dns_srv_fn *each, void *arg);

#endif
