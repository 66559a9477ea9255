/* SPDX-License-Identifier: ISC */
/*
 * relay (IPC_CLIENT) - certd (IPC_SERVER): the certificates that relay shows to servers which ask
 * for one, and typed requests to sign as such a client (design section 5). No request signs as a
 * server, and none carries a digest: certd composes what is signed, or reads it whole.
 */
#ifndef POSTERN_COMMON_PROTO_RELAY_CERTD_H
#define POSTERN_COMMON_PROTO_RELAY_CERTD_H

#include "common/proto/gate_certd.h"

/* RFC 8446 4.4.3, client: 64 x 0x20, "TLS 1.3, client CertificateVerify", 0x00, hash. */
struct rc_tls13_client {
	uint32_t key;
	uint16_t scheme;      /* SignatureScheme, RFC 8446 4.2.3 */
	uint16_t hash_length; /* 32 or 48 */
	uint8_t hash[TRANSCRIPT_HASH_MAX];
};

/*
 * RFC 5246 7.4.8: the tail is all handshake messages so far, from the ClientHello to the
 * ClientKeyExchange, each with its header. The Certificate of the client among them has to be the
 * chain that goes with the key now.
 */
#define TRANSCRIPT_MAX 61440
struct rc_tls12_client {
	uint32_t key;
	uint16_t scheme;
	uint16_t zero;
};

/*
 * RC_CERTIFICATE, RC_GONE and RC_REFUSED are as to a gate (gate_certd.h), and have the same
 * numbers, as RC_SIGNED has.
 */
#define RELAY_CERTD_MESSAGES(X)                                                                \
	X(RC_CERTIFICATE, 1, IPC_SERVER, struct gc_certificate, CERT_CHAIN_MAX, IPC_NO_FD,     \
	  IPC_ANY_STATE)                                                                       \
	/* All certificates have been sent once. */                                            \
	X(RC_READY, 3, IPC_SERVER, struct ipc_empty, 0, IPC_NO_FD, IPC_ANY_STATE)              \
	/* Requests; answered by RC_SIGNED (the tail is the signature) or RC_REFUSED. */       \
	X(RC_TLS13_CLIENT, 9, IPC_CLIENT, struct rc_tls13_client, 0, IPC_NO_FD, IPC_ANY_STATE) \
	X(RC_TLS12_CLIENT, 10, IPC_CLIENT, struct rc_tls12_client, TRANSCRIPT_MAX, IPC_NO_FD,  \
	  IPC_ANY_STATE)                                                                       \
	X(RC_SIGNED, 6, IPC_SERVER, struct ipc_empty, SIGNATURE_MAX, IPC_NO_FD, IPC_ANY_STATE) \
	X(RC_REFUSED, 7, IPC_SERVER, struct gc_refused, 0, IPC_NO_FD, IPC_ANY_STATE)           \
	X(RC_GONE, 8, IPC_SERVER, struct gc_gone, 0, IPC_NO_FD, IPC_ANY_STATE)

enum { RELAY_CERTD_MESSAGES(IPC_ENUM) };
extern const struct ipc_boundary relay_certd_boundary;

_Static_assert((int)RC_SIGNED == (int)GC_SIGNED && (int)RC_REFUSED == (int)GC_REFUSED,
	       "worker/tls/key.c takes answers of both");

#endif
