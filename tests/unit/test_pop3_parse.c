/* SPDX-License-Identifier: ISC */
/* POP3's pure parts: command lines, and messages as multi-line responses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/dot_stuff.h"
#include "worker/session/pop3/command.h"

static void
test_commands(void **state)
{
	static const struct {
		const char *line;
		enum pop3_verdict verdict;
		struct pop3_command command;
	} cases[] = {
	    {"STAT", POP3_OK, {POP3_STAT, false, 0, 0}},
	    {"stat", POP3_OK, {POP3_STAT, false, 0, 0}},
	    {"STAT ", POP3_OK, {POP3_STAT, false, 0, 0}},
	    {"LIST", POP3_OK, {POP3_LIST, false, 0, 0}},
	    {"LIST 3", POP3_OK, {POP3_LIST, true, 3, 0}},
	    {"LIST 0", POP3_OK, {POP3_LIST, true, 0, 0}},
	    {"RETR 00012", POP3_OK, {POP3_RETR, true, 12, 0}},
	    {"DELE 4294967295", POP3_OK, {POP3_DELE, true, UINT32_MAX, 0}},
	    {"DELE 99999999999999999999999", POP3_OK, {POP3_DELE, true, UINT32_MAX, 0}},
	    {"NOOP", POP3_OK, {POP3_NOOP, false, 0, 0}},
	    {"RSET", POP3_OK, {POP3_RSET, false, 0, 0}},
	    {"QUIT", POP3_OK, {POP3_QUIT, false, 0, 0}},
	    {"TOP 7 10", POP3_OK, {POP3_TOP, true, 7, 10}},
	    {"top  7  0", POP3_OK, {POP3_TOP, true, 7, 0}},
	    {"UIDL 2", POP3_OK, {POP3_UIDL, true, 2, 0}},
	    {"CAPA", POP3_OK, {POP3_CAPA, false, 0, 0}},
	    {"PASS my secret", POP3_OK, {POP3_LOGIN, false, 0, 0}},
	    {"STLS", POP3_OK, {POP3_LOGIN, false, 0, 0}},
	    {"UTF8", POP3_OK, {POP3_LOGIN, false, 0, 0}},
	    {"LANG", POP3_OK, {POP3_LANG_LIST, false, 0, 0}},
	    {"LANG ", POP3_OK, {POP3_LANG_LIST, false, 0, 0}},
	    {"LANG *", POP3_OK, {POP3_LANG_SET, false, 0, 0}},
	    {"lang EN", POP3_OK, {POP3_LANG_SET, false, 0, 0}},
	    {"LANG en-GB-oxendict", POP3_OK, {POP3_LANG_SET, false, 0, 0}},
	    {"LANG MUL", POP3_NO_SUCH_LANGUAGE, {0}},
	    {"LANG e", POP3_NO_SUCH_LANGUAGE, {0}},
	    {"LANG enm", POP3_NO_SUCH_LANGUAGE, {0}},
	    {"LANG en-", POP3_NO_SUCH_LANGUAGE, {0}},
	    {"LANG en--a", POP3_NO_SUCH_LANGUAGE, {0}},
	    {"LANG en-123456789", POP3_NO_SUCH_LANGUAGE, {0}},
	    {"LANG *-en", POP3_NO_SUCH_LANGUAGE, {0}},
	    {"LANG en de", POP3_EXTRA_ARGUMENT, {0}},
	    {"", POP3_UNKNOWN, {0}},
	    {" STAT", POP3_UNKNOWN, {0}},
	    {"STA", POP3_UNKNOWN, {0}},
	    {"TO 1 2", POP3_UNKNOWN, {0}},
	    {"STATS", POP3_UNKNOWN, {0}},
	    {"STAT\t", POP3_UNKNOWN, {0}},
	    {"RETR", POP3_MISSING_ARGUMENT, {0}},
	    {"RETR ", POP3_MISSING_ARGUMENT, {0}},
	    {"TOP 1", POP3_MISSING_ARGUMENT, {0}},
	    {"STAT 1", POP3_EXTRA_ARGUMENT, {0}},
	    {"LIST 1 2", POP3_EXTRA_ARGUMENT, {0}},
	    {"TOP 1 2 3", POP3_EXTRA_ARGUMENT, {0}},
	    {"RETR one", POP3_NOT_A_NUMBER, {0}},
	    {"RETR -1", POP3_NOT_A_NUMBER, {0}},
	    {"RETR +1", POP3_NOT_A_NUMBER, {0}},
	    {"RETR 1x", POP3_NOT_A_NUMBER, {0}},
	    {"TOP 1 -1", POP3_NOT_A_NUMBER, {0}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pop3_command command = {POP3_VERB_COUNT, false, 0, 0};
		enum pop3_verdict verdict =
		    pop3_parse_transaction(cases[i].line, strlen(cases[i].line), &command);

		if (verdict != cases[i].verdict)
			fail_msg("\"%s\": %s", cases[i].line, pop3_verdict_text(verdict));
		if (verdict != POP3_OK)
			continue;
		assert_int_equal(command.verb, cases[i].command.verb);
		assert_int_equal(command.has_message, cases[i].command.has_message);
		assert_int_equal(command.message, cases[i].command.message);
		assert_int_equal(command.lines, cases[i].command.lines);
	}
	/* NUL is an octet like others that are no letter. */
	assert_int_equal(pop3_parse_transaction("TOP\0 1 1", 8, &(struct pop3_command){0}),
			 POP3_UNKNOWN);
	assert_int_equal(pop3_parse_transaction("RETR 1\0", 7, &(struct pop3_command){0}),
			 POP3_NOT_A_NUMBER);
}

