/* SPDX-License-Identifier: ISC */
/*
 * dane - what DNS says of a mail server's certificate (RFC 7672, RFC 6698, RFC 7671): its TLSA
 * records, if they and everything that led to the server are secure.
 */
#ifndef POSTERN_WORKER_RELAY_DANE_H
#define POSTERN_WORKER_RELAY_DANE_H

#include <stddef.h>
#include <stdint.h>

#include "common/proto/types.h"
#include "worker/dns/dns.h"

#define DANE_RECORDS_MAX 16 /* usable ones; what is more is left out */
#define DANE_DATA_MAX 8192  /* octets of all of their data */

enum dane_state {
	DANE_NONE,   /* there are no records: no DANE */
	DANE_FAILED, /* DNS does not say, or what it says is bogus: the server can't be used (2.1.3)
		      */
	DANE_UNUSABLE, /* none of them is one for SMTP: TLS, with anybody (2.2) */
	DANE_USABLE,   /* TLS, with who has one of the certificates */
	DANE_STATES
};

/* Of one server; counted, because connections outlive the job that found it. */
struct dane {
	unsigned references;
	enum dane_state state;
	char base[HOST_NAME_SIZE]; /* the TLSA base domain (2.2.2): what the server is called */
	size_t count;
	struct dns_tlsa records[DANE_RECORDS_MAX]; /* their data is in `data` */
	size_t used;
	uint8_t data[DANE_DATA_MAX];
};

/* With one reference; NULL without memory. */
struct dane *dane_new(void);
/* Of a server that can't be asked for: never NULL, whatever there is of memory. */
struct dane *dane_failed(void);
struct dane *dane_hold(struct dane *); /* NULL is fine */
void dane_release(struct dane *);      /* NULL is fine */

/*
 * A dns_tlsa_fn, ARG being a struct dane: takes the record if it can be used for SMTP (3.1):
 * DANE-TA(2) or DANE-EE(3), a certificate or its key, whole or by SHA-256 or SHA-512. PKIX-TA(0)
 * and PKIX-EE(1) can not (3.1.3), nor what is whole and no certificate or key.
 */
void dane_add(const struct dns_tlsa *, void *dane);

#endif
