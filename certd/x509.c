/* SPDX-License-Identifier: ISC */
#include "certd/x509.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "certd/key.h"
#include "certd/name.h"
#include "certd/subject.h"

#define COMMON_NAME_MAX 64 /* RFC 5280 appendix A, ub-common-name */
#define SERIAL_BYTES 16    /* RFC 5280 4.1.2.2: 20 at most */
#define KEY_ID_BYTES 20    /* RFC 7093 2, method 1: of SHA-256 */
#define BACKDATE 3600      /* seconds, for clients whose clock is slow */

typedef STACK_OF(X509_EXTENSION) extensions;

const EVP_MD *
x509_digest(EVP_PKEY *pkey)
{
	if (EVP_PKEY_is_a(pkey, "ED25519"))
		return NULL;
	if (!EVP_PKEY_is_a(pkey, "EC") || EVP_PKEY_get_bits(pkey) <= 256)
		return EVP_sha256();
	return EVP_PKEY_get_bits(pkey) <= 384 ? EVP_sha384() : EVP_sha512();
}

/* NAME as a GENERAL_NAME (RFC 5280 4.2.1.6), or NULL. */
static GENERAL_NAME *
general_name(const char *name)
{
	GENERAL_NAME *general = GENERAL_NAME_new();
	uint8_t address[16];
	const void *bytes = name;
	size_t length, address_length;
	ASN1_STRING *value;
	bool ip = san_parse(name, address, &address_length) == SAN_IP;

	length = strlen(name);
	if (ip) {
		bytes = address;
		length = address_length;
	}
	value = ASN1_STRING_type_new(ip ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
	if (general == NULL || value == NULL || !ASN1_STRING_set(value, bytes, (int)length)) {
		ASN1_STRING_free(value);
		GENERAL_NAME_free(general);
		return NULL;
	}
	GENERAL_NAME_set0_value(general, ip ? GEN_IPADD : GEN_DNS, value);
	return general;
}

/* Appends VALUE, encoded, to the list. */
static int
push_extension(extensions **list, int nid, int critical, void *value)
{
	return value != NULL && X509V3_add1_i2d(list, nid, value, critical, X509V3_ADD_APPEND) == 1;
}

/* For signing handshakes, and nothing else: no RSA key transport. */
static int
push_usages(extensions **list)
{
	ASN1_BIT_STRING *usage = ASN1_BIT_STRING_new();
	EXTENDED_KEY_USAGE *extended = sk_ASN1_OBJECT_new_null();
	int done;

	done = usage != NULL && extended != NULL && ASN1_BIT_STRING_set_bit(usage, 0, 1) == 1 &&
	       sk_ASN1_OBJECT_push(extended, OBJ_nid2obj(NID_server_auth)) > 0 &&
	       push_extension(list, NID_key_usage, 1, usage) &&
	       push_extension(list, NID_ext_key_usage, 0, extended);
	ASN1_BIT_STRING_free(usage);
	EXTENDED_KEY_USAGE_free(extended);
	return done;
}

/* The common name, if none was given: the first host name, where it is short enough. */
static const char *
common_name(const struct x509_spec *spec)
{
	if (spec->subject != NULL && spec->subject->common_name[0] != '\0')
		return spec->subject->common_name;
	return strlen(spec->names[0]) > COMMON_NAME_MAX ? "" : spec->names[0];
}

static int
add_entry(X509_NAME *subject, int nid, const char *text)
{
	return text[0] == '\0' ||
	       X509_NAME_add_entry_by_NID(subject, nid, MBSTRING_UTF8, (const unsigned char *)text,
					  -1, -1, 0);
}

const int x509_subject_nids[] = {
    NID_countryName,        NID_stateOrProvinceName,    NID_localityName,
    NID_organizationName,   NID_organizationalUnitName, NID_commonName,
    NID_pkcs9_emailAddress,
};

static int
set_subject(X509_NAME *subject, const struct x509_spec *spec)
{
	static const struct cert_subject nothing;
	const struct cert_subject *s = spec->subject == NULL ? &nothing : spec->subject;

	for (size_t i = 0; subject_fields[i].option != NULL; i++) {
		int nid = x509_subject_nids[i];
		const char *text =
		    nid == NID_commonName ? common_name(spec) : subject_get(s, &subject_fields[i]);

		if (!add_entry(subject, nid, text))
			return 0;
	}
	return 1;
}

/* RFC 5280 4.1.2.6: a subject may be empty, if there are names. */
static bool
has_subject(const struct x509_spec *spec)
{
	static const struct cert_subject nothing;

	return common_name(spec)[0] != '\0' ||
	       (spec->subject != NULL && memcmp(spec->subject, &nothing, sizeof(nothing)) != 0);
}

static int
push_names(extensions **list, const struct x509_spec *spec)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	/* Without a subject the names are critical (RFC 5280 4.2.1.6). */
	int critical = !has_subject(spec), done = names != NULL;

	for (size_t i = 0; done && i < spec->count; i++) {
		GENERAL_NAME *name = general_name(spec->names[i]);

		done = name != NULL && sk_GENERAL_NAME_push(names, name) > 0;
		if (!done)
			GENERAL_NAME_free(name);
	}
	done = done && push_extension(list, NID_subject_alt_name, critical, names);
	GENERAL_NAMES_free(names);
	return done;
}

