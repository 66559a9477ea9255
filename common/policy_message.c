/* SPDX-License-Identifier: ISC */
/* Is a struct qr_policy one? Both sides of the boundary ask. */
#include <string.h>

#include "common/proto/queue_relay.h"

#define MODES 3 /* none, testing, enforce */

/* LENGTH octets, all of them of names and patterns. */
static bool
is_name(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		char c = text[i];

		if (c <= 0x20 || c > 0x7e)
			return false;
	}
	return length > 0;
}

/* SIZE octets with a name and its NUL, and nothing behind it. */
static bool
is_text(const char *text, size_t size)
{
	const char *end = memchr(text, '\0', size);

	if (end == NULL || !is_name(text, (size_t)(end - text)))
		return false;
	for (; end < text + size; end++) {
		if (*end != '\0')
			return false;
	}
	return true;
}

bool
qr_policy_is_sound(const struct qr_policy *policy, const char *mx, size_t length)
{
	if (!is_text(policy->domain, sizeof(policy->domain)) ||
	    !is_text(policy->id, sizeof(policy->id)) || policy->mode >= MODES ||
	    policy->seconds == 0 || policy->seconds > RELAY_POLICY_SECONDS_MAX ||
	    length > RELAY_POLICY_MX_MAX)
		return false;
	for (size_t at = 0; at < length;) {
		const char *end = memchr(mx + at, '\0', length - at);

		if (end == NULL || !is_name(mx + at, (size_t)(end - mx) - at))
			return false;
		at = (size_t)(end - mx) + 1;
	}
	return true;
}
