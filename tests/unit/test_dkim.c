/* SPDX-License-Identifier: ISC */
/* DKIM as pure functions: tag-lists, signatures, keys, canonical forms; the RFCs' own examples; and
 * what certd composes, verified by what filter verifies with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "certd/dkim_compose.h"
#include "common/dkim_fields.h"
#include "worker/filter/dkim_canon.h"
#include "worker/filter/dkim_header.h"

static struct mime_text
text_of(const char *text)
{
	return (struct mime_text){text, strlen(text)};
}

/* -- Tag-lists ---------------------------------------------------------------------------- */

static void
tag_lists(void **state)
{
	static const char *const good[] = {"a=b",       "a=b;",    "a=b; ",   " a = b ;\r\n c=d",
					   "a=",        "a=b;b=;", "a_1=x=y", "A=1;a=2",
					   "a=\xc3\xa4"};
	static const char *const bad[] = {"",      ";",     "a",     "a=b;;c=d", "a=b;a=c",
					  "=b",    "1a=b",  "a b=c", "a=\x01",   "a=\x7f",
					  "a-b=c", "; a=b", "a=b; c"};
	struct dkim_tags tags;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(dkim_tags_parse(text_of(good[i]), &tags));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(dkim_tags_parse(text_of(bad[i]), &tags));
	assert_true(dkim_tags_parse(text_of("v=1; b= x y ; h=from : to"), &tags));
	assert_int_equal(tags.count, 3);
	assert_memory_equal(tags.tags[1].raw.at, " x y ", 5);
	assert_int_equal(tags.tags[1].raw.length, 5);
	assert_true(dkim_tag_is(dkim_tag(&tags, "b"), "X Y"));
	assert_null(dkim_tag(&tags, "B"));
}

static void
numbers_and_base64(void **state)
{
	struct mime_text text;
	uint8_t octets[8];
	uint64_t number;
	size_t length;

	(void)state;
	text = text_of("18446744073709551600");
	assert_true(dkim_tag_number(&text, &number) || number == 0);
	text = text_of("99999999999999999999");
	assert_false(dkim_tag_number(&text, &number));
	text = text_of("-1");
	assert_false(dkim_tag_number(&text, &number));
	text = text_of("");
	assert_false(dkim_tag_number(&text, &number));
	text = text_of("AQ\r\n ID BA==");
	assert_true(dkim_tag_base64(&text, octets, sizeof(octets), &length));
	assert_int_equal(length, 4);
	text = text_of("AQIDBAUGBwgJ");
	assert_false(dkim_tag_base64(&text, octets, sizeof(octets), &length));
	text = text_of("A!==");
	assert_false(dkim_tag_base64(&text, octets, sizeof(octets), &length));
}

/* -- Canonical forms: RFC 6376 3.4.5 ------------------------------------------------------- */

static void
check_field(enum dkim_canon canon, const char *whole, const char *expected)
{
	char out[256];
	size_t length = dkim_canon_field(canon, text_of(whole), out);

	assert_int_equal(length, strlen(expected));
	assert_memory_equal(out, expected, length);
}

static void
header_forms(void **state)
{
	(void)state;
	check_field(DKIM_RELAXED, "A: X\r\n", "a:X\r\n");
	check_field(DKIM_RELAXED, "B : Y\t\r\n\tZ  \r\n", "b:Y Z\r\n");
	check_field(DKIM_SIMPLE, "B : Y\t\r\n\tZ  \r\n", "B : Y\t\r\n\tZ  \r\n");
	check_field(DKIM_RELAXED, "Subject:\r\n", "subject:\r\n");
	check_field(DKIM_RELAXED, "Subject: \t \r\n \r\n", "subject:\r\n");
	check_field(DKIM_RELAXED, "S:a:b", "s:a:b\r\n");
}

struct collected {
	size_t length;
	char octets[256];
};

static void
collect(void *arg, const void *octets, size_t length)
{
	struct collected *out = arg;

	assert_true(out->length + length <= sizeof(out->octets));
	memcpy(out->octets + out->length, octets, length);
	out->length += length;
}

