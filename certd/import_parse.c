/* SPDX-License-Identifier: ISC */
#include "certd/import_parse.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "certd/import_text.h"
#include "certd/key.h"

int
import_give_key(EVP_PKEY *pkey, const struct import_sink *sink, struct error *err)
{
	int result = import_check_key(pkey, err);

	if (result == 0)
		result = sink->key(sink->arg, pkey, err);
	EVP_PKEY_free(pkey);
	return result;
}

bool
import_is_unsupported(const struct import_sink *sink, struct error *err)
{
	unsigned long code;
	bool found = false;

	while ((code = ERR_get_error()) != 0) {
		int reason = ERR_GET_REASON(code);

		if (reason == ERR_R_UNSUPPORTED ||
		    (ERR_GET_LIB(code) == ERR_LIB_EVP &&
		     (reason == EVP_R_UNSUPPORTED_ALGORITHM ||
		      reason == EVP_R_UNKNOWN_PBE_ALGORITHM || reason == EVP_R_UNSUPPORTED_PRF ||
		      reason == EVP_R_UNSUPPORTED_CIPHER)))
			found = true;
	}
	if (found && !sink->legacy)
		error_set(err,
			  "is encrypted with an algorithm this host's OpenSSL lacks, likely an old "
			  "one (RC2, DES): install OpenSSL's legacy provider (legacy.so), or "
			  "convert the file where it came from");
	else if (found)
		error_set(err,
			  "is encrypted with an algorithm that OpenSSL doesn't know: export it "
			  "again with AES");
	return found;
}

/*
 * -- DER ------------------------------------------------------------------------
 */

static int
der_certificate(const uint8_t **der, size_t length, const struct import_sink *sink,
		struct error *err)
{
	X509 *certificate = d2i_X509(NULL, der, (long)length);
	int result;

	if (certificate == NULL)
		return 0;
	result = sink->certificate(sink->arg, certificate, err);
	X509_free(certificate);
	return result == -1 ? -1 : 1;
}

/* PKCS#8, or the structures of RFC 8017 A.1.2 and RFC 5915 by themselves. */
static int
der_key(const uint8_t **der, size_t length, const struct import_sink *sink, struct error *err)
{
	static const int types[] = {EVP_PKEY_RSA, EVP_PKEY_EC};
	const uint8_t *begin = *der;
	PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, der, (long)length);
	EVP_PKEY *pkey = NULL;
	int result;

	if (info != NULL) {
		result = import_pkcs8(info, sink, err);
		PKCS8_PRIV_KEY_INFO_free(info);
		return result == -1 ? -1 : 1;
	}
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]) && pkey == NULL; i++) {
		*der = begin;
		pkey = d2i_PrivateKey(types[i], NULL, der, (long)length);
	}
	if (pkey == NULL)
		return 0;
	return import_give_key(pkey, sink, err) == -1 ? -1 : 1;
}

static int
der_request(const uint8_t **der, size_t length, const struct import_sink *sink, struct error *err)
{
	X509_REQ *request = d2i_X509_REQ(NULL, der, (long)length);

	if (request == NULL)
		return 0;
	X509_REQ_free(request);
	return sink->note(sink->arg,
			  "a certificate request, left out: it is for the authority, which answers "
			  "with the certificate",
			  err) == -1
		   ? -1
		   : 1;
}

static int
der_public_key(const uint8_t **der, size_t length, const struct import_sink *sink,
	       struct error *err)
{
	EVP_PKEY *pkey = d2i_PUBKEY(NULL, der, (long)length);

	if (pkey == NULL)
		return 0;
	EVP_PKEY_free(pkey);
	return sink->note(sink->arg, "a public key, left out: the certificate has it", err) == -1
		   ? -1
		   : 1;
}

typedef int der_reader(const uint8_t **, size_t, const struct import_sink *, struct error *);

/* Each type has a structure that the others can't be taken for. */
static der_reader *const der_readers[] = {
    der_certificate, import_pkcs12, import_pkcs7,   import_pkcs8_encrypted,
    der_key,         der_request,   der_public_key,
};

