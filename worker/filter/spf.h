/* SPDX-License-Identifier: ISC */
/*
 * spf - check_host() of RFC 7208 4 as a machine without I/O: questions for DNS come out, answers go
 * in, one at a time, until there is a result.
 *
 * libspf2 was left: it asks DNS by blocking res_nquery(3), which no process with more than one mail
 * at a time can have, and knows RFC 4408, not RFC 7208 (no bound on void lookups). The last release
 * that Debian has is 1.2.10 of 2012 with patches, the macro expander that CVE-2021-20314 and
 * CVE-2023-42118 were found in is the part that meets what strangers publish.
 */
#ifndef POSTERN_WORKER_FILTER_SPF_H
#define POSTERN_WORKER_FILTER_SPF_H

#include <stdint.h>

#include "worker/filter/spf_record.h"

#define SPF_EXPLANATION_SIZE 384

/* The strings are copied. Names are A-labels, in lower case. */
struct spf_request {
	struct in6_addr address; /* the client's; IPv4 mapped */
	const char *local;       /* of the identity; "" is "postmaster" (4.3) */
	const char *domain;      /* of the identity: MAIL FROM's (2.4), or the HELO name (2.3) */
	const char *helo;
	const char *receiver; /* this host's name, for macro r */
	int64_t now;          /* seconds since the epoch, for macro t */
};

enum spf_type {
	SPF_ASK_A = 1,
	SPF_ASK_PTR = 12,
	SPF_ASK_MX = 15,
	SPF_ASK_TXT = 16,
	SPF_ASK_AAAA = 28
};

struct spf_question {
	char name[HOST_NAME_SIZE]; /* may have any octet but NUL in a label */
	enum spf_type type;        /* its number in DNS */
};

enum spf_answered {
	SPF_ANSWERED, /* also when there are no records */
	SPF_NO_NAME,  /* NXDOMAIN */
	SPF_FAILED,   /* any other RCODE, no answer in time, a damaged one */
};

/* One record of the type asked for. */
struct spf_data {
	struct in6_addr address; /* A (mapped), AAAA */
	struct mime_text text;   /* TXT: its strings as one; MX, PTR: the name; "" is the root */
};

struct spf_answer {
	enum spf_answered status;
	size_t count;
	const struct spf_data *data;
};

struct spf_verdict {
	enum spf_result result;
	bool no_memory;                         /* with SPF_TEMPERROR: that is why */
	char why[160];                          /* what decided: a directive, or what is wrong */
	char explanation[SPF_EXPLANATION_SIZE]; /* of the domain's owner, with SPF_FAIL; or "" */
};

struct spf;

/* Begins; NULL without memory. */
struct spf *spf_new(const struct spf_request *);
void spf_free(struct spf *); /* or NULL */

/* What it waits for; NULL: it has its verdict. */
const struct spf_question *spf_question(const struct spf *);

/* The answer to spf_question(). It is not needed after the call. */
void spf_take(struct spf *, const struct spf_answer *);

/* It can't go on (4.6.4: its time is up): it ends with SPF_TEMPERROR, unless it has ended. */
void spf_give_up(struct spf *, const char *why);

/* SPF_TEMPERROR while it has a question. */
const struct spf_verdict *spf_verdict(const struct spf *);

#endif
