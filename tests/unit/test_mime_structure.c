/* SPDX-License-Identifier: ISC */
/* What FETCH tells of messages, good and broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/mime/render.h"
#include "tests/fuzz/mime_imap.h"

static char *
text_of(struct mime_out *out)
{
	assert_false(out->failed);
	mime_out_char(out, '\0');
	return out->at;
}

struct row {
	const char *message;
	const char *answer;
};

#define A "Content-Type: multipart/mixed; boundary=a\r\n\r\n"
#define PLAIN(octets, lines)                                                                \
	"(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" " octets " " lines \
	" NIL NIL NIL NIL)"
#define MIXED " \"mixed\" (\"boundary\" \"a\") NIL NIL NIL)"

static const struct row structures[] = {
    {"", PLAIN("0", "0")},
    {"Subject: x", PLAIN("0", "0")},
    {"Subject: x\r\n", PLAIN("0", "0")},
    {"Subject: x\r\n\r\n", PLAIN("0", "0")},
    {"Subject: x\r\n\r\nhi", PLAIN("2", "0")},
    {"Subject: x\r\n\r\nhi\r\nho\r\n", PLAIN("8", "2")},
    {"Subject: x\n\nhi\nho\n", PLAIN("6", "2")},
    {"\r\nbody\r\n", PLAIN("6", "1")},
    {"Content-Type: text/html; charset=UTF-8\r\n\r\nx\r\n",
     "(\"text\" \"html\" (\"charset\" \"UTF-8\") NIL NIL \"7bit\" 3 1 NIL NIL NIL NIL)"},
    {"Content-Type: TEXT/PLAIN; charset=us-ascii (Plain text)\r\n\r\n",
     "(\"TEXT\" \"PLAIN\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0 NIL NIL NIL NIL)"},
    {"Content-Type: image/png; name=\"a \\\"b\\\".png\"\r\nContent-Transfer-Encoding: BASE64\r\n"
     "Content-ID: <1@x>\r\nContent-Description: a picture\r\nContent-MD5: abc=\r\n"
     "Content-Disposition: attachment; filename=a.png; size=3\r\n"
     "Content-Language: en, de\r\nContent-Location: http://x/\r\n\r\nAAAA",
     "(\"image\" \"png\" (\"name\" \"a \\\"b\\\".png\") \"<1@x>\" \"a picture\" \"BASE64\" 4 "
     "\"abc=\" "
     "(\"attachment\" (\"filename\" \"a.png\" \"size\" \"3\")) (\"en\" \"de\") \"http://x/\")"},
    /* RFC 2231: put together, and with escapes. */
    {"Content-Type: a/b; name*0=\"one\"; name*1=\"two\"\r\n\r\n",
     "(\"a\" \"b\" (\"name\" \"onetwo\") NIL NIL \"7bit\" 0 NIL NIL NIL NIL)"},
    {"Content-Type: a/b; name*1*=%41; name*0*=utf-8'en'x%20; name*2=\"y z\"\r\n\r\n",
     "(\"a\" \"b\" (\"name*\" \"utf-8'en'x%20%41y%20z\") NIL NIL \"7bit\" 0 NIL NIL NIL NIL)"},
    {"Content-Type: a/b; name*=utf-8''%e2%82%ac\r\n\r\n",
     "(\"a\" \"b\" (\"name*\" \"utf-8''%e2%82%ac\") NIL NIL \"7bit\" 0 NIL NIL NIL NIL)"},
    /* Multiparts. */
    {A "pre\r\n--a\r\n\r\none\r\n--a\r\nContent-Type: a/b\r\n\r\ntwo\r\n--a--\r\nend\r\n",
     "(" PLAIN("3", "0") "(\"a\" \"b\" NIL NIL NIL \"7bit\" 3 NIL NIL NIL NIL)" MIXED},
    {A "--a\r\n\r\n--a--\r\n", "(" PLAIN("0", "0") MIXED},
    {A "--a\r\n--a--\r\n", "(" PLAIN("0", "0") MIXED},
    {A "--a\r\nX: y\r\n--a--", "(" PLAIN("0", "0") MIXED},
    {A "--a\r\n\r\none\r\n", "(" PLAIN("5", "1") MIXED}, /* no end */
    {A "--a \r\n\r\none\r\n--a-- \r\n", "(" PLAIN("3", "0") MIXED},
    {A "--ab\r\n\r\none\r\n--a--\r\n", "(" PLAIN("3", "0") MIXED}, /* by its beginning */
    {A "no boundary\r\n",
     "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0)" MIXED},
    {A, "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0)" MIXED},
    {"Content-Type: multipart/mixed\r\n\r\n--a\r\n\r\nx\r\n--a--\r\n",
     "(\"multipart\" \"mixed\" NIL NIL NIL \"7bit\" 17 NIL NIL NIL NIL)"},
    /* Inner without end; the same boundary in both. */
    {A "--a\r\nContent-Type: multipart/x; "
       "boundary=b\r\n\r\n--b\r\n\r\none\r\n--a\r\n\r\ntwo\r\n--a--",
     "((" PLAIN("3", "0") " \"x\" (\"boundary\" \"b\") NIL NIL NIL)" PLAIN("3", "0") MIXED},
    {A "--a\r\nContent-Type: multipart/x; boundary=ab\r\n\r\n--ab\r\n\r\none\r\n--ab--\r\n--a--",
     "((" PLAIN("3", "0") " \"x\" (\"boundary\" \"ab\") NIL NIL NIL)" MIXED},
    /* Digest. */
    {"Content-Type: multipart/digest; boundary=a\r\n\r\n--a\r\n\r\nSubject: x\r\n\r\nhi\r\n--a--",
     "((\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 16 (NIL \"x\" NIL NIL NIL NIL NIL NIL NIL "
     "NIL) " PLAIN("2", "0") " 2 NIL NIL NIL NIL) \"digest\" (\"boundary\" \"a\") NIL NIL NIL)"},
    /* A message in a message; one that is encoded can't be opened. */
    {"Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nx\r\n",
     "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 18 (NIL \"in\" NIL NIL NIL NIL NIL NIL NIL "
     "NIL) " PLAIN("3", "1") " 3 NIL NIL NIL NIL)"},
    {"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogaW4=",
     "(\"application\" \"octet-stream\" NIL NIL NIL \"base64\" 16 NIL NIL NIL NIL)"},
    /* 8-bit and other things that no quoted-string has. */
    {"Content-Type: a/b; name=\"\xe4\"\r\n\r\n",
     "(\"a\" \"b\" (\"name\" {1}\r\n\xe4) NIL NIL \"7bit\" 0 NIL NIL NIL NIL)"},
    {"Content-Type: a/b; name=\"\xc3\xa4\"\r\n\r\n",
     "(\"a\" \"b\" (\"name\" \"\xc3\xa4\") NIL NIL \"7bit\" 0 NIL NIL NIL NIL)"},
    {"Content-Type: broken\r\n\r\nx", PLAIN("1", "0")},
    {"Content-Type: text/plain; =; x; y=\r\n\r\n",
     "(\"text\" \"plain\" (\"y\" \"\") NIL NIL \"7bit\" 0 0 NIL NIL NIL NIL)"},
};

