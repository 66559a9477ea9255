/* SPDX-License-Identifier: ISC */
/*
 * What parses is within its bounds, and its text parses to the same again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[ADDRESS_TEXT_SIZE], domain[HOST_NAME_SIZE];
	struct address a, b;
	size_t length;

	(void)address_parse_literal((const char *)data, size, domain);
	if (address_parse_domain((const char *)data, size, domain) == ADDRESS_OK &&
	    strlen(domain) != size)
		abort();
	if (address_parse((const char *)data, size, &a) != ADDRESS_OK)
		return 0;
	if (strlen(a.local) >= LOCAL_PART_SIZE || strlen(a.domain) >= HOST_NAME_SIZE || size > 254)
		abort();
	length = address_format(&a, text, sizeof(text));
	if (length > size) /* minimal quoting never makes it longer */
		abort();
	if (address_parse(text, length, &b) != ADDRESS_OK || strcmp(a.local, b.local) != 0 ||
	    strcmp(a.domain, b.domain) != 0)
		abort();
	return 0;
}
