/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "worker/accounts/scram_exchange.h"

#include <stdlib.h>
#include <string.h>

static const char *const binding_names[BINDING_TYPES] = {
    [BINDING_EXPORTER] = "tls-exporter",
    [BINDING_UNIQUE] = "tls-unique",
    [BINDING_END_POINT] = "tls-server-end-point",
};

/* NULL: this connection has none of that name. */
static const struct ga_binding *
find_binding(const char *name, const struct ga_binding binding[BINDING_TYPES])
{
	for (size_t i = 0; i < BINDING_TYPES; i++) {
		if (strcmp(binding_names[i], name) == 0 && binding[i].length > 0)
			return &binding[i];
	}
	return NULL;
}

static bool
can_bind(const struct ga_binding binding[BINDING_TYPES])
{
	for (size_t i = 0; i < BINDING_TYPES; i++) {
		if (binding[i].length > 0)
			return true;
	}
	return false;
}

const char *
scram_exchange_bind(struct scram_exchange *exchange, const struct scram_client_first *first,
		    const struct ga_binding binding[BINDING_TYPES])
{
	const struct ga_binding *chosen = NULL;

	/* RFC 5802 6: -PLUS and the flag 'p' come together or not at all. */
	if (exchange->plus != (first->binding == SCRAM_BINDING_CHOSEN))
		return "the mechanism's name and its channel binding don't fit";
	if (first->binding == SCRAM_NOT_OFFERED && can_bind(binding))
		return "the client was not shown the -PLUS that was offered: somebody is between";
	if (first->binding == SCRAM_BINDING_CHOSEN) {
		chosen = find_binding(first->binding_name, binding);
		if (chosen == NULL)
			return "the connection has no channel binding of the client's type";
	}
	if (first->gs2_length + (chosen != NULL ? chosen->length : 0) > sizeof(exchange->input))
		return "the authorization identity is too long";
	memcpy(exchange->input, first->gs2_header, first->gs2_length);
	exchange->input_length = first->gs2_length;
	if (chosen != NULL) {
		memcpy(exchange->input + exchange->input_length, chosen->bytes, chosen->length);
		exchange->input_length += chosen->length;
	}
	return NULL;
}

/* 32 bytes of what nobody can foretell, of USER and NUMBER. */
static void
make_up_part(const uint8_t secret[32], enum scram_hash hash, const char *user, uint8_t number,
	     uint8_t out[SCRAM_KEY_MAX])
{
	char name[2 + ADDRESS_SIZE] = {(char)hash, (char)number};
	size_t length = strlcpy(name + 2, user, ADDRESS_SIZE);

	scram_mac(secret, 32, name, 2 + length, out);
}

/* Salt and keys; the salt's length and the iterations are those of the one that it was. */
static void
make_up(struct scram_verifier *verifier, const char *user, const uint8_t secret[32])
{
	uint8_t parts[3][SCRAM_KEY_MAX];

	for (uint8_t i = 0; i < 3; i++)
		make_up_part(secret, verifier->hash, user, i, parts[i]);
	memcpy(verifier->salt, parts, SCRAM_SALT_MAX);
	memcpy(verifier->stored_key, parts[2], SCRAM_KEY_MAX);
	memcpy(verifier->server_key, parts[2], SCRAM_KEY_MAX);
	explicit_bzero(parts, sizeof(parts));
}
_Static_assert(SCRAM_SALT_MAX == 2 * SCRAM_KEY_MAX, "a salt is two parts of three");

static void
make_nonce(struct scram_exchange *exchange, const struct scram_client_first *first)
{
	uint8_t random[BASE64_DECODED(SCRAM_SERVER_NONCE_SIZE - 1)];

	arc4random_buf(random, sizeof(random));
	memcpy(exchange->nonce, first->nonce, first->nonce_length);
	exchange->nonce_length =
	    first->nonce_length +
	    base64_encode(random, sizeof(random), exchange->nonce + first->nonce_length);
}

void
scram_exchange_begin(struct scram_exchange *exchange, const struct scram_client_first *first,
		     const char *kept, const char *stand_in, const char *user,
		     const uint8_t secret[32])
{
	struct scram_verifier *verifier = &exchange->verifier, made;
	const char *text = kept != NULL ? kept : stand_in;
	struct error err;

	if (text == NULL || scram_verifier_parse(text, verifier, &err) == -1)
		*verifier = (struct scram_verifier){.hash = exchange->hash,
						    .iterations = SCRAM_ITERATIONS,
						    .salt_length = SCRAM_SALT};
	made = *verifier;
	make_up(&made, user, secret);
	if (kept == NULL)
		*verifier = made;
	explicit_bzero(&made, sizeof(made));
	strlcpy(exchange->kept, kept != NULL ? kept : "", sizeof(exchange->kept));

	memcpy(exchange->client_first, first->bare, first->bare_length);
	exchange->client_first_length = first->bare_length;
	make_nonce(exchange, first);
	exchange->server_first_length = scram_server_first_make(
	    verifier, exchange->nonce, exchange->nonce_length, exchange->server_first);
}

int
scram_exchange_final(struct scram_exchange *exchange, const char *text, size_t length)
{
	struct scram_client_final final;

	if (length > sizeof(exchange->client_final) ||
	    scram_client_final_parse(exchange->hash, text, length, &final) == -1)
		return -1;
	memcpy(exchange->client_final, text, final.without_proof);
	exchange->client_final_length = final.without_proof;
	memcpy(exchange->proof, final.proof, sizeof(exchange->proof));
	if (final.nonce_length != exchange->nonce_length ||
	    memcmp(final.nonce, exchange->nonce, exchange->nonce_length) != 0)
		exchange->wrong = "another nonce than this exchange has";
	else if (final.binding_length != exchange->input_length ||
		 memcmp(final.binding, exchange->input, exchange->input_length) != 0)
		exchange->wrong = "the channel binding is another connection's";
	explicit_bzero(&final, sizeof(final));
	return 0;
}

static struct scram_dialogue
dialogue(const struct scram_exchange *exchange)
{
	return (struct scram_dialogue){.client_first_bare = exchange->client_first,
				       .client_first_length = exchange->client_first_length,
				       .server_first = exchange->server_first,
				       .server_first_length = exchange->server_first_length,
				       .client_final = exchange->client_final,
				       .client_final_length = exchange->client_final_length};
}

bool
scram_exchange_is_right(const struct scram_exchange *exchange)
{
	struct scram_dialogue said = dialogue(exchange);

	return scram_proof_is_right(&exchange->verifier, &said, exchange->proof);
}

size_t
scram_exchange_answer(const struct scram_exchange *exchange, char out[SCRAM_SERVER_FINAL_SIZE])
{
	struct scram_dialogue said = dialogue(exchange);
	uint8_t signature[SCRAM_KEY_MAX];

	scram_server_signature(&exchange->verifier, &said, signature);
	return scram_server_final_make(exchange->hash, signature, out);
}