static int
der_one(const uint8_t **der, size_t length, const struct import_sink *sink, struct error *err)
{
	for (size_t i = 0; i < sizeof(der_readers) / sizeof(der_readers[0]); i++) {
		const uint8_t *at = *der;
		int result = der_readers[i](&at, length, sink, err);

		ERR_clear_error();
		if (result == 1)
			*der = at;
		if (result != 0)
			return result;
	}
	if (length > 4 && memcmp(*der, "\xfe\xed\xfe\xed", 4) == 0)
		return error_set(err, "is a Java keystore: convert it with keytool -importkeystore "
				      "-deststoretype pkcs12, and import that");
	return error_set(err,
			 "neither a key, nor a certificate, nor a container of them that can be "
			 "read: truncated, damaged, or another kind of file");
}

int
import_der(const uint8_t *der, size_t length, const struct import_sink *sink, struct error *err)
{
	const uint8_t *end = der + length;

	do {
		if (der_one(&der, (size_t)(end - der), sink, err) == -1)
			return -1;
		/* What a console or an editor added to a binary file. */
		while (der < end && (*der == '\n' || *der == '\r' || *der == '\0'))
			der++;
	} while (der < end);
	return 0;
}

/*
 * -- PEM ------------------------------------------------------------------------
 */

/* For PEM_do_header(). */
struct asked {
	const struct import_sink *sink;
	unsigned attempt;
	bool refused;
	struct error *err;
};

static int
on_passphrase(char *buffer, int size, int writing, void *arg)
{
	struct asked *asked = arg;
	int length = asked->sink->passphrase(asked->sink->arg, buffer, (size_t)size, asked->attempt,
					     asked->err);

	(void)writing;
	asked->refused = length == -1;
	return length;
}

/* An old encrypted key (RFC 1421 4.6): Proc-Type: 4,ENCRYPTED and DEK-Info. */
static int
pem_old_encrypted(const struct piece *piece, const struct import_sink *sink, struct error *err)
{
	struct asked asked = {.sink = sink, .err = err};
	uint8_t *copy = OPENSSL_secure_malloc(piece->length + 1);
	EVP_CIPHER_INFO cipher;
	int result = 0;

	if (copy == NULL || !PEM_get_EVP_CIPHER_INFO(piece->headers, &cipher)) {
		bool lacks = import_is_unsupported(sink, err);

		OPENSSL_secure_free(copy);
		return lacks
			   ? -1
			   : error_set(err, "its DEK-Info header is damaged or names a cipher that "
					    "OpenSSL doesn't know");
	}
	for (; result == 0; asked.attempt++) {
		const uint8_t *at = copy;
		long length = (long)piece->length;

		memcpy(copy, piece->bytes, piece->length);
		if (PEM_do_header(&cipher, copy, &length, on_passphrase, &asked) == 1)
			result = der_key(&at, (size_t)length, sink, err);
		else if (asked.refused || import_is_unsupported(sink, err))
			result = -1;
		ERR_clear_error();
	}
	OPENSSL_secure_clear_free(copy, piece->length + 1);
	return result == 1 ? 0 : -1;
}

static int
pem_trusted(const struct piece *piece, const struct import_sink *sink, struct error *err)
{
	const uint8_t *at = piece->bytes;
	X509 *certificate = d2i_X509_AUX(NULL, &at, (long)piece->length), *plain;
	uint8_t *der = NULL;
	const uint8_t *again;
	int length, result = 0;

	ERR_clear_error();
	if (certificate == NULL)
		return error_set(err, "the certificate is truncated or damaged: copy it again");
	/* Only the certificate, without what its former owner trusted it for. */
	length = i2d_X509(certificate, &der);
	again = der;
	plain = length > 0 ? d2i_X509(NULL, &again, length) : NULL;
	if (plain != NULL)
		result = sink->certificate(sink->arg, plain, err);
	else
		result = key_library_error(err, "the certificate");
	X509_free(plain);
	OPENSSL_free(der);
	X509_free(certificate);
	return result;
}

