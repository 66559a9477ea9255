/* SPDX-License-Identifier: ISC */
/*
 * A struct qr_policy and its tail, between queue and relay: what is sound has names that end within
 * their room, and patterns that fill the tail.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/proto/queue_relay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must_be_text(const char *text, size_t size)
{
	size_t length = strnlen(text, size);

	if (length == 0 || length == size || strpbrk(text, " \t\r\n") != NULL)
		abort();
}

static void
check(const struct qr_policy *policy, const char *mx, size_t length)
{
	must_be_text(policy->domain, sizeof(policy->domain));
	must_be_text(policy->id, sizeof(policy->id));
	if (policy->seconds == 0 || policy->seconds > RELAY_POLICY_SECONDS_MAX ||
	    length > RELAY_POLICY_MX_MAX || (length > 0 && mx[length - 1] != '\0'))
		abort();
	for (size_t at = 0; at < length; at += strlen(mx + at) + 1) {
		if (mx[at] == '\0')
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct qr_policy policy;
	size_t length;
	char *mx;

	if (size < sizeof(policy))
		return 0;
	memcpy(&policy, data, sizeof(policy));
	length = size - sizeof(policy);
	mx = malloc(length > 0 ? length : 1);
	if (mx == NULL)
		return 0;
	memcpy(mx, data + sizeof(policy), length);
	if (qr_policy_is_sound(&policy, mx, length))
		check(&policy, mx, length);
	free(mx);
	return 0;
}
