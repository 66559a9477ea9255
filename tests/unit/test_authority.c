/* SPDX-License-Identifier: ISC */
/* The authority for clients: what it signs, and that a crash at any step loses no revocation. */
#include "tests/unit/certd_admin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>

#include "certd/authority.h"
#include "certd/authority_x509.h"

#define ACCOUNT "alice@example.org"
#define SECRET "correct horse battery"

static struct folder folder;
static struct authority_place place;
static int step, fail_at, kill_at;

static int
hook(void)
{
	step++;
	if (kill_at != 0 && step >= kill_at)
		return -1; /* the dead do nothing more */
	return step == fail_at ? EIO : 0;
}

static int
setup(void **state)
{
	(void)state;
	support_folder(&folder);
	place = (struct authority_place){folder.fd, getuid()};
	step = fail_at = kill_at = 0;
	authority_hook = hook;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	authority_hook = NULL;
	support_remove_folder(&folder);
	return 0;
}

static void
create(void)
{
	struct error err;

	assert_int_equal(authority_create(&place, support_pkey(KEY_P256), "mail.example.org", &err),
			 0);
}

/* A certificate of ACCOUNT, to be freed. */
static X509 *
issue(unsigned days, enum key_kind kind, struct cert_client *cert)
{
	const struct authority_order order = {support_pkey(kind), ACCOUNT, days, SECRET, PACK_AES};
	const unsigned char *at;
	struct packed packed;
	EVP_PKEY *pkey;
	struct error err;
	PKCS12 *file;
	X509 *leaf;

	if (authority_issue(&place, &order, &packed, cert, &err) == -1)
		fail_msg("%s", err.text);
	at = (const unsigned char *)packed.bytes;
	file = d2i_PKCS12(NULL, &at, (long)packed.length);
	assert_non_null(file);
	assert_int_equal(PKCS12_parse(file, SECRET, &pkey, &leaf, NULL), 1);
	assert_int_equal(EVP_PKEY_eq(pkey, support_pkey(kind)), 1);
	EVP_PKEY_free(pkey);
	PKCS12_free(file);
	packed_free(&packed);
	return leaf;
}

static BIO *
open_file(const char *file)
{
	char path[128];
	BIO *bio;

	snprintf(path, sizeof(path), "%s/authority/%s", folder.path, file);
	bio = BIO_new_file(path, "r");
	assert_non_null(bio);
	return bio;
}

static X509_CRL *
read_crl(void)
{
	BIO *bio = open_file("authority.crl");
	X509_CRL *crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert_non_null(crl);
	return crl;
}

/* As a verifier does, by what is in the folder: X509_V_OK or why not. */
static int
verify(X509 *leaf, int purpose)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	BIO *bio = open_file("authority.crt");
	X509 *authority = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	X509_CRL *crl = read_crl();
	int result;

	assert_int_equal(X509_STORE_add_cert(store, authority), 1);
	assert_int_equal(X509_STORE_add_crl(store, crl), 1);
	X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_X509_STRICT);
	assert_int_equal(X509_STORE_CTX_init(ctx, store, leaf, NULL), 1);
	X509_STORE_CTX_set_purpose(ctx, purpose);
	result = X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	X509_CRL_free(crl);
	X509_free(authority);
	BIO_free(bio);
	ERR_clear_error();
	return result;
}

static uint64_t
crl_number(void)
{
	X509_CRL *crl = read_crl();
	ASN1_INTEGER *value = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	uint64_t number;

	assert_int_equal(ASN1_INTEGER_get_uint64(&number, value), 1);
	ASN1_INTEGER_free(value);
	X509_CRL_free(crl);
	return number;
}

