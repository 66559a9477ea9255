/* SPDX-License-Identifier: ISC */
/* A certificate request as PEM, of anybody's making: what is read of it lies within it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t sha256[FINGERPRINT_SIZE];
	char *copy = malloc(size + 1); /* exactly as long: what reads behind it is seen */

	if (copy == NULL)
		return 0;
	memcpy(copy, data, size);
	copy = realloc(copy, size > 0 ? size : 1);
	(void)dns_request_key(copy, size, sha256);
	free(copy);
	return 0;
}
