/* SPDX-License-Identifier: ISC */
/* tls_optional - the header field TLS-Required (RFC 8689 3). Pure. */
#ifndef POSTERN_WORKER_RELAY_TLS_OPTIONAL_H
#define POSTERN_WORKER_RELAY_TLS_OPTIONAL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether the MESSAGE, from its start, is to go in spite of what its recipient's domain publishes
 * about TLS: "TLS-Required: No". A field with another value says nothing; nor does one that is not
 * in the header of the message itself.
 */
bool tls_optional(const char *message, size_t length);

#endif
