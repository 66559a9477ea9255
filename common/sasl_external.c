/* SPDX-License-Identifier: ISC */
#include "common/sasl_external.h"

#include <string.h>

#include "common/base64.h"

int
sasl_external_decode(const char *text, size_t length, char authorization[ADDRESS_SIZE])
{
	size_t decoded = 0;

	if (length > 0 &&
	    (base64_decode(text, length, authorization, ADDRESS_SIZE - 1, &decoded) == -1 ||
	     decoded == 0 || memchr(authorization, '\0', decoded) != NULL))
		return -1;
	authorization[decoded] = '\0';
	return 0;
}