static void
test_authority(void **state)
{
	BIO *bio;
	X509 *x509;
	struct error err;

	(void)state;
	assert_int_equal(authority_exists(&place, &err), 0);
	create();
	assert_int_equal(authority_exists(&place, &err), 1);
	bio = open_file("authority.crt");
	x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	assert_int_equal(X509_check_ca(x509), 1);
	assert_int_equal(X509_get_pathlen(x509), 0);
	assert_int_equal(X509_get_key_usage(x509), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	assert_int_equal(X509_self_signed(x509, 1), 1);
	/* A second one is never put in its place. */
	assert_int_equal(authority_create(&place, support_pkey(KEY_P256), "mail.example.org", &err),
			 -1);
	assert_int_equal(support_count(&folder), 1);
	X509_free(x509);
	BIO_free(bio);
}

static void
test_client(void **state)
{
	static const enum key_kind kinds[] = {KEY_RSA, KEY_P384, KEY_ED25519};
	struct cert_client cert;

	(void)state;
	create();
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		X509 *leaf = issue(30, kinds[i], &cert);

		assert_int_equal(verify(leaf, X509_PURPOSE_SSL_CLIENT), X509_V_OK);
		assert_int_equal(verify(leaf, X509_PURPOSE_SSL_SERVER), X509_V_ERR_INVALID_PURPOSE);
		assert_int_equal(verify(leaf, X509_PURPOSE_SMIME_SIGN), X509_V_ERR_INVALID_PURPOSE);
		assert_int_equal(X509_check_email(leaf, ACCOUNT, 0, 0), 1);
		assert_int_equal(X509_check_ca(leaf), 0);
		assert_int_equal(X509_get_key_usage(leaf), KU_DIGITAL_SIGNATURE);
		assert_string_equal(cert.account, ACCOUNT);
		assert_int_equal(strlen(cert.serial), 32);
		X509_free(leaf);
	}
}

static void
test_longer_than_the_authority(void **state)
{
	struct authority_order order = {support_pkey(KEY_P256), ACCOUNT, 36500, SECRET, PACK_AES};
	struct cert_client cert;
	struct packed packed;
	struct error err;

	(void)state;
	create();
	assert_int_equal(authority_issue(&place, &order, &packed, &cert, &err), -1);
	assert_non_null(strstr(err.text, "longer than"));
}

static void
test_revoke(void **state)
{
	struct cert_client one, two;
	struct client_index index;
	X509 *first, *second;
	struct error err;

	(void)state;
	assert_int_equal(authority_list(&place, &index, &err), 0);
	assert_int_equal(index.count, 0);
	assert_int_equal(authority_revoke(&place, ACCOUNT, &err), -1); /* no authority */
	create();
	first = issue(30, KEY_P256, &one);
	second = issue(30, KEY_P384, &two);
	assert_int_equal(authority_revoke(&place, one.serial, &err), 1);
	assert_int_equal(verify(first, X509_PURPOSE_SSL_CLIENT), X509_V_ERR_CERT_REVOKED);
	assert_int_equal(verify(second, X509_PURPOSE_SSL_CLIENT), X509_V_OK);
	assert_int_equal(crl_number(), 2);
	assert_int_equal(authority_revoke(&place, one.serial, &err), 0);
	assert_int_equal(authority_revoke(&place, ACCOUNT, &err), 1);
	assert_int_equal(verify(second, X509_PURPOSE_SSL_CLIENT), X509_V_ERR_CERT_REVOKED);
	assert_int_equal(crl_number(), 3);
	assert_int_equal(authority_list(&place, &index, &err), 0);
	assert_int_equal(index.count, 2);
	assert_string_equal(index.list[0].serial, one.serial);
	assert_int_not_equal(index.list[1].revoked, 0);
	client_index_free(&index);
	X509_free(first);
	X509_free(second);
}

static void
test_refresh(void **state)
{
	char path[128];
	struct error err;

	(void)state;
	assert_int_equal(authority_refresh(&place, &err), 0); /* nothing there, nothing to do */
	create();
	assert_int_equal(authority_refresh(&place, &err), 0);
	assert_int_equal(crl_number(), 1);
	/* One that is damaged or gone is signed anew. */
	snprintf(path, sizeof(path), "%s/authority/authority.crl", folder.path);
	assert_int_equal(truncate(path, 100), 0);
	assert_int_equal(authority_refresh(&place, &err), 0);
	assert_int_equal(crl_number(), 2);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(authority_refresh(&place, &err), 0);
	assert_int_equal(crl_number(), 3);
}

/* Puts a CRL of number 1 into the folder, of another time or by another key. */
static void
write_crl(EVP_PKEY *key, int64_t when)
{
	const struct client_index index = {.crl = 1};
	BIO *bio = open_file("authority.crt"), *out;
	struct authority_signer signer = {key, PEM_read_bio_X509(bio, NULL, NULL, NULL)};
	X509_CRL *crl;
	char path[128];
	struct error err;

	crl = authority_sign_crl(&signer, &index, when, &err);
	assert_non_null(crl);
	snprintf(path, sizeof(path), "%s/authority/authority.crl", folder.path);
	out = BIO_new_file(path, "w");
	assert_int_equal(PEM_write_bio_X509_CRL(out, crl), 1);
	BIO_free(out);
	X509_CRL_free(crl);
	X509_free(signer.certificate);
	BIO_free(bio);
}

