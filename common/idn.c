/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/idn.h"

#include <idn2.h>
#include <string.h>

static bool
is_ascii(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text > 127)
			return false;
	}
	return true;
}

int
idn_to_ascii(const char *text, char out[HOST_NAME_SIZE], struct error *err)
{
	char *labels = NULL;
	size_t length;
	int result;

	if (is_ascii(text)) {
		length = strlcpy(out, text, HOST_NAME_SIZE);
	} else {
		/* Upper case is mapped first, as people type it (RFC 5895); NFC is made. */
		result = idn2_to_ascii_8z(text, &labels, IDN2_NONTRANSITIONAL);
		if (result != IDN2_OK)
			return error_set(err, "not an internationalised domain name: %s",
					 idn2_strerror(result));
		length = strlcpy(out, labels, HOST_NAME_SIZE);
		idn2_free(labels);
	}
	return length < HOST_NAME_SIZE ? 0 : error_set(err, "the domain is too long");
}
