/* SPDX-License-Identifier: ISC */
#include "certd/facts.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

/* RFC 4514, in UTF-8, control characters escaped. */
#define DN_FLAGS (XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB)

int64_t
facts_time(const ASN1_TIME *time)
{
	struct tm tm;

	if (time == NULL || ASN1_TIME_to_tm(time, &tm) != 1)
		return INT64_MAX;
	return (int64_t)timegm(&tm);
}

/* Bytes of UTF-8 that are cut off in the middle of a character are worse than none. */
static size_t
whole_characters(const char *text, size_t length)
{
	size_t start = length;

	while (start > 0 && length - start < 4 && (text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start == 0 || (text[start - 1] & 0x80) == 0)
		return length;
	start--;
	if ((text[start] & 0xe0) == 0xc0)
		return length - start >= 2 ? length : start;
	if ((text[start] & 0xf0) == 0xe0)
		return length - start >= 3 ? length : start;
	return length - start >= 4 ? length : start;
}

/* Copies what a BIO has, as text. */
static void
take_text(BIO *bio, char *out, size_t size)
{
	char *bytes = NULL;
	long length = bio == NULL ? 0 : BIO_get_mem_data(bio, &bytes);
	size_t n = length <= 0 ? 0 : (size_t)length;

	if (n >= size)
		n = whole_characters(bytes, size - 1);
	if (n > 0)
		memcpy(out, bytes, n);
	out[n] = '\0';
	/* OpenSSL has escaped them; whatever it leaves must not reach a terminal. */
	for (size_t i = 0; i < n; i++) {
		/* C0, DEL, and C1, which UTF-8 has as C2 80 to C2 9F. */
		bool c1 = i + 1 < n && out[i] == '\xc2' && (unsigned char)out[i + 1] < 0xa0;

		if ((unsigned char)out[i] < 0x20 || out[i] == 0x7f || c1)
			out[i] = '?';
		if (c1)
			out[i + 1] = '?';
	}
}

static void
distinguished_name(const X509_NAME *name, char *out, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());

	if (bio != NULL)
		(void)X509_NAME_print_ex(bio, name, 0, DN_FLAGS);
	take_text(bio, out, size);
	BIO_free(bio);
}

static bool
attribute(const X509_NAME *name, int nid, char *out, size_t size)
{
	int index = X509_NAME_get_index_by_NID(name, nid, -1);
	BIO *bio;

	out[0] = '\0';
	if (index < 0 || (bio = BIO_new(BIO_s_mem())) == NULL)
		return false;
	(void)ASN1_STRING_print_ex(bio, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index)),
				   ASN1_STRFLGS_ESC_CTRL | ASN1_STRFLGS_UTF8_CONVERT);
	take_text(bio, out, size);
	BIO_free(bio);
	return out[0] != '\0';
}

void
facts_short_name(const X509_NAME *name, char *out, size_t size)
{
	if (!attribute(name, NID_commonName, out, size))
		(void)attribute(name, NID_organizationName, out, size);
}

static void
add_name(struct facts *facts, const char *type, const char *text)
{
	size_t room = sizeof(facts->names) - facts->length;
	int n = snprintf(facts->names + facts->length, room, "%s:%s", type, text);

	if (n < 0 || (size_t)n >= room) {
		facts->facts.sans_left++;
		return;
	}
	facts->length += (size_t)n + 1;
	facts->facts.sans++;
}

/* ASCII as it is, all else, a NUL too, as \XX: what looks like another name must not pass for it.
 */
static void
add_bytes(struct facts *facts, const char *type, const ASN1_STRING *string)
{
	const unsigned char *bytes = ASN1_STRING_get0_data(string);
	int length = ASN1_STRING_length(string);
	char text[1024];
	size_t used = 0;

	for (int i = 0; i < length && used < sizeof(text) - 4; i++) {
		if (bytes[i] > 0x20 && bytes[i] < 0x7f && bytes[i] != '\\')
			text[used++] = (char)bytes[i];
		else
			used += (size_t)snprintf(text + used, 4, "\\%02X", bytes[i]);
	}
	text[used] = '\0';
	add_name(facts, type, text);
}

static void
add_address(struct facts *facts, const ASN1_STRING *string)
{
	int length = ASN1_STRING_length(string);
	char text[INET6_ADDRSTRLEN];

	if (length != 4 && length != 16)
		add_bytes(facts, "IP", string);
	else if (inet_ntop(length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(string), text,
			   sizeof(text)) != NULL)
		add_name(facts, "IP", text);
}

static void
read_names(X509 *certificate, struct facts *facts)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		char text[CERT_DN_SIZE];

		switch (name->type) {
		case GEN_DNS:
			add_bytes(facts, "DNS", name->d.dNSName);
			break;
		case GEN_EMAIL:
			add_bytes(facts, "email", name->d.rfc822Name);
			break;
		case GEN_URI:
			add_bytes(facts, "URI", name->d.uniformResourceIdentifier);
			break;
		case GEN_IPADD:
			add_address(facts, name->d.iPAddress);
			break;
		case GEN_DIRNAME:
			distinguished_name(name->d.directoryName, text, sizeof(text));
			add_name(facts, "dirName", text);
			break;
		default:
			add_name(facts, "other", "");
			break;
		}
	}
	GENERAL_NAMES_free(names);
}

