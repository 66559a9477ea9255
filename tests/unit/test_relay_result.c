/* SPDX-License-Identifier: ISC */
/* What relay tells queue of a recipient, for each outcome and kind of reply. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker/relay/result.h"

#define P OUTCOME_PENDING
#define D OUTCOME_DELIVERED
#define O OUTCOME_PUT_OFF
#define L OUTCOME_LATER
#define F OUTCOME_FAILED

static const struct {
	enum client_outcome outcome;
	struct reply reply; /* the recipient's, or to nobody in particular if it is pending */
	enum relay_outcome result;
	const char *status;
} cases[] = {
    {D, {250, "2.1.5", "Ok", true}, RELAY_DELIVERED, "2.1.5"},
    {D, {250, "", "Ok", true}, RELAY_DELIVERED, "2.0.0"},
    {O, {450, "4.2.1", "Grey", true}, RELAY_LATER, "4.2.1"},
    {L, {450, "4.2.1", "Grey", true}, RELAY_LATER, "4.2.1"},
    {L, {450, "", "Grey", true}, RELAY_LATER, "4.0.0"},
    {L, {452, "", "Full", true}, RELAY_LATER, "4.3.1"},
    {L, {354, "", "Odd", true}, RELAY_LATER, "4.0.0"},
    {L, {250, "2.0.0", "Odd, to DATA", true}, RELAY_LATER, "4.0.0"},
    {F, {550, "5.1.1", "No", true}, RELAY_FAILED, "5.1.1"},
    {F, {550, "", "No", true}, RELAY_FAILED, "5.0.0"},
    {F, {530, "", "Log in", true}, RELAY_FAILED, "5.7.0"},
    {F, {556, "", "Never", true}, RELAY_FAILED, "5.1.10"},
    /* To no recipient: it does not end the mail. */
    {P, {554, "5.7.1", "Your address is on a list", true}, RELAY_LATER, "4.7.1"},
    {P, {554, "", "No", true}, RELAY_LATER, "4.0.0"},
    {P, {521, "", "No mail here", true}, RELAY_LATER, "4.3.2"},
    {P, {421, "", "Busy", true}, RELAY_LATER, "4.3.2"},
    {P, {421, "4.7.28", "Too many", true}, RELAY_LATER, "4.7.28"},
    {P, {220, "2.0.0", "Odd", true}, RELAY_LATER, "4.0.0"},
    {P, {0, "", "", false}, RELAY_LATER, "4.0.0"},
    {P, {451, "4.4.1", "Connection refused", false}, RELAY_LATER, "4.4.1"},
    {F, {552, "5.3.4", "Larger than it takes", false}, RELAY_FAILED, "5.3.4"},
    {P, {554, "5.123.123", "Long", true}, RELAY_LATER, "4.123.123"},
};

static void
each_outcome_has_its_class(void **state)
{
	static const struct reply another = {599, "5.9.9", "another's", true};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool pending = cases[i].outcome == P;
		struct client_recipient recipient = {.outcome = cases[i].outcome,
						     .reply = pending ? another : cases[i].reply};
		struct qr_recipient result;

		print_message("%u %s\n", cases[i].reply.code, cases[i].reply.text);
		result_of(&recipient, pending ? &cases[i].reply : &another,
			  pending ? NULL : "mx.a.example", &result);
		assert_int_equal(result.outcome, cases[i].result);
		assert_int_equal(result.code, cases[i].reply.code);
		assert_string_equal(result.status, cases[i].status);
		assert_string_equal(result.text, cases[i].reply.text);
		assert_string_equal(result.host, pending ? "" : "mx.a.example");
		/* As it came, if it did. */
		assert_int_equal(result.said, cases[i].reply.said);
		assert_string_equal(result.enhanced,
				    cases[i].reply.said ? cases[i].reply.status : "");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_outcome_has_its_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
