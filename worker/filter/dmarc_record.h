/* SPDX-License-Identifier: ISC */
/* dmarc_record - a DMARC policy record (RFC 7489 6.3, 6.4). A pure function over octets. */
#ifndef POSTERN_WORKER_FILTER_DMARC_RECORD_H
#define POSTERN_WORKER_FILTER_DMARC_RECORD_H

#include <stdbool.h>

#include "common/mime/header.h"

enum dmarc_policy { DMARC_NONE, DMARC_QUARANTINE, DMARC_REJECT, DMARC_POLICIES };

struct dmarc_record {
	enum dmarc_policy policy;    /* p */
	enum dmarc_policy subdomain; /* sp; p's where it is missing */
	bool strict_dkim;            /* adkim=s */
	bool strict_spf;             /* aspf=s */
	unsigned percent;            /* pct, 0..100 */
};

/* Does a TXT record begin with "v=DMARC1" (6.6.3)? Others are none of DMARC's. */
bool dmarc_is_record(struct mime_text text);

/*
 * Reads one that dmarc_is_record(). Tags that are malformed or unknown are as if they were not
 * there (6.3), but for "p" and "sp": with a bad one it asks for nothing. False: nor does it name
 * somebody to report to, so that it counts as no record (6.6.3).
 */
bool dmarc_read_record(struct mime_text text, struct dmarc_record *);

/* "none", "quarantine", "reject". */
const char *dmarc_policy_name(enum dmarc_policy);

#endif
