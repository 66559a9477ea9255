/* SPDX-License-Identifier: ISC */
/* Words, charsets, encodings, dates, subjects, summaries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/mime/charset.h"
#include "common/mime/date.h"
#include "common/mime/decode.h"
#include "common/mime/kept.h"
#include "common/mime/subject.h"
#include "common/mime/summary.h"
#include "common/mime/text.h"

static struct mime_text
text(const char *string)
{
	return (struct mime_text){string, strlen(string)};
}

static void
assert_out(struct mime_out *out, const char *expected)
{
	assert_false(out->failed);
	mime_out_char(out, '\0');
	assert_string_equal(out->at, expected);
	out->length = 0;
}

static const char *const words[][2] = {
    {"plain", "plain"},
    {"", ""},
    {"a\r\n b", "a b"},
    {"=?utf-8?Q?J=C3=BCrgen_M?=", "Jürgen M"},
    {"=?UTF-8?B?SsO8cmdlbg==?=", "Jürgen"},
    {"=?iso-8859-1?q?J=FCrgen?= <a@b>", "Jürgen <a@b>"},
    {"=?utf-8?Q?a?= =?utf-8?Q?b?=", "ab"},
    {"=?utf-8?Q?a?=\r\n =?utf-8?Q?b?= c", "ab c"},
    {"=?utf-8?Q?a?= x =?utf-8?Q?b?=", "a x b"},
    {"=?utf-8?Q?=C3?= =?utf-8?Q?=BC?=", "ü"}, /* a character split in two */
    {"=?utf-8*de?Q?a?=", "a"},
    {"=?unknown-9?Q?a=FC?=", "aü"},
    {"=?utf-8?Q?a", "=?utf-8?Q?a"},
    {"=?utf-8?X?a?=", "=?utf-8?X?a?="},
    {"=?=?=?utf-8?Q?a?=", "=?=?a"},
    {"=?utf-8?Q?a b?=", "a b"},
    {"\xc3\xbc", "ü"},
    {"\xfc", "ü"},
    {"x\xfcy", "xüy"},
    {"=?windows-1251?B?z/Do4uXy?=", "Привет"},
    {"=?koi8-r?B?8NLJ18XU?=", "Привет"},
    {"=?iso-2022-jp?B?GyRCJDMkcyRLJEEkTxsoQg==?=", "こんにちは"},
    {"=?shift_jis?B?grGC8YLJgr+CzQ==?=", "こんにちは"},
    {"=?euc-jp?B?pLOk86TLpMGkzw==?=", "こんにちは"},
    {"=?euc-jp?B?U3RyYY+pzmU=?=", "Straße"}, /* JIS X 0212 */
    {"=?gb2312?B?xOO6ww==?=", "你好"},
    {"=?gb18030?B?xOO6w5Q52jM=?=", "你好💩"},
    {"=?big5?B?p0Gmbg==?=", "你好"},
    {"=?euc-kr?B?vsiz58fPvLy/5A==?=", "안녕하세요"},
    {"=?utf-7?Q?Hi_+AOQ-+2D3cqQ-?=", "Hi ä💩"},
    {"=?utf-16le?B?5AA92Knc?=", "ä💩"},
};

static void
test_words(void **state)
{
	struct mime_out out = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		mime_decode_words(text(words[i][0]), &out);
		assert_out(&out, words[i][1]);
	}
	mime_decode_parameter(text("name*"), text("utf-8'de'na%C3%AFve"), &out);
	assert_out(&out, "naïve");
	mime_decode_parameter(text("name*"), text("iso-8859-1''na%EFve%2"), &out);
	assert_out(&out, "naïve%2");
	mime_decode_parameter(text("name*"), text("no quotes"), &out);
	assert_out(&out, "no quotes");
	mime_decode_parameter(text("name"), text("=?utf-8?Q?=C3=BC?="), &out);
	assert_out(&out, "ü");
	mime_out_free(&out);
}

static const char *const folds[][2] = {
    {"ABC xyz", "abc xyz"}, {"STRASSE", "strasse"},
    {"Straße", "strasse"},  {"ÄÖÜ", "a\u0308o\u0308u\u0308"},
    {"a\u0308", "a\u0308"}, {"ΑΣΣ ας", "ασσ ασ"},
    {"ПРИВЕТ", "привет"},   {"ﬁ", "fi"},
    {"Å", "a\u030a"},       {"\xff", "\xef\xbf\xbd"},
};

static void
test_folds(void **state)
{
	struct mime_out out = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(folds) / sizeof(*folds); i++) {
		mime_fold(folds[i][0], strlen(folds[i][0]), &out);
		assert_out(&out, folds[i][1]);
	}
	mime_out_free(&out);
}

