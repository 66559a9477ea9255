/* SPDX-License-Identifier: ISC */
/* A client's PLAIN response, as base64: a message that is taken can be made again from its parts.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/sasl_plain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char message[LOGIN_TAIL_MAX], again[LOGIN_TAIL_MAX];
	struct sasl_plain plain;
	size_t length, n;

	if (sasl_plain_decode((const char *)data, size, message, &length) == -1)
		return 0;
	if (sasl_plain_parse(message, length, &plain) == -1)
		abort();
	n = sasl_plain_compose(again, plain.authcid, strlen(plain.authcid), plain.password,
			       plain.password_length);
	if (n != length - strlen(plain.authzid) ||
	    memcmp(again, message + strlen(plain.authzid), n) != 0)
		abort();
	return 0;
}
