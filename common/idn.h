/* SPDX-License-Identifier: ISC */
/*
 * idn - the A-labels of an internationalised domain name (RFC 5890, IDNA2008). They are the form in
 * which domains are compared, stored and sent here; U-labels are what people write and read.
 */
#ifndef POSTERN_COMMON_IDN_H
#define POSTERN_COMMON_IDN_H

#include "common/error.h"
#include "common/proto/types.h"

/*
 * TEXT is UTF-8. What is ASCII is copied as it is. Returns 0, or -1 with ERR saying why it has no
 * A-labels, or none that fit.
 */
int idn_to_ascii(const char *text, char out[HOST_NAME_SIZE], struct error *);

#endif
