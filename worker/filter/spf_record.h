/* SPDX-License-Identifier: ISC */
/*
 * spf_record - an SPF record (RFC 7208 4.6, 5, 6) as typed terms. Pure functions over octets that a
 * stranger published.
 */
#ifndef POSTERN_WORKER_FILTER_SPF_RECORD_H
#define POSTERN_WORKER_FILTER_SPF_RECORD_H

#include <stdint.h>

#include "common/mime/header.h"
#include "common/proto/types.h"

#define SPF_RECORD_MAX 8192 /* octets; a longer one is taken as malformed */

/* 2.6 */
enum spf_result {
	SPF_NONE,
	SPF_NEUTRAL,
	SPF_PASS,
	SPF_FAIL,
	SPF_SOFTFAIL,
	SPF_TEMPERROR,
	SPF_PERMERROR,
	SPF_RESULTS
};

enum spf_mechanism {
	SPF_ALL,
	SPF_INCLUDE,
	SPF_A,
	SPF_MX,
	SPF_PTR,
	SPF_IP4,
	SPF_IP6,
	SPF_EXISTS,
	SPF_MECHANISMS
};

struct spf_term {
	enum spf_mechanism mechanism;
	enum spf_result qualifier; /* what a match means */
	struct mime_text whole;
	struct mime_text domain; /* domain-spec; length 0: none */
	uint8_t bits4, bits6;    /* of the addresses that "a" and "mx" find */
	struct network network;  /* of "ip4" (mapped) and "ip6" */
};

struct spf_record {
	struct mime_text rest;        /* what spf_next_term() has not yet read */
	struct mime_text redirect;    /* domain-spec; length 0: none */
	struct mime_text explanation; /* of "exp" */
};

/* Does a TXT record begin with the version section (4.5)? */
bool spf_is_record(struct mime_text text);

/*
 * Reads a whole record, which spf_is_record(). False: it is malformed (4.6), WHOM is then the term
 * that is. RECORD refers to the text.
 */
bool spf_read_record(struct mime_text text, struct spf_record *, struct mime_text *whom);

/* The next directive of a record that was read; modifiers are skipped. False at the end. */
bool spf_next_term(struct spf_record *, struct spf_term *);

/* "pass", "permerror" and so on. */
const char *spf_result_name(enum spf_result);

#endif
