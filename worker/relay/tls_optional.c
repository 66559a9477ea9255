/* SPDX-License-Identifier: ISC */
#include "worker/relay/tls_optional.h"

#include "common/mime/header.h"

bool
tls_optional(const char *message, size_t length)
{
	struct mime_field field;
	size_t at = 0;

	while (mime_next_field(message, length, &at, &field)) {
		if (mime_is(field.name, "TLS-Required") && mime_is(field.value, "No"))
			return true;
	}
	return false;
}
