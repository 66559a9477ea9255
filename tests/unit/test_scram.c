/* SPDX-License-Identifier: ISC */
/* SCRAM: the examples of RFC 5802 and RFC 7677, what hostile clients send, verifiers, SASLprep. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include <string.h>

#include "common/saslprep.h"
#include "worker/accounts/scram_exchange.h"

/* RFC 5802 5 and RFC 7677 3: user "user", password "pencil". */
static const struct example {
	enum scram_hash hash;
	const char *verifier; /* made of the password by another program */
	const char *client_first;
	const char *server_first;
	const char *nonce;
	const char *client_final;
	const char *server_final;
} examples[] = {
    {SCRAM_SHA_1,
     "SCRAM-SHA-1$4096:QSXCR+Q6sek8bf92$6dlGYMOdZcOPutkcNY8U2g7vK9Y=:D+CSWLOshSulAsxiupA+qs2/fTE=",
     "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
     "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
     "fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
     "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
     "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="},
    {SCRAM_SHA_256,
     "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
     "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
     "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
     "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
     "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
     "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
     "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
     "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
};
#define EXAMPLES (sizeof(examples) / sizeof(examples[0]))

static const struct ga_binding no_binding[BINDING_TYPES];

static void
verifiers_are_made(void **state)
{
	(void)state;
	for (size_t i = 0; i < EXAMPLES; i++) {
		struct scram_verifier verifier, made;
		char text[SCRAM_VERIFIER_SIZE];
		struct error err;

		assert_int_equal(scram_verifier_parse(examples[i].verifier, &verifier, &err), 0);
		made = verifier;
		memset(made.stored_key, 0, sizeof(made.stored_key));
		memset(made.server_key, 0, sizeof(made.server_key));
		scram_verifier_make(&made, "pencil");
		scram_verifier_format(&made, text);
		assert_string_equal(text, examples[i].verifier);
		assert_true(scram_verifier_matches(&verifier, "pencil"));
		assert_false(scram_verifier_matches(&verifier, "pencils"));
		assert_false(scram_verifier_matches(&verifier, ""));
	}
}

/* The exchange up to where the server's nonce is the example's. */
static void
begin(struct scram_exchange *exchange, const struct example *example)
{
	struct scram_client_first first;

	memset(exchange, 0, sizeof(*exchange));
	exchange->hash = example->hash;
	assert_int_equal(
	    scram_client_first_parse(example->client_first, strlen(example->client_first), &first),
	    0);
	assert_string_equal(first.user, "user");
	assert_null(scram_exchange_bind(exchange, &first, no_binding));
	scram_exchange_begin(exchange, &first, example->verifier, NULL, "user", (uint8_t[32]){0});
	assert_memory_equal(exchange->nonce, first.nonce, first.nonce_length);
	strlcpy(exchange->nonce, example->nonce, sizeof(exchange->nonce));
	exchange->nonce_length = strlen(example->nonce);
	exchange->server_first_length = scram_server_first_make(
	    &exchange->verifier, exchange->nonce, exchange->nonce_length, exchange->server_first);
	assert_int_equal(exchange->server_first_length, strlen(example->server_first));
	assert_memory_equal(exchange->server_first, example->server_first,
			    exchange->server_first_length);
}

static void
the_examples_of_the_rfcs(void **state)
{
	(void)state;
	for (size_t i = 0; i < EXAMPLES; i++) {
		const struct example *example = &examples[i];
		struct scram_exchange exchange;
		char answer[SCRAM_SERVER_FINAL_SIZE];

		begin(&exchange, example);
		assert_int_equal(scram_exchange_final(&exchange, example->client_final,
						      strlen(example->client_final)),
				 0);
		assert_null(exchange.wrong);
		assert_true(scram_exchange_is_right(&exchange));
		assert_int_equal(scram_exchange_answer(&exchange, answer),
				 strlen(example->server_final));
		assert_string_equal(answer, example->server_final);
	}
}

/* Whatever is changed of the final message: it is none, or it is wrong. */
static void
every_change_is_seen(void **state)
{
	(void)state;
	for (size_t i = 0; i < EXAMPLES; i++) {
		size_t length = strlen(examples[i].client_final);

		for (size_t at = 0; at < length; at++) {
			struct scram_exchange exchange;
			char text[512];

			begin(&exchange, &examples[i]);
			memcpy(text, examples[i].client_final, length);
			text[at] ^= 1;
			if (scram_exchange_final(&exchange, text, length) == 0)
				assert_false(exchange.wrong == NULL &&
					     scram_exchange_is_right(&exchange));
		}
	}
}

static void
first_messages(void **state)
{
	static const char *const bad[] = {
	    "",
	    "n",
	    "n,",
	    "n,,",
	    "n,,n=",
	    "n,,n=user",
	    "n,,n=user,r=",
	    "n,,n=,r=abc",
	    "x,,n=user,r=abc",
	    "F,n,,n=user,r=abc",
	    "p,,n=user,r=abc",
	    "p=,,n=user,r=abc",
	    "p=tls_exporter,,n=user,r=abc",
	    "p=tls-exporter",
	    "p=tls-exporter,",
	    "p=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,,n=user,r=abc",
	    "n,b=x,n=user,r=abc",
	    "n,a=,n=user,r=abc",
	    "n,a=bob",
	    "n,,m=x,n=user,r=abc",
	    "n,,n=us=er,r=abc",
	    "n,,n=user=2,r=abc",
	    "n,,n=user=2c,r=abc",
	    "n,,n=user=,r=abc",
	    "n,,n=us\x80,r=abc",
	    "n,,n=us\xc0\xaf,r=abc",
	    "n,,r=abc,n=user",
	    "n,,n=user,r=a\x7f",
	    "n,,n=user,r=a b",
	    "n,,n=user,r=\xc3\xa4",
	};
	struct scram_client_first first;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(scram_client_first_parse(bad[i], strlen(bad[i]), &first), -1);
	assert_int_equal(scram_client_first_parse("n,,n=us\0er,r=abc", 16, &first), -1);
	assert_int_equal(scram_client_first_parse("n,,n=user,r=a\0c", 15, &first), -1);
}

static void
first_message_parts(void **state)
{
	static const char text[] = "p=tls-exporter,a=b=2Cob,n==3Dal=2Cice,r=ab$c,x=ignored";
	char longest[ADDRESS_SIZE + 300] = "n,,n=";
	struct scram_client_first first;

	(void)state;
	assert_int_equal(scram_client_first_parse(text, strlen(text), &first), 0);
	assert_int_equal(first.binding, SCRAM_BINDING_CHOSEN);
	assert_string_equal(first.binding_name, "tls-exporter");
	assert_string_equal(first.authorization, "b,ob");
	assert_string_equal(first.user, "=al,ice");
	assert_int_equal(first.gs2_length, strlen("p=tls-exporter,a=b=2Cob,"));
	assert_int_equal(first.nonce_length, 4);
	assert_int_equal(scram_client_first_parse("y,,n=u,r=x", 10, &first), 0);
	assert_int_equal(first.binding, SCRAM_NOT_OFFERED);

	memset(longest + 5, 'u', ADDRESS_SIZE - 1);
	strlcat(longest, ",r=x", sizeof(longest));
	assert_int_equal(scram_client_first_parse(longest, strlen(longest), &first), 0);
	memset(longest + 5, 'u', ADDRESS_SIZE);
	strlcpy(longest + 5 + ADDRESS_SIZE, ",r=x", sizeof(longest) - 5 - ADDRESS_SIZE);
	assert_int_equal(scram_client_first_parse(longest, strlen(longest), &first), -1);
	strlcpy(longest, "n,,n=u,r=", sizeof(longest));
	memset(longest + 9, 'x', SCRAM_NONCE_MAX + 1);
	assert_int_equal(scram_client_first_parse(longest, 9 + SCRAM_NONCE_MAX, &first), 0);
	assert_int_equal(scram_client_first_parse(longest, 9 + SCRAM_NONCE_MAX + 1, &first), -1);
}

#define PROOF "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="

static void
final_messages(void **state)
{
	static const char *const bad[] = {
	    "",
	    "c=",
	    "c=biws",
	    "c=biws,",
	    "c=biws,r=abc",
	    "c=biws,r=abc,",
	    "c=biws,r=abc,p=",
	    "c=biws,r=abc,p=AAAA",
	    "c=biws,r=,p=" PROOF,
	    "c=,r=abc,p=" PROOF,
	    "c=bi*s,r=abc,p=" PROOF,
	    "r=abc,c=biws,p=" PROOF,
	    "c=biws,p=" PROOF,
	    "c=biws,r=abc,m=x,p=" PROOF,
	    "c=biws,r=abc,p=" PROOF ",x=y",
	    "c=biws,r=abc,p=" PROOF " ",
	    "c=biws,r=a c,p=" PROOF,
	    "c=biws,r=abc,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVR=",
	};
	struct scram_client_final final;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
		    scram_client_final_parse(SCRAM_SHA_256, bad[i], strlen(bad[i]), &final), -1);
	assert_int_equal(scram_client_final_parse(SCRAM_SHA_256, "c=biws,r=abc,x=y,p=" PROOF,
						  19 + strlen(PROOF), &final),
			 0);
	assert_int_equal(final.without_proof, 16);
	/* Its proof is too long for the other hash. */
	assert_int_equal(scram_client_final_parse(SCRAM_SHA_1, "c=biws,r=abc,p=" PROOF,
						  15 + strlen(PROOF), &final),
			 -1);
}

