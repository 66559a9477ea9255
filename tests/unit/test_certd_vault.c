/* SPDX-License-Identifier: ISC */
/* The vault with good folders and with every bad one. */
#include <sys/tree.h>

#include "tests/unit/certd_support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "certd/vault.h"

static int changes;
static char last_change[CERT_NAME_SIZE];

static void
on_change(const struct vault_entry *entry, void *arg)
{
	(void)arg;
	changes++;
	strlcpy(last_change, entry->name, sizeof(last_change));
}

static int
setup(void **state)
{
	static struct folder folder;

	support_folder(&folder);
	changes = 0;
	*state = &folder;
	return 0;
}

static int
teardown(void **state)
{
	support_remove_folder(*state);
	return 0;
}

static struct vault *
open_vault(const struct folder *folder)
{
	struct vault *vault = vault_new();

	assert_non_null(vault);
	vault_set_folder(vault, folder->fd, getuid());
	return vault;
}

static void
load(struct vault *vault)
{
	struct error err;

	assert_int_equal(vault_load(vault, on_change, NULL, &err), 0);
}

static void
test_every_kind(void **state)
{
	struct folder *folder = *state;
	struct vault *vault = open_vault(folder);

	for (const enum key_kind *kind = support_kinds; *kind != 0; kind++) {
		char name[16];

		snprintf(name, sizeof(name), "kind%d", (int)*kind);
		support_write_pair(folder, name, support_pkey(*kind));
	}
	load(vault);
	assert_int_equal(changes, 5);
	for (const enum key_kind *kind = support_kinds; *kind != 0; kind++) {
		char name[16];

		snprintf(name, sizeof(name), "kind%d", (int)*kind);
		assert_non_null(vault_find(vault, name));
		assert_int_equal(key_kind(vault_find(vault, name)->pair->key), *kind);
	}
	assert_null(vault_find(vault, "kind"));
	vault_free(vault);
}

/* The pair "bad" is refused for a reason that contains WHY; the pair "good" is loaded anyway. */
static void
refused(struct folder *folder, const char *why)
{
	struct vault *vault = open_vault(folder);
	struct error err = {""};

	support_write_pair(folder, "good", support_pkey(KEY_ED25519));
	assert_int_equal(vault_load_one(vault, "bad", NULL, NULL, &err), -1);
	if (strstr(err.text, why) == NULL)
		fail_msg("'%s' is not in '%s'", why, err.text);
	load(vault);
	assert_null(vault_find(vault, "bad"));
	assert_non_null(vault_find(vault, "good"));
	vault_free(vault);
}

static size_t
slurp(const struct folder *folder, const char *file, char *buffer, size_t size)
{
	int fd = openat(folder->fd, file, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, buffer, size);

	assert_true(n > 0);
	close(fd);
	return (size_t)n;
}

static void
test_missing(void **state)
{
	struct folder *folder = *state;

	refused(folder, "bad.key: is not there");
	support_write_pair(folder, "bad", support_pkey(KEY_P256));
	unlinkat(folder->fd, "bad.crt", 0);
	refused(folder, "bad.crt: is not there");
}

static void
test_readable_by_others(void **state)
{
	static const mode_t modes[] = {0644, 0640, 0604, 0660, 0700, 0601};
	struct folder *folder = *state;

	support_write_pair(folder, "bad", support_pkey(KEY_P256));
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(fchmodat(folder->fd, "bad.key", modes[i], 0), 0);
		refused(folder, "bad.key: mode 0");
	}
	assert_int_equal(fchmodat(folder->fd, "bad.key", 0600, 0), 0);
	assert_int_equal(fchmodat(folder->fd, "bad.crt", 0664, 0), 0);
	refused(folder, "bad.crt: mode 0664");
}

static void
test_not_a_file(void **state)
{
	struct folder *folder = *state;

	support_write_pair(folder, "bad", support_pkey(KEY_P256));
	assert_int_equal(renameat(folder->fd, "bad.key", folder->fd, "elsewhere"), 0);
	assert_int_equal(symlinkat("elsewhere", folder->fd, "bad.key"), 0);
	refused(folder, "bad.key: is a symbolic link");
	unlinkat(folder->fd, "bad.key", 0);
	assert_int_equal(linkat(folder->fd, "elsewhere", folder->fd, "bad.key", 0), 0);
	refused(folder, "bad.key: has a second name");
	unlinkat(folder->fd, "bad.key", 0);
	assert_int_equal(mkfifoat(folder->fd, "bad.key", 0600), 0);
	refused(folder, "bad.key: is not a regular file");
	unlinkat(folder->fd, "bad.key", 0);
	assert_int_equal(mkdirat(folder->fd, "bad.key", 0700), 0);
	refused(folder, "bad.key: is not a regular file");
}

