/* SPDX-License-Identifier: ISC */
/* sasl_external - the one message of the EXTERNAL mechanism (RFC 4422 appendix A). A pure function.
 */
#ifndef POSTERN_COMMON_SASL_EXTERNAL_H
#define POSTERN_COMMON_SASL_EXTERNAL_H

#include <stddef.h>

#include "common/proto/types.h"

/*
 * Decodes a client's response, base64 as it came ("": an empty one), into the authorization
 * identity that it is: NUL-terminated, "" for "who my certificate says I am". Returns 0, or -1 if
 * it isn't one: no base64, a NUL in it (RFC 4422 A.1), or too long.
 */
int sasl_external_decode(const char *text, size_t length, char authorization[ADDRESS_SIZE]);

#endif
