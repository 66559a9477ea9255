/* SPDX-License-Identifier: ISC */
/*
 * dns - posternctl dns: what to publish for a domain, and whether it is.
 *
 *   facts   what this server is, from the configuration, certd and the host (dns_facts.c)
 *   plan    the records that follow from them: pure (dns_plan.c, dns_senders.c, dns_text.c)
 *   print   as a zone file, or JSON (dns_print.c)
 */
#ifndef POSTERN_CTL_DNS_H
#define POSTERN_CTL_DNS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/error.h"
#include "common/proto/ctl_certd.h"
#include "common/proto/master_relay.h"
#include "master/conf.h"

#define DNS_ADDRESSES_MAX 16
#define DNS_KEYS_MAX 16
#define DNS_SERVICES 6
#define DNS_SELECTORS_MAX 16
#define DNS_SENDERS_MAX RELAY_ROUTES_MAX
#define DNS_SELECTOR_TEXT DKIM_RECORD_SIZE

/* A service that mail programs look for by SRV (RFC 6186, RFC 8314 5.1). Port 0: not offered. */
struct dns_login {
	const char *label; /* "_imaps._tcp" */
	uint16_t port;
};

/* A key whose certificate port 25 shows, or will. */
struct dns_key {
	char name[CERT_NAME_SIZE];
	bool next;                        /* it waits for its certificate */
	uint8_t sha256[FINGERPRINT_SIZE]; /* of its SubjectPublicKeyInfo */
};

/* A key that signs mail. */
struct dns_selector {
	char name[HOST_NAME_SIZE];    /* of its TXT record, whole */
	char text[DNS_SELECTOR_TEXT]; /* of that */
};

/* Who brings mail to other servers: what EHLO says, and where the connection comes from. */
struct dns_sender {
	char name[HOST_NAME_SIZE];
	struct in6_addr source[2]; /* of IPv4, mapped, and of IPv6; all zero: the host's */
	bool relayed;              /* to who passes it on, so that others see another's address */
};

struct dns_facts {
	char domain[HOST_NAME_SIZE]; /* A-labels */
	char hostname[HOST_NAME_SIZE];
	char smart_host[HOST_NAME_SIZE];              /* ""; mail leaves from here */
	struct in6_addr addresses[DNS_ADDRESSES_MAX]; /* public ones; IPv4 mapped */
	size_t address_count;
	struct dns_sender senders[DNS_SENDERS_MAX]; /* the one of most mail first */
	size_t sender_count;
	struct dns_login services[DNS_SERVICES];
	struct dns_key keys[DNS_KEYS_MAX];
	size_t key_count;
	struct dns_selector selectors[DNS_SELECTORS_MAX];
	size_t selector_count;
	bool trusted; /* an authority has signed what port 25 shows */
};

/* What a record is good for; the order is that of the output. */
enum dns_subject {
	DNS_DELIVERY,
	DNS_HOST,
	DNS_SPF,
	DNS_DKIM,
	DNS_DMARC,
	DNS_DANE,
	DNS_MTA_STS,
	DNS_TLS_REPORTS,
	DNS_CLIENTS,
	DNS_SUBJECTS
};
const char *dns_subject_title(enum dns_subject);
/* Without it mail is not delivered, or not trusted elsewhere. */
bool dns_subject_is_required(enum dns_subject);

struct dns_entry {
	enum dns_subject subject;
	char name[HOST_NAME_SIZE]; /* without the last dot */
	char type[8];
	char *value; /* as in a zone file; of TXT, the text itself */
};

struct dns_plan {
	struct dns_entry *list;
	size_t count;
};

/* -- dns_plan.c: pure ------------------------------------------------------------------------- */

/* 0, or -1 without memory; dns_plan_free() in both cases. */
int dns_plan_make(const struct dns_facts *, struct dns_plan *);
void dns_plan_free(struct dns_plan *);
/* Of either family; IPv4 is mapped. */
bool dns_read_address(const char *text, struct in6_addr *);
/* The name that an address has a PTR record under; OUT of HOST_NAME_SIZE bytes is returned. */
const char *dns_reverse_name(const struct in6_addr *, char *out);

/* -- dns_senders.c: pure ---------------------------------------------------------------------- */

/* Is it one that others can reach (RFC 6890)? */
bool dns_is_public(const struct in6_addr *);

#define DNS_SENDING_MAX (DNS_ADDRESSES_MAX + 2 * DNS_SENDERS_MAX)
struct dns_sending {
	size_t count;
	struct in6_addr list[DNS_SENDING_MAX];
};

/*
 * The addresses that mail leaves from which NAME is greeted with (the host's if none is); or, with
 * NULL, those that others see mail of the domain come from.
 */
void dns_sending_find(const struct dns_facts *, const char *name, struct dns_sending *);
/* The host's addresses, and all others that mail leaves from. */
void dns_sending_all(const struct dns_facts *, struct dns_sending *);
/* What is greeted with from there. */
const char *dns_greeting(const struct dns_facts *, const struct in6_addr *);
/* Is it one of facts.addresses? */
bool dns_is_of_host(const struct dns_facts *, const struct in6_addr *);

/* -- dns_text.c: pure: what web servers serve ------------------------------------------------- */

struct dns_file {
	const char *name; /* for --file */
	const char *url;  /* a %s in it is the domain */
	const char *about;
	char *(*text)(const struct dns_facts *); /* NULL without memory; the caller frees it */
};
/* Ends with a NULL name. */
extern const struct dns_file dns_files[];

/* -- dns_request.c: pure ---------------------------------------------------------------------- */

/*
 * SHA-256 of the SubjectPublicKeyInfo in a certificate request, PEM (RFC 2986 4). False if it is
 * none.
 */
bool dns_request_key(const char *pem, size_t length, uint8_t sha256[FINGERPRINT_SIZE]);

/* -- dns_facts.c ------------------------------------------------------------------------------ */

/*
 * Fills the facts about DOMAIN. ADDRESSES, if there are any, are used instead of this host's.
 * Returns 0, or -1 with ERR filled. What certd can't say is told on standard error, *INCOMPLETE
 * then.
 */
int dns_facts_find(const struct configuration *, const char *domain, const char *const *addresses,
		   size_t count, struct dns_facts *, bool *incomplete, struct error *);

/* -- dns_print.c ------------------------------------------------------------------------------ */

void dns_print_zone(const struct dns_facts *, const struct dns_plan *, FILE *);
void dns_print_json(const struct dns_facts *, const struct dns_plan *, FILE *);

#endif
