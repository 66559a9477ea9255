/* SPDX-License-Identifier: ISC */
/* The index of clients' certificates: what is taken, what is refused, what comes out again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "certd/client_index.h"

#define ALICE "cert 4FA097 2026-11-24T18:20:00Z 2027-11-24T18:20:00Z - alice@example.org\n"
#define BOB                                                                           \
	"cert 51c302 2026-11-24T18:21:00Z 2027-11-24T18:21:00Z 2026-12-01T08:00:00Z " \
	"bob@example.org\n"
#define NOV_24 1795544400 /* 2026-11-24T18:20:00Z */

static struct client_index
parsed(const char *text)
{
	struct client_index index;
	struct error err;

	assert_int_equal(client_index_parse(text, strlen(text), &index, &err), 0);
	return index;
}

static void
test_good(void **state)
{
	struct client_index index = parsed("# hello\n\ncrl 3\n" ALICE BOB), again;
	struct error err;
	size_t length;
	char *text;

	(void)state;
	assert_int_equal(index.crl, 3);
	assert_int_equal(index.count, 2);
	assert_string_equal(index.list[0].serial, "4FA097");
	assert_string_equal(index.list[0].account, "alice@example.org");
	assert_int_equal(index.list[0].issued, NOV_24);
	assert_int_equal(index.list[0].until, NOV_24 + 365 * 86400);
	assert_int_equal(index.list[0].revoked, 0);
	assert_string_equal(index.list[1].serial, "51C302");
	assert_int_not_equal(index.list[1].revoked, 0);
	text = client_index_format(&index, &length, &err);
	assert_non_null(text);
	again = parsed(text);
	assert_int_equal(again.count, 2);
	assert_memory_equal(again.list, index.list, 2 * sizeof(*index.list));
	free(text);
	client_index_free(&again);
	client_index_free(&index);
}

static void
refused(const char *text, size_t length, const char *why)
{
	struct client_index index;
	struct error err;

	assert_int_equal(client_index_parse(text, length, &index, &err), -1);
	if (strstr(err.text, why) == NULL)
		fail_msg("'%s' is not in '%s'", why, err.text);
	assert_null(index.list);
}

