/* SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "worker/gate/pop3/command.h"

static const struct {
	const char *line;
	enum pop3_verb verb;
	const char *argument;
	const char *response; /* NULL: none */
} cases[] = {
    {"CAPA", POP3_CAPA, "", NULL},
    {"capa ", POP3_CAPA, "", NULL},
    {"User alice@example.org", POP3_USER, "alice@example.org", NULL},
    {"USER alice  ", POP3_USER, "alice", NULL},
    {"USER", POP3_USER, "", NULL},
    {"USER two words", POP3_USER, "two words", NULL},
    {"PASS pass word ", POP3_PASS, "pass word ", NULL},
    {"PASS  leading", POP3_PASS, " leading", NULL},
    {"pass", POP3_PASS, "", NULL},
    {"AUTH", POP3_AUTH, "", NULL},
    {"AUTH PLAIN", POP3_AUTH, "PLAIN", NULL},
    {"AUTH PLAIN ", POP3_AUTH, "PLAIN", NULL},
    {"AUTH plain AGEAYg==", POP3_AUTH, "plain", "AGEAYg=="},
    {"AUTH PLAIN =", POP3_AUTH, "PLAIN", "="},
    {"STLS", POP3_STLS, "", NULL},
    {"QUIT", POP3_QUIT, "", NULL},
    {"STAT", POP3_NOT_NOW, "", NULL},
    {"TOP 1 0", POP3_NOT_NOW, "1 0", NULL},
    {"NOOP", POP3_NOT_NOW, "", NULL},
    {"UTF8", POP3_UTF8, "", NULL},
    {"utf8 x", POP3_UTF8, "x", NULL},
    {"LANG", POP3_LANG, "", NULL},
    {"LANG *", POP3_LANG, "*", NULL},
    {"lang en-GB", POP3_LANG, "en-GB", NULL},
    {"USER \xc3\xa4", POP3_USER, "\xc3\xa4", NULL},
    {"PASS \xc3\xa4 ", POP3_PASS, "\xc3\xa4 ", NULL},
    {"USER \xe4", POP3_NOT_UTF8, "\xe4", NULL},
    {"PASS \xc0\xaf", POP3_NOT_UTF8, "\xc0\xaf", NULL},
    {"APOP a b", POP3_APOP, "a b", NULL},
    {"HELO x", POP3_UNKNOWN, "x", NULL},
    {"CAPABILITY", POP3_UNKNOWN, "", NULL},
    {"CAP", POP3_UNKNOWN, "", NULL},
    {"", POP3_MALFORMED, "", NULL},
    {" CAPA", POP3_MALFORMED, "", NULL},
    {"USER a\rb", POP3_MALFORMED, "", NULL},
    {"\x80\xff", POP3_UNKNOWN, "", NULL},
};

static void
lines_become_commands(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pop3_command c;

		pop3_parse(cases[i].line, strlen(cases[i].line), &c);
		assert_int_equal(c.verb, cases[i].verb);
		assert_int_equal(c.argument_length, strlen(cases[i].argument));
		assert_memory_equal(c.argument, cases[i].argument, c.argument_length);
		assert_int_equal(c.response == NULL, cases[i].response == NULL);
		if (c.response == NULL)
			continue;
		assert_int_equal(c.response_length, strlen(cases[i].response));
		assert_memory_equal(c.response, cases[i].response, c.response_length);
	}
}

static void
a_nul_is_no_command(void **state)
{
	struct pop3_command c;

	(void)state;
	pop3_parse("QUIT\0", 5, &c);
	assert_int_equal(c.verb, POP3_MALFORMED);
	pop3_parse("PASS a\0b", 8, &c);
	assert_int_equal(c.verb, POP3_MALFORMED);
}

static void
lines_are_found(void **state)
{
	static char much[POP3_LINE_MAX + 16];
	size_t text = 99;

	(void)state;
	assert_int_equal(pop3_line("CAPA\r\nUSER", 10, &text), 6);
	assert_int_equal(text, 4);
	assert_int_equal(pop3_line("CAPA\nUSER", 9, &text), 5);
	assert_int_equal(text, 4);
	assert_int_equal(pop3_line("\r\n", 2, &text), 2);
	assert_int_equal(text, 0);
	assert_int_equal(pop3_line("\n", 1, &text), 1);
	assert_int_equal(text, 0);
	assert_int_equal(pop3_line("CAPA\r", 5, &text), 0);
	assert_int_equal(pop3_line("", 0, &text), 0);
	memset(much, 'A', sizeof(much));
	much[POP3_LINE_MAX - 1] = '\n';
	assert_int_equal(pop3_line(much, sizeof(much), &text), POP3_LINE_MAX);
	much[POP3_LINE_MAX - 1] = 'A';
	much[POP3_LINE_MAX] = '\n';
	assert_int_equal(pop3_line(much, sizeof(much), &text), 0);
}

/* The longest login there is fits into a line. */
static void
a_line_has_room_for_a_login(void **state)
{
	(void)state;
	assert_true(strlen("AUTH PLAIN ") + SASL_PLAIN_ENCODED_MAX + 2 <= POP3_LINE_MAX);
	assert_true(strlen("PASS ") + PASSWORD_SIZE + 2 <= POP3_LINE_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_become_commands),
	    cmocka_unit_test(a_nul_is_no_command),
	    cmocka_unit_test(lines_are_found),
	    cmocka_unit_test(a_line_has_room_for_a_login),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