static void
test_structures(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(structures) / sizeof(*structures); i++) {
		struct mime_message message;
		struct mime_out out = {0};

		assert_int_equal(
		    mime_parse(structures[i].message, strlen(structures[i].message), &message), 0);
		mime_render_body(&message, true, &out);
		assert_string_equal(text_of(&out), structures[i].answer);
		assert_true(mime_imap_is_list(out.at, out.length - 1));
		mime_out_free(&out);
		mime_free(&message);
	}
}

static const struct row envelopes[] = {
    {"", "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"},
    {"Subject:\r\n\r\n", "(NIL \"\" NIL NIL NIL NIL NIL NIL NIL NIL)"},
    {"Subject: a\r\n b\r\n\r\n", "(NIL \"a b\" NIL NIL NIL NIL NIL NIL NIL NIL)"},
    {"Date: Mon, 7 Feb 1994 21:52:25 -0800 (PST)\r\nFrom: Fred <fred@example.com>\r\n"
     "To: a@x, \"B, C\" <b@y>\r\nIn-Reply-To: <1@x>\r\nMessage-ID: <2@x>\r\n\r\n",
     "(\"Mon, 7 Feb 1994 21:52:25 -0800 (PST)\" NIL "
     "((\"Fred\" NIL \"fred\" \"example.com\")) ((\"Fred\" NIL \"fred\" \"example.com\")) "
     "((\"Fred\" NIL \"fred\" \"example.com\")) ((NIL NIL \"a\" \"x\")(\"B, C\" NIL \"b\" \"y\")) "
     "NIL NIL "
     "\"<1@x>\" \"<2@x>\")"},
    {"From: a@b\r\nSender: c@d\r\nReply-To:\r\n\r\n",
     "(NIL NIL ((NIL NIL \"a\" \"b\")) ((NIL NIL \"c\" \"d\")) ((NIL NIL \"a\" \"b\")) NIL NIL NIL "
     "NIL NIL)"},
    {"To: Team: a@b, c@d;, e@f\r\n\r\n",
     "(NIL NIL NIL NIL NIL ((NIL NIL \"Team\" NIL)(NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\")"
     "(NIL NIL NIL NIL)(NIL NIL \"e\" \"f\")) NIL NIL NIL NIL)"},
    {"To: undisclosed-recipients:;\r\n\r\n",
     "(NIL NIL NIL NIL NIL ((NIL NIL \"undisclosed-recipients\" NIL)(NIL NIL NIL NIL)) NIL NIL NIL "
     "NIL)"},
    {"Cc: a@b (Alice)\r\nCc: <@r:c@d>\r\n\r\n",
     "(NIL NIL NIL NIL NIL NIL ((\"Alice\" NIL \"a\" \"b\")(NIL \"@r\" \"c\" \"d\")) NIL NIL NIL)"},
    {"Bcc: root\r\n\r\n",
     "(NIL NIL NIL NIL NIL NIL NIL ((NIL NIL \"root\" \"MISSING_DOMAIN\")) NIL NIL)"},
    {"Subject: =?utf-8?q?a?=\r\n\r\n", "(NIL \"=?utf-8?q?a?=\" NIL NIL NIL NIL NIL NIL NIL NIL)"},
    {"Subject: \xfc\r\n\r\n", "(NIL {1}\r\n\xfc NIL NIL NIL NIL NIL NIL NIL NIL)"},
};

