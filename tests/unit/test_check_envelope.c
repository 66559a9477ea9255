/* SPDX-License-Identifier: ISC */
/* What queue believes of an envelope that filter has changed, and what not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "worker/queue/check_envelope.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CAME 4 /* recipients */

#define HERE_STRANGER                                                     \
	{                                                                 \
		.kind = FILTER_STRANGER, .envelope = FILTER_ENVELOPE_HERE \
	}
#define HERE_USER                                                          \
	{                                                                  \
		.kind = FILTER_SUBMITTER, .envelope = FILTER_ENVELOPE_HERE \
	}
#define ANY_USER                                                               \
	{                                                                      \
		.kind = FILTER_SUBMITTER, .envelope = FILTER_ENVELOPE_ANYWHERE \
	}
#define TAIL(literal) literal, sizeof(literal) - 1
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NUMBER(n) n "\0\0\0"
#else
#define NUMBER(n) "\0\0\0" n
#endif

static void
what_is_no_change(void **state)
{
	static const struct {
		const char *what;
		bool sound;
		struct qf_mail mail;
		struct qf_envelope fixed;
		const char *tail;
		size_t length;
	} rows[] = {
	    {"removed", true, HERE_STRANGER, {.ranges = 1}, TAIL(NUMBER("\0") NUMBER("\4"))},
	    {"two",
	     true,
	     HERE_USER,
	     {.ranges = 2},
	     TAIL(NUMBER("\0") NUMBER("\1") NUMBER("\2") NUMBER("\2"))},
	    {"a sender", true, HERE_STRANGER, {.sender = 1}, TAIL("x@y\0")},
	    {"the null one", true, HERE_STRANGER, {.sender = 1}, TAIL("\0")},
	    {"and how",
	     true,
	     ANY_USER,
	     {.sender = 1, .parameters = 1, .ret = 1, .envid = "e"},
	     TAIL("x@y\0")},
	    {"added",
	     true,
	     HERE_USER,
	     {.added = 2},
	     TAIL("0x@y\0\0"
		  "1postmaster\0rfc822;z\0")},
	    {"elsewhere", true, ANY_USER, {.added = 1}, TAIL("@x@y\0\0")},

	    {"nothing", false, ANY_USER, {.ranges = 0}, TAIL("")},
	    {"not allowed", false, {.kind = FILTER_STRANGER}, {.added = 1}, TAIL("0x@y\0\0")},
	    {"of a report",
	     false,
	     {.kind = FILTER_OWN, .envelope = FILTER_ENVELOPE_ANYWHERE},
	     {.added = 1},
	     TAIL("0x@y\0\0")},
	    {"elsewhere, from here", false, HERE_STRANGER, {.added = 1}, TAIL("@x@y\0\0")},
	    {"a user's sender", false, HERE_USER, {.sender = 1}, TAIL("x@y\0")},
	    {"behind the last", false, HERE_USER, {.ranges = 1}, TAIL(NUMBER("\3") NUMBER("\2"))},
	    {"far behind",
	     false,
	     HERE_USER,
	     {.ranges = 1},
	     TAIL("\377\377\377\377\377\377\377\377")},
	    {"none removed", false, HERE_USER, {.ranges = 1}, TAIL(NUMBER("\0") NUMBER("\0"))},
	    {"twice",
	     false,
	     HERE_USER,
	     {.ranges = 2},
	     TAIL(NUMBER("\1") NUMBER("\2") NUMBER("\2") NUMBER("\1"))},
	    {"in one",
	     false,
	     HERE_USER,
	     {.ranges = 2},
	     TAIL(NUMBER("\0") NUMBER("\1") NUMBER("\1") NUMBER("\1"))},
	    {"half a range", false, HERE_USER, {.ranges = 1}, TAIL(NUMBER("\0") "\4\0\0")},
	    {"more ranges than octets",
	     false,
	     HERE_USER,
	     {.ranges = UINT32_MAX},
	     TAIL(NUMBER("\0") NUMBER("\4"))},
	    {"half a sender", false, HERE_STRANGER, {.sender = 1}, TAIL("x@y")},
	    {"no sender", false, HERE_STRANGER, {.sender = 1}, TAIL("x\0")},
	    {"two senders", false, HERE_STRANGER, {.sender = 2}, TAIL("x@y\0x@y\0")},
	    {"and more", false, HERE_STRANGER, {.sender = 1}, TAIL("x@y\0z")},
	    {"no parameters' sender",
	     false,
	     ANY_USER,
	     {.parameters = 1, .added = 1},
	     TAIL("0x@y\0\0")},
	    {"unsaid parameters", false, ANY_USER, {.sender = 1, .ret = 1}, TAIL("x@y\0")},
	    {"returned how",
	     false,
	     ANY_USER,
	     {.sender = 1, .parameters = 1, .ret = DSN_RETURNS},
	     TAIL("x@y\0")},
	    {"a line end",
	     false,
	     ANY_USER,
	     {.sender = 1, .parameters = 1, .envid = "a\nb"},
	     TAIL("x@y\0")},
	    {"not zero", false, ANY_USER, {.sender = 1, .zero = {1}}, TAIL("x@y\0")},
	    {"less than it says", false, HERE_USER, {.added = 2}, TAIL("0x@y\0\0")},
	    {"more than it says",
	     false,
	     HERE_USER,
	     {.added = 1},
	     TAIL("0x@y\0\0"
		  "0z@y\0\0")},
	    {"too many", false, HERE_USER, {.added = QF_ADDED_MAX + 1}, TAIL("0x@y\0\0")},
	    {"no recipient", false, HERE_USER, {.added = 1}, TAIL("0\0\0")},
	    {"no address", false, HERE_USER, {.added = 1}, TAIL("0x\0\0")},
	    {"two lines", false, HERE_USER, {.added = 1}, TAIL("0x@y\r\n\0\0")},
	    {"8-bit", false, HERE_USER, {.added = 1}, TAIL("0\xc3\xa4@y\0\0")},
	    {"never, but if it fails", false, HERE_USER, {.added = 1}, TAIL("5x@y\0\0")},
	    {"before the digits", false, HERE_USER, {.added = 1}, TAIL("/x@y\0\0")},
	    {"behind them", false, ANY_USER, {.added = 1}, TAIL("Px@y\0\0")},
	    {"no ORCPT",
	     false,
	     HERE_USER,
	     {.added = 1},
	     TAIL("0x@y\0"
		  "x\0")},
	    {"half an ORCPT", false, HERE_USER, {.added = 1}, TAIL("0x@y\0rfc822;x")},
	};
	struct envelope_change change;
	char tail[64];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		print_message("%s\n", rows[i].what);
		memcpy(tail, rows[i].tail, rows[i].length);
		tail[rows[i].length] = '\0';
		assert_int_equal(check_envelope_read(&rows[i].fixed, tail, rows[i].length,
						     &rows[i].mail, CAME, &change),
				 rows[i].sound);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_no_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
