/* SPDX-License-Identifier: ISC */
#include "certd/authority_x509.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "certd/key.h"
#include "certd/x509.h"
#include "common/duration.h"

#define COMMON_NAME_MAX 64 /* RFC 5280 appendix A, ub-common-name */
#define DAY 86400

/* Bits of keyUsage (RFC 5280 4.2.1.3). */
enum usage { DIGITAL_SIGNATURE = 0, KEY_CERT_SIGN = 5, CRL_SIGN = 6 };

/* One or two of them; critical. */
static int
add_usage(X509 *certificate, enum usage one, enum usage two)
{
	ASN1_BIT_STRING *usage = ASN1_BIT_STRING_new();
	int done = usage != NULL && ASN1_BIT_STRING_set_bit(usage, (int)one, 1) == 1 &&
		   ASN1_BIT_STRING_set_bit(usage, (int)two, 1) == 1 &&
		   X509_add1_ext_i2d(certificate, NID_key_usage, usage, 1, 0) == 1;

	ASN1_BIT_STRING_free(usage);
	return done;
}

/* CA: with pathLenConstraint 0: what it signs is never an authority. */
static int
add_constraints(X509 *certificate, bool ca)
{
	BASIC_CONSTRAINTS *constraints = BASIC_CONSTRAINTS_new();
	int done = constraints != NULL;

	if (done && ca) {
		constraints->ca = 1;
		constraints->pathlen = ASN1_INTEGER_new();
		done = constraints->pathlen != NULL && ASN1_INTEGER_set(constraints->pathlen, 0);
	}
	done =
	    done && X509_add1_ext_i2d(certificate, NID_basic_constraints, constraints, 1, 0) == 1;
	BASIC_CONSTRAINTS_free(constraints);
	return done;
}

/* RFC 5280 4.2.1.1: whose key has signed. The caller frees it. */
static AUTHORITY_KEYID *
authority_id(const X509 *authority)
{
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id((X509 *)(uintptr_t)authority);
	AUTHORITY_KEYID *result = AUTHORITY_KEYID_new();

	if (result != NULL && id != NULL && (result->keyid = ASN1_OCTET_STRING_dup(id)) != NULL)
		return result;
	AUTHORITY_KEYID_free(result);
	return NULL;
}

/* extendedKeyUsage clientAuth, and the account as rfc822Name. */
static int
add_client(X509 *certificate, const X509 *authority, const char *account)
{
	EXTENDED_KEY_USAGE *extended = sk_ASN1_OBJECT_new_null();
	AUTHORITY_KEYID *issuer = authority_id(authority);
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *value = ASN1_IA5STRING_new();
	int done = extended != NULL && issuer != NULL && names != NULL && name != NULL &&
		   value != NULL && ASN1_STRING_set(value, account, (int)strlen(account));

	if (done) {
		GENERAL_NAME_set0_value(name, GEN_EMAIL, value);
		value = NULL;
		done = sk_GENERAL_NAME_push(names, name) > 0;
	}
	if (done)
		name = NULL;
	done = done && sk_ASN1_OBJECT_push(extended, OBJ_nid2obj(NID_client_auth)) > 0 &&
	       X509_add1_ext_i2d(certificate, NID_ext_key_usage, extended, 0, 0) == 1 &&
	       X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0) == 1 &&
	       X509_add1_ext_i2d(certificate, NID_authority_key_identifier, issuer, 0, 0) == 1;
	ASN1_IA5STRING_free(value);
	GENERAL_NAME_free(name);
	GENERAL_NAMES_free(names);
	EXTENDED_KEY_USAGE_free(extended);
	AUTHORITY_KEYID_free(issuer);
	return done;
}

/* A common name, cut to what fits. */
static int
set_name(X509_NAME *name, const char *text)
{
	size_t length = strnlen(text, COMMON_NAME_MAX);

	return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
					  (const unsigned char *)text, (int)length, -1, 0);
}

/* What both kinds have in common. */
static X509 *
begin(EVP_PKEY *key, const char *name, unsigned days)
{
	X509 *certificate = X509_new();

	if (certificate != NULL && X509_set_version(certificate, X509_VERSION_3) &&
	    x509_set_serial(certificate) && set_name(X509_get_subject_name(certificate), name) &&
	    x509_set_validity(certificate, days) && X509_set_pubkey(certificate, key) &&
	    x509_add_key_id(certificate))
		return certificate;
	X509_free(certificate);
	return NULL;
}

static int
sign(X509 *certificate, EVP_PKEY *key)
{
	return X509_sign(certificate, key, x509_digest(key)) > 0;
}

X509 *
authority_sign_itself(EVP_PKEY *key, const char *host, struct error *err)
{
	char name[COMMON_NAME_MAX + 1];
	X509 *certificate;

	snprintf(name, sizeof(name), "Mail clients of %s", host);
	certificate = begin(key, name, AUTHORITY_DAYS);
	if (certificate != NULL &&
	    X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) &&
	    add_constraints(certificate, true) && add_usage(certificate, KEY_CERT_SIGN, CRL_SIGN) &&
	    sign(certificate, key))
		return certificate;
	X509_free(certificate);
	key_library_error(err, "making the authority's certificate");
	return NULL;
}

static bool
to_seconds(const ASN1_TIME *time, int64_t *seconds)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(time, &tm) != 1)
		return false;
	*seconds = timegm(&tm);
	return true;
}

