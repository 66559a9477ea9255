/* SPDX-License-Identifier: ISC */
/* proofs - clients with certificates, and their handshakes as a gate records them (verify/proof.h).
 */
#ifndef POSTERN_TESTS_UNIT_PROOFS_H
#define POSTERN_TESTS_UNIT_PROOFS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct party {
	EVP_PKEY *key;
	X509 *certificate;
};

/* All fail the test instead of returning an error. */

EVP_PKEY *p256(void);

/*
 * A certificate of ISSUER's (NULL: one of its own) for KEY (taken), CN=NAME and NAME@example.org.
 * USAGE is its extendedKeyUsage; "": it is an authority's. FROM, UNTIL: seconds from now.
 */
struct party make_party(EVP_PKEY *key, const char *name, const struct party *issuer,
			const char *usage, long from, long until);
void party_free(struct party *);

/* What went over a connection. */
struct capture {
	uint8_t bytes[65536];
	size_t length;
	bool done;
};

/*
 * CLIENT logs in to SERVER over VERSION, asked with NAMES (DER, one after the other); GROUPS, the
 * client's, may lead to a HelloRetryRequest: the server's are P-256 and P-384.
 */
void shake_hands(const struct party *client, const struct party *server, int version,
		 const char *groups, const uint8_t *names, size_t names_length, struct capture *);

/* The same handshake of TLS 1.3, but with TO in the place of the one certificate FROM. */
void swap_certificate(const struct capture *, const X509 *from, const X509 *to,
		      struct capture *changed);

#endif
