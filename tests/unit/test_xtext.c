/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/address.h"
#include "common/mail_parameters.h"
#include "common/xtext.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *encoded;
	const char *text;  /* NULL: refused */
	const char *again; /* as it is encoded; NULL: as it was */
} xtexts[] = {
    {"", "", NULL},         {"abc", "abc", NULL},     {"a+2Bb+3D+20", "a+b= ", NULL},
    {"+41", "A", "A"},      {"a+2bb", NULL, NULL}, /* RFC 3461 4: upper case */
    {"a+2", NULL, NULL},    {"a+", NULL, NULL},       {"a+ZZ", NULL, NULL},
    {"a=b", NULL, NULL},    {"a b", NULL, NULL},      {"a\tb", NULL, NULL},
    {"+00", NULL, NULL},    {"+0D+0A", NULL, NULL},   {"+7F", NULL, NULL},
    {"+C3+A4", NULL, NULL}, {"\xc3\xa4", NULL, NULL},
};

static const struct {
	const char *encoded;
	bool wide;
	const char *text;
	const char *again;
} unitexts[] = {
    {"a@b", false, "a@b", NULL},
    {"\\x{E4}@b", false, "\xc3\xa4@b", NULL},
    {"\\x{e4}", false, "\xc3\xa4", "\\x{E4}"},
    {"\\x{20AC}\\x{1F600}\\x{10FFFF}", false, "\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf", NULL},
    {"\\x{2B}\\x{3D}\\x{5C}\\x{20}", false, "+=\\ ", NULL},
    {"\xc3\xa4", true, "\xc3\xa4", "\\x{E4}"},
    {"\xc3\xa4", false, NULL, NULL},
    {"\xc3", true, NULL, NULL},
    {"\\x{110000}", false, NULL, NULL},
    {"\\x{D800}", false, NULL, NULL},
    {"\\x{41}", false, NULL, NULL},
    {"\\x{0D}", false, NULL, NULL},
    {"\\x{00}", false, NULL, NULL},
    {"\\x{0E4}", false, NULL, NULL},
    {"\\x{4}", false, NULL, NULL},
    {"\\x{1000000}", false, NULL, NULL},
    {"\\x{E4", false, NULL, NULL},
    {"\\x{}", false, NULL, NULL},
    {"\\xE4", false, NULL, NULL},
    {"a+b", false, NULL, NULL},
    {"a=b", false, NULL, NULL},
    {"a b", false, NULL, NULL},
};

static void
there_and_back(void **state)
{
	char out[128], again[128];

	(void)state;
	for (size_t i = 0; i < COUNT(xtexts); i++) {
		const char *in = xtexts[i].encoded;
		int n = xtext_decode(in, strlen(in), out, sizeof(out));

		if ((n >= 0) != (xtexts[i].text != NULL))
			fail_msg("%s: %d", in, n);
		if (n < 0)
			continue;
		assert_string_equal(out, xtexts[i].text);
		assert_true(xtext_encode(out, again, sizeof(again)) >= 0);
		assert_string_equal(again, xtexts[i].again != NULL ? xtexts[i].again : in);
	}
	for (size_t i = 0; i < COUNT(unitexts); i++) {
		const char *in = unitexts[i].encoded;
		int n = unitext_decode(in, strlen(in), unitexts[i].wide, out, sizeof(out));

		if ((n >= 0) != (unitexts[i].text != NULL))
			fail_msg("%s: %d", in, n);
		if (n < 0)
			continue;
		assert_string_equal(out, unitexts[i].text);
		assert_true(unitext_encode(out, again, sizeof(again)) >= 0);
		assert_string_equal(again, unitexts[i].again != NULL ? unitexts[i].again : in);
	}
}

static void
room_is_kept(void **state)
{
	char out[8];

	(void)state;
	assert_int_equal(xtext_decode("abc", 3, out, 4), 3);
	assert_int_equal(xtext_decode("abc", 3, out, 3), -1);
	assert_int_equal(xtext_decode("", 0, out, 0), -1);
	assert_int_equal(xtext_encode("++", out, 7), 6);
	assert_int_equal(xtext_encode("++", out, 6), -1);
	assert_int_equal(unitext_decode("abc", 3, true, out, 3), -1);
	assert_int_equal(unitext_encode("\xc3\xa4\xc3\xa4", out, 8), -1);
}

