/* SPDX-License-Identifier: ISC */
/* DKIM as pure functions: tag-lists, signatures, keys, canonical forms; the RFCs' own examples; and
 * what certd composes, verified by what filter verifies with. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "certd/dkim_compose.h"
#include "common/dkim_fields.h"
#include "tests/unit/dkim_example.h"
#include "worker/filter/dkim_canon.h"
#include "worker/filter/dkim_header.h"

/* Comparisons of names, as the linker puts them here. */
static size_t compared;

int __real_strncasecmp(const char *a, const char *b, size_t length);
int __wrap_strncasecmp(const char *a, const char *b, size_t length);

int
__wrap_strncasecmp(const char *a, const char *b, size_t length)
{
	compared++;
	return __real_strncasecmp(a, b, length);
}

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

/* -- Signatures --------------------------------------------------------------------------- */

#define HASH "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="
#define LIKE "v=1; a=rsa-sha256; bh=" HASH "; b=AA=="
#define BY_A "d=a.example; s=b"
#define KEY_OF_A "b._domainkey.a.example"
#define U_LABEL "\xe4\xbe\x8b\xe3\x81\x88" /* xn--r8jz45g */
#define LONG_U_LABEL "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xa4"

static const struct {
	enum dkim_kind kind;
	const char *tags; /* next to LIKE */
	const char *problem;
	const char *key; /* the name of its record */
} signatures[] = {
    {DKIM_MESSAGE, "d=A.example; s=B; h=from", NULL, "b._domainkey.a.example"},
    /* RFC 8616 4: domains may have U-labels. */
    {DKIM_MESSAGE, "d=" U_LABEL ".jp; s=b; h=from", NULL, "b._domainkey.xn--r8jz45g.jp"},
    {DKIM_MESSAGE, "d=a.example; s=b\xc3\xbc; h=from", NULL, "xn--b-eha._domainkey.a.example"},
    {DKIM_ARC_MESSAGE, "i=1; d=" U_LABEL ".jp; s=b; h=from", NULL, "b._domainkey.xn--r8jz45g.jp"},
    {DKIM_ARC_SEAL, "i=1; d=" U_LABEL ".jp; s=b\xc3\xbc", NULL,
     "xn--b-eha._domainkey.xn--r8jz45g.jp"},
    {DKIM_MESSAGE, "d=xn--r8jz45g.jp; i=\xc3\xa4@" U_LABEL ".jp; s=b; h=from", NULL,
     "b._domainkey.xn--r8jz45g.jp"},
    {DKIM_MESSAGE, "d=" U_LABEL ".jp; i=@a.XN--r8jz45g.jp; s=b; h=from", NULL,
     "b._domainkey.xn--r8jz45g.jp"},
    {DKIM_MESSAGE, "d=" U_LABEL ".jp; i=@\xc3\xa4.jp; s=b; h=from", "i= is not in d=", NULL},
    {DKIM_MESSAGE, "d=\xff.jp; s=b; h=from", "no domain in d=", NULL},
    {DKIM_MESSAGE, "d=" LONG_U_LABEL ".jp; s=b; h=from", "no domain in d=", NULL},
    {DKIM_MESSAGE, "d=a.example; s=\xff; h=from", "no selector in s=", NULL},
    {DKIM_MESSAGE, BY_A "; h=to:\r\n FROM", NULL, KEY_OF_A},
    {DKIM_MESSAGE, BY_A "; h=to", "h= without From", NULL},
    {DKIM_MESSAGE, BY_A, "h= without From", NULL},
    /* RFC 8617 4.1.2 forbids all of ARC's fields, but sealers do sign the others. */
    {DKIM_ARC_MESSAGE, BY_A "; h=from : arc-seal", "h= has ARC-Seal", NULL},
    {DKIM_ARC_MESSAGE, BY_A "; h=ARC-Seal:from", "h= has ARC-Seal", NULL},
    {DKIM_ARC_MESSAGE, BY_A "; h=from:arc-seals:arc-message-signature", NULL, KEY_OF_A},
    {DKIM_ARC_MESSAGE, BY_A "; h=arc-authentication-results:from", NULL, KEY_OF_A},
    {DKIM_MESSAGE, BY_A "; h=from:arc-seal", NULL, KEY_OF_A},
    /* Methods that nobody knows are ignored: RFC 6376 3.5. */
    {DKIM_MESSAGE, BY_A "; h=from; q=DNS/txt", NULL, KEY_OF_A},
    {DKIM_MESSAGE, BY_A "; h=from; q=dns/txt : dns/bar", NULL, KEY_OF_A},
    {DKIM_MESSAGE, BY_A "; h=from; q=foo/bar:\r\n dns/txt", NULL, KEY_OF_A},
    {DKIM_ARC_MESSAGE, BY_A "; h=from; q=foo:dns/txt", NULL, KEY_OF_A},
    {DKIM_MESSAGE, BY_A "; h=from; q=foo:dns/txt/bar", "unknown q=", NULL},
    {DKIM_MESSAGE, BY_A "; h=from; q=", "unknown q=", NULL},
};

static void
signatures_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++) {
		struct dkim_signature signature;
		char text[1024], name[HOST_NAME_SIZE];
		const char *problem;

		(void)snprintf(text, sizeof(text), LIKE "; %s", signatures[i].tags);
		problem = dkim_signature_parse(text_of(text), signatures[i].kind, &signature);
		if (signatures[i].problem != NULL) {
			assert_non_null(problem);
			assert_string_equal(problem, signatures[i].problem);
			continue;
		}
		assert_null(problem);
		assert_true(dkim_key_name(&signature, name));
		assert_string_equal(name, signatures[i].key);
	}
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

