/* SPDX-License-Identifier: ISC */
/* What a domain says of MTA-STS: whatever it says, patterns are names and numbers have bounds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/relay/sts_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_patterns(const struct sts_policy *policy)
{
	if (policy->mx_length > sizeof(policy->mx) || policy->max_age > STS_AGE_MAX ||
	    policy->mode >= STS_MODES || (policy->mode != STS_NONE && policy->mx_length == 0))
		abort();
	for (size_t at = 0; at < policy->mx_length; at += strlen(policy->mx + at) + 1) {
		const char *name = policy->mx + at;

		/* A name is one of its own; what a "*" stands for is at least a label. */
		if (strncmp(name, "*.", 2) != 0 && !sts_policy_matches(policy, name))
			abort();
		if (strchr(name + 1, '*') != NULL || name[0] == '.' || name[0] == '\0')
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), id[STS_ID_SIZE];
	struct sts_policy policy;

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (sts_record_parse(text, id) &&
	    (id[0] == '\0' || strlen(id) >= STS_ID_SIZE || strncmp(text, "v=STSv1", 7) != 0))
		abort();
	if (sts_policy_parse(text, size, &policy) == NULL)
		check_patterns(&policy);
	free(text);
	return 0;
}
