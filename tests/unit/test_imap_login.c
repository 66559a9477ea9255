/* SPDX-License-Identifier: ISC */
/* What an IMAP client sends before its login. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/gate/imap/command.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void
test_reading(void **state)
{
	static const struct {
		const char *in;
		enum imap_login_step step;
		size_t used;
		unsigned literals;
	} rows[] = {
	    {"", IMAP_LOGIN_MORE, 0, 0},
	    {"a NOOP", IMAP_LOGIN_MORE, 0, 0},
	    {"a NOOP\r\n", IMAP_LOGIN_WHOLE, 8, 0},
	    {"a NOOP\nb NOOP\n", IMAP_LOGIN_WHOLE, 7, 0},
	    {"a LOGIN {1}\r\n", IMAP_LOGIN_CONTINUE, 13, 1},
	    {"a LOGIN {2}\r\nx", IMAP_LOGIN_MORE, 13, 1},
	    {"a LOGIN {2+}\r\n", IMAP_LOGIN_MORE, 14, 1},
	    {"a LOGIN {1}\r\nx {0}\r\n", IMAP_LOGIN_CONTINUE, 20, 2},
	    {"a LOGIN {1}\r\nx {0}\r\n\r\n", IMAP_LOGIN_WHOLE, 22, 2},
	    {"a LOGIN {1+}\r\n\n {1+}\r\n\r\r\n", IMAP_LOGIN_WHOLE, 25, 2},
	    {"a LOGIN {}\r\n", IMAP_LOGIN_WHOLE, 12, 0},
	    {"a LOGIN {x1}\r\n", IMAP_LOGIN_WHOLE, 14, 0},
	    {"a LOGIN 1}\r\n", IMAP_LOGIN_WHOLE, 12, 0},
	    {"a LOGIN {8192}\r\n", IMAP_LOGIN_REFUSED, 16, 1},
	    {"a LOGIN {8176}\r\n", IMAP_LOGIN_REFUSED, 16, 1},
	    {"a LOGIN {8175}\r\n", IMAP_LOGIN_CONTINUE, 16, 1},
	    {"a LOGIN {8192+}\r\n", IMAP_LOGIN_LOST, 17, 1},
	    {"a LOGIN {18446744073709551617}\r\n", IMAP_LOGIN_REFUSED, 32, 1},
	    {"a LOGIN {000000000000000000000000001}\r\n", IMAP_LOGIN_CONTINUE, 39, 1},
	    {"a LOGIN {9223372036854775808+}\r\n", IMAP_LOGIN_LOST, 32, 1},
	};
	char *large = malloc(IMAP_LOGIN_MAX);
	unsigned literals;
	size_t used, i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		used = 0;
		assert_int_equal(imap_login_read(rows[i].in, strlen(rows[i].in), &used, &literals),
				 rows[i].step);
		assert_int_equal(used, rows[i].used);
		assert_int_equal(literals, rows[i].literals);
	}
	memset(large, 'x', IMAP_LOGIN_MAX);
	assert_int_equal(imap_login_read(large, IMAP_LOGIN_MAX - 1, &used, &literals),
			 IMAP_LOGIN_MORE);
	assert_int_equal(imap_login_read(large, IMAP_LOGIN_MAX, &used, &literals), IMAP_LOGIN_LOST);
	free(large);
}

static void
test_commands(void **state)
{
	static const struct {
		const char *in;
		enum imap_login_verb verb;
		const char *tag;
		const char *why;
	} rows[] = {
	    {"a capability\r\n", IMAP_LOGIN_CAPABILITY, "a", NULL},
	    {"a.1 NOOP \r\n", IMAP_LOGIN_NOOP, "a.1", NULL},
	    {"] LOGOUT\n", IMAP_LOGIN_LOGOUT, "]", NULL},
	    {"a ID NIL\r\n", IMAP_LOGIN_ID, "a", NULL},
	    {"a ID (\"name\" {1}\r\nx)\r\n", IMAP_LOGIN_ID, "a", NULL},
	    {"a STARTTLS\r\n", IMAP_LOGIN_STARTTLS, "a", NULL},
	    {"a UID FETCH 1 ALL\r\n", IMAP_LOGIN_NOT_NOW, "a", NULL},
	    {"a SELECT {1}\r\nx\r\n", IMAP_LOGIN_NOT_NOW, "a", NULL},
	    {"a XYZZY\r\n", IMAP_LOGIN_UNKNOWN, "a", NULL},
	    {"a \xff\r\n", IMAP_LOGIN_MALFORMED, "a", "Expected a tag"},
	    {"\r\n", IMAP_LOGIN_MALFORMED, "*", "Expected a tag"},
	    {"* NOOP\r\n", IMAP_LOGIN_MALFORMED, "*", "Expected a tag"},
	    {"a+ NOOP\r\n", IMAP_LOGIN_MALFORMED, "*", "Expected a tag"},
	    {"a\r\n", IMAP_LOGIN_MALFORMED, "*", "Expected a tag"},
	    {"a NOOP x\r\n", IMAP_LOGIN_MALFORMED, "a", "Expected the end"},
	    {"a ID\r\n", IMAP_LOGIN_MALFORMED, "a", "Expected NIL"},
	    {"a LOGIN\r\n", IMAP_LOGIN_MALFORMED, "a", "Expected a user name"},
	    {"a LOGIN \"x\r\n", IMAP_LOGIN_MALFORMED, "a", "Expected a user name"},
	    {"a LOGIN x\r\n", IMAP_LOGIN_MALFORMED, "a", "Expected a password"},
	    {"a LOGIN x y z\r\n", IMAP_LOGIN_MALFORMED, "a", "Expected the end"},
	    {"a LOGIN ~{1}\r\nx y\r\n", IMAP_LOGIN_MALFORMED, "a", "Expected a password"},
	    {"a AUTHENTICATE\r\n", IMAP_LOGIN_MALFORMED, "a", "Expected a mechanism"},
	    {"a AUTHENTICATE PLAIN a b\r\n", IMAP_LOGIN_MALFORMED, "a", "Expected an initial"},
	};
	struct imap_login_command command;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		imap_login_parse(rows[i].in, strlen(rows[i].in), &command);
		assert_int_equal(command.verb, rows[i].verb);
		assert_string_equal(command.tag, rows[i].tag);
		if (rows[i].why == NULL)
			assert_null(command.why);
		else
			assert_int_equal(strncmp(command.why, rows[i].why, strlen(rows[i].why)), 0);
	}
}

static void
test_login(void **state)
{
	static const struct {
		const char *in;
		const char *user;
		const char *password;
	} rows[] = {
	    {"a LOGIN u@x p\r\n", "u@x", "p"},
	    {"a LOGIN \"u \\\"x\" \"\\\\p\"\r\n", "u \"x", "\\p"},
	    {"a LOGIN {3}\r\nabc {2+}\r\n\r\n\r\n", "abc", "\r\n"},
	    {"a LOGIN {0}\r\n \"\"\r\n", "", ""},
	    {"a LOGIN \"{1}\" \"x{1}y\"\r\n", "{1}", "x{1}y"},
	    {"a LOGIN a]b \"\xc3\xa4\"\r\n", "a]b", "\xc3\xa4"},
	};
	struct imap_login_command command;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		imap_login_parse(rows[i].in, strlen(rows[i].in), &command);
		assert_int_equal(command.verb, IMAP_LOGIN_LOGIN);
		assert_int_equal(command.user_length, strlen(rows[i].user));
		assert_memory_equal(command.user, rows[i].user, command.user_length);
		assert_int_equal(command.password_length, strlen(rows[i].password));
		assert_memory_equal(command.password, rows[i].password, command.password_length);
	}
	imap_login_parse("a LOGIN {1}\r\n\0 x\r\n", 19, &command);
	assert_int_equal(command.verb, IMAP_LOGIN_MALFORMED);
}

/* What is too long for a name or password isn't one. */
static void
test_long_names(void **state)
{
	struct imap_login_command command;
	char in[4096], name[2048];

	(void)state;
	memset(name, 'x', sizeof(name));
	snprintf(in, sizeof(in), "a LOGIN %.*s p\r\n", ADDRESS_SIZE - 1, name);
	imap_login_parse(in, strlen(in), &command);
	assert_int_equal(command.verb, IMAP_LOGIN_LOGIN);
	snprintf(in, sizeof(in), "a LOGIN %.*s p\r\n", ADDRESS_SIZE, name);
	imap_login_parse(in, strlen(in), &command);
	assert_int_equal(command.verb, IMAP_LOGIN_MALFORMED);
	snprintf(in, sizeof(in), "a LOGIN x \"%.*s\"\r\n", PASSWORD_SIZE - 1, name);
	imap_login_parse(in, strlen(in), &command);
	assert_int_equal(command.verb, IMAP_LOGIN_LOGIN);
	snprintf(in, sizeof(in), "a LOGIN x \"%.*s\"\r\n", PASSWORD_SIZE, name);
	imap_login_parse(in, strlen(in), &command);
	assert_int_equal(command.verb, IMAP_LOGIN_MALFORMED);
	snprintf(in, sizeof(in), "%.*s NOOP\r\n", IMAP_LOGIN_TAG_SIZE, name);
	imap_login_parse(in, strlen(in), &command);
	assert_int_equal(command.verb, IMAP_LOGIN_MALFORMED);
	assert_string_equal(command.tag, "*");
}

static void
test_authenticate(void **state)
{
	struct imap_login_command command;
	const char *in = "a AUTHENTICATE plain\r\n";

	(void)state;
	imap_login_parse(in, strlen(in), &command);
	assert_int_equal(command.verb, IMAP_LOGIN_AUTHENTICATE);
	assert_int_equal(command.mechanism_length, 5);
	assert_memory_equal(command.mechanism, "plain", 5);
	assert_null(command.response);
	in = "a AUTHENTICATE SCRAM-SHA-256 AGEAYg==\r\n";
	imap_login_parse(in, strlen(in), &command);
	assert_int_equal(command.mechanism_length, 13);
	assert_int_equal(command.response_length, 8);
	assert_memory_equal(command.response, "AGEAYg==", 8);
	in = "a AUTHENTICATE EXTERNAL =\r\n";
	imap_login_parse(in, strlen(in), &command);
	assert_int_equal(command.response_length, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reading),      cmocka_unit_test(test_commands),
	    cmocka_unit_test(test_login),        cmocka_unit_test(test_long_names),
	    cmocka_unit_test(test_authenticate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
