/* SPDX-License-Identifier: ISC */
/* dns_compare - what should be published, and what is: pure. */
#ifndef POSTERN_CTL_DNS_COMPARE_H
#define POSTERN_CTL_DNS_COMPARE_H

#include "ctl/dns.h"

enum dns_finding_kind {
	DNS_OK,
	DNS_OTHER,     /* not as it would be printed, but good */
	DNS_MISSING,   /* VALUE is not there */
	DNS_DIFFERENT, /* VALUE is there in place of WANTED */
	DNS_SURPLUS,   /* VALUE is there, and nothing is known of it */
	DNS_UNKNOWN,   /* DNS does not answer */
	DNS_FINDINGS
};

/* The pointers are the plan's and the answer's. */
struct dns_finding {
	enum dns_finding_kind kind;
	const struct dns_entry *entry; /* what is wanted, or one with its name and type */
	const char *value;
};

/* What DNS has under an entry's name and type; FAILED: no answer. */
struct dns_found {
	bool failed;
	size_t count;
	const char *const *values;
};

typedef void dns_finding_fn(const struct dns_finding *, void *arg);

/*
 * Compares all of PLAN's entries with FIRST's subject, name and type to what was found, and tells
 * EACH finding.
 */
void dns_compare(const struct dns_plan *, const struct dns_entry *first, const struct dns_found *,
		 dns_finding_fn *each, void *arg);

/* Does this SPF record leave it to another name's who may send (RFC 7208 5.2, 6.1)? */
bool dns_spf_asks_others(const char *value);
/* Is there anybody from whom mail passes? */
bool dns_spf_lets_somebody(const char *value);

/* Is something to be mended? What is not required may be missing. */
bool dns_finding_is_wrong(const struct dns_finding *);
/* "ok", "missing" and so on. */
const char *dns_finding_word(enum dns_finding_kind);

#endif
