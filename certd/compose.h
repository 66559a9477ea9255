/* SPDX-License-Identifier: ISC */
/*
 * compose - from a typed request to the exact bytes that are signed (design section 5). Pure
 * functions: whatever a gate sends, what comes out is a TLS server's signature input or a refusal.
 *
 * The two layouts can't be taken for one another: at offset 64 there is the 'T' of the context
 * string in one, and the 3 of named_curve in the other.
 */
#ifndef POSTERN_CERTD_COMPOSE_H
#define POSTERN_CERTD_COMPOSE_H

#include "certd/scheme.h"
#include "common/proto/gate_certd.h"

#define COMPOSED_MAX (64 + 4 + EC_POINT_MAX)

struct composed {
	const struct scheme *scheme;
	size_t length;
	uint8_t bytes[COMPOSED_MAX];
};

/* Both return 0, or the enum gc_refusal; *COMPOSED is meaningful after 0 only. */
int compose_tls13_server(const struct gc_tls13_server *, enum key_kind, struct composed *);
int compose_tls12_server(const struct gc_tls12_server *, enum key_kind, struct composed *);

#endif
