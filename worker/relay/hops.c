/* SPDX-License-Identifier: ISC */
#include "worker/relay/hops.h"

#include <string.h>
#include <strings.h>

#define FIELD "Received:"

unsigned
hops_count(const char *message, size_t length)
{
	const char *end = message + length;
	unsigned hops = 0;

	while (message < end && *message != '\r' && *message != '\n') {
		const char *lf = memchr(message, '\n', (size_t)(end - message));

		if ((size_t)(end - message) >= strlen(FIELD) &&
		    strncasecmp(message, FIELD, strlen(FIELD)) == 0)
			hops++;
		if (lf == NULL)
			break;
		message = lf + 1;
	}
	return hops;
}
