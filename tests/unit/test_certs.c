/* SPDX-License-Identifier: ISC */
/* What the master keeps of what certd tells it of certificates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "master/certs.h"

static struct md_certificate
told(const char *name)
{
	struct md_certificate certificate = {.until = 5, .kind = MD_KEY_RSA};

	strlcpy(certificate.name, name, sizeof(certificate.name));
	return certificate;
}

static void
test_rounds(void **state)
{
	struct certs certs = {.list = NULL};
	struct md_certificate a = told("a"), b = told("b");

	(void)state;
	assert_int_equal(certs_told(&certs, &b), 0);
	assert_int_equal(certs_told(&certs, &a), 0);
	certs_all_told(&certs);
	assert_int_equal(certs.count, 2);
	assert_string_equal(certs.candidates[0].name, "a");
	/* A round that is not told to its end changes nothing. */
	for (unsigned i = 0; i < 100; i++) {
		struct md_certificate c;
		char name[16];

		snprintf(name, sizeof(name), "c%u", i);
		c = told(name);
		assert_int_equal(certs_told(&certs, &c), 0);
	}
	assert_int_equal(certs.count, 2);
	assert_ptr_equal(certs.candidates[0].name, certs.list[0].name);
	assert_string_equal(certs.candidates[1].name, "b");
	certs_all_told(&certs);
	assert_int_equal(certs.count, 100);
	a.until = 9;
	a.flags = MD_CERT_WEAK | MD_CERT_EXACT;
	assert_int_equal(certs_told(&certs, &a), 0);
	certs_all_told(&certs);
	assert_int_equal(certs.count, 1);
	assert_int_equal(certs.candidates[0].until, 9);
	assert_true(certs.candidates[0].weak && certs.candidates[0].exact);
	certs_all_told(&certs);
	assert_int_equal(certs.count, 0);
	certs_free(&certs);
}

static void
test_lies(void **state)
{
	struct certs certs = {.list = NULL};
	struct md_certificate a = told("../a");

	(void)state;
	assert_int_equal(certs_told(&certs, &a), -1);
	a = told("a");
	a.kind = MD_KEY_KINDS;
	assert_int_equal(certs_told(&certs, &a), -1);
	a.kind = 0;
	assert_int_equal(certs_told(&certs, &a), -1);
	a = told("a");
	a.step = EXPIRY_STEPS + 1;
	assert_int_equal(certs_told(&certs, &a), -1);
	a = told("a");
	a.until = -1;
	assert_int_equal(certs_told(&certs, &a), -1);
	a.until = INT64_MIN;
	assert_int_equal(certs_told(&certs, &a), -1);
	a.until = EXPIRY_MAX + 1;
	assert_int_equal(certs_told(&certs, &a), -1);
	a = told("c0");
	a.until = INT64_MAX;
	a.step = 1;
	assert_int_equal(certs_told(&certs, &a), -1);
	a.step = 0;
	assert_int_equal(certs_told(&certs, &a), 0);
	a = told("a");
	a.flags = MD_CERT_FLAGS + 1;
	assert_int_equal(certs_told(&certs, &a), -1);
	a = told("a");
	a.zero[1] = 1;
	assert_int_equal(certs_told(&certs, &a), -1);
	memset(a.name, 'a', sizeof(a.name));
	assert_int_equal(certs_told(&certs, &a), -1);
	for (unsigned i = 0; i < CERTD_CERTIFICATES_MAX; i++) {
		char name[16];

		snprintf(name, sizeof(name), "c%u", i);
		a = told(name);
		assert_int_equal(certs_told(&certs, &a), 0);
	}
	a = told("one-more");
	assert_int_equal(certs_told(&certs, &a), -1);
	certs_free(&certs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rounds),
	    cmocka_unit_test(test_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