static const struct {
	enum mime_encoding encoding;
	const char *in, *out;
} encodings[] = {
    {MIME_7BIT, "a=b", "a=b"},
    {MIME_BASE64, "aGVsbG8=", "hello"},
    {MIME_BASE64, "aGVs\r\nbG8", "hello"},
    {MIME_BASE64, "aGV!sbG8=\r\naGVsbG8=", "hellohello"},
    {MIME_BASE64, "a", ""},
    {MIME_QUOTED_PRINTABLE, "a=3Db", "a=b"},
    {MIME_QUOTED_PRINTABLE, "a=\r\nb", "ab"},
    {MIME_QUOTED_PRINTABLE, "a=\nb", "ab"},
    {MIME_QUOTED_PRINTABLE, "a  \r\nb", "a\r\nb"},
    {MIME_QUOTED_PRINTABLE, "a b", "a b"},
    {MIME_QUOTED_PRINTABLE, "a=XYb=3", "a=XYb=3"},
    {MIME_QUOTED_PRINTABLE, "a==3D", "a=="},
    {MIME_QUOTED_PRINTABLE, "a=3d=", "a="},
};

/* At once, and octet by octet. */
static void
test_encodings(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(encodings) / sizeof(*encodings); i++) {
		struct mime_text in = text(encodings[i].in);
		struct mime_decoder decoder;
		char out[200];
		size_t used;

		mime_decoder_open(&decoder, encodings[i].encoding);
		used = mime_decode(&decoder, in.at, in.length, out);
		used += mime_decode_end(&decoder, out + used);
		out[used] = '\0';
		assert_string_equal(out, encodings[i].out);
		assert_int_equal(mime_decoded_size(in, encodings[i].encoding), used);
		mime_decoder_open(&decoder, encodings[i].encoding);
		used = 0;
		for (size_t j = 0; j < in.length; j++)
			used += mime_decode(&decoder, in.at + j, 1, out + used);
		used += mime_decode_end(&decoder, out + used);
		out[used] = '\0';
		assert_string_equal(out, encodings[i].out);
	}
}

static const struct {
	const char *text;
	int64_t seconds; /* -1: no date */
	int64_t day;
} dates[] = {
    {"Thu, 1 Jan 1970 00:00:00 +0000", 0, 0},
    {"Thu, 1 Jan 1970 00:00 GMT", 0, 0},
    {"1 Jan 1970 00:00:00 +0100", -3600, 0},
    {"Mon, 7 Feb 1994 21:52:25 -0800 (PST)", 760686745, 8803},
    {"Mon, 7 Feb 1994 21:52:25 PST", 760686745, 8803},
    {"Mon, 07 Feb 94 21:52:25 -0800", 760686745, 8803},
    {"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880127706, 10186},
    {"Tue, 29 Feb 2000 12:00:00 Z", 951825600, 11016},
    {"29 Feb 1900 12:00:00 Z", -1, 0},
    {"31 Dec 2016 23:59:60 +0000", 1483228799, 17166},
    {"1 January 2000 00:00:00", 946684800, 10957},
    {"1-Jan-2000 00:00:00 +0000", 946684800, 10957},
    {"1 Jan 2000 24:00:00", -1, 0},
    {"32 Jan 2000 00:00:00", -1, 0},
    {"yesterday", -1, 0},
    {"", -1, 0},
    {"1 Jan 99999 00:00:00", -1, 0},
    {"1 Jan 101 00:00:00 +0000", 978307200, 11323},
};

static void
test_dates(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(dates) / sizeof(*dates); i++) {
		struct mime_date date;
		bool good = mime_read_date(text(dates[i].text), &date);

		assert_int_equal(good, dates[i].seconds != -1);
		if (!good)
			continue;
		assert_int_equal(date.seconds, dates[i].seconds);
		assert_int_equal(date.day, dates[i].day);
	}
}

static const struct {
	const char *subject, *base;
	bool reply;
} subjects[] = {
    {"hello", "hello", false},
    {"Re: hello", "hello", true},
    {"RE: re: Fwd: hello", "hello", true},
    {"Re[2]: hello", "hello", true},
    {"re [x] : hello", "hello", true},
    {"[list] hello", "hello", false},
    {"[list] Re: [x] hello (fwd) (fwd)", "hello", true},
    {"[list]", "[list]", false},
    {"[Fwd: hello]", "hello", true},
    {"[fwd: Re: [x] hello]", "hello", true},
    {"Re:", "", true},
    {"  a \t b  ", "a b", false},
    {"=?utf-8?Q?Re:_h=C3=A9?=", "hé", true},
    {"Return", "Return", false},
    {"[a][b][c]", "[c]", false},
    {"[a[b] c", "[a[b] c", false},
};

