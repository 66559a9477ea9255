/* SPDX-License-Identifier: ISC */
/*
 * names - what a domain and a mailbox may be called. Pure functions.
 *
 * Names become directory entries and fields of messages to other processes, so these checks are
 * narrower than the RFCs: what they let through holds no '/', no leading dot, no control byte and
 * no upper case.
 */
#ifndef POSTERN_MASTER_NAMES_H
#define POSTERN_MASTER_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "common/proto/types.h"

/*
 * Checks TEXT as a host or domain name (RFC 1123 2.1, RFC 5321 4.1.2 Domain, A-labels only) and
 * copies it in lower case. Returns NULL, or what is wrong with it (a static text).
 */
const char *domain_name_parse(const char *text, char out[HOST_NAME_SIZE]);

struct mailbox_name {
	char local[LOCAL_PART_MAX + 1];
	char domain[HOST_NAME_SIZE];
};

/*
 * Takes LENGTH bytes apart as local-part@domain: a Dot-string (RFC 5321 4.1.2) in lower case
 * without '/', and a domain as above, in lower case already. False if they are anything else.
 */
bool mailbox_name_parse(const char *bytes, size_t length, struct mailbox_name *out);

#endif