/* One of yesterday, of tomorrow or of somebody else is replaced; one of an hour ago is not. */
static void
test_daily(void **state)
{
	const int64_t now = (int64_t)time(NULL);
	struct error err;

	(void)state;
	create();
	write_crl(support_pkey(KEY_P256), now - 3600);
	assert_int_equal(authority_refresh(&place, &err), 0);
	assert_int_equal(crl_number(), 1);
	write_crl(support_pkey(KEY_P256), now - 90000);
	assert_int_equal(authority_refresh(&place, &err), 0);
	assert_int_equal(crl_number(), 2);
	write_crl(support_pkey(KEY_P256), now + 90000);
	assert_int_equal(authority_refresh(&place, &err), 0);
	assert_int_equal(crl_number(), 3);
	write_crl(support_pkey(KEY_P384), now);
	assert_int_equal(authority_refresh(&place, &err), 0);
	assert_int_equal(crl_number(), 4);
}

static void
test_wrong_files(void **state)
{
	struct cert_client cert;
	char path[128];
	struct error err;

	(void)state;
	create();
	X509_free(issue(30, KEY_P256, &cert));
	snprintf(path, sizeof(path), "%s/authority/index", folder.path);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(authority_revoke(&place, ACCOUNT, &err), -1);
	assert_non_null(strstr(err.text, "nobody else"));
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(truncate(path, 200), 0);
	assert_int_equal(authority_revoke(&place, ACCOUNT, &err), -1);
	assert_non_null(strstr(err.text, "truncated"));
	/* Without an index everything would count as not revoked. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(authority_revoke(&place, ACCOUNT, &err), -1);
	assert_non_null(strstr(err.text, "backup"));
	assert_int_equal(authority_refresh(&place, &err), -1);
	snprintf(path, sizeof(path), "%s/authority", folder.path);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(authority_exists(&place, &err), -1);
	assert_non_null(strstr(err.text, "0700"));
}

/* Creating one, stopped at each step: none, or a whole one. */
static void
test_killed_while_made(void **state)
{
	struct error err;
	int result = -1;

	(void)state;
	for (int at = 1; result == -1; at++) {
		for (int kill = 0; kill < 2; kill++) {
			step = 0;
			*(kill ? &kill_at : &fail_at) = at;
			result = authority_create(&place, support_pkey(KEY_P256),
						  "mail.example.org", &err);
			fail_at = kill_at = 0;
			assert_int_equal(authority_refresh(&place, &err), 0); /* the next start */
			if (authority_exists(&place, &err) == 1) {
				struct cert_client cert;

				X509_free(issue(1, KEY_P256, &cert));
				assert_int_equal(support_count(&folder), 1);
				support_remove_folder(&folder);
				support_folder(&folder);
				place.certs = folder.fd;
			} else {
				assert_int_equal(support_count(&folder), 0);
			}
		}
	}
}

/* Revoking, stopped at each step: after the next start index and CRL say the same. */
static void
test_killed_while_revoking(void **state)
{
	struct error err;

	(void)state;
	create();
	for (int at = 1; at < 10; at++) {
		struct client_index index;
		struct cert_client cert;
		X509 *leaf = issue(30, KEY_P256, &cert);
		int result, expected;

		step = 0;
		*(at % 2 == 0 ? &kill_at : &fail_at) = at;
		result = authority_revoke(&place, cert.serial, &err);
		fail_at = kill_at = 0;
		assert_int_equal(authority_refresh(&place, &err), 0);
		assert_int_equal(authority_list(&place, &index, &err), 0);
		expected =
		    index.list[index.count - 1].revoked != 0 ? X509_V_ERR_CERT_REVOKED : X509_V_OK;
		assert_int_equal(verify(leaf, X509_PURPOSE_SSL_CLIENT), expected);
		/* What was promised is so. */
		if (result == 1)
			assert_int_equal(expected, X509_V_ERR_CERT_REVOKED);
		assert_int_equal(crl_number(), index.crl);
		client_index_free(&index);
		X509_free(leaf);
	}
}

/* -- By posternctl -------------------------------------------------------------------- */

static const struct cc_client good = {.account = ACCOUNT,
				      .passphrase = SECRET,
				      .host = "mail.example.org",
				      .key = CERT_KEY_P256,
				      .days = 30};

static void
ask_client(struct admin_house *house, struct admin_answer *answer)
{
	admin_ask(house, CC_CLIENT, &good, sizeof(good), -1, answer);
	if (!answer->ok)
		fail_msg("%s", answer->text);
	assert_non_null(strstr(answer->text, "serial number "));
	assert_true(answer->length > 1000);
}

static void
test_requests(void **state)
{
	struct cc_revoke revoke = {.who = ACCOUNT};
	const struct ipc_empty nothing = {{0}};
	struct admin_answer answer;
	struct cert_client certs[2];
	struct admin_house house;
	struct error err;

	(void)state;
	admin_house_make(&house);
	admin_ask(&house, CC_CLIENTS, &nothing, sizeof(nothing), -1, &answer);
	assert_true(answer.ok);
	assert_int_equal(answer.length, 0);
	for (int i = 0; i < 2; i++) {
		ask_client(&house, &answer);
		admin_answer_free(&answer);
	}
	/* It is none of the certificates that a gate can ask for. */
	assert_int_equal(vault_load(house.target.vault, NULL, NULL, &err), 0);
	assert_int_equal(vault_count(house.target.vault), 0);
	admin_ask(&house, CC_CLIENTS, &nothing, sizeof(nothing), -1, &answer);
	assert_int_equal(answer.length, sizeof(certs));
	memcpy(certs, answer.data, sizeof(certs));
	assert_string_equal(certs[1].account, ACCOUNT);
	admin_answer_free(&answer);
	admin_ask(&house, CC_REVOKE, &revoke, sizeof(revoke), -1, &answer);
	assert_string_equal(answer.text, "2 certificates revoked");
	admin_ask(&house, CC_REVOKE, &revoke, sizeof(revoke), -1, &answer);
	assert_false(answer.ok);
	assert_non_null(strstr(answer.text, "no valid certificate"));
	admin_house_free(&house);
}

static void
cut(struct admin_house *house, uint16_t type, const void *body, size_t size)
{
	struct admin_answer answer;

	admin_ask(house, type, body, size, -1, &answer);
	assert_true(answer.cut);
}

static void
test_lies(void **state)
{
	struct cc_revoke revoke = {.who = "../authority"};
	struct admin_house house;
	struct cc_client bad;

	(void)state;
	admin_house_make(&house);
#define LIE(change)                                        \
	do {                                               \
		bad = good;                                \
		change;                                    \
		cut(&house, CC_CLIENT, &bad, sizeof(bad)); \
	} while (0)
	LIE(strlcpy(bad.account, "Alice@example.org", sizeof(bad.account)));
	LIE(strlcpy(bad.account, "alice\n@example.org", sizeof(bad.account)));
	LIE(memset(bad.account, 'a', sizeof(bad.account)));
	LIE(bad.passphrase[0] = '\0');
	LIE(bad.passphrase[7] = '\0');
	LIE(memset(bad.passphrase, 'a', sizeof(bad.passphrase)));
	LIE(strlcpy(bad.passphrase, "two\nlines", sizeof(bad.passphrase)));
	LIE(strlcpy(bad.passphrase, "b\303\244ttery battery", sizeof(bad.passphrase)));
	LIE(bad.host[0] = '\0');
	LIE(strlcpy(bad.host, "a b", sizeof(bad.host)));
	LIE(memset(bad.host, 'a', sizeof(bad.host)));
	LIE(bad.zero[1] = 1);
	LIE(bad.key = 0);
	LIE(bad.key = 77);
	LIE(bad.days = 0);
	LIE(bad.days = CERT_CLIENT_DAYS_MAX + 1);
	LIE(bad.legacy = 2);
	cut(&house, CC_REVOKE, &revoke, sizeof(revoke));
	revoke = (struct cc_revoke){.who = "0102", .zero = {1}};
	cut(&house, CC_REVOKE, &revoke, sizeof(revoke));
	memset(&revoke, 'A', sizeof(revoke));
	cut(&house, CC_REVOKE, &revoke, sizeof(revoke));
	assert_int_equal(support_count(&house.folder), 0);
	admin_house_free(&house);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_authority, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_client, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_longer_than_the_authority, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_revoke, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_refresh, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_daily, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_wrong_files, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_killed_while_made, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_killed_while_revoking, setup, teardown),
	    cmocka_unit_test(test_requests),
	    cmocka_unit_test(test_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