/* In one piece, and octet by octet. */
static void
check_body(enum dkim_canon canon, const char *text, const char *expected)
{
	for (size_t piece = strlen(text) + 1; piece > 0; piece = piece > 1 ? 1 : 0) {
		struct collected out = {.length = 0};
		struct dkim_body body;

		dkim_body_begin(&body, canon, false, 0, collect, &out);
		for (size_t at = 0; at < strlen(text); at += piece)
			dkim_body_add(&body, text + at,
				      strlen(text) - at < piece ? strlen(text) - at : piece);
		dkim_body_end(&body);
		assert_int_equal(out.length, strlen(expected));
		assert_memory_equal(out.octets, expected, out.length);
		assert_int_equal(body.size, out.length);
	}
}

static void
body_forms(void **state)
{
	(void)state;
	check_body(DKIM_RELAXED, " C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n");
	check_body(DKIM_SIMPLE, " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n");
	check_body(DKIM_SIMPLE, "", "\r\n");
	check_body(DKIM_RELAXED, "", "");
	check_body(DKIM_SIMPLE, "\r\n\r\n", "\r\n");
	check_body(DKIM_RELAXED, "\r\n \r\n", "");
	check_body(DKIM_SIMPLE, " \r\n", " \r\n");
	check_body(DKIM_SIMPLE, "x", "x\r\n");
	check_body(DKIM_RELAXED, "x ", "x\r\n");
	check_body(DKIM_RELAXED, "\r\n\r\nx", "\r\n\r\nx\r\n");
	/* What is no line end is text (BINARYMIME). */
	check_body(DKIM_RELAXED, "a\rb\nc \rd", "a\rb\nc \rd\r\n");
	check_body(DKIM_SIMPLE, "a\r", "a\r\r\n");
}

static void
limited_bodies(void **state)
{
	struct collected out = {.length = 0};
	struct dkim_body body;

	(void)state;
	dkim_body_begin(&body, DKIM_SIMPLE, true, 4, collect, &out);
	dkim_body_add(&body, "abc\r\ndef\r\n", 10);
	dkim_body_end(&body);
	assert_int_equal(out.length, 4);
	assert_memory_equal(out.octets, "abc\r", 4);
	assert_int_equal(body.size, 10);
}

/* -- RFC 8463 appendix A -------------------------------------------------------------------- */

static const char example[] =
    "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
    " d=football.example.com; i=@football.example.com;\r\n"
    " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
    " subject : date : message-id : from : subject : date;\r\n"
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
    " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
    " d=football.example.com; i=@football.example.com;\r\n"
    " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
    " date : message-id : from : subject : date;\r\n"
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
    " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
    " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n"
    "From: Joe SixPack <joe@football.example.com>\r\n"
    "To: Suzie Q <suzie@shopping.example.net>\r\n"
    "Subject: Is dinner ready?\r\n"
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
    "\r\n"
    "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n\r\n";

static const char *const example_keys[] = {
    "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWR"
    "iGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutAC"
    "DfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3"
    "Ip3G+2kryOTIKT+l/K4w3QIDAQAB",
};

static void
rfc_8463(void **state)
{
	struct message *message = message_new(example, -1, sizeof(example) - 1);
	const struct message_field *field = NULL;

	(void)state;
	assert_non_null(message);
	for (size_t i = 0; i < 2; i++) {
		struct dkim_signature signature;
		struct dkim_key key;
		uint8_t hash[DKIM_HASH_SIZE];
		char name[HOST_NAME_SIZE];

		field = message_came(message, "dkim-signature", field);
		assert_non_null(field);
		assert_null(dkim_signature_parse(field->text.value, DKIM_MESSAGE, &signature));
		assert_true(dkim_key_name(&signature, name));
		assert_string_equal(name, i == 0 ? "brisbane._domainkey.football.example.com"
						 : "test._domainkey.football.example.com");
		assert_null(dkim_key_parse(example_keys[i], strlen(example_keys[i]), &key));
		assert_true(dkim_header_hash(message, field, &signature, hash));
		assert_int_equal(dkim_verify(&signature, &key, hash), DKIM_MATCHES);
		hash[0] ^= 1;
		assert_int_equal(dkim_verify(&signature, &key, hash), DKIM_DIFFERS);
	}
	message_free(message);
}

/* -- What certd composes ---------------------------------------------------------------------- */

static const char fields[] = "from:Alice <alice@example.org>\r\nto:bob@example.net\r\n"
			     "subject:\r\ndate:Sun, 29 Nov 2026 10:00:00 +0000\r\n";

