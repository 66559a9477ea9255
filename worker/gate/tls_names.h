/* SPDX-License-Identifier: ISC */
/* tls_names - what is decided by looking at a client's first bytes and its names. Pure. */
#ifndef POSTERN_WORKER_GATE_TLS_NAMES_H
#define POSTERN_WORKER_GATE_TLS_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/proto/types.h"

enum first_bytes {
	FIRST_BYTES_TLS,   /* a handshake record, or not yet known to be none */
	FIRST_BYTES_PLAIN, /* no TLS client begins like that */
};
/* LENGTH is at least 1. RFC 8446 5.1: ContentType handshake (22), legacy_record_version 0x03xx. */
enum first_bytes first_bytes_kind(const uint8_t *bytes, size_t length);

/*
 * The host name in the data of a server_name extension (RFC 6066 3), in lower case. 0, or -1 if
 * there is none that could be the name of a host.
 */
int server_name_parse(const uint8_t *data, size_t length, char out[HOST_NAME_SIZE]);

enum name_match { NAME_DIFFERS, NAME_BY_WILDCARD, NAME_EQUAL };
/*
 * RFC 6125 6.4: does PATTERN, a dNSName of a certificate, speak for NAME? Both in lower case. A
 * wildcard is the whole leftmost label and stands for one label, never for several or a part.
 */
enum name_match name_matches(const char *pattern, const char *name);

#endif