static void
test_subjects(void **state)
{
	struct mime_out out = {0};
	bool reply;

	(void)state;
	for (size_t i = 0; i < sizeof(subjects) / sizeof(*subjects); i++) {
		mime_base_subject(text(subjects[i].subject), &out, &reply);
		assert_out(&out, subjects[i].base);
		assert_int_equal(reply, subjects[i].reply);
	}
	mime_out_free(&out);
}

static const char mail[] =
    "From: =?utf-8?Q?J=C3=BCrgen?= <j@example.org>\r\n"
    "To: a@b, c@d\r\nCc: \"C\" <cc@x>\r\nSubject: Re: =?utf-8?Q?gr=C3=BC=C3=9Fe?=\r\n"
    "Date: Thu, 1 Jan 1970 23:30:00 -0100\r\nMessage-ID: <\"m\"@x>\r\n"
    "References: <1@x> (c) <2@x>\r\nIn-Reply-To: <3@x>\r\n"
    "Content-Type: multipart/alternative; boundary=a\r\n\r\n"
    "--a\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
    "quoted-printable\r\n\r\n> quoted\r\nHello  =C3=A4\r\n\r\nworld, =\r\nfine\r\n"
    "--a\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    "PHA+SFRNTCB3b3JkPC9wPg==\r\n--a--\r\n";

static void
test_summary(void **state)
{
	struct mime_message message;
	struct mime_summary summary;

	(void)state;
	assert_int_equal(mime_parse(mail, sizeof(mail) - 1, &message), 0);
	assert_int_equal(mime_summarize(&message, 5, &summary), 0);
	assert_int_equal(summary.envelope_length, strlen(summary.envelope));
	assert_int_equal(summary.bodystructure_length, strlen(summary.bodystructure));
	assert_string_equal(summary.preview, "Hello ä world, fine");
	assert_string_equal(summary.subject, "grüße");
	assert_true(summary.reply);
	assert_string_equal(summary.from, "j");
	assert_string_equal(summary.to, "a");
	assert_string_equal(summary.cc, "cc");
	assert_string_equal(summary.from_display, "Jürgen");
	assert_string_equal(summary.to_display, "a@b");
	assert_string_equal(summary.thread, "m@x\n1@x\n2@x");
	assert_int_equal(summary.sent, 88200);
	assert_int_equal(summary.sent_day, 0);
	mime_summary_free(&summary);
	mime_free(&message);

	assert_int_equal(mime_parse("In-Reply-To: x <3@x>\r\nSubject: \xff\r\n\r\n", 36, &message),
			 0);
	assert_int_equal(mime_summarize(&message, -1, &summary), 0);
	assert_string_equal(summary.thread, "\n3@x");
	assert_string_equal(summary.subject, "ÿ");
	assert_string_equal(summary.preview, "");
	assert_int_equal(summary.sent_day, -1);
	mime_summary_free(&summary);
	mime_free(&message);
}

#define LONG_SUBJECT 5000

/* Each row: a header, what is kept of it, and an answer of it. */
static const struct {
	const char *header, *kept, *field, *needle;
	int found;
} kepts[] = {
    {"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= A\r\n b\r\nX: y\r\n", "sgru\xcc\x88sse a b\n", "SUBJECT",
     "a b", 1},
    {"From: a@x\r\nfrom: b@x\r\nMessage-Id: <M@x>\r\n", "fa@x\nfb@x\nm<m@x>\n", "From", "b@", 1},
    {"To: a@x\r\nCc: b@x\r\nBcc: c@x\r\n", "ta@x\ncb@x\nbc@x\n", "bcc", "b@x", 0},
    {"To: a\r\nTo: b\r\n", "ta\ntb\n", "to", "a\ntb", 0},
    {"Cc:\r\n", "c\n", "cc", "", 1},
    {"X: y\r\n", "\n", "cc", "", 0},
    {"X: y\r\n", "\n", "x", "y", -1},
    {"To: a\r\nSubject: =?utf-8?q?a=0Ab?=\r\n", "", "to", "a", -1},
};