static void
fields_that_are_signed(void **state)
{
	static const char *const bad[] = {
	    "",
	    "to:x\r\n",                 /* no From */
	    "from:x",                   /* no end */
	    "from:x\n",                 /* no CR */
	    "From:x\r\n",               /* not lower case */
	    "from :x\r\n",              /* a blank */
	    "from: x\r\n",              /* at an end */
	    "from:x \r\n",              /* likewise */
	    "from:x  y\r\n",            /* two */
	    "from:x\ty\r\n",            /* a tab */
	    "from:x\r\n y\r\n",         /* folded */
	    "from:x\ry\r\n",            /* a lone CR */
	    "from:x\r\n\r\nto:y\r\n",   /* an empty line */
	    "from:x\r\nreceived:y\r\n", /* not one of those */
	    "from:x\r\ndkim-signature:v=1; d=example.com; b=\r\n",
	    "from:x\r\nfrom\r\n",
	};

	(void)state;
	assert_true(dkim_fields_canonical(fields, sizeof(fields) - 1));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(dkim_fields_canonical(bad[i], strlen(bad[i])));
	/* A NUL is none, and neither are more of them than there may be. */
	assert_false(dkim_fields_canonical("from:x\0y\r\n", 10));
	char many[(DKIM_FIELDS_SIGNED_MAX + 1) * 8 + 1] = "";
	for (size_t i = 0; i <= DKIM_FIELDS_SIGNED_MAX; i++)
		memcpy(many + 8 * i, "from:x\r\n", 8);
	assert_true(dkim_fields_canonical(many, DKIM_FIELDS_SIGNED_MAX * 8));
	assert_false(dkim_fields_canonical(many, sizeof(many) - 1));
}

/* What is written has the canonical form that is signed: another program would find the same. */
static void
composed_fields(void **state)
{
	static const uint8_t hash[DKIM_HASH_SIZE] = {1, 2, 3};
	struct dkim_order order = {.domain = "example.org",
				   .selector = "s",
				   .now = 1795925677,
				   .body_hash = hash,
				   .fields = fields,
				   .length = sizeof(fields) - 1};
	struct dkim_composed composed;
	struct dkim_signature signature;
	uint8_t octets[64] = {9};
	char out[QF_SIGNED_MAX], again[QF_SIGNED_MAX];
	size_t length;

	(void)state;
	for (int ed25519 = 0; ed25519 < 2; ed25519++) {
		struct mime_field field;
		size_t at = 0;

		order.ed25519 = ed25519 == 1;
		assert_true(dkim_compose(&order, &composed));
		length = dkim_finish(&composed, octets, sizeof(octets), out, sizeof(out));
		assert_true(length > 0);
		assert_true(mime_next_field(out, length, &at, &field));
		assert_int_equal(at, length);
		assert_null(dkim_signature_parse(field.value, DKIM_MESSAGE, &signature));
		assert_int_equal(signature.algorithm,
				 ed25519 == 1 ? DKIM_ED25519_SHA256 : DKIM_RSA_SHA256);
		assert_string_equal(signature.domain, "example.org");
		assert_memory_equal(signature.body_hash, hash, sizeof(hash));
		assert_int_equal(signature.time, 1795925677);
		/* Without what is in b=. */
		memcpy(again, out, (size_t)(signature.b.at - out));
		length = dkim_canon_field(
		    DKIM_RELAXED, (struct mime_text){again, (size_t)(signature.b.at - out)}, out);
		assert_int_equal(length - 2, composed.canonical_length);
		assert_memory_equal(out, composed.canonical, composed.canonical_length);
	}
	order.fields = "to:x\r\n";
	order.length = 6;
	assert_false(dkim_compose(&order, &composed));
	assert_int_equal(dkim_finish(&composed, octets, sizeof(octets), out, 100), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tag_lists),
	    cmocka_unit_test(numbers_and_base64),
	    cmocka_unit_test(header_forms),
	    cmocka_unit_test(body_forms),
	    cmocka_unit_test(limited_bodies),
	    cmocka_unit_test(rfc_8463),
	    cmocka_unit_test(fields_that_are_signed),
	    cmocka_unit_test(composed_fields),
	};

	if (dkim_crypto_open() == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