static bool
describe(const X509 *certificate, const char *account, struct cert_client *cert)
{
	unsigned char bytes[CERT_SERIAL_SIZE / 2];
	const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
	int length = ASN1_STRING_length(serial);

	*cert = (struct cert_client){.issued = (int64_t)time(NULL)};
	if (length <= 0 || (size_t)length > sizeof(bytes))
		return false;
	memcpy(bytes, ASN1_STRING_get0_data(serial), (size_t)length);
	strlcpy(cert->account, account, sizeof(cert->account));
	return OPENSSL_buf2hexstr_ex(cert->serial, sizeof(cert->serial), NULL, bytes,
				     (size_t)length, '\0') == 1 &&
	       to_seconds(X509_get0_notAfter(certificate), &cert->until);
}

X509 *
authority_sign_client(const struct authority_signer *signer, EVP_PKEY *client, const char *account,
		      unsigned days, struct cert_client *cert, struct error *err)
{
	X509 *certificate = begin(client, account, days);
	char text[DURATION_SIZE];

	/* One that outlives its authority would end with it, and nobody would know why. */
	if (certificate != NULL && ASN1_TIME_compare(X509_get0_notAfter(certificate),
						     X509_get0_notAfter(signer->certificate)) > 0) {
		error_set(err, "%s is longer than the authority itself is valid",
			  duration_text((int64_t)days * DAY, text));
		X509_free(certificate);
		return NULL;
	}
	if (certificate != NULL &&
	    X509_set_issuer_name(certificate, X509_get_subject_name(signer->certificate)) &&
	    add_constraints(certificate, false) &&
	    add_usage(certificate, DIGITAL_SIGNATURE, DIGITAL_SIGNATURE) &&
	    add_client(certificate, signer->certificate, account) &&
	    sign(certificate, signer->key) && describe(certificate, account, cert))
		return certificate;
	X509_free(certificate);
	key_library_error(err, "making the client's certificate");
	return NULL;
}

/* -- CRLs ---------------------------------------------------------------------------- */

static ASN1_INTEGER *
number_of(uint64_t value)
{
	ASN1_INTEGER *number = ASN1_INTEGER_new();

	if (number != NULL && ASN1_INTEGER_set_uint64(number, value) == 1)
		return number;
	ASN1_INTEGER_free(number);
	return NULL;
}

static ASN1_INTEGER *
serial_of(const char *text)
{
	BIGNUM *big = NULL;
	ASN1_INTEGER *serial = NULL;

	if (BN_hex2bn(&big, text) > 0)
		serial = BN_to_ASN1_INTEGER(big, NULL);
	BN_free(big);
	return serial;
}

static int
add_revoked(X509_CRL *crl, const struct cert_client *cert)
{
	X509_REVOKED *revoked = X509_REVOKED_new();
	ASN1_INTEGER *serial = serial_of(cert->serial);
	ASN1_TIME *when = ASN1_TIME_set(NULL, (time_t)cert->revoked);
	int done = revoked != NULL && serial != NULL && when != NULL &&
		   X509_REVOKED_set_serialNumber(revoked, serial) == 1 &&
		   X509_REVOKED_set_revocationDate(revoked, when) == 1 &&
		   X509_CRL_add0_revoked(crl, revoked) == 1;

	if (!done)
		X509_REVOKED_free(revoked);
	ASN1_INTEGER_free(serial);
	ASN1_TIME_free(when);
	return done;
}

static int
add_crl_extensions(X509_CRL *crl, const X509 *authority, uint64_t number)
{
	AUTHORITY_KEYID *issuer = authority_id(authority);
	ASN1_INTEGER *value = number_of(number);
	int done = issuer != NULL && value != NULL &&
		   X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, issuer, 0, 0) == 1 &&
		   X509_CRL_add1_ext_i2d(crl, NID_crl_number, value, 0, 0) == 1;

	AUTHORITY_KEYID_free(issuer);
	ASN1_INTEGER_free(value);
	return done;
}

static int
set_dates(X509_CRL *crl, int64_t now)
{
	ASN1_TIME *this = ASN1_TIME_set(NULL, (time_t)now);
	ASN1_TIME *next = ASN1_TIME_adj(NULL, (time_t)now, AUTHORITY_CRL_DAYS, 0);
	int done = this != NULL && next != NULL && X509_CRL_set1_lastUpdate(crl, this) == 1 &&
		   X509_CRL_set1_nextUpdate(crl, next) == 1;

	ASN1_TIME_free(this);
	ASN1_TIME_free(next);
	return done;
}

X509_CRL *
authority_sign_crl(const struct authority_signer *signer, const struct client_index *index,
		   int64_t now, struct error *err)
{
	X509_CRL *crl = X509_CRL_new();
	int done = crl != NULL && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
		   X509_CRL_set_issuer_name(crl, X509_get_subject_name(signer->certificate)) == 1 &&
		   set_dates(crl, now) && add_crl_extensions(crl, signer->certificate, index->crl);

	/* RFC 5280 3.3: a certificate is on one more CRL after it has expired. */
	for (size_t i = 0; done && i < index->count; i++) {
		const struct cert_client *cert = &index->list[i];

		if (cert->revoked != 0 && cert->until >= now - AUTHORITY_CRL_DAYS * (int64_t)DAY)
			done = add_revoked(crl, cert);
	}
	if (done && X509_CRL_sort(crl) == 1 &&
	    X509_CRL_sign(crl, signer->key, x509_digest(signer->key)) > 0)
		return crl;
	X509_CRL_free(crl);
	key_library_error(err, "making the CRL");
	return NULL;
}

bool
authority_read_crl(const struct authority_signer *signer, X509_CRL *crl, uint64_t *number,
		   int64_t *issued)
{
	ASN1_INTEGER *value = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	bool good = value != NULL && ASN1_INTEGER_get_uint64(number, value) == 1 &&
		    to_seconds(X509_CRL_get0_lastUpdate(crl), issued) &&
		    X509_CRL_verify(crl, X509_get0_pubkey(signer->certificate)) == 1;

	ASN1_INTEGER_free(value);
	ERR_clear_error();
	return good;
}
