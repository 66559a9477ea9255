/* SPDX-License-Identifier: ISC */
/* mime/authserv_id - who says that he wrote an Authentication-Results field (RFC 8601 2.5). Pure.
 */
#ifndef POSTERN_COMMON_MIME_AUTHSERV_ID_H
#define POSTERN_COMMON_MIME_AUTHSERV_ID_H

#include <stdbool.h>
#include <stddef.h>

#include "common/mime/header.h"

/*
 * The authserv-id of a field's value, as it came, into OUT: lower case, A-labels, no dot at the
 * end. False if it has none that can be read, or one that doesn't fit.
 */
bool authserv_id(struct mime_text value, char *out, size_t size);

/* Is it HOST's for some reader? Of a field that came from elsewhere: then it is to be removed (5),
 * and so is what nobody can read. */
bool authserv_id_may_be(struct mime_text value, const char *host);

#endif
