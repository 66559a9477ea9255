/* SPDX-License-Identifier: ISC */
/* Names of certificates and of what is kept aside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/cert_name.h"

static void
test_valid(void **state)
{
	char longest[66];

	(void)state;
	assert_true(cert_name_valid("mail.example.org"));
	assert_true(cert_name_valid("a"));
	assert_true(cert_name_valid("A_b-9.key"));
	assert_true(cert_name_valid("_dmarc"));
	assert_false(cert_name_valid(""));
	assert_false(cert_name_valid(".hidden"));
	assert_false(cert_name_valid(".."));
	assert_false(cert_name_valid("-option"));
	assert_false(cert_name_valid("a/b"));
	assert_false(cert_name_valid("a b"));
	assert_false(cert_name_valid("a\n"));
	assert_false(cert_name_valid("\xc3\xa4"));
	memset(longest, 'x', sizeof(longest));
	longest[64] = '\0';
	assert_true(cert_name_valid(longest));
	longest[64] = 'x';
	longest[65] = '\0';
	assert_false(cert_name_valid(longest));
}

static void
test_from_file(void **state)
{
	char name[CERT_NAME_SIZE];

	(void)state;
	assert_true(cert_name_from_file("mail.key", ".key", name, sizeof(name)));
	assert_string_equal(name, "mail");
	assert_true(cert_name_from_file("mail.key.key", ".key", name, sizeof(name)));
	assert_string_equal(name, "mail.key");
	assert_false(cert_name_from_file(".key", ".key", name, sizeof(name)));
	assert_false(cert_name_from_file("..key", ".key", name, sizeof(name)));
	assert_false(cert_name_from_file(".mail.key.new", ".key.new", name, sizeof(name)));
	assert_false(cert_name_from_file("mail.crt", ".key", name, sizeof(name)));
	assert_false(cert_name_from_file("two words.key", ".key", name, sizeof(name)));
}

static void
test_is_file(void **state)
{
	(void)state;
	assert_true(cert_name_is_file("mail.key"));
	assert_true(cert_name_is_file("mail.20261124T181002Z.crt"));
	assert_true(cert_name_is_file("a b.pem"));
	assert_false(cert_name_is_file(".key"));
	assert_false(cert_name_is_file("mail.csr"));
	assert_false(cert_name_is_file("key"));
	assert_false(cert_name_is_file(""));
}

/* A message's field that does not end is none, and no byte behind it is looked at. */
static void
test_field(void **state)
{
	char name[CERT_NAME_SIZE], kept[CERT_KEPT_SIZE], out[CERT_NAME_SIZE];

	(void)state;
	memset(name, 'a', sizeof(name));
	assert_false(cert_name_valid(name));
	memset(kept, 'a', sizeof(kept));
	assert_false(cert_name_kept(kept, out));
}

static void
test_kept(void **state)
{
	static const char *const others[] = {"mail",
					     "mail.20261124T181002Z.key",
					     "mail.20261124T181002",
					     "mail-20261124T181002Z",
					     "mail.2026112aT181002Z",
					     ".20261124T181002Z",
					     "-a.20261124T181002Z",
					     "20261124T181002Z",
					     "a.20261124T181002Z.20261124T181002Z",
					     ""};
	char name[CERT_NAME_SIZE], kept[CERT_KEPT_SIZE], longest[CERT_KEPT_SIZE + 1];

	(void)state;
	cert_name_keep("mail", 1795543802, kept);
	assert_string_equal(kept, "mail.20261124T181002Z");
	assert_false(cert_name_valid(kept));
	assert_true(cert_name_kept(kept, name));
	assert_string_equal(name, "mail");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(cert_name_kept(others[i], name));

	memset(longest, 'x', CERT_NAME_SIZE);
	longest[CERT_NAME_SIZE - 1] = '\0';
	cert_name_keep(longest, 1795543802, kept);
	assert_true(cert_name_kept(kept, name));
	assert_string_equal(name, longest);
	longest[0] = '\0';
	strlcpy(longest, kept, sizeof(longest));
	memmove(longest + 1, kept, CERT_KEPT_SIZE);
	assert_false(cert_name_kept(longest, name));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_valid),   cmocka_unit_test(test_from_file),
	    cmocka_unit_test(test_is_file), cmocka_unit_test(test_field),
	    cmocka_unit_test(test_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
