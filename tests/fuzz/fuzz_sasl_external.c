/* SPDX-License-Identifier: ISC */
/* A client's EXTERNAL response, as base64: an identity ends where it is said to end, and fits. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/sasl_external.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char authorization[ADDRESS_SIZE];

	memset(authorization, 'x', sizeof(authorization));
	if (sasl_external_decode((const char *)data, size, authorization) == -1)
		return 0;
	if (strnlen(authorization, sizeof(authorization)) == sizeof(authorization) ||
	    (authorization[0] == '\0') != (size == 0))
		abort();
	return 0;
}