static void
test_envelopes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(envelopes) / sizeof(*envelopes); i++) {
		struct mime_message message;
		struct mime_out out = {0};

		assert_int_equal(
		    mime_parse(envelopes[i].message, strlen(envelopes[i].message), &message), 0);
		mime_render_envelope(&message, 0, &out);
		assert_string_equal(text_of(&out), envelopes[i].answer);
		mime_out_free(&out);
		mime_free(&message);
	}
}

/* RFC 9051 6.4.5.1's example, in short. */
static const char example[] =
    A "--a\r\n\r\none\r\n"
      "--a\r\nContent-Type: message/rfc822\r\nX: m\r\n\r\n"
      "Subject: in\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
      "--b\r\nX: p\r\n\r\np1\r\n--b\r\n\r\np2\r\n--b--\r\n"
      "--a\r\nContent-Type: message/rfc822\r\n\r\nSubject: s\r\n\r\ntext\r\n--a--\r\n";

static const struct {
	uint32_t numbers[4];
	size_t count;
	enum mime_section section;
	const char *answer; /* NULL: NIL */
} sections[] = {
    {{0}, 0, MIME_SECTION_ALL, example},
    {{0}, 0, MIME_SECTION_HEADER, A},
    {{0}, 0, MIME_SECTION_MIME, NULL},
    {{1}, 1, MIME_SECTION_ALL, "one"},
    {{1}, 1, MIME_SECTION_MIME, "\r\n"},
    {{1}, 1, MIME_SECTION_HEADER, NULL},
    {{1}, 1, MIME_SECTION_TEXT, NULL},
    {{1, 1}, 2, MIME_SECTION_ALL, NULL},
    {{0}, 1, MIME_SECTION_ALL, NULL},
    {{4}, 1, MIME_SECTION_ALL, NULL},
    {{2}, 1, MIME_SECTION_MIME, "Content-Type: message/rfc822\r\nX: m\r\n\r\n"},
    {{2},
     1,
     MIME_SECTION_HEADER,
     "Subject: in\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"},
    {{2}, 1, MIME_SECTION_TEXT, "--b\r\nX: p\r\n\r\np1\r\n--b\r\n\r\np2\r\n--b--"},
    {{2, 1}, 2, MIME_SECTION_ALL, "p1"},
    {{2, 1}, 2, MIME_SECTION_MIME, "X: p\r\n\r\n"},
    {{2, 2}, 2, MIME_SECTION_ALL, "p2"},
    {{2, 3}, 2, MIME_SECTION_ALL, NULL},
    {{3, 1}, 2, MIME_SECTION_ALL, "text"},
    {{3, 2}, 2, MIME_SECTION_ALL, NULL},
    {{3, 1, 1}, 3, MIME_SECTION_ALL, NULL},
    {{3}, 1, MIME_SECTION_TEXT, "text"},
};

