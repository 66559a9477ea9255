/* SPDX-License-Identifier: ISC */
/*
 * dmarc - whether the domains in From: stand behind a mail, and what they want done with one that
 * they don't stand behind (RFC 7489 6.6), as a machine without I/O: questions for DNS come out,
 * answers go in.
 *
 * The organizational domain comes from the public suffix list (3.2), as everybody has it who
 * publishes records today. The tree walk that is to replace it asks up to eight questions a name,
 * and takes a domain whose only record is at mail.example.org for another than example.org: mail
 * that is aligned today would not be. Reports (6.2, rua and ruf) are not sent.
 */
#ifndef POSTERN_WORKER_FILTER_DMARC_H
#define POSTERN_WORKER_FILTER_DMARC_H

#include "common/proto/types.h"
#include "worker/filter/dmarc_record.h"

#define DMARC_DOMAINS_MAX 8 /* in From:; with more a mail has no author that one could ask */
#define DMARC_SIGNERS_MAX 8

enum dmarc_result {
	DMARC_NO_RECORD, /* none */
	DMARC_PASS,
	DMARC_FAIL,
	DMARC_TEMPERROR,
	DMARC_PERMERROR, /* From: has no domain, one that is none, or too many: it is set apart */
	DMARC_RESULTS
};

struct dmarc_domains {
	size_t fields; /* From: fields that were read */
	size_t count;
	bool more;     /* there are more than are in the list */
	bool unusable; /* there are more, of fields too, or an author has no domain that could be
			* asked, or several */
	char list[DMARC_DOMAINS_MAX][HOST_NAME_SIZE]; /* A-labels, lower case; each once */
};

/*
 * Adds the domains of the addresses in a From: field's value, U-labels as A-labels, also of those
 * that stand where RFC 5322 has none: mail programs may show any. A second field is one too many,
 * whatever is in it (RFC 5322 3.6): a signature need not cover both, and mail programs show either
 * (RFC 6376 8.15). 0, or -1 without memory.
 */
int dmarc_add_from(struct dmarc_domains *, struct mime_text value);

/*
 * The organizational domain of a name, in lower case: a suffix of it, or all of it if that is a
 * public suffix itself. suffix_organization() is one.
 */
typedef const char *dmarc_organization_fn(const char *name);

/* The strings are copied. */
struct dmarc_request {
	const struct dmarc_domains *from;
	const char *spf_domain; /* whose SPF passed; NULL: none's */
	size_t signer_count;
	const char *signers[DMARC_SIGNERS_MAX]; /* d= of DKIM signatures that passed */
	/* The same of those about which DNS did not tell now. */
	const char *spf_undecided;
	size_t undecided_count;
	const char *undecided[DMARC_SIGNERS_MAX];
	dmarc_organization_fn *organization;
	unsigned percentile; /* 0..99 by chance: which mails "pct" means */
};

enum dmarc_answered { DMARC_ANSWERED, DMARC_FAILED };

struct dmarc_verdict {
	enum dmarc_result result;
	enum dmarc_policy policy; /* that the domain publishes for such a mail */
	enum dmarc_policy apply;  /* what it wants done with this one: result and pct are in it */
	char domain[HOST_NAME_SIZE]; /* of From: that decided; "" if there is none */
	bool undecided;              /* DMARC_FAIL, but it might pass when DNS answers again */
	bool unknown; /* DNS does not tell what a domain of From: wants, this one or another */
	bool sole; /* there is no other in From:, nor an author without one that could be asked */
	bool several; /* domains are in From: */
};

struct dmarc;

/* Begins; NULL without memory. */
struct dmarc *dmarc_new(const struct dmarc_request *);
void dmarc_free(struct dmarc *); /* or NULL */

/* The name whose TXT records it waits for; NULL: it has its verdict. */
const char *dmarc_question(const struct dmarc *);

/* How many domains of From: have no result yet: each may take its part of the time that there is.
 */
size_t dmarc_left(const struct dmarc *);

/* The answer: COUNT records, none if there is no such name. They are not needed after the call. */
void dmarc_take(struct dmarc *, enum dmarc_answered, const struct mime_text *records, size_t count);

const struct dmarc_verdict *dmarc_verdict(const struct dmarc *);

/* "pass", "none" and so on. */
const char *dmarc_result_name(enum dmarc_result);

#endif
