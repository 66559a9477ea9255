/* SPDX-License-Identifier: ISC */
/* Messages for servers of 7 bits: what becomes of each part, and what can't be converted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/mime/seven_bit.h"

#define HEAD "From: a@example.org\r\nMIME-Version: 1.0\r\n"
#define MIXED HEAD "Content-Type: multipart/mixed; boundary=b\r\n"

/* What SIZE octets become, with a NUL behind; NULL if they can't be converted, and *VERDICT. */
static char *
convert(const char *message, size_t size, enum seven_bit_verdict *verdict, size_t *length)
{
	struct seven_bit plan;
	char *out;
	size_t n;

	*verdict = seven_bit_plan(&plan, message, size);
	if (*verdict != SEVEN_BIT_OK)
		return NULL;
	out = malloc((size_t)seven_bit_size(&plan) + 2 * SEVEN_BIT_ROOM);
	*length = 0;
	/* However small the pieces are that it is read in. */
	while ((n = seven_bit_read(&plan, out + *length, SEVEN_BIT_ROOM)) > 0)
		*length += n;
	assert_int_equal(*length, seven_bit_size(&plan));
	out[*length] = '\0';
	seven_bit_free(&plan);
	return out;
}

static void
check(const char *message, const char *wanted)
{
	enum seven_bit_verdict verdict;
	size_t length;
	char *out = convert(message, strlen(message), &verdict, &length);

	assert_int_equal(verdict, SEVEN_BIT_OK);
	assert_string_equal(out, wanted);
	free(out);
}

static void
text_is_quoted(void **state)
{
	(void)state;
	check(HEAD "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
		   "X-Last: 1\r\n\r\nGr\xc3\xbc\xc3\x9f"
		   "e = hello hello hello hello \r\nof a friend, who writes much text here\r\n",
	      HEAD "Content-Type: text/plain; charset=utf-8\r\nX-Last: 1\r\n"
		   "Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9F"
		   "e =3D hello hello hello hello=20\r\nof a friend, who writes much text "
		   "here\r\n");
}

static void
text_that_is_no_latin_is_base64(void **state)
{
	(void)state;
	check(HEAD "Content-Type: text/plain; charset=koi8-r\r\n\r\n\xd0\xd2\xc9\xd7\xc5\xd4\r\n",
	      HEAD "Content-Type: text/plain; charset=koi8-r\r\n"
		   "Content-Transfer-Encoding: base64\r\n\r\n0NLJ18XUDQo=");
}

/* RFC 2045 4, RFC 1428 3 */
static void
what_is_no_mime_becomes_it(void **state)
{
	(void)state;
	check("Subject: x\r\n\r\nfor our friend Andr\xe9 with many greetings\r\n",
	      "Subject: x\r\nContent-Type: text/plain; charset=unknown-8bit\r\n"
	      "Content-Transfer-Encoding: quoted-printable\r\nMIME-Version: 1.0\r\n\r\n"
	      "for our friend Andr=E9 with many greetings\r\n");
}

static void
parts_are_converted_by_themselves(void **state)
{
	(void)state;
	check(MIXED
	      "Content-Transfer-Encoding: 8bit\r\n\r\npre\xc3\xa9\r\n--b\r\n\r\nplain\r\n--b\r\n"
	      "Content-Type: image/png\r\ncontent-transfer-encoding:\r\n binary\r\n\r\n"
	      "\x89PNG\n\r\n--b\r\nContent-Transfer-Encoding: 8bit\r\n\r\nascii\r\n--b--\r\n"
	      "epi\r\n",
	      MIXED "\r\npre??\r\n--b\r\n\r\nplain\r\n--b\r\n"
		    "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
		    "iVBORwo=\r\n--b\r\n\r\nascii\r\n--b--\r\nepi\r\n");
}

static void
messages_in_messages_are_converted_inside(void **state)
{
	(void)state;
	check(HEAD "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
		   "Subject: in\r\nContent-Type: text/html\r\n\r\n<p>many words of German: Gr\xfc"
		   "n</p>\r\n",
	      HEAD "Content-Type: message/rfc822\r\n\r\n"
		   "Subject: in\r\nContent-Type: text/html\r\n"
		   "Content-Transfer-Encoding: quoted-printable\r\n\r\n<p>many words of German: Gr="
		   "FCn</p>\r\n");
	/* RFC 6532 3.7 */
	check(HEAD "Content-Type: message/global\r\n\r\nSubject: \xc3\xa9\r\n\r\nx",
	      HEAD "Content-Type: message/global\r\nContent-Transfer-Encoding: base64\r\n\r\n"
		   "U3ViamVjdDogw6kNCg0KeA==");
}