static void
bad_verifiers(void **state)
{
#define KEYS                                             \
	"$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:" \
	"wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
	static const char *const bad[] = {
	    "",
	    "SCRAM-SHA-256",
	    "SCRAM-SHA-512$4096:W22Z" KEYS,
	    "SCRAM-SHA-1$4096:W22Z" KEYS,
	    "SCRAM-SHA-256$4095:W22Z" KEYS,
	    "SCRAM-SHA-256$04096:W22Z" KEYS,
	    "SCRAM-SHA-256$10000001:W22Z" KEYS,
	    "SCRAM-SHA-256$4294971392:W22Z" KEYS,
	    "SCRAM-SHA-256$-4096:W22Z" KEYS,
	    "SCRAM-SHA-256$4096:" KEYS,
	    "SCRAM-SHA-256$4096:W22" KEYS,
	    "SCRAM-SHA-256$4096" KEYS,
	    "SCRAM-SHA-256$4096:W22Z" KEYS "x",
	    "SCRAM-SHA-256$4096:W22Z$:",
	    "scram-sha-256$4096:W22Z" KEYS,
	};
	struct scram_verifier verifier;
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(scram_verifier_parse(bad[i], &verifier, &err), -1);
	assert_int_equal(scram_verifier_parse("SCRAM-SHA-256$4096:W22Z" KEYS, &verifier, &err), 0);
}

