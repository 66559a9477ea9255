/* SPDX-License-Identifier: ISC */
/*
 * transcript - the handshake messages that a client signs in TLS 1.2 (RFC 5246 7.4.8), which are
 * all that its CertificateVerify covers. Pure.
 *
 * TLS 1.2 has no text in front that says what a signature is for, as TLS 1.3 has; so certd takes no
 * digest of it, but the messages, and looks that they are a client's handshake in which this very
 * certificate is shown. Whatever else a key signs does not look like that.
 */
#ifndef POSTERN_CERTD_TRANSCRIPT_H
#define POSTERN_CERTD_TRANSCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct transcript {
	const uint8_t *bytes; /* messages, each with its four octets of header */
	size_t length;
	const uint8_t *chain; /* what the client has to have sent: DER, one after another */
	size_t chain_length;
};

/*
 * Is it ClientHello, ServerHello, [Certificate], [CertificateStatus], [ServerKeyExchange],
 * CertificateRequest, ServerHelloDone, Certificate, ClientKeyExchange, and nothing else (RFC 5246
 * 7.3, RFC 6066 8), of TLS 1.2, with CHAIN as the client's certificates?
 */
bool transcript_is_client(const struct transcript *);

#endif
