/* SPDX-License-Identifier: ISC */
/*
 * A From: field, and records as anybody may have published them: a verdict comes, after as many
 * questions as it may ask. Input: lines; the first is From:, each other one record.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/filter/dmarc.h"
#include "worker/filter/suffix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mime_text
next_line(const char **at, const char *end)
{
	const char *next = memchr(*at, '\n', (size_t)(end - *at));
	struct mime_text line = {.at = *at};

	line.length = (size_t)((next != NULL ? next : end) - *at);
	*at = next != NULL ? next + 1 : end;
	return line;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size;
	struct dmarc_domains from = {0};
	const struct dmarc_request request = {
	    .from = &from,
	    .spf_domain = "bounce.example.org",
	    .signer_count = 1,
	    .signers = {"example.net"},
	    .organization = suffix_organization,
	    .percentile = (unsigned)size % 100,
	};
	struct dmarc *dmarc;

	if (size == 0)
		return 0;
	if (dmarc_add_from(&from, next_line(&at, end)) == -1 ||
	    (dmarc = dmarc_new(&request)) == NULL)
		return 0;
	for (size_t n = 0; dmarc_question(dmarc) != NULL; n++) {
		struct mime_text record = next_line(&at, end);

		if (n == 2 * (size_t)DMARC_DOMAINS_MAX)
			abort();
		dmarc_take(dmarc, record.length == 1 ? DMARC_FAILED : DMARC_ANSWERED, &record, 1);
	}
	if (dmarc_result_name(dmarc_verdict(dmarc)->result) == NULL ||
	    dmarc_policy_name(dmarc_verdict(dmarc)->apply) == NULL ||
	    dmarc_verdict(dmarc)->apply > DMARC_REJECT)
		abort();
	dmarc_free(dmarc);
	return 0;
}