static void
test_unreadable(void **state)
{
	struct folder *folder = *state;

	support_write_pair(folder, "bad", support_pkey(KEY_P256));
	if (getuid() == 0) {
		assert_int_equal(fchownat(folder->fd, "bad.key", 12345, 0, 0), 0);
		refused(folder, "bad.key: belongs to uid 12345: chown it to uid 0");
	} else {
		assert_int_equal(fchmodat(folder->fd, "bad.key", 0, 0), 0);
		refused(folder, "bad.key: can't be read");
	}
}

static void
test_broken(void **state)
{
	struct folder *folder = *state;
	char key[4096], crt[4096];
	size_t key_length, crt_length;

	support_write_pair(folder, "bad", support_pkey(KEY_RSA));
	key_length = slurp(folder, "bad.key", key, sizeof(key));
	crt_length = slurp(folder, "bad.crt", crt, sizeof(crt));
	support_write(folder, "bad.key", "", 0, 0600);
	refused(folder, "bad.key: is empty");
	support_write(folder, "bad.key", "hello\n", 6, 0600);
	refused(folder, "bad.key: no PEM private key");
	support_write(folder, "bad.key", crt, crt_length, 0600);
	refused(folder, "bad.key: no PEM private key");
	for (size_t cut = 1; cut < key_length; cut += key_length / 8) {
		support_write(folder, "bad.key", key, cut, 0600);
		refused(folder, "bad.key: ");
	}
	support_write(folder, "bad.key", key, key_length, 0600);
	support_write(folder, "bad.crt", "", 0, 0644);
	refused(folder, "bad.crt: is empty");
	support_write(folder, "bad.crt", key, key_length, 0644);
	refused(folder, "bad.crt: no PEM certificate");
	support_write(folder, "bad.crt", crt, crt_length / 2, 0644);
	refused(folder, "bad.crt: broken or truncated");
	/* A whole leaf, and a chain that was cut. */
	memcpy(crt + crt_length, crt, crt_length / 2);
	support_write(folder, "bad.crt", crt, crt_length + crt_length / 2, 0644);
	refused(folder, "bad.crt: broken or truncated");
}

static void
test_too_large(void **state)
{
	struct folder *folder = *state;
	char *bytes = calloc(1, FILE_MAX + 1);

	assert_non_null(bytes);
	support_write(folder, "bad.key", bytes, FILE_MAX + 1, 0600);
	refused(folder, "bad.key: is larger");
	free(bytes);
}

static void
test_mismatch(void **state)
{
	struct folder *folder = *state;

	support_write_pair(folder, "bad", support_pkey(KEY_RSA));
	support_write_pair(folder, "other", support_pkey(KEY_P256));
	assert_int_equal(renameat(folder->fd, "other.crt", folder->fd, "bad.crt"), 0);
	refused(folder, "bad.key and bad.crt don't match");
}

static void
test_weak_and_unknown(void **state)
{
	struct folder *folder = *state;
	EVP_PKEY *pkey = support_new_pkey("RSA", 512, NULL);

	support_write_pair(folder, "bad", pkey);
	EVP_PKEY_free(pkey);
	refused(folder, "bad.key: RSA of 512 bits is weak");
	pkey = support_new_pkey("EC", 0, "secp256k1");
	support_write_pair(folder, "bad", pkey);
	EVP_PKEY_free(pkey);
	refused(folder, "bad.key: elliptic curve secp256k1");
}

static void
test_encrypted(void **state)
{
	struct folder *folder = *state;
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem;
	long length;

	support_write_pair(folder, "bad", support_pkey(KEY_P256));
	assert_int_equal(PEM_write_bio_PrivateKey(bio, support_pkey(KEY_P256), EVP_aes_128_cbc(),
						  (const unsigned char *)"word", 4, NULL, NULL),
			 1);
	length = BIO_get_mem_data(bio, &pem);
	support_write(folder, "bad.key", pem, (size_t)length, 0600);
	BIO_free(bio);
	refused(folder, "bad.key: is encrypted");
}

