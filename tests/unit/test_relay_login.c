/* SPDX-License-Identifier: ISC */
/* The client's side of AUTH against the server's side as Postern's own gate has it. */
#include <event2/buffer.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base64.h"
#include "common/scram.h"
#include "common/scram_keys.h"
#include "worker/relay/login.h"

#define USER "a,b=c"
#define PASSWORD "correct horse"
#define TEXT_SIZE 1024

/* A server with a verifier. */
struct server {
	struct scram_verifier verifier;
	char first[TEXT_SIZE], server_first[SCRAM_SERVER_FIRST_SIZE], final[TEXT_SIZE];
	struct scram_client_first client;
	struct scram_dialogue said;
};

static void
server_open(struct server *s, const char *password)
{
	memset(s, 0, sizeof(*s));
	s->verifier.iterations = SCRAM_ITERATIONS_MIN;
	s->verifier.salt_length = SCRAM_SALT;
	memset(s->verifier.salt, 7, SCRAM_SALT);
	scram_verifier_make(&s->verifier, password);
}

/* The base64 behind SKIP characters of the line in OUT, as text. */
static size_t
take(struct evbuffer *out, size_t skip, char text[TEXT_SIZE])
{
	char *line = evbuffer_readln(out, NULL, EVBUFFER_EOL_CRLF_STRICT);
	size_t length;

	assert_non_null(line);
	assert_int_equal(
	    base64_decode(line + skip, strlen(line + skip), text, TEXT_SIZE - 1, &length), 0);
	text[length] = '\0';
	free(line);
	return length;
}

static void
server_takes_first(struct server *s, struct evbuffer *out, char challenge[TEXT_SIZE])
{
	size_t length = take(out, strlen("AUTH SCRAM-SHA-256 "), s->first);
	char nonce[SCRAM_NONCE_MAX];

	assert_int_equal(scram_client_first_parse(s->first, length, &s->client), 0);
	assert_string_equal(s->client.user, USER);
	snprintf(nonce, sizeof(nonce), "%.*sserver", (int)s->client.nonce_length, s->client.nonce);
	(void)scram_server_first_make(&s->verifier, nonce, strlen(nonce), s->server_first);
	base64_encode(s->server_first, strlen(s->server_first), challenge);
}

/* Whether it lets the client in. */
static bool
server_takes_final(struct server *s, struct evbuffer *out, char challenge[TEXT_SIZE])
{
	size_t length = take(out, 0, s->final);
	char text[SCRAM_SERVER_FINAL_SIZE];
	uint8_t signature[SCRAM_KEY_MAX];
	struct scram_client_final final;

	assert_int_equal(scram_client_final_parse(SCRAM_SHA_256, s->final, length, &final), 0);
	assert_int_equal(final.binding_length, 3);
	assert_memory_equal(final.binding, "n,,", 3);
	s->said = (struct scram_dialogue){.client_first_bare = s->client.bare,
					  .client_first_length = s->client.bare_length,
					  .server_first = s->server_first,
					  .server_first_length = strlen(s->server_first),
					  .client_final = s->final,
					  .client_final_length = final.without_proof};
	scram_server_signature(&s->verifier, &s->said, signature);
	(void)scram_server_final_make(SCRAM_SHA_256, signature, text);
	base64_encode(text, strlen(text), challenge);
	return scram_proof_is_right(&s->verifier, &s->said, final.proof);
}

static void
scram_as_the_gate_has_it(void **state)
{
	struct evbuffer *out = evbuffer_new();
	char challenge[TEXT_SIZE];
	struct server s;
	struct login login;

	(void)state;
	server_open(&s, PASSWORD);
	assert_true(login_begin(&login, LOGIN_SCRAM_SHA_256 | LOGIN_PLAIN, USER, PASSWORD, out));
	server_takes_first(&s, out, challenge);
	assert_true(login_answer(&login, challenge, out));
	assert_true(server_takes_final(&s, out, challenge));
	assert_false(login_done(&login));
	assert_true(login_answer(&login, challenge, out));
	assert_true(login_done(&login));
	assert_false(login_answer(&login, challenge, out));
	evbuffer_free(out);
}