static void
what_fits_stays(void **state)
{
	static const char *const messages[] = {
	    "",
	    "\r\n",
	    "Subject: x\r\n",
	    "Subject: x\r\n\r\nbody\r\n.\r\n",
	    MIXED "\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--b--\r\n",
	    HEAD "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n"
		 "Content-Transfer-Encoding: 8bit\r\n\r\nx\r\n--b--\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		check(messages[i], messages[i]);
}

static void
lines_that_are_too_long(void **state)
{
	char message[3000] = HEAD "\r\n";
	enum seven_bit_verdict verdict;
	size_t length, column = 0;
	char *out;

	(void)state;
	memset(message + strlen(message), 'a', 999);
	out = convert(message, strlen(message), &verdict, &length);
	assert_non_null(out);
	assert_non_null(strstr(out, "quoted-printable"));
	for (size_t i = 0; i < length; i++) {
		column = out[i] == '\n' ? 0 : column + 1;
		assert_true(column <= 77); /* with its CR */
	}
	free(out);
}

static void
lines_end_with_crlf(void **state)
{
	(void)state;
	check("Subject: x\nMIME-Version: 1.0\nContent-Type: application/x\n\n\n\r\xff",
	      "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: application/x\r\n"
	      "Content-Transfer-Encoding: base64\r\n\r\nCg3/");
}

#define SIGNATURE "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; "

static void
what_can_not_be(void **state)
{
	static const struct {
		const char *message;
		enum seven_bit_verdict verdict;
	} cases[] = {
	    {"Subject: \xc3\xa9\r\n\r\nx", SEVEN_BIT_HEADER},
	    {MIXED "\r\n--b\r\nContent-Description: \xe9\r\n\r\nx\r\n--b--\r\n", SEVEN_BIT_HEADER},
	    {HEAD "Content-Type: message/rfc822\r\n\r\nSubject: \xe9\r\n\r\n", SEVEN_BIT_HEADER},
	    {HEAD "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n\xe9\r\n--b--\r\n",
	     SEVEN_BIT_SIGNED},
	    {HEAD "Content-Type: Multipart/Encrypted; boundary=b\r\n\r\n--b\r\n\r\n\xe9\r\n--b--",
	     SEVEN_BIT_SIGNED},
	    {SIGNATURE "h=from; b=x\r\n\r\n\xe9", SEVEN_BIT_DKIM},
	    {SIGNATURE "l=10; h=from; b=x\r\n\r\n\xe9", SEVEN_BIT_DKIM},
	    {SIGNATURE "l=0; h=From:Content-Type; b=x\r\n\r\n\xe9", SEVEN_BIT_DKIM},
	    {SIGNATURE "l=0; h=from:\r\n mime-version; b=x\r\n\r\n\xe9", SEVEN_BIT_DKIM},
	    {SIGNATURE "l=0; h=from; b=x\r\n" SIGNATURE "h=from\r\n\r\n\xe9", SEVEN_BIT_DKIM},
	    {SIGNATURE "h=from; l = 0 ; b=x\r\n\r\n\xe9", SEVEN_BIT_OK},
	    /* Nor could it without the signature, which is not the reason then. */
	    {SIGNATURE "h=from; b=x\r\nSubject: \xc3\xa9\r\n\r\n\xe9", SEVEN_BIT_HEADER},
	    {SIGNATURE "h=from; b=x\r\n" MIXED
		       "\r\n--b\r\nContent-Description: \xe9\r\n\r\nx\r\n--b--\r\n",
	     SEVEN_BIT_HEADER},
	    {HEAD "Content-Transfer-Encoding: base64\r\n\r\n\xe9", SEVEN_BIT_ENCODED},
	    {HEAD "Content-Transfer-Encoding: x-uuencode\r\n\r\n\xe9", SEVEN_BIT_ENCODED},
	    {HEAD "Content-Type: message/partial\r\n\r\n\xe9", SEVEN_BIT_COMPOSITE},
	    {HEAD "Content-Type: message/delivery-status\r\n\r\n\xe9", SEVEN_BIT_COMPOSITE},
	    {HEAD "Content-Type: multipart/mixed\r\n\r\n\xe9", SEVEN_BIT_COMPOSITE},
	    {MIXED "\r\n\xe9\r\n", SEVEN_BIT_COMPOSITE},
	    {MIXED "\r\n\xe9\r\n--b--\r\n\xe9\r\n", SEVEN_BIT_COMPOSITE},
	    {MIXED "\r\nx\r\n", SEVEN_BIT_OK},
	    {MIXED "\r\n--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n\xe9\r\n--b--\r\n",
	     SEVEN_BIT_COMPOSITE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum seven_bit_verdict verdict;
		size_t length;

		free(convert(cases[i].message, strlen(cases[i].message), &verdict, &length));
		if (verdict != cases[i].verdict)
			fail_msg("case %zu: %s", i, seven_bit_why(verdict));
	}
}

/* In two pieces, cut anywhere. */
static void
what_has_to_be(void **state)
{
	static const struct {
		const char *text;
		size_t length;
		bool needed;
	} cases[] = {
	    {"", 0, false},
	    {"x", 1, false},
	    {"\r\n", 2, false},
	    {"\r\n\r\n0123456789\r\n", 16, false},
	    {"0123456789 and so on\r\nand on", 28, false},
	    {"0123456789 and so \xe9n\r\nand on", 28, true},
	    {"0123456789 and so on\r\nand o\x80", 28, true},
	    {"\xff", 1, true},
	    {"a\0b\r\n", 5, true},
	    {"\0", 1, true},
	    {"\n", 1, true},
	    {"\r", 1, true},
	    {"a\r\n\nb", 5, true},
	    {"a\r\r\nb", 5, true},
	    {"a\rb\r\n", 5, true},
	    {"a\nb\r\n", 5, true},
	    {"a\r\nb\r", 5, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t cut = 0; cut <= cases[i].length; cut++) {
			struct seven_bit_look look = {.needs = false};

			seven_bit_look(&look, cases[i].text, cut);
			seven_bit_look(&look, cases[i].text + cut, cases[i].length - cut);
			if (seven_bit_is_needed(&look) != cases[i].needed)
				fail_msg("case %zu, cut at %zu", i, cut);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(text_is_quoted),
	    cmocka_unit_test(text_that_is_no_latin_is_base64),
	    cmocka_unit_test(what_is_no_mime_becomes_it),
	    cmocka_unit_test(parts_are_converted_by_themselves),
	    cmocka_unit_test(messages_in_messages_are_converted_inside),
	    cmocka_unit_test(what_fits_stays),
	    cmocka_unit_test(lines_that_are_too_long),
	    cmocka_unit_test(lines_end_with_crlf),
	    cmocka_unit_test(what_can_not_be),
	    cmocka_unit_test(what_has_to_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