/* A certificate whose dates are past is used all the same, with a warning. */
static void
test_expired(void **state)
{
	struct folder *folder = *state;
	struct vault *vault = open_vault(folder);
	EVP_PKEY *pkey = support_pkey(KEY_P256);
	X509 *certificate = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem;
	long length;

	support_write_pair(folder, "old", pkey);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -7200);
	X509_gmtime_adj(X509_getm_notAfter(certificate), -3600);
	X509_set_pubkey(certificate, pkey);
	assert_true(X509_sign(certificate, pkey, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
	length = BIO_get_mem_data(bio, &pem);
	support_write(folder, "old.crt", pem, (size_t)length, 0644);
	X509_free(certificate);
	BIO_free(bio);
	load(vault);
	assert_non_null(vault_find(vault, "old"));
	assert_non_null(strstr(vault_find(vault, "old")->pair->warning, "expired"));
	vault_free(vault);
}

static void
test_folder(void **state)
{
	struct folder *folder = *state;
	struct vault *vault = open_vault(folder);
	struct error err;

	support_write_pair(folder, "good", support_pkey(KEY_P256));
	assert_int_equal(fchmod(folder->fd, 0750), 0);
	assert_int_equal(vault_load(vault, NULL, NULL, &err), -1);
	assert_non_null(strstr(err.text, "mode 0750"));
	assert_int_equal(fchmod(folder->fd, 0700), 0);
	vault_set_folder(vault, folder->fd, getuid() + 1);
	assert_int_equal(vault_load(vault, NULL, NULL, &err), -1);
	assert_non_null(strstr(err.text, "chown"));
	assert_null(vault_find(vault, "good"));
	vault_free(vault);
}

static void
test_reload(void **state)
{
	struct folder *folder = *state;
	struct vault *vault = open_vault(folder);
	const struct vault_entry *entry;
	struct pair *first;

	support_write_pair(folder, "a", support_pkey(KEY_P256));
	load(vault);
	assert_int_equal(changes, 1);
	entry = vault_find(vault, "a");
	first = entry->pair;
	load(vault); /* nothing has changed */
	assert_int_equal(changes, 1);
	assert_ptr_equal(entry->pair, first);
	support_write_pair(folder, "a", support_pkey(KEY_P256)); /* renewed, same key */
	support_write_pair(folder, "b", support_pkey(KEY_P384)); /* and a new one */
	load(vault);
	assert_int_equal(changes, 3);
	assert_int_equal(entry->generation, 0);
	assert_null(entry->previous[0].pair);
	support_write_pair(folder, "a", support_pkey(KEY_RSA)); /* another key */
	load(vault);
	assert_int_equal(changes, 4);
	assert_string_equal(last_change, "a");
	assert_int_equal(entry->generation, 1);
	assert_int_equal(key_kind(entry->pair->key), KEY_RSA);
	assert_int_equal(key_kind(entry->previous[0].pair->key), KEY_P256);
	vault_retire(vault);
	assert_non_null(entry->previous[0].pair);
	vault_retire(vault);
	assert_null(entry->previous[0].pair);
	vault_free(vault);
}

/* What is removed or broken stays in force. */
static void
test_kept(void **state)
{
	struct folder *folder = *state;
	struct vault *vault = open_vault(folder);

	support_write_pair(folder, "removed", support_pkey(KEY_P256));
	support_write_pair(folder, "broken", support_pkey(KEY_P384));
	load(vault);
	changes = 0;
	unlinkat(folder->fd, "removed.key", 0);
	unlinkat(folder->fd, "removed.crt", 0);
	support_write(folder, "broken.key", "nonsense", 8, 0600);
	load(vault);
	assert_int_equal(changes, 0);
	assert_int_equal(key_kind(vault_find(vault, "removed")->pair->key), KEY_P256);
	assert_int_equal(key_kind(vault_find(vault, "broken")->pair->key), KEY_P384);
	vault_free(vault);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_every_kind, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_missing, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_readable_by_others, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_not_a_file, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_unreadable, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_broken, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_too_large, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_mismatch, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_weak_and_unknown, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_encrypted, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_expired, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_folder, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_reload, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_kept, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