#define WHOLE (-1)

static void
test_stuff(void **state)
{
	static const struct {
		const char *message;
		int lines; /* of TOP, or WHOLE */
		const char *response;
	} cases[] = {
	    {"a: b\r\n\r\nhello\r\n", WHOLE, "a: b\r\n\r\nhello\r\n.\r\n"},
	    {".\r\n", WHOLE, "..\r\n.\r\n"},
	    {"..a\r\n.b\r\n", WHOLE, "...a\r\n..b\r\n.\r\n"},
	    {"a.\r\nb.c\r\n", WHOLE, "a.\r\nb.c\r\n.\r\n"},
	    {"no end", WHOLE, "no end\r\n.\r\n"},
	    {"half\r", WHOLE, "half\r\r\n.\r\n"},
	    {"bare\n.\r\n", WHOLE, "bare\n..\r\n.\r\n"},
	    {"", WHOLE, "\r\n.\r\n"},
	    {"a: b\r\n\r\n1\r\n2\r\n3\r\n", 0, "a: b\r\n\r\n.\r\n"},
	    {"a: b\r\n\r\n1\r\n2\r\n3\r\n", 2, "a: b\r\n\r\n1\r\n2\r\n.\r\n"},
	    {"a: b\r\n\r\n1\r\n2\r\n3\r\n", 9, "a: b\r\n\r\n1\r\n2\r\n3\r\n.\r\n"},
	    {"a: b\r\n\r\n.1\r\n\r\n3\r\n", 2, "a: b\r\n\r\n..1\r\n\r\n.\r\n"},
	    {"a: b\r\n\r\n1\r\nno end", 2, "a: b\r\n\r\n1\r\nno end\r\n.\r\n"},
	    {"\r\nbody\r\n", 0, "\r\n.\r\n"},
	    {"only: header\r\n", 0, "only: header\r\n.\r\n"},
	    {"only: header", 5, "only: header\r\n.\r\n"},
	    {"\r\r\n\r\nbody\r\n", 0, "\r\r\n\r\n.\r\n"},
	};
	char out[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *message = cases[i].message;
		size_t size = strlen(message);

		for (size_t piece = 1; piece <= size + 1; piece++) {
			struct dot_stuffer s;
			bool enough = false;
			size_t used = 0;

			if (cases[i].lines == WHOLE)
				dot_stuff_start(&s);
			else
				dot_stuff_start_top(&s, (uint32_t)cases[i].lines);
			for (size_t at = 0; at < size && !enough; at += piece)
				used += dot_stuff(&s, message + at,
						  size - at < piece ? size - at : piece, out + used,
						  &enough);
			used += dot_stuff_end(&s, out + used);
			out[used] = '\0';
			assert_string_equal(out, cases[i].response);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_commands),
	    cmocka_unit_test(test_stuff),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