static const char *
bound(const char *client_first, bool plus, const struct ga_binding *binding,
      struct scram_exchange *exchange)
{
	struct scram_client_first first;

	memset(exchange, 0, sizeof(*exchange));
	exchange->plus = plus;
	assert_int_equal(scram_client_first_parse(client_first, strlen(client_first), &first), 0);
	return scram_exchange_bind(exchange, &first, binding);
}

static void
channel_bindings(void **state)
{
	static const struct ga_binding tls13[BINDING_TYPES] = {
	    [BINDING_EXPORTER] = {.length = 4, .bytes = "expo"},
	    [BINDING_END_POINT] = {.length = 3, .bytes = "end"}};
	struct scram_exchange exchange;

	(void)state;
	assert_null(bound("p=tls-exporter,,n=u,r=x", true, tls13, &exchange));
	assert_int_equal(exchange.input_length, 20);
	assert_memory_equal(exchange.input, "p=tls-exporter,,expo", 20);
	assert_null(bound("p=tls-server-end-point,a=u,n=u,r=x", true, tls13, &exchange));
	assert_memory_equal(exchange.input, "p=tls-server-end-point,a=u,end", 30);
	assert_null(bound("n,,n=u,r=x", false, tls13, &exchange));
	assert_null(bound("n,,n=u,r=x", false, no_binding, &exchange));
	assert_null(bound("y,,n=u,r=x", false, no_binding, &exchange));
	/* Somebody has hidden -PLUS from the client. */
	assert_non_null(bound("y,,n=u,r=x", false, tls13, &exchange));
	/* tls-unique is none of TLS 1.3's; nor is this one anybody's. */
	assert_non_null(bound("p=tls-unique,,n=u,r=x", true, tls13, &exchange));
	assert_non_null(bound("p=tls-nonsense,,n=u,r=x", true, tls13, &exchange));
	assert_non_null(bound("p=tls-exporter,,n=u,r=x", true, no_binding, &exchange));
	/* The name and the flag. */
	assert_non_null(bound("p=tls-exporter,,n=u,r=x", false, tls13, &exchange));
	assert_non_null(bound("n,,n=u,r=x", true, tls13, &exchange));
	assert_non_null(bound("y,,n=u,r=x", true, tls13, &exchange));
}

