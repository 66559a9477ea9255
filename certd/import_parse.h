/* SPDX-License-Identifier: ISC */
/*
 * import_parse - what is in a file that an administrator imports: PEM, DER, base64, PKCS#7,
 * PKCS#12.
 *
 * Works on bytes in memory alone, and runs where there is no key to lose (importer.h). OpenSSL does
 * the parsing; here is which of its functions may see what, and what is refused.
 */
#ifndef POSTERN_CERTD_IMPORT_PARSE_H
#define POSTERN_CERTD_IMPORT_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "common/error.h"

#define IMPORT_BYTES_MAX (4u << 20)   /* of a file */
#define IMPORT_ITERATIONS_MAX 2000000 /* of key derivations: some seconds of computing */

/* Who hears what is found. Functions that return int return -1 with ERR filled to stop it all. */
struct import_sink {
	/* The EVP_PKEY, X509 stay the caller's. The key is sane (import_check_key()). */
	int (*key)(void *arg, EVP_PKEY *, struct error *);
	int (*certificate)(void *arg, X509 *, struct error *);
	/* Something that is of no use here, in words. */
	int (*note)(void *arg, const char *text, struct error *);
	/*
	 * A pass phrase into BUFFER, for the ATTEMPT-th time (from 0). Returns its length, or -1
	 * with ERR: there is none.
	 */
	int (*passphrase)(void *arg, char *buffer, size_t size, unsigned attempt, struct error *);
	void *arg;
	bool legacy;         /* RC2 and the like can be read */
	long iterations_max; /* of key derivations, in one container; IMPORT_ITERATIONS_MAX at most
			      */
};

/*
 * Takes a whole file apart. BYTES has LENGTH bytes and room for one more, and is overwritten.
 * Returns 0, or -1 with ERR: what is wrong in which line, and what to do.
 */
int import_parse(uint8_t *bytes, size_t length, const struct import_sink *, struct error *);

/* Is this a key that certd may sign with, and what it claims to be? 0, or -1 with ERR filled. */
int import_check_key(EVP_PKEY *, struct error *);

/*
 * The same as far as it costs next to nothing, for certd itself: is it of an algorithm whose keys
 * may be read, and are an RSA key's numbers no larger than they can be? 0, or -1 with ERR filled.
 */
int import_check_algorithm(const PKCS8_PRIV_KEY_INFO *, struct error *);
int import_check_sizes(const EVP_PKEY *, struct error *);

/*
 * -- Between the files behind it ------------------------------------------------
 */

#define IMPORT_PASSPHRASE_SIZE 1025

/* One blob of DER of any type, all of it. 0, or -1 with ERR filled. */
int import_der(const uint8_t *der, size_t length, const struct import_sink *, struct error *);

/* Each returns 1 if it was that and has been handed over, 0 if it is something else, -1 with ERR.
 */
int import_pkcs12(const uint8_t **der, size_t length, const struct import_sink *, struct error *);
int import_pkcs7(const uint8_t **der, size_t length, const struct import_sink *, struct error *);
int import_pkcs8_encrypted(const uint8_t **der, size_t length, const struct import_sink *,
			   struct error *);

/* A key that is not encrypted (any more). 0, or -1 with ERR filled. */
int import_pkcs8(const PKCS8_PRIV_KEY_INFO *, const struct import_sink *, struct error *);

/*
 * How often ALGORITHM hashes a pass phrase, or a number of an ASN.1 structure (NULL: 1); more than
 * IMPORT_ITERATIONS_MAX comes out as one more than that.
 */
long import_iterations(const X509_ALGOR *algorithm);
long import_integer(const ASN1_INTEGER *);
/* Is that not too often? 0, or -1 with ERR filled. */
int import_check_iterations(long iterations, const struct import_sink *, struct error *);

/* Checks the key, hands it over, and frees it. 0, or -1 with ERR filled. */
int import_give_key(EVP_PKEY *, const struct import_sink *, struct error *);

/* After a decryption failed: is it for the want of an algorithm? Then ERR says so. */
bool import_is_unsupported(const struct import_sink *, struct error *);

#endif
