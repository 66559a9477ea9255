/* SPDX-License-Identifier: ISC */
/*
 * compose - from a typed request to the exact bytes that are signed (design section 5). Pure
 * functions: whatever a gate sends, what comes out is a TLS server's signature input or a refusal;
 * whatever relay sends, a TLS client's.
 *
 * None of the layouts can be taken for another, not even by who chooses all that can be chosen: of
 * those that are composed, at offset 64 there is the 'T' of the context string in TLS 1.3 (which
 * says of which side it is), and the 3 of named_curve in TLS 1.2; and what a client signs in TLS
 * 1.2, which begins with the 1 of a ClientHello, is longer than all of them.
 */
#ifndef POSTERN_CERTD_COMPOSE_H
#define POSTERN_CERTD_COMPOSE_H

#include "certd/scheme.h"
#include "certd/transcript.h"
#include "common/proto/gate_certd.h"
#include "common/proto/relay_certd.h"

#define COMPOSED_MAX (64 + 4 + EC_POINT_MAX)

struct composed {
	const struct scheme *scheme;
	const uint8_t *data; /* BYTES, or the transcript, which stays the caller's */
	size_t length;
	uint8_t bytes[COMPOSED_MAX];
};

/* All return 0, or the enum gc_refusal; *COMPOSED is meaningful after 0 only. */
int compose_tls13_server(const struct gc_tls13_server *, enum key_kind, struct composed *);
int compose_tls12_server(const struct gc_tls12_server *, enum key_kind, struct composed *);
int compose_tls13_client(const struct rc_tls13_client *, enum key_kind, struct composed *);
int compose_tls12_client(const struct rc_tls12_client *, const struct transcript *, enum key_kind,
			 struct composed *);

#endif