static void
original_recipients(void **state)
{
	static const struct {
		const char *text;
		bool sound;
	} cases[] = {
	    {"rfc822;a@b", true},     {"x.400;a b", false},   {"x400;a b", true},
	    {"RFC822;a@b", false},    {"rfc822;", false},     {";a", false},
	    {"rfc822", false},        {"rfc822;a\rb", false}, {"rfc822;\xc3\xa4", false},
	    {"utf-8;\xc3\xa4", true}, {"utf-8;\xc3", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (orcpt_is_sound(cases[i].text, strlen(cases[i].text)) != cases[i].sound)
			fail_msg("%s", cases[i].text);
	}
	assert_false(orcpt_is_sound("rfc822;a\0b", 10));
	assert_true(notify_is_sound(0));
	assert_true(notify_is_sound(DSN_NOTIFY_NEVER));
	assert_false(notify_is_sound(DSN_NOTIFY_NEVER | DSN_NOTIFY_DELAY));
	assert_true(notify_is_sound(DSN_NOTIFY_ALL & ~DSN_NOTIFY_NEVER));
	assert_false(notify_is_sound(16));
	assert_true(notify_wants(0, DSN_NOTIFY_FAILURE));
	assert_true(notify_wants(0, DSN_NOTIFY_DELAY));
	assert_false(notify_wants(0, DSN_NOTIFY_SUCCESS));
	assert_false(notify_wants(DSN_NOTIFY_NEVER, DSN_NOTIFY_FAILURE));
	assert_false(notify_wants(DSN_NOTIFY_SUCCESS, DSN_NOTIFY_FAILURE));
	/* Two paths to one mailbox: what either wants, and no more. */
	for (uint32_t one = 0; one <= DSN_NOTIFY_ALL; one++) {
		for (uint32_t other = 0; other <= DSN_NOTIFY_ALL; other++) {
			uint32_t both = notify_both(one, other);

			if (!notify_is_sound(one) || !notify_is_sound(other))
				continue;
			assert_true(notify_is_sound(both));
			for (uint32_t kind = DSN_NOTIFY_SUCCESS; kind <= DSN_NOTIFY_DELAY;
			     kind *= 2)
				assert_int_equal(notify_wants(both, kind),
						 notify_wants(one, kind) ||
						     notify_wants(other, kind));
		}
	}
}

/* RFC 6531 3.3 */
static void
addresses(void **state)
{
	static const struct {
		const char *text;
		enum address_error error;
		const char *formatted;
	} cases[] = {
	    {"a@b", ADDRESS_OK, "a@b"},
	    {"\xc3\xa4@b", ADDRESS_OK, "\xc3\xa4@b"},
	    {"\xc3\xa4.\xc3\xb6@b", ADDRESS_OK, "\xc3\xa4.\xc3\xb6@b"},
	    {"\"\xc3\xa4 \\\xc3\xb6\"@b", ADDRESS_OK, "\"\xc3\xa4 \xc3\xb6\"@b"},
	    {"a@B\xc3\x9c"
	     "cher.example",
	     ADDRESS_OK, "a@xn--bcher-kva.example"},
	    {"\xc3\xa4@[192.0.2.1]", ADDRESS_OK, "\xc3\xa4@[192.0.2.1]"},
	    {"\xc3@b", ADDRESS_NOT_UTF8, NULL},
	    {"\xc0\x80@b", ADDRESS_NOT_UTF8, NULL},
	    {"\xed\xa0\x80@b", ADDRESS_NOT_UTF8, NULL},
	    {"\xc3\xa4", ADDRESS_NO_DOMAIN, NULL},
	    {"\xc3\xa4@", ADDRESS_NO_DOMAIN, NULL},
	    {"\xc3\xa4..a@b", ADDRESS_BAD_LOCAL, NULL},
	    {"\xc3\xa4 a@b", ADDRESS_BAD_LOCAL, NULL},
	    {"\xc3\xa4\n@b", ADDRESS_BAD_LOCAL, NULL},
	    {"a@\xc3\xa4\n", ADDRESS_BAD_IDN, NULL},
	    {"a@\xc3\xa4>b", ADDRESS_BAD_IDN, NULL},
	};
	char text[ADDRESS_TEXT_SIZE];
	struct address address;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		enum address_error error =
		    address_parse_utf8(cases[i].text, strlen(cases[i].text), &address);

		if (error != cases[i].error)
			fail_msg("%s: %d", cases[i].text, (int)error);
		if (error != ADDRESS_OK)
			continue;
		(void)address_format(&address, text, sizeof(text));
		assert_string_equal(text, cases[i].formatted);
	}
	assert_int_equal(address_parse_utf8("a@\xc3\xa4\0b", 6, &address), ADDRESS_BAD_DOMAIN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(there_and_back),
	    cmocka_unit_test(room_is_kept),
	    cmocka_unit_test(original_recipients),
	    cmocka_unit_test(addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
