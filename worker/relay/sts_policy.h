/* SPDX-License-Identifier: ISC */
/*
 * sts_policy - what a domain says about TLS to its mail servers (MTA-STS, RFC 8461): its TXT
 * record, and its policy. Pure functions over octets that anybody may have written.
 */
#ifndef POSTERN_WORKER_RELAY_STS_POLICY_H
#define POSTERN_WORKER_RELAY_STS_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STS_ID_SIZE 33              /* 3.1: 32 letters and digits */
#define STS_MX_SIZE 4096            /* of all patterns, a NUL behind each */
#define STS_AGE_MAX 31557600        /* 3.2: seconds, about a year */
#define STS_POLICY_OCTETS_MAX 65536 /* of a policy: 3.3 wants a bound, and gives this one */
#define STS_RECORD_NAME "_mta-sts." /* in front of the domain: its TXT record */
#define STS_HOST_NAME "mta-sts."    /* in front of the domain: the HTTPS server */
#define STS_PATH "/.well-known/mta-sts.txt"

enum sts_mode {
	STS_NONE,    /* no policy, or one that says there is none */
	STS_TESTING, /* failures are told, mail goes */
	STS_ENFORCE,
	STS_MODES
};

struct sts_policy {
	enum sts_mode mode;
	uint32_t max_age;     /* seconds */
	size_t mx_length;     /* octets in `mx` */
	char mx[STS_MX_SIZE]; /* "mx.example.com", "*.example.net", a NUL behind each */
};

/*
 * The id of a TXT record (3.1), its strings joined: true, with ID filled, if it is a record of
 * MTA-STS. Two of them at one name are none: the caller counts.
 */
bool sts_record_parse(const char *text, char id[STS_ID_SIZE]);

/*
 * A policy (3.2). NULL, or what is wrong with it; then POLICY is not to be used. Of keys that come
 * twice the first counts, except mx; keys that are not known are left out.
 */
const char *sts_policy_parse(const char *text, size_t length, struct sts_policy *);

/* Whether HOST, an MX's name, is one of the policy's (4.1): "*" stands for one label. */
bool sts_policy_matches(const struct sts_policy *, const char *host);

#endif
