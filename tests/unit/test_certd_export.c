/* SPDX-License-Identifier: ISC */
/* What leaves certd, in which shape, and where to. */
#include "tests/unit/certd_admin.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "certd/pack.h"

#define SECRET "correct horse battery"

static struct admin_house house;

static int
setup(void **state)
{
	struct error err;

	(void)state;
	admin_house_make(&house);
	for (const enum key_kind *kind = support_kinds; *kind != 0; kind++) {
		char name[8];

		snprintf(name, sizeof(name), "k%d", (int)*kind);
		support_write_pair(&house.folder, name, support_pkey(*kind));
		assert_int_equal(vault_load_one(house.target.vault, name, NULL, NULL, &err), 0);
	}
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	admin_house_free(&house);
	return 0;
}

static void
ask(enum cert_export what, const char *name, const char *passphrase, struct admin_answer *answer)
{
	struct cc_export export = {.what = what};

	strlcpy(export.name, name, sizeof(export.name));
	strlcpy(export.passphrase, passphrase, sizeof(export.passphrase));
	admin_ask(&house, CC_EXPORT, &export, sizeof(export), -1, answer);
}

static void
check_key(const char *text, size_t length, char *passphrase, enum key_kind kind)
{
	BIO *bio = BIO_new_mem_buf(text, (int)length);
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, passphrase);
	X509 *leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	assert_non_null(pkey);
	assert_int_equal(EVP_PKEY_eq(pkey, support_pkey(kind)), 1);
	if (leaf != NULL)
		assert_int_equal(X509_check_private_key(leaf, pkey), 1);
	X509_free(leaf);
	EVP_PKEY_free(pkey);
	BIO_free(bio);
}

static void
test_pem(void **state)
{
	(void)state;
	for (const enum key_kind *kind = support_kinds; *kind != 0; kind++) {
		struct admin_answer chain, key;
		char name[8], secret[] = SECRET;

		snprintf(name, sizeof(name), "k%d", (int)*kind);
		ask(CERT_EXPORT_CHAIN, name, "", &chain);
		assert_true(chain.ok);
		assert_null(strstr(chain.data, "PRIVATE"));
		ask(CERT_EXPORT_KEY, name, secret, &key);
		assert_true(key.ok);
		assert_non_null(strstr(key.data, "BEGIN ENCRYPTED PRIVATE KEY"));
		assert_null(strstr(key.data, "BEGIN PRIVATE KEY"));
		assert_non_null(strstr(key.data, chain.data)); /* it follows */
		check_key(key.data, key.length, secret, *kind);
		admin_answer_free(&chain);
		admin_answer_free(&key);
	}
}

static void
check_pkcs12(const char *bytes, size_t length, const char *passphrase, EVP_PKEY *expected)
{
	BIO *bio = BIO_new_mem_buf(bytes, (int)length);
	PKCS12 *file = d2i_PKCS12_bio(bio, NULL);
	STACK_OF(X509) *more = NULL;
	EVP_PKEY *pkey = NULL;
	X509 *leaf = NULL;

	assert_non_null(file);
	assert_int_equal(PKCS12_verify_mac(file, "something else", -1), 0);
	assert_int_equal(PKCS12_parse(file, passphrase, &pkey, &leaf, &more), 1);
	assert_int_equal(EVP_PKEY_eq(pkey, expected), 1);
	assert_int_equal(X509_check_private_key(leaf, pkey), 1);
	EVP_PKEY_free(pkey);
	X509_free(leaf);
	sk_X509_pop_free(more, X509_free);
	PKCS12_free(file);
	BIO_free(bio);
}

static void
test_pkcs12(void **state)
{
	(void)state;
	for (const enum key_kind *kind = support_kinds; *kind != 0; kind++) {
		struct admin_answer answer;
		char name[8];

		snprintf(name, sizeof(name), "k%d", (int)*kind);
		ask(CERT_EXPORT_PKCS12, name, SECRET, &answer);
		assert_true(answer.ok);
		check_pkcs12(answer.data, answer.length, SECRET, support_pkey(*kind));
		admin_answer_free(&answer);
	}
}

static void
test_legacy(void **state)
{
	const struct pair *pair = vault_next(house.target.vault, NULL)->pair;
	const struct der_chain chain = {pair->chain, pair->chain_length};
	struct packed packed;
	struct error err;

	(void)state;
	assert_int_equal(
	    pack_pkcs12(key_pkey(pair->key), &chain, "label", SECRET, PACK_LEGACY, &packed, &err),
	    0);
	check_pkcs12(packed.bytes, packed.length, SECRET, key_pkey(pair->key));
	packed_free(&packed);
}