/* A server that has another password neither takes ours nor can say that it knows it. */
static void
another_password_is_seen_by_both(void **state)
{
	struct evbuffer *out = evbuffer_new();
	char challenge[TEXT_SIZE];
	struct server s;
	struct login login;

	(void)state;
	server_open(&s, "another");
	assert_true(login_begin(&login, LOGIN_SCRAM_SHA_256, USER, PASSWORD, out));
	server_takes_first(&s, out, challenge);
	assert_true(login_answer(&login, challenge, out));
	assert_false(server_takes_final(&s, out, challenge));
	assert_false(login_answer(&login, challenge, out));
	assert_false(login_done(&login));
	evbuffer_free(out);
}

/* %s: the client's nonce. */
static const char *const lies[] = {
    "r=other,s=QUFB,i=4096",
    "r=%s,s=QUFB,i=4096",
    "r=%sx,s=QUFB,i=4095",
    "r=%sx,s=QUFB,i=600001",
    "r=%sx,s=QUFB,i=9999999999999999999999",
    "r=%sx,s=QUFB,i=",
    "r=%sx,s=QUFB,i=-4096",
    "r=%sx,s=,i=4096",
    "r=%sx,s=???,i=4096",
    "r=%sx,i=4096",
    "r=%sx",
    "s=QUFB,r=%sx,i=4096",
    "m=x,r=%sx,s=QUFB,i=4096",
    "",
};

static void
what_is_no_challenge_ends_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct evbuffer *out = evbuffer_new();
		char text[TEXT_SIZE] = "", challenge[2 * TEXT_SIZE];
		const char *mark = strstr(lies[i], "%s");
		struct login login;
		char *line;

		assert_true(login_begin(&login, LOGIN_SCRAM_SHA_256, USER, PASSWORD, out));
		free(evbuffer_readln(out, NULL, EVBUFFER_EOL_CRLF_STRICT));
		strlcpy(text, lies[i], sizeof(text));
		if (mark != NULL) {
			text[mark - lies[i]] = '\0';
			strlcat(text, login.nonce, sizeof(text));
			strlcat(text, mark + 2, sizeof(text));
		}
		print_message("%s\n", lies[i]);
		base64_encode(text, strlen(text), challenge);
		assert_false(login_answer(&login, challenge, out));
		line = evbuffer_readln(out, NULL, EVBUFFER_EOL_CRLF_STRICT);
		assert_string_equal(line, "*");
		free(line);
		evbuffer_free(out);
	}
}

/* RFC 4954 4: what makes the command too long waits for a challenge. */
static void
a_long_password_is_no_long_command(void **state)
{
	struct evbuffer *out = evbuffer_new();
	char password[401], text[TEXT_SIZE];
	struct login login;
	char *line;

	(void)state;
	memset(password, 'p', 400);
	password[400] = '\0';
	assert_true(login_begin(&login, LOGIN_PLAIN, USER, password, out));
	line = evbuffer_readln(out, NULL, EVBUFFER_EOL_CRLF_STRICT);
	assert_string_equal(line, "AUTH PLAIN");
	free(line);
	assert_true(login_answer(&login, "", out));
	assert_int_equal(take(out, 0, text), 2 + strlen(USER) + 400);
	assert_memory_equal(text, "\0" USER "\0ppp", 5 + strlen(USER));
	assert_false(login_begin(&login, 0, USER, password, out));
	evbuffer_free(out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(scram_as_the_gate_has_it),
	    cmocka_unit_test(another_password_is_seen_by_both),
	    cmocka_unit_test(what_is_no_challenge_ends_it),
	    cmocka_unit_test(a_long_password_is_no_long_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