static X509_REQ *
make_request(const struct x509_spec *spec, extensions *list)
{
	X509_REQ *request = X509_REQ_new();

	if (request != NULL && X509_REQ_set_version(request, X509_REQ_VERSION_1) &&
	    set_subject(X509_REQ_get_subject_name(request), spec) &&
	    X509_REQ_set_pubkey(request, spec->pkey) && X509_REQ_add_extensions(request, list) &&
	    X509_REQ_sign(request, spec->pkey, x509_digest(spec->pkey)) > 0)
		return request;
	X509_REQ_free(request);
	return NULL;
}

int
x509_set_serial(X509 *certificate)
{
	unsigned char bytes[SERIAL_BYTES];
	BIGNUM *number;
	int done;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return 0;
	bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40);
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	done = number != NULL &&
	       BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
	BN_free(number);
	return done;
}

int
x509_set_validity(X509 *certificate, unsigned days)
{
	return X509_gmtime_adj(X509_getm_notBefore(certificate), -BACKDATE) != NULL &&
	       X509_time_adj_ex(X509_getm_notAfter(certificate), (int)days, 0, NULL) != NULL;
}

int
x509_add_key_id(X509 *certificate)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
	int done;

	done = id != NULL && X509_pubkey_digest(certificate, EVP_sha256(), digest, NULL) &&
	       ASN1_OCTET_STRING_set(id, digest, KEY_ID_BYTES) &&
	       X509_add1_ext_i2d(certificate, NID_subject_key_identifier, id, 0, 0) == 1;
	ASN1_OCTET_STRING_free(id);
	return done;
}

static int
add_own_extensions(X509 *certificate)
{
	BASIC_CONSTRAINTS *constraints = BASIC_CONSTRAINTS_new();
	int done;

	done = constraints != NULL &&
	       X509_add1_ext_i2d(certificate, NID_basic_constraints, constraints, 1, 0) == 1 &&
	       x509_add_key_id(certificate);
	BASIC_CONSTRAINTS_free(constraints);
	return done;
}

static int
add_extensions(X509 *certificate, extensions *list)
{
	for (int i = 0; i < sk_X509_EXTENSION_num(list); i++) {
		if (!X509_add_ext(certificate, sk_X509_EXTENSION_value(list, i), -1))
			return 0;
	}
	return add_own_extensions(certificate);
}

static X509 *
make_certificate(const struct x509_spec *spec, extensions *list)
{
	X509 *certificate = X509_new();

	if (certificate != NULL && X509_set_version(certificate, X509_VERSION_3) &&
	    x509_set_serial(certificate) && set_subject(X509_get_subject_name(certificate), spec) &&
	    X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) &&
	    x509_set_validity(certificate, spec->days) &&
	    X509_set_pubkey(certificate, spec->pkey) && add_extensions(certificate, list) &&
	    X509_sign(certificate, spec->pkey, x509_digest(spec->pkey)) > 0)
		return certificate;
	X509_free(certificate);
	return NULL;
}