static void
test_kept(void **state)
{
	static const char begin[] = "To: a\r\nSubject: ";
	char longer[sizeof(begin) + LONG_SUBJECT];
	struct mime_out out = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(kepts) / sizeof(*kepts); i++) {
		struct mime_text header = {kepts[i].header, strlen(kepts[i].header)};
		struct mime_text field = {kepts[i].field, strlen(kepts[i].field)};

		out.length = 0;
		mime_keep_header(header, &out);
		mime_out_char(&out, '\0');
		assert_false(out.failed);
		assert_string_equal(out.at, kepts[i].kept);
		assert_int_equal(mime_kept_contains(
				     out.at, field,
				     (struct mime_text){kepts[i].needle, strlen(kepts[i].needle)}),
				 kepts[i].found);
	}
	memcpy(longer, begin, sizeof(begin) - 1);
	memset(longer + sizeof(begin) - 1, 'x', LONG_SUBJECT);
	out.length = 0;
	mime_keep_header((struct mime_text){longer, sizeof(longer) - 1}, &out);
	assert_int_equal(out.length, 0);
	mime_out_free(&out);
}

static const struct {
	const char *body, *preview;
} previews[] = {
    {"\r\nplain\x01 text\r\n", "plain text"},
    {"Content-Type: text/html\r\n\r\n<html><head><title>T</title><style>x{}</style></head>"
     "<!-- c --><p>a&amp;b&#228;&#xe4;&nope;</p>c<",
     "a&bää&nope; c"},
    {"Content-Type: image/png\r\n\r\nx", ""},
    {"Content-Type: text/html\r\n\r\n<<<<<<&&&&#;&#x;", "&&&"},
};

static void
test_previews(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct mime_message message;
		struct mime_summary summary;

		assert_int_equal(mime_parse(previews[i].body, strlen(previews[i].body), &message),
				 0);
		assert_int_equal(mime_summarize(&message, 0, &summary), 0);
		assert_string_equal(summary.preview, previews[i].preview);
		mime_summary_free(&summary);
		mime_free(&message);
	}
}

static const struct {
	unsigned where;
	const char *needle;
	bool found;
} needles[] = {
    {MIME_WHERE_BODY, "HELLO", true},
    {MIME_WHERE_BODY, "world, fine", true},
    {MIME_WHERE_BODY, "html word", true},
    {MIME_WHERE_BODY, "Ä", true},
    {MIME_WHERE_BODY, "grüße", false},
    {MIME_WHERE_HEADER | MIME_WHERE_BODY, "GRÜSSE", true},
    {MIME_WHERE_HEADER | MIME_WHERE_BODY, "subject: re", true},
    {MIME_WHERE_HEADER | MIME_WHERE_BODY, "base64", true},
    {MIME_WHERE_BODY, "base64", false},
    {MIME_WHERE_BODY, "", true},
};

static void
test_search(void **state)
{
	struct mime_message message;
	struct mime_out folded = {0};
	struct mime_text header;

	(void)state;
	assert_int_equal(mime_parse(mail, sizeof(mail) - 1, &message), 0);
	for (size_t i = 0; i < sizeof(needles) / sizeof(*needles); i++) {
		folded.length = 0;
		mime_fold(needles[i].needle, strlen(needles[i].needle), &folded);
		assert_int_equal(mime_text_contains(&message, needles[i].where,
						    (struct mime_text){folded.at, folded.length}),
				 needles[i].found);
	}
	header = mime_header_of(&message, 0);
	assert_int_equal(mime_field_contains(header, text("FROM"), text("ju\u0308rgen")), 1);
	assert_int_equal(mime_field_contains(header, text("from"), text("j@example")), 1);
	assert_int_equal(mime_field_contains(header, text("from"), text("nobody")), 0);
	assert_int_equal(mime_field_contains(header, text("x-none"), text("")), 0);
	assert_int_equal(mime_field_contains(header, text("cc"), text("")), 1);
	mime_out_free(&folded);
	mime_free(&message);
}

/* A word across the places where a long body is cut. */
static void
test_long_body(void **state)
{
	struct mime_out mail_text = {0};
	struct mime_message message;

	(void)state;
	mime_out_text(&mail_text, "\r\n");
	for (int i = 0; i < 40000; i++)
		mime_out_text(&mail_text, i % 3 == 0   ? "\xc3\xa4"
					  : i % 7 == 0 ? "x"
						       : "\xe2\x82\xac");
	mime_out_text(&mail_text, "needle");
	assert_int_equal(mime_parse(mail_text.at, mail_text.length, &message), 0);
	assert_int_equal(mime_text_contains(&message, MIME_WHERE_BODY, text("needle")), 1);
	assert_int_equal(mime_text_contains(&message, MIME_WHERE_BODY, text("needles")), 0);
	mime_free(&message);
	mime_out_free(&mail_text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_words),     cmocka_unit_test(test_folds),
	    cmocka_unit_test(test_encodings), cmocka_unit_test(test_dates),
	    cmocka_unit_test(test_subjects),  cmocka_unit_test(test_summary),
	    cmocka_unit_test(test_kept),      cmocka_unit_test(test_previews),
	    cmocka_unit_test(test_search),    cmocka_unit_test(test_long_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
