/* SPDX-License-Identifier: ISC */
/*
 * gate (IPC_CLIENT) - certd (IPC_SERVER): public certificates down, typed signing requests up
 * (design section 5). certd composes what is signed; there is no message that carries bytes to
 * sign.
 */
#ifndef POSTERN_COMMON_PROTO_GATE_CERTD_H
#define POSTERN_COMMON_PROTO_GATE_CERTD_H

#include "common/proto/types.h"

#define TRANSCRIPT_HASH_MAX 48 /* SHA-384 */
#define EC_POINT_MAX 133       /* uncompressed P-521 */
#define SIGNATURE_MAX 1024     /* RSA up to 8192 bits */

/*
 * A certificate the gate may present, with a handle for its key. The tail is the chain: DER
 * certificates one after another, the leaf first. Sent for every key the channel may use when
 * it opens, for one that comes later then, and again when it is replaced: the same handle with a
 * new chain, or, if the key is another, a new handle. The old handle then stays valid for a minute,
 * for handshakes that are under way.
 */
struct gc_certificate {
	uint32_t key; /* handle, meaningful on this channel only */
	uint32_t zero;
	char name[CERT_NAME_SIZE];
	uint8_t zero2[3];
};

/* No longer to be presented: it was removed, or is not this gate's any more. */
struct gc_gone {
	char name[CERT_NAME_SIZE];
	uint8_t zero[3];
};

/* RFC 5077 4: the first key encrypts new tickets, all of them decrypt. Rotated hourly. */
#define TICKET_KEYS 3
struct gc_ticket_keys {
	uint32_t count; /* 1..TICKET_KEYS */
	struct {
		uint8_t name[16];
		uint8_t aes[32];  /* AES-256-CBC */
		uint8_t hmac[32]; /* HMAC-SHA-256 */
	} key[TICKET_KEYS];
};

/*
 * At which listener the handshake is, for the counts and the log. The gate says so: it decides
 * nothing, and one that the channel's gate hasn't (master_certd.h) is counted as unknown.
 */
struct gc_listener {
	uint16_t port;
	uint8_t service; /* enum service */
	uint8_t zero;
};

/* RFC 8446 4.4.3, server: 64 x 0x20, "TLS 1.3, server CertificateVerify", 0x00, hash. */
struct gc_tls13_server {
	uint32_t key;
	uint16_t scheme;      /* SignatureScheme, RFC 8446 4.2.3 */
	uint16_t hash_length; /* 32 or 48 */
	uint8_t hash[TRANSCRIPT_HASH_MAX];
	struct gc_listener listener;
};

/* RFC 8422 5.4: randoms, then ServerECDHParams of a named curve. */
struct gc_tls12_server {
	uint32_t key;
	uint16_t scheme;
	uint16_t curve; /* NamedCurve */
	uint8_t client_random[32];
	uint8_t server_random[32];
	uint16_t point_length; /* exactly the curve's */
	uint8_t point[EC_POINT_MAX];
	uint8_t zero;
	struct gc_listener listener;
};

enum gc_refusal {
	GC_REFUSED_KEY = 1, /* not a key of this channel */
	GC_REFUSED_SCHEME,  /* not one this key can do, or not one at all */
	GC_REFUSED_LENGTH,  /* of the hash or the point */
	GC_REFUSED_CURVE,
	GC_REFUSED_FAILED,     /* the library failed */
	GC_REFUSED_RATE,       /* more of them than a gate can have handshakes (certd/custody.h) */
	GC_REFUSED_TRANSCRIPT, /* no handshake of a client that shows this certificate */
};
struct gc_refused {
	uint32_t reason; /* enum gc_refusal */
};

#define GATE_CERTD_MESSAGES(X)                                                                 \
	X(GC_CERTIFICATE, 1, IPC_SERVER, struct gc_certificate, CERT_CHAIN_MAX, IPC_NO_FD,     \
	  IPC_ANY_STATE)                                                                       \
	X(GC_TICKET_KEYS, 2, IPC_SERVER, struct gc_ticket_keys, 0, IPC_NO_FD, IPC_ANY_STATE)   \
	/* All certificates and ticket keys have been sent once. */                            \
	X(GC_READY, 3, IPC_SERVER, struct ipc_empty, 0, IPC_NO_FD, IPC_ANY_STATE)              \
	/* Requests; answered by GC_SIGNED (the tail is the signature) or GC_REFUSED. */       \
	X(GC_TLS13_SERVER, 4, IPC_CLIENT, struct gc_tls13_server, 0, IPC_NO_FD, IPC_ANY_STATE) \
	X(GC_TLS12_SERVER, 5, IPC_CLIENT, struct gc_tls12_server, 0, IPC_NO_FD, IPC_ANY_STATE) \
	X(GC_SIGNED, 6, IPC_SERVER, struct ipc_empty, SIGNATURE_MAX, IPC_NO_FD, IPC_ANY_STATE) \
	X(GC_REFUSED, 7, IPC_SERVER, struct gc_refused, 0, IPC_NO_FD, IPC_ANY_STATE)           \
	X(GC_GONE, 8, IPC_SERVER, struct gc_gone, 0, IPC_NO_FD, IPC_ANY_STATE)

enum { GATE_CERTD_MESSAGES(IPC_ENUM) };
extern const struct ipc_boundary gate_certd_boundary;

#endif