static void
rfc_8463(void **state)
{
	struct message *message = message_new(dkim_example, -1, sizeof(dkim_example) - 1);
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
		assert_null(
		    dkim_key_parse(dkim_example_keys[i], strlen(dkim_example_keys[i]), &key));
		assert_true(dkim_header_hash(message, field, &signature, hash));
		assert_int_equal(dkim_verify(&signature, &key, hash), DKIM_MATCHES);
		hash[0] ^= 1;
		assert_int_equal(dkim_verify(&signature, &key, hash), DKIM_DIFFERS);
	}
	message_free(message);
}

/* -- Which fields a signature is of ----------------------------------------------------------- */

#define FIELDS 9000
#define LINE 9

/* So many fields "A: 0000", and the signature among them; its h= is WORDS times WORD. */
static struct message *
signed_message(const char *word, size_t words)
{
	char *octets = malloc(FIELDS * LINE + DKIM_FIELDS_MAX * (strlen(word) + 4) + 512),
	     *at = octets;
	struct message *message;

	assert_non_null(octets);
	for (int i = 0; i < FIELDS; i++) {
		if (i == FIELDS - 100) {
			at = stpcpy(at, "DKIM-Signature: v=1; a=ed25519-sha256; d=a.example; "
					"s=s; bh=" HASH "; "
					"b=AA==; h=from");
			for (size_t n = 1; n < words; n++) {
				at = stpcpy(at, ":\r\n ");
				at = stpcpy(at, word);
			}
			at = stpcpy(at, "\r\n");
		}
		at += sprintf(at, "A: %04d\r\n", i);
	}
	message = message_new(octets, -1, (uint64_t)(at - octets));
	free(octets);
	assert_non_null(message);
	return message;
}

/* The names are compared as often as sorting and halving take, not each with each. */
static void
header_hashes(void **state)
{
	static const struct {
		const char *word;
		size_t taken; /* of the fields A, the last first */
	} cases[] = {{"a", DKIM_FIELDS_MAX - 1}, {"b", 0}, {"dkim-signature", 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct message *message;
		const struct message_field *own;
		struct dkim_signature signature;
		uint8_t hash[DKIM_HASH_SIZE], expected[DKIM_HASH_SIZE];
		EVP_MD_CTX *context = dkim_hash_begin();
		char line[LINE + 1];

		compared = 0;
		message = signed_message(cases[i].word, DKIM_FIELDS_MAX);
		own = message_came(message, "dkim-signature", NULL);
		assert_null(dkim_signature_parse(own->text.value, DKIM_MESSAGE, &signature));
		assert_true(dkim_header_hash(message, own, &signature, hash));
		assert_true(compared < 20 * FIELDS + DKIM_FIELDS_MAX * 40);
		for (size_t n = 0; n < cases[i].taken; n++) {
			(void)snprintf(line, sizeof(line), "A: %04zu\r\n", FIELDS - 1 - n);
			dkim_hash_add(context, line, LINE);
		}
		assert_true(dkim_hash_own(context, signature.header, own->text.whole, signature.b));
		dkim_hash_end(context, expected);
		assert_memory_equal(hash, expected, DKIM_HASH_SIZE);
		message_free(message);
	}
}

static void
a_word_too_many(void **state)
{
	struct message *message = signed_message("a", DKIM_FIELDS_MAX + 1);
	const struct message_field *own = message_came(message, "dkim-signature", NULL);
	struct dkim_signature signature;
	uint8_t hash[DKIM_HASH_SIZE];

	(void)state;
	assert_null(dkim_signature_parse(own->text.value, DKIM_MESSAGE, &signature));
	assert_false(dkim_header_hash(message, own, &signature, hash));
	assert_int_equal(errno, E2BIG);
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

/* From, Subject and their like are signed whatever the mail looks like. */
static void
fields_that_may_be_missing(void **state)
{
	uint32_t may = 0;
	char names[128] = "";

	(void)state;
	assert_true(dkim_fields_may_lack(0));
	for (size_t n = 0; n < 32; n++) {
		if (!dkim_fields_may_lack(UINT32_C(1) << n))
			continue;
		may |= UINT32_C(1) << n;
		strlcat(names, dkim_fields[n].name, sizeof(names));
		strlcat(names, " ", sizeof(names));
	}
	assert_string_equal(names, "to cc in-reply-to references ");
	assert_true(dkim_fields_may_lack(may));
	assert_false(dkim_fields_may_lack(may | 1));
	assert_false(dkim_fields_may_lack(UINT32_MAX));
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
	/* What the mail may have, unsigned, can't be named: it would be missing. */
	order.without = UINT32_C(1) << 3;
	assert_true(dkim_compose(&order, &composed));
	assert_non_null(strstr(composed.canonical, " reply-to: cc: subject:"));
	order.without = 0;
	assert_true(dkim_compose(&order, &composed));
	assert_non_null(strstr(composed.canonical, " reply-to: to: cc: subject:"));
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
	    cmocka_unit_test(signatures_are_read),
	    cmocka_unit_test(header_forms),
	    cmocka_unit_test(body_forms),
	    cmocka_unit_test(limited_bodies),
	    cmocka_unit_test(rfc_8463),
	    cmocka_unit_test(header_hashes),
	    cmocka_unit_test(a_word_too_many),
	    cmocka_unit_test(fields_that_are_signed),
	    cmocka_unit_test(fields_that_may_be_missing),
	    cmocka_unit_test(composed_fields),
	};

	if (dkim_crypto_open() == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