static int
pem_key(const struct piece *piece, const struct import_sink *sink, struct error *err)
{
	const uint8_t *at = piece->bytes;
	int result;

	if (strstr(piece->headers, "ENCRYPTED") != NULL)
		return pem_old_encrypted(piece, sink, err);
	if ((result = import_pkcs8_encrypted(&at, piece->length, sink, err)) == 0)
		result = der_key(&at, piece->length, sink, err);
	ERR_clear_error();
	if (result == 0)
		return error_set(err,
				 "the key is truncated or damaged, of an algorithm that OpenSSL "
				 "doesn't know, or its numbers can't be a key: copy it again");
	return result == 1 ? 0 : -1;
}

static int
pem_any(const struct piece *piece, const struct import_sink *sink, struct error *err)
{
	return import_der(piece->bytes, piece->length, sink, err);
}

static int
pem_left_out(const struct piece *piece, const struct import_sink *sink, struct error *err)
{
	char text[PIECE_LABEL_SIZE + 32];

	snprintf(text, sizeof(text), "%s, left out", piece->label);
	return sink->note(sink->arg, text, err);
}

static int
pem_dsa(const struct piece *piece, const struct import_sink *sink, struct error *err)
{
	(void)piece;
	(void)sink;
	return error_set(err, "is a key for DSA, which TLS has no more: make a new one");
}

static int
pem_openssh(const struct piece *piece, const struct import_sink *sink, struct error *err)
{
	(void)piece;
	(void)sink;
	return error_set(err,
			 "is a key for ssh, in ssh's own format: a mail server's key is another");
}

static const struct {
	const char *label;
	int (*read)(const struct piece *, const struct import_sink *, struct error *);
} labels[] = {
    {"", pem_any},
    {"CERTIFICATE", pem_any},
    {"X509 CERTIFICATE", pem_any},
    {"TRUSTED CERTIFICATE", pem_trusted},
    {"PKCS7", pem_any},
    {"PKCS #7 SIGNED DATA", pem_any},
    {"CMS", pem_any},
    {"PKCS12", pem_any},
    {"PRIVATE KEY", pem_key},
    {"RSA PRIVATE KEY", pem_key},
    {"EC PRIVATE KEY", pem_key},
    {"DSA PRIVATE KEY", pem_dsa},
    {"ENCRYPTED PRIVATE KEY", pem_key},
    {"CERTIFICATE REQUEST", pem_any},
    {"NEW CERTIFICATE REQUEST", pem_any},
    {"PUBLIC KEY", pem_any},
    {"EC PARAMETERS", pem_left_out},
    {"DH PARAMETERS", pem_left_out},
    {"X9.42 DH PARAMETERS", pem_left_out},
    {"X509 CRL", pem_left_out},
    {"OPENSSH PRIVATE KEY", pem_openssh},
};

static int
read_piece(const struct piece *piece, const struct import_sink *sink, struct error *err)
{
	int result;

	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
		if (strcmp(labels[i].label, piece->label) != 0)
			continue;
		/* The parameter block in front of an EC key says nothing that the key doesn't. */
		if (strcmp(piece->label, "EC PARAMETERS") == 0)
			return 0;
		result = labels[i].read(piece, sink, err);
		if (result == -1 && piece->label[0] != '\0')
			return error_prefix(err, "line %u, %s", piece->line, piece->label);
		return result;
	}
	return error_set(err, "line %u: %s: not a key or a certificate that Postern knows",
			 piece->line, piece->label);
}

int
import_parse(uint8_t *bytes, size_t length, const struct import_sink *sink, struct error *err)
{
	struct pieces pieces;
	struct piece piece;
	int result;

	pieces_begin(&pieces, bytes, length);
	while ((result = pieces_next(&pieces, &piece, err)) == 1) {
		if (read_piece(&piece, sink, err) == -1)
			return -1;
	}
	return result;
}
