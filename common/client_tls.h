/* SPDX-License-Identifier: ISC */
/* client_tls - how a client's connection is encrypted, as a gate tells it: for filters. */
#ifndef POSTERN_COMMON_CLIENT_TLS_H
#define POSTERN_COMMON_CLIENT_TLS_H

#include <stdbool.h>

/* Printable ASCII, NUL-terminated. Both are "" where the connection is not encrypted. */
struct client_tls {
	char version[16]; /* "TLSv1.3" */
	char cipher[64];  /* "TLS_AES_256_GCM_SHA384" */
};

/* Is it that? It may come from anybody. */
bool client_tls_is_sound(const struct client_tls *);

#endif