int
x509_keep(struct folder_set *set, enum folder_part part, BIO *bio)
{
	char *bytes;
	long length = BIO_get_mem_data(bio, &bytes);
	void *copy = length > 0 ? OPENSSL_secure_malloc((size_t)length) : NULL;

	if (copy == NULL)
		return 0;
	memcpy(copy, bytes, (size_t)length);
	set->part[part].bytes = copy;
	set->part[part].length = (size_t)length;
	return 1;
}

static int
write_pem(struct folder_set *set, EVP_PKEY *pkey, X509_REQ *request, X509 *certificate)
{
	BIO *key = BIO_new(BIO_s_secmem()), *csr = BIO_new(BIO_s_mem()),
	    *crt = BIO_new(BIO_s_mem());
	int done;

	done = key != NULL && csr != NULL && crt != NULL &&
	       PEM_write_bio_PrivateKey(key, pkey, NULL, NULL, 0, NULL, NULL) &&
	       x509_keep(set, PART_KEY, key) && PEM_write_bio_X509_REQ(csr, request) &&
	       x509_keep(set, PART_CSR, csr) && PEM_write_bio_X509(crt, certificate) &&
	       x509_keep(set, PART_CRT, crt);
	BIO_free(key);
	BIO_free(csr);
	BIO_free(crt);
	return done;
}

int
x509_describe(struct x509_made *made, const X509 *certificate)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned length;
	struct tm tm;

	if (X509_digest(certificate, EVP_sha256(), digest, &length) != 1 ||
	    ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) != 1)
		return 0;
	if (OPENSSL_buf2hexstr_ex(made->fingerprint, sizeof(made->fingerprint), NULL, digest,
				  length, ':') != 1)
		return 0;
	return strftime(made->until, sizeof(made->until), "%Y-%m-%d %H:%M:%S UTC", &tm) != 0;
}

int
x509_make(const struct x509_spec *spec, struct x509_made *made, struct error *err)
{
	X509_REQ *request = NULL;
	X509 *certificate = NULL;
	extensions *list = NULL;
	int done;

	*made = (struct x509_made){.until = ""};
	done = push_names(&list, spec) && push_usages(&list) &&
	       (request = make_request(spec, list)) != NULL &&
	       (certificate = make_certificate(spec, list)) != NULL &&
	       write_pem(&made->set, spec->pkey, request, certificate) &&
	       x509_describe(made, certificate);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	X509_REQ_free(request);
	X509_free(certificate);
	if (done)
		return 0;
	x509_made_free(made);
	return key_library_error(err, "making the certificate");
}

int
x509_request(const struct x509_spec *spec, struct folder_set *set, struct error *err)
{
	BIO *csr = BIO_new(BIO_s_mem()), *key = BIO_new(BIO_s_secmem());
	X509_REQ *request = NULL;
	extensions *list = NULL;
	int done;

	*set = (struct folder_set){{{NULL, 0}}};
	done = csr != NULL && key != NULL && push_names(&list, spec) && push_usages(&list) &&
	       (request = make_request(spec, list)) != NULL &&
	       PEM_write_bio_X509_REQ(csr, request) && x509_keep(set, PART_CSR, csr) &&
	       PEM_write_bio_PrivateKey(key, spec->pkey, NULL, NULL, 0, NULL, NULL) &&
	       x509_keep(set, PART_KEY, key);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	X509_REQ_free(request);
	BIO_free(csr);
	BIO_free(key);
	if (done)
		return 0;
	x509_set_free(set);
	return key_library_error(err, "making the request");
}

void
x509_set_free(struct folder_set *set)
{
	for (int i = 0; i < PART_COUNT; i++)
		OPENSSL_secure_clear_free((void *)(uintptr_t)set->part[i].bytes,
					  set->part[i].length);
	*set = (struct folder_set){{{NULL, 0}}};
}

void
x509_made_free(struct x509_made *made)
{
	x509_set_free(&made->set);
	*made = (struct x509_made){.until = ""};
}
