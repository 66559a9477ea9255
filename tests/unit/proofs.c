/* SPDX-License-Identifier: ISC */
#include "tests/unit/proofs.h"

#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
add_extension(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(extension);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* A certificate of ISSUER's, or one of its own; USAGE "" is an authority's. */
struct party
make_party(EVP_PKEY *key, const char *name, const struct party *issuer, const char *usage,
	   long from, long until)
{
	struct party party = {.key = key, .certificate = X509_new()};
	X509 *c = party.certificate;
	X509_NAME *subject = X509_get_subject_name(c);
	char san[128];

	assert_non_null(key);
	assert_int_equal(X509_set_version(c, X509_VERSION_3), 1);
	ASN1_INTEGER_set(X509_get_serialNumber(c), random() & 0xffffff);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)name, -1, -1, 0);
	X509_gmtime_adj(X509_getm_notBefore(c), from);
	X509_gmtime_adj(X509_getm_notAfter(c), until);
	X509_set_pubkey(c, key);
	X509_set_issuer_name(c,
			     issuer == NULL ? subject : X509_get_subject_name(issuer->certificate));
	if (*usage == '\0') {
		add_extension(c, NID_basic_constraints, "critical,CA:TRUE");
	} else {
		add_extension(c, NID_ext_key_usage, usage);
		snprintf(san, sizeof(san), "email:%s@example.org", name);
		add_extension(c, NID_subject_alt_name, san);
	}
	assert_true(X509_sign(c, issuer == NULL ? key : issuer->key,
			      EVP_PKEY_is_a(issuer == NULL ? key : issuer->key, "ED25519")
				  ? NULL
				  : EVP_sha256()) > 0);
	return party;
}

void
party_free(struct party *party)
{
	EVP_PKEY_free(party->key);
	X509_free(party->certificate);
}

EVP_PKEY *
p256(void)
{
	return EVP_EC_gen("P-256");
}

static void
on_message(int out, int version, int type, const void *bytes, size_t length, SSL *ssl, void *arg)
{
	struct capture *capture = arg;

	(void)version;
	(void)ssl;
	if (type != SSL3_RT_HANDSHAKE || capture->done)
		return;
	assert_true(length <= sizeof(capture->bytes) - capture->length);
	memcpy(capture->bytes + capture->length, bytes, length);
	capture->length += length;
	capture->done = out == 0 && ((const uint8_t *)bytes)[0] == SSL3_MT_CERTIFICATE_VERIFY;
}

static int
trust_all(X509_STORE_CTX *ctx, void *arg)
{
	(void)ctx;
	(void)arg;
	return 1;
}

static void
ask_client(SSL *ssl, const uint8_t *at, size_t length)
{
	STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
	const uint8_t *end = at + length;

	assert_true(length > 0);
	while (at < end) {
		X509_NAME *name = d2i_X509_NAME(NULL, &at, end - at);

		assert_non_null(name);
		sk_X509_NAME_push(names, name);
	}
	SSL_set0_CA_list(ssl, names);
	SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
}

void
shake_hands(const struct party *client, const struct party *server, int version, const char *groups,
	    const uint8_t *names, size_t names_length, struct capture *capture)
{
	SSL_CTX *theirs = SSL_CTX_new(TLS_client_method()),
		*ours = SSL_CTX_new(TLS_server_method());
	SSL *c, *s;
	BIO *one, *two;
	int i, done = 0;

	memset(capture, 0, sizeof(*capture));
	SSL_CTX_set_min_proto_version(ours, version);
	SSL_CTX_set_max_proto_version(ours, version);
	SSL_CTX_use_certificate(ours, server->certificate);
	SSL_CTX_use_PrivateKey(ours, server->key);
	SSL_CTX_set1_groups_list(ours, "P-256:P-384");
	SSL_CTX_set_cert_verify_callback(ours, trust_all, NULL);
	SSL_CTX_set1_groups_list(theirs, groups);
	SSL_CTX_use_certificate(theirs, client->certificate);
	SSL_CTX_use_PrivateKey(theirs, client->key);
	c = SSL_new(theirs);
	s = SSL_new(ours);
	assert_int_equal(BIO_new_bio_pair(&one, 0, &two, 0), 1);
	SSL_set_bio(c, one, one);
	SSL_set_bio(s, two, two);
	SSL_set_connect_state(c);
	SSL_set_accept_state(s);
	SSL_set_msg_callback(s, on_message);
	SSL_set_msg_callback_arg(s, capture);
	ask_client(s, names, names_length);
	for (i = 0; i < 20 && done != 3; i++)
		done = (SSL_do_handshake(c) == 1 ? 1 : 0) | (SSL_do_handshake(s) == 1 ? 2 : 0);
	assert_int_equal(done, 3);
	assert_true(capture->done);
	SSL_free(c);
	SSL_free(s);
	SSL_CTX_free(theirs);
	SSL_CTX_free(ours);
}

/* Two bytes of a length, big endian. */
static void
put_length(uint8_t *at, size_t length)
{
	at[0] = (uint8_t)(length >> 8);
	at[1] = (uint8_t)length;
}

void
swap_certificate(const struct capture *capture, const X509 *from, const X509 *to,
		 struct capture *changed)
{
	unsigned char *old = NULL, *new = NULL;
	int old_length = i2d_X509(from, &old), new_length = i2d_X509(to, &new);
	const uint8_t *found = memmem(capture->bytes, capture->length, old, (size_t)old_length);
	size_t before = (size_t)(found - capture->bytes), n = (size_t)new_length;

	assert_non_null(found);
	memset(changed, 0, sizeof(*changed));
	memcpy(changed->bytes, capture->bytes, before);
	memcpy(changed->bytes + before, new, n);
	memcpy(changed->bytes + before + n, found + old_length,
	       capture->length - before - (size_t)old_length);
	changed->length = capture->length - (size_t)old_length + n;
	/* Of the message (with context and extensions), of the list, of the certificate. */
	put_length(changed->bytes + before - 9, n + 9);
	put_length(changed->bytes + before - 5, n + 5);
	put_length(changed->bytes + before - 2, n);
	OPENSSL_free(old);
	OPENSSL_free(new);
}
