/* SPDX-License-Identifier: ISC */
/* A quota, by itself: the master reads one too, and knows nothing of password hashes. */
#include <ctype.h>
#include <string.h>

#include "common/accounts_file.h"

int
account_quota(const char *text, uint64_t *bytes, struct error *err)
{
	static const char units[] = "KMGT";
	const char *p = text, *unit;
	uint64_t number = 0;
	unsigned shift = 0;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (number > (UINT64_MAX >> 4))
			return error_set(err, "'%s' is too large", text);
		number = number * 10 + (uint64_t)(*p - '0');
	}
	if (p != text && *p != '\0' && (unit = strchr(units, toupper((unsigned char)*p))) != NULL) {
		shift = 10 * (unsigned)(unit - units + 1);
		p++;
	}
	if (p == text || *p != '\0' || number == 0)
		return error_set(err, "'%s' is not a size like \"500M\" or \"2G\"", text);
	if (number > ((uint64_t)INT64_MAX >> shift))
		return error_set(err, "'%s' is too large", text);
	*bytes = number << shift;
	return 0;
}