static void
read_key(const X509 *certificate, struct cc_facts *facts)
{
	EVP_PKEY *key = X509_get0_pubkey(certificate);
	const char *type = key == NULL ? NULL : EVP_PKEY_get0_type_name(key);
	char group[48] = "";

	if (type == NULL)
		type = "unknown";
	else if (strcmp(type, "ED25519") == 0)
		type = "Ed25519";
	if (key != NULL) {
		facts->key_bits = (uint32_t)EVP_PKEY_get_bits(key);
		(void)EVP_PKEY_get_group_name(key, group, sizeof(group), NULL);
	}
	if (strcmp(group, "prime256v1") == 0)
		strlcpy(group, "P-256", sizeof(group));
	else if (strcmp(group, "secp384r1") == 0)
		strlcpy(group, "P-384", sizeof(group));
	else if (strcmp(group, "secp521r1") == 0)
		strlcpy(group, "P-521", sizeof(group));
	if (group[0] != '\0' && strcmp(type, "EC") == 0)
		snprintf(facts->key, sizeof(facts->key), "ECDSA %s", group);
	else
		strlcpy(facts->key, type, sizeof(facts->key));
}

/* What DANE and key pinning compare (RFC 6698 2.1.2, selector 1). */
static void
digest_key(const X509 *certificate, struct cc_facts *facts)
{
	uint8_t digest[EVP_MAX_MD_SIZE], *der = NULL;
	int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);

	if (length > 0 && EVP_Digest(der, (size_t)length, digest, NULL, EVP_sha256(), NULL) == 1)
		memcpy(facts->key_sha256, digest, sizeof(facts->key_sha256));
	OPENSSL_free(der);
}

static void
append_word(char *text, size_t size, const char *word)
{
	if (text[0] != '\0')
		(void)strlcat(text, ", ", size);
	(void)strlcat(text, word, size);
}

static void
read_usages(X509 *certificate, struct cc_facts *facts)
{
	/* RFC 5280 4.2.1.3, by bit. */
	static const char *const usages[] = {
	    "digitalSignature", "nonRepudiation", "keyEncipherment",
	    "dataEncipherment", "keyAgreement",   "keyCertSign",
	    "cRLSign",          "encipherOnly",   "decipherOnly"};
	ASN1_BIT_STRING *bits = X509_get_ext_d2i(certificate, NID_key_usage, NULL, NULL);
	EXTENDED_KEY_USAGE *extended = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);

	for (int i = 0; bits != NULL && i < (int)(sizeof(usages) / sizeof(usages[0])); i++) {
		if (ASN1_BIT_STRING_get_bit(bits, i) == 1)
			append_word(facts->usage, sizeof(facts->usage), usages[i]);
	}
	for (int i = 0; i < sk_ASN1_OBJECT_num(extended); i++) {
		const ASN1_OBJECT *object = sk_ASN1_OBJECT_value(extended, i);
		int nid = OBJ_obj2nid(object);
		char number[80];

		if (nid != NID_undef)
			strlcpy(number, OBJ_nid2sn(nid), sizeof(number));
		else
			(void)OBJ_obj2txt(number, sizeof(number), object, 1);
		append_word(facts->extended_usage, sizeof(facts->extended_usage), number);
	}
	ASN1_BIT_STRING_free(bits);
	EXTENDED_KEY_USAGE_free(extended);
}

static void
read_serial(const X509 *certificate, struct cc_facts *facts)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
	int length = serial == NULL ? 0 : ASN1_STRING_length(serial);

	for (int i = 0; i < length && 2 * i + 3 < CERT_LABEL_SIZE; i++)
		snprintf(facts->serial + 2 * (size_t)i, 3, "%02x",
			 ASN1_STRING_get0_data(serial)[i]);
}

static bool
is_for(X509 *certificate, const char *host)
{
	return host[0] != '\0' && X509_check_host(certificate, host, 0,
						  X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
						      X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
						  NULL) == 1;
}

void
facts_read(X509 *certificate, const char *host, struct facts *out)
{
	struct cc_facts *facts = &out->facts;
	const X509_NAME *subject = X509_get_subject_name(certificate);
	const X509_NAME *issuer = X509_get_issuer_name(certificate);
	uint8_t digest[EVP_MAX_MD_SIZE];

	*facts = (struct cc_facts){.not_before = facts_time(X509_get0_notBefore(certificate)),
				   .not_after = facts_time(X509_get0_notAfter(certificate))};
	out->length = 0;
	if (X509_digest(certificate, EVP_sha256(), digest, NULL) == 1)
		memcpy(facts->sha256, digest, sizeof(facts->sha256));
	digest_key(certificate, facts);
	distinguished_name(subject, facts->subject, sizeof(facts->subject));
	distinguished_name(issuer, facts->issuer, sizeof(facts->issuer));
	(void)attribute(subject, NID_commonName, facts->common_name, sizeof(facts->common_name));
	facts_short_name(issuer, facts->issuer_name, sizeof(facts->issuer_name));
	strlcpy(facts->signature, OBJ_nid2ln(X509_get_signature_nid(certificate)),
		sizeof(facts->signature));
	read_serial(certificate, facts);
	read_key(certificate, facts);
	read_usages(certificate, facts);
	read_names(certificate, out);
	if (X509_self_signed(certificate, 0) == 1)
		facts->flags |= CERT_FLAG_SELF_SIGNED;
	if (X509_check_ca(certificate) != 0)
		facts->flags |= CERT_FLAG_CA;
	if (is_for(certificate, host))
		facts->flags |= CERT_FLAG_FOR_HOST;
	ERR_clear_error();
}
