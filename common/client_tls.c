/* SPDX-License-Identifier: ISC */
#include "common/client_tls.h"

#include <stddef.h>
#include <string.h>

/* A word without blanks. */
static bool
is_word(const char *text, size_t size)
{
	const char *end = memchr(text, '\0', size);

	if (end == NULL)
		return false;
	for (; text < end; text++) {
		if (*text <= ' ' || *text > '~')
			return false;
	}
	return true;
}

bool
client_tls_is_sound(const struct client_tls *tls)
{
	return is_word(tls->version, sizeof(tls->version)) &&
	       is_word(tls->cipher, sizeof(tls->cipher)) &&
	       (tls->version[0] != '\0') == (tls->cipher[0] != '\0');
}