static void
test_bad(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
	    {"", "truncated"},
	    {ALICE, "truncated"},
	    {"crl 3\n" ALICE "cert 51", "line 3 has no end"},
	    {"crl 3\ncrl 4\n", "line 2"},
	    {"crl\n", "a number"},
	    {"crl 1 2\n", "a number"},
	    {"crl -1\n", "a number"},
	    {"crl 9999999999999999999\n", "a number"},
	    {"crl 3\nrevoke 51\n", "begins with neither"},
	    {"crl 3\ncert 51\n", "is followed by"},
	    {"crl 3\ncert  51\n", "not what certd"},
	    {"crl 3\ncert 1 2 3 4 5 6\n", "not what certd"},
	    {"crl 3\ncert 5 2026-11-24T18:20:00Z 2026-11-24T18:20:00Z - a@b.c\n", "serial"},
	    {"crl 3\ncert 5x 2026-11-24T18:20:00Z 2026-11-24T18:20:00Z - a@b.c\n", "serial"},
	    {"crl 3\ncert 51 2026-02-30T18:20:00Z 2026-11-24T18:20:00Z - a@b.c\n", "a time"},
	    {"crl 3\ncert 51 2026-11-24T18:20:00Z 2026-11-24T18:20:00 - a@b.c\n", "a time"},
	    {"crl 3\ncert 51 2026-11-24T18:20:00Z 2026-11-24T18:20:00Z + a@b.c\n", "a time"},
	    {"crl 3\ncert 51 2026-11-24T18:20:00Z 2026-11-24T18:20:00Z - A@b.c\n", "address"},
	    {"crl 3\ncert 51 2026-11-24T18:20:00Z 2026-11-24T18:20:00Z - a\n", "address"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(bad[i].text, strlen(bad[i].text), bad[i].why);
	refused("crl 3\ncert 5\0001 x\n", 17, "not what certd");
	/* Cut anywhere but at the end of a line. */
	for (size_t length = 1; length < strlen("crl 3\n" ALICE BOB); length++) {
		if (("crl 3\n" ALICE BOB)[length - 1] != '\n')
			refused("crl 3\n" ALICE BOB, length, "truncated");
	}
}

static void
test_revoke(void **state)
{
	struct client_index index = parsed("crl 3\n" ALICE BOB);
	struct cert_client more = index.list[0];
	struct error err;

	(void)state;
	assert_int_equal(client_index_add(&index, &more, &err), -1); /* the same number */
	strlcpy(more.serial, "0102", sizeof(more.serial));
	assert_int_equal(client_index_add(&index, &more, &err), 0);
	more.until = NOV_24;
	strlcpy(more.serial, "0103", sizeof(more.serial));
	assert_int_equal(client_index_add(&index, &more, &err), 0);
	assert_int_equal(client_index_revoke(&index, "nobody@example.org", NOV_24 + 1), 0);
	assert_int_equal(client_index_revoke(&index, "51c302", NOV_24 + 1), 0); /* it is */
	assert_int_equal(client_index_revoke(&index, "4fa097", NOV_24 + 1), 1);
	assert_int_equal(index.list[0].revoked, NOV_24 + 1);
	/* What has expired needs no revoking, but by its number it can be. */
	assert_int_equal(client_index_revoke(&index, "alice@example.org", NOV_24 + 2), 1);
	assert_int_equal(index.list[2].revoked, NOV_24 + 2);
	assert_int_equal(index.list[3].revoked, 0);
	assert_int_equal(client_index_revoke(&index, "0103", NOV_24 + 3), 1);
	client_index_free(&index);
}

static void
test_many(void **state)
{
	struct client_index index = {.crl = 1};
	struct cert_client cert = {.issued = 1, .until = 2, .account = "a@b.c"};
	struct error err;
	size_t length;
	char *text;

	(void)state;
	for (int i = 0; i < 300; i++) {
		snprintf(cert.serial, sizeof(cert.serial), "%04X", (unsigned)i);
		assert_int_equal(client_index_add(&index, &cert, &err), 0);
	}
	text = client_index_format(&index, &length, &err);
	assert_int_equal(length, strlen(text));
	client_index_free(&index);
	index = parsed(text);
	assert_int_equal(index.count, 300);
	index.count = CLIENT_INDEX_MAX;
	index.room = CLIENT_INDEX_MAX;
	index.list = reallocarray(index.list, index.room, sizeof(cert));
	assert_non_null(index.list);
	memset(index.list, 0, index.room * sizeof(cert));
	strlcpy(cert.serial, "FFFF", sizeof(cert.serial));
	assert_int_equal(client_index_add(&index, &cert, &err), -1);
	assert_non_null(strstr(err.text, "more than"));
	free(text);
	client_index_free(&index);
}

static void
test_values(void **state)
{
	(void)state;
	assert_true(client_account_valid("alice.b+c@example.org"));
	assert_false(client_account_valid("\"alice\"@example.org"));
	assert_false(client_account_valid("a/b@example.org"));
	assert_false(client_account_valid("alice@[192.0.2.1]"));
	assert_false(client_account_valid("alice@Example.org"));
	assert_false(client_account_valid("alice @example.org"));
	assert_false(client_account_valid(""));
	assert_true(client_serial_valid("00ff"));
	assert_false(client_serial_valid(""));
	assert_false(client_serial_valid("0"));
	assert_false(client_serial_valid("12345678901234567890123456789012345678901F"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),   cmocka_unit_test(test_bad),
	    cmocka_unit_test(test_revoke), cmocka_unit_test(test_many),
	    cmocka_unit_test(test_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