static void
clear(const char *name, int fd, struct admin_answer *answer)
{
	struct cc_export_clear export = {.name = ""};

	strlcpy(export.name, name, sizeof(export.name));
	admin_ask(&house, CC_EXPORT_CLEAR, &export, sizeof(export), fd, answer);
	assert_false(answer->cut);
	assert_int_equal(answer->length, 0); /* never a key as a message */
}

static void
test_clear(void **state)
{
	const enum key_kind kind = support_kinds[0];
	struct admin_answer answer;
	char name[8], bytes[8192];
	ssize_t n;
	int ends[2];

	(void)state;
	snprintf(name, sizeof(name), "k%d", (int)kind);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	clear(name, ends[1], &answer);
	assert_true(answer.ok);
	n = read(ends[0], bytes, sizeof(bytes));
	assert_true(n > 0);
	check_key(bytes, (size_t)n, NULL, kind);
	/* A pipe that nobody reads does not hold certd up. */
	for (int i = 0; i < 1000 && answer.ok; i++)
		clear(name, ends[1], &answer);
	assert_false(answer.ok);
	assert_non_null(strstr(answer.text, "pipe"));
	close(ends[0]);
	close(ends[1]);
}

static void
test_clear_to_the_wrong_place(void **state)
{
	struct admin_answer answer;
	int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), sv[2];

	(void)state;
	assert_int_not_equal(terminal, -1);
	clear("k1", terminal, &answer);
	assert_false(answer.ok);
	close(terminal);
	assert_int_equal(ipc_pair(sv), 0);
	clear("k1", sv[0], &answer);
	assert_false(answer.ok);
	close(sv[0]);
	close(sv[1]);
	clear("nobody", STDERR_FILENO, &answer);
	assert_false(answer.ok);
	assert_non_null(strstr(answer.text, "nobody"));
}

static void
cut(const void *body, size_t size, uint16_t type, int fd)
{
	struct admin_answer answer;

	admin_ask(&house, type, body, size, fd, &answer);
	assert_true(answer.cut);
}

static void
test_lies(void **state)
{
	const struct cc_export good = {.what = CERT_EXPORT_KEY, .name = "k1", .passphrase = SECRET};
	struct cc_export_clear clear_bad = {.name = "../k1"};
	struct cc_export bad = good;
	int file = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)state;
	bad.what = 0;
	cut(&bad, sizeof(bad), CC_EXPORT, -1);
	bad.what = CERT_EXPORT_PKCS12 + 1;
	cut(&bad, sizeof(bad), CC_EXPORT, -1);
	bad = good;
	bad.zero[1] = 1;
	cut(&bad, sizeof(bad), CC_EXPORT, -1);
	bad = good;
	bad.passphrase[0] = '\0'; /* the key as it is, as a message */
	cut(&bad, sizeof(bad), CC_EXPORT, -1);
	memset(bad.passphrase, 'x', sizeof(bad.passphrase));
	cut(&bad, sizeof(bad), CC_EXPORT, -1);
	bad = good;
	bad.what = CERT_EXPORT_PKCS12;
	strlcpy(bad.passphrase, "b\303\244ttery battery", sizeof(bad.passphrase));
	cut(&bad, sizeof(bad), CC_EXPORT, -1);
	bad = good;
	bad.what = CERT_EXPORT_CHAIN; /* with a pass phrase */
	cut(&bad, sizeof(bad), CC_EXPORT, -1);
	bad = good;
	strlcpy(bad.name, "authority/authority", sizeof(bad.name));
	cut(&bad, sizeof(bad), CC_EXPORT, -1);
	memset(bad.name, 'x', sizeof(bad.name));
	cut(&bad, sizeof(bad), CC_EXPORT, -1);
	cut(&clear_bad, sizeof(clear_bad), CC_EXPORT_CLEAR, file);
	clear_bad = (struct cc_export_clear){.name = "k1", .zero = {0, 0, 1}};
	cut(&clear_bad, sizeof(clear_bad), CC_EXPORT_CLEAR, file);
	close(file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_pem, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_pkcs12, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_legacy, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_clear, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_clear_to_the_wrong_place, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_lies, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
