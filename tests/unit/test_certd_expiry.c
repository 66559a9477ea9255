/* SPDX-License-Identifier: ISC */
/* Certificates that are about to expire are told once at each threshold. */
#include <sys/tree.h>

#include "tests/unit/certd_support.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <openssl/x509.h>

#include "certd/expiry.h"

#define DAY INT64_C(86400)

static void
test_steps(void **state)
{
	(void)state;
	assert_int_equal(expiry_step(400 * DAY), 0);
	assert_int_equal(expiry_step(30 * DAY + 1), 0);
	assert_int_equal(expiry_step(30 * DAY), 1);
	assert_int_equal(expiry_step(14 * DAY), 2);
	assert_int_equal(expiry_step(7 * DAY), 3);
	assert_int_equal(expiry_step(3 * DAY), 4);
	assert_int_equal(expiry_step(DAY), 5);
	assert_int_equal(expiry_step(1), 5);
	assert_int_equal(expiry_step(0), 6);
	assert_int_equal(expiry_step(-400 * DAY), 6);
	assert_int_equal(expiry_step(INT64_MIN), 6);
}

static int64_t
end_of(const struct pair *pair)
{
	const unsigned char *der = pair->chain;
	X509 *leaf = d2i_X509(NULL, &der, (long)pair->chain_length);
	struct tm tm;

	assert_non_null(leaf);
	assert_int_equal(ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &tm), 1);
	X509_free(leaf);
	return (int64_t)timegm(&tm);
}

static void
test_check(void **state)
{
	struct vault *vault = vault_new();
	struct folder folder;
	struct error err;
	size_t told = 0;
	int64_t end;

	(void)state;
	assert_non_null(vault);
	support_folder(&folder);
	vault_set_folder(vault, folder.fd, getuid());
	assert_int_equal(expiry_check(vault, EXPIRY_NEVER_LOOKED, 0), 0);
	support_write_pair(&folder, "one", support_pkey(KEY_ED25519));
	assert_int_equal(vault_load(vault, NULL, NULL, &err), 0);
	end = end_of(vault_find(vault, "one")->pair);

	assert_int_equal(expiry_check(vault, EXPIRY_NEVER_LOOKED, end - 31 * DAY), 0);
	assert_int_equal(expiry_check(vault, EXPIRY_NEVER_LOOKED, end - 5 * DAY), 1);
	assert_int_equal(expiry_check(vault, EXPIRY_NEVER_LOOKED, end + DAY), 1);
	/* An hour at a time, each threshold once. */
	for (int64_t now = end - 40 * DAY; now < end + 5 * DAY; now += 3600)
		told += expiry_check(vault, now, now + 3600);
	assert_int_equal(told, 6);
	/* A clock that was set back tells nothing that is not so. */
	assert_int_equal(expiry_check(vault, end, end - 100 * DAY), 0);
	vault_free(vault);
	support_remove_folder(&folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_steps),
	    cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