/* One that is made up looks as the one that stands in, stays the same, and can't be met. */
static void
made_up_verifiers(void **state)
{
	static const char text[] = "n,,n=mallory,r=abc";
	const uint8_t secret[32] = "secret", other[32] = "other";
	struct scram_exchange a, b;
	struct scram_client_first first;

	(void)state;
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	assert_int_equal(scram_client_first_parse(text, strlen(text), &first), 0);
	scram_exchange_begin(&a, &first, NULL, examples[1].verifier, "mallory", secret);
	assert_int_equal(a.verifier.iterations, 4096);
	assert_int_equal(a.verifier.salt_length, 16);
	assert_string_equal(a.kept, "");
	scram_exchange_begin(&b, &first, NULL, examples[1].verifier, "mallory", secret);
	assert_memory_equal(a.verifier.salt, b.verifier.salt, 16);
	assert_memory_not_equal(a.nonce, b.nonce, a.nonce_length);
	scram_exchange_begin(&b, &first, NULL, examples[1].verifier, "trudy", secret);
	assert_memory_not_equal(a.verifier.salt, b.verifier.salt, 16);
	scram_exchange_begin(&b, &first, NULL, NULL, "mallory", other);
	assert_memory_not_equal(a.verifier.salt, b.verifier.salt, 16);
	assert_int_equal(b.verifier.iterations, SCRAM_ITERATIONS);
	assert_int_equal(b.verifier.salt_length, SCRAM_SALT);
}

/* RFC 4013 3, and some more. */
static void
saslprep_texts(void **state)
{
	static const struct {
		const char *text;
		const char *prepared; /* NULL: prohibited */
	} texts[] = {
	    {"I\xc2\xadX", "IX"},
	    {"user", "user"},
	    {"USER", "USER"},
	    {"\xc2\xaa", "a"},
	    {"\xe2\x85\xa8", "IX"},
	    {"\x07", NULL},
	    {"\xd8\xa7\x31", NULL},
	    {"\xd8\xa7\x31\xd8\xa8", "\xd8\xa7\x31\xd8\xa8"},
	    {"a\xc2\xa0"
	     "b",
	     "a b"},
	    {"a\xe2\x80\x8b"
	     "b",
	     "a b"},
	    {"A\xcc\x8a", "\xc3\x85"},
	    {"\xf0\x9f\x94\x91 key", "\xf0\x9f\x94\x91 key"}, /* of after Unicode 3.2 */
	    {"\xee\x80\x80", NULL},
	    {"\xef\xbf\xbe", NULL},
	    {"\xe2\x80\xaex", NULL},
	    {"\xc2\xad", NULL},
	    {"", NULL},
	    {"\x80", NULL},
	    {"\xed\xa0\x80", NULL},
	};
	char out[16];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int result = saslprep(texts[i].text, out, sizeof(out));

		assert_int_equal(result, texts[i].prepared == NULL ? -1 : 0);
		if (result == 0)
			assert_string_equal(out, texts[i].prepared);
	}
	assert_int_equal(saslprep("0123456789abcde", out, sizeof(out)), 0);
	assert_int_equal(saslprep("0123456789abcdef", out, sizeof(out)), -1);
	/* U+FDFA becomes eighteen letters. */
	assert_int_equal(saslprep("\xef\xb7\xba", out, sizeof(out)), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(verifiers_are_made),   cmocka_unit_test(the_examples_of_the_rfcs),
	    cmocka_unit_test(every_change_is_seen), cmocka_unit_test(first_messages),
	    cmocka_unit_test(first_message_parts),  cmocka_unit_test(final_messages),
	    cmocka_unit_test(bad_verifiers),        cmocka_unit_test(channel_bindings),
	    cmocka_unit_test(made_up_verifiers),    cmocka_unit_test(saslprep_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
