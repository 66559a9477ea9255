/* SPDX-License-Identifier: ISC */
/*
 * proof - takes apart the handshake by which a client has proved who it is. Pure functions over
 * bytes that a stranger chose.
 *
 * A proof is what went over the connection as TLS handshake messages (each with its four bytes of
 * header), from the first ClientHello to the client's CertificateVerify, and nothing else:
 *
 *   TLS 1.3 (RFC 8446 2)   ClientHello [HelloRetryRequest ClientHello] ServerHello
 *                          EncryptedExtensions CertificateRequest Certificate CertificateVerify
 *                          Finished | Certificate CertificateVerify
 *   TLS 1.2 (RFC 5246 7.3) ClientHello ServerHello Certificate ServerKeyExchange
 *                          CertificateRequest ServerHelloDone | Certificate ClientKeyExchange
 *                          CertificateVerify
 *
 * Which of the two it is, the ServerHello says. Everything before the last message is what its
 * signature covers: as a hash under a text of its own in TLS 1.3 (RFC 8446 4.4.3), byte for byte in
 * TLS 1.2 (RFC 5246 7.4.8), where it is the shape checked here that keeps another signature of the
 * same key from passing for one: whatever else it signs does not begin with a ClientHello and go on
 * like this.
 */
#ifndef POSTERN_VERIFY_PROOF_H
#define POSTERN_VERIFY_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROOF_CHAIN_MAX 10 /* certificates that a client may send */

struct slice {
	const uint8_t *bytes;
	size_t length;
};

/* Everything points into the bytes that were parsed. */
struct proof {
	bool tls13;
	uint16_t cipher;          /* of the ServerHello: names the hash in TLS 1.3 */
	struct slice first_hello; /* the ClientHello that a HelloRetryRequest answered, or empty */
	struct slice covered;     /* all that the signature is over */
	struct slice names; /* the authorities in the CertificateRequest: 2 bytes of length, DER */
	struct slice chain[PROOF_CHAIN_MAX]; /* DER, the client's own certificate first */
	size_t chain_length;
	uint16_t scheme; /* RFC 8446 4.2.3 */
	struct slice signature;
};

/* Returns NULL, or why it is no proof (a literal). */
const char *proof_parse(const uint8_t *bytes, size_t length, struct proof *);

/* Is NAME (DER) among the authorities that the client was asked with? */
bool proof_has_name(const struct proof *, const uint8_t *name, size_t length);

#endif
