/* SPDX-License-Identifier: ISC */
/* What a certificate says, as the fields that a new one is made of. */
#include <arpa/inet.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "certd/name.h"
#include "certd/subject.h"
#include "certd/x509.h"

#define DAYS_DEFAULT 365
#define DAYS_MAX 36500

/* A field that subject_set() refuses stays empty: authorities put in what they like. */
static void
read_subject(const X509 *leaf, struct cert_subject *subject)
{
	const X509_NAME *name = X509_get_subject_name(leaf);
	struct error ignored;

	*subject = (struct cert_subject){.country = ""};
	for (size_t i = 0; subject_fields[i].option != NULL; i++) {
		int at = X509_NAME_get_index_by_NID(name, x509_subject_nids[i], -1), length;
		unsigned char *text = NULL;

		if (at < 0)
			continue;
		length = ASN1_STRING_to_UTF8(
		    &text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
		if (length > 0 && strlen((const char *)text) == (size_t)length)
			(void)subject_set(subject, &subject_fields[i], (const char *)text,
					  &ignored);
		OPENSSL_free(text);
	}
}

static void
add_name(struct cc_create *create, char tail[CERT_NAMES_TAIL_MAX], size_t *length, const char *name)
{
	size_t size = strlen(name) + 1;

	if (create->count == SAN_MAX || size > CERT_NAMES_TAIL_MAX - *length ||
	    san_parse(name, NULL, NULL) == SAN_INVALID)
		return;
	memcpy(tail + *length, name, size);
	*length += size;
	create->count++;
}

static void
read_name(const GENERAL_NAME *general, struct cc_create *create, char tail[CERT_NAMES_TAIL_MAX],
	  size_t *length)
{
	char text[INET6_ADDRSTRLEN];
	int type, size;
	const ASN1_STRING *value = GENERAL_NAME_get0_value(general, &type);
	const unsigned char *bytes;

	if (type != GEN_DNS && type != GEN_IPADD)
		return;
	size = ASN1_STRING_length(value);
	bytes = ASN1_STRING_get0_data(value);
	if (type == GEN_DNS && strlen((const char *)bytes) == (size_t)size)
		add_name(create, tail, length, (const char *)bytes);
	else if (type == GEN_IPADD && (size == 4 || size == 16) &&
		 inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, text, sizeof(text)) != NULL)
		add_name(create, tail, length, text);
}

static uint32_t
key_kind_of(X509 *leaf)
{
	static const struct {
		const char *type;
		int bits; /* this many, or fewer */
		uint32_t kind;
	} kinds[] = {
	    {"RSA", 2048, CERT_KEY_RSA_2048},   {"RSA", 3072, CERT_KEY_RSA_3072},
	    {"RSA", 8192, CERT_KEY_RSA_4096},   {"EC", 256, CERT_KEY_P256},
	    {"EC", 384, CERT_KEY_P384},         {"EC", 521, CERT_KEY_P521},
	    {"ED25519", 256, CERT_KEY_ED25519},
	};
	EVP_PKEY *public = X509_get0_pubkey(leaf);

	for (size_t i = 0; public != NULL && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (EVP_PKEY_is_a(public, kinds[i].type) &&
		    EVP_PKEY_get_bits(public) <= kinds[i].bits)
			return kinds[i].kind;
	}
	return CERT_KEY_RSA_2048;
}

/* An authority decides for itself how long: only a self-signed certificate's days say anything. */
static uint32_t
days_of(X509 *leaf)
{
	int days = 0, seconds = 0;

	if (X509_self_signed(leaf, 0) != 1 ||
	    ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(leaf), X509_get0_notAfter(leaf)) !=
		1 ||
	    days < 1 || days > DAYS_MAX)
		return DAYS_DEFAULT;
	return (uint32_t)days;
}

int
x509_fields(X509 *leaf, struct cc_create *create, char tail[CERT_NAMES_TAIL_MAX], size_t *length,
	    struct error *err)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);

	*length = 0;
	create->count = 0;
	create->key = key_kind_of(leaf);
	create->days = days_of(leaf);
	read_subject(leaf, &create->subject);
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
		read_name(sk_GENERAL_NAME_value(names, i), create, tail, length);
	GENERAL_NAMES_free(names);
	if (create->count == 0)
		add_name(create, tail, length, create->subject.common_name);
	ERR_clear_error();
	if (create->count == 0)
		return error_set(err, "the certificate has no host name in it");
	return 0;
}