static void
test_sections(void **state)
{
	struct mime_message message;
	struct mime_text text;

	(void)state;
	assert_int_equal(mime_parse(example, sizeof(example) - 1, &message), 0);
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
		bool found = mime_find_section(&message, sections[i].numbers, sections[i].count,
					       sections[i].section, &text);

		assert_int_equal(found, sections[i].answer != NULL);
		if (!found)
			continue;
		assert_int_equal(text.length, strlen(sections[i].answer));
		assert_memory_equal(text.at, sections[i].answer, text.length);
	}
	mime_free(&message);
}

static void
test_fields(void **state)
{
	static const char header[] = "From: a\r\nX: 1\r\n 2\r\nbroken\r\nfrom : b\r\nY: 3\r\n\r\n";
	static const struct mime_text names[] = {{"FROM", 4}, {"y", 1}, {"none", 4}};
	struct mime_out out = {0};

	(void)state;
	mime_render_fields((struct mime_text){header, strlen(header)}, names, 3, false, &out);
	assert_string_equal(text_of(&out), "From: a\r\nfrom : b\r\nY: 3\r\n\r\n");
	out.length = 0;
	mime_render_fields((struct mime_text){header, strlen(header)}, names, 3, true, &out);
	assert_string_equal(text_of(&out), "X: 1\r\n 2\r\nbroken\r\n\r\n");
	mime_out_free(&out);
}

/* Nested a thousand deep, and ten times more parts than there may be: linear, and a sane answer. */
static void
test_bounds(void **state)
{
	struct mime_out text = {0}, out = {0};
	struct mime_message message;
	char line[100];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(line, sizeof(line),
			       "Content-Type: multipart/mixed; boundary=b%04d\r\n\r\n--b%04d\r\n",
			       i, i);
		mime_out_text(&text, line);
	}
	assert_int_equal(mime_parse(text.at, text.length, &message), 0);
	assert_int_equal(message.count, MIME_DEPTH_MAX);
	mime_render_body(&message, true, &out);
	assert_true(mime_imap_is_list(out.at, out.length));
	mime_free(&message);
	text.length = out.length = 0;
	for (int i = 0; i < 1000; i++)
		mime_out_text(&text, "Content-Type: message/rfc822\r\n\r\n");
	assert_int_equal(mime_parse(text.at, text.length, &message), 0);
	assert_int_equal(message.count, MIME_DEPTH_MAX);
	mime_render_body(&message, true, &out);
	assert_true(mime_imap_is_list(out.at, out.length));
	mime_free(&message);
	text.length = out.length = 0;
	mime_out_text(&text, A);
	for (int i = 0; i < 100000; i++)
		mime_out_text(&text, "--a\r\n\r\nx\r\n");
	mime_out_text(&text, "--a--\r\n");
	assert_int_equal(mime_parse(text.at, text.length, &message), 0);
	assert_int_equal(message.count, MIME_PARTS_MAX);
	assert_int_equal(message.parts[MIME_PARTS_MAX - 1].end, text.length);
	mime_render_body(&message, true, &out);
	assert_true(mime_imap_is_list(out.at, out.length));
	mime_free(&message);
	mime_out_free(&text);
	mime_out_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_structures), cmocka_unit_test(test_envelopes),
	    cmocka_unit_test(test_sections),   cmocka_unit_test(test_fields),
	    cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
