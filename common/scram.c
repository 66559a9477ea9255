/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/scram.h"

#include <stdio.h>
#include <string.h>
#include <unistr.h>

/* What is left of a message; attributes are taken from its front. */
struct rest {
	const char *at;
	const char *end;
};

static bool
take(struct rest *rest, char c)
{
	if (rest->at == rest->end || *rest->at != c)
		return false;
	rest->at++;
	return true;
}

/* NAME "=": the value, up to the next comma (which is taken) or the end. NULL: something else. */
static const char *
take_attribute(struct rest *rest, char name, size_t *length)
{
	const char *value, *comma;

	if (rest->end - rest->at < 2 || rest->at[0] != name || rest->at[1] != '=')
		return NULL;
	value = rest->at + 2;
	comma = memchr(value, ',', (size_t)(rest->end - value));
	*length = (size_t)((comma == NULL ? rest->end : comma) - value);
	rest->at = comma == NULL ? rest->end : comma + 1;
	return value;
}

/* saslname: "=2C" is a comma, "=3D" an equals sign, nothing else has one. */
static int
decode_name(const char *text, size_t length, char out[ADDRESS_SIZE])
{
	size_t used = 0;

	if (length == 0 || memchr(text, '\0', length) != NULL ||
	    u8_check((const uint8_t *)text, length) != NULL)
		return -1;
	for (size_t i = 0; i < length; i++) {
		char c = text[i];

		if (c == '=') {
			if (length - i < 3)
				return -1;
			if (memcmp(text + i, "=2C", 3) == 0)
				c = ',';
			else if (memcmp(text + i, "=3D", 3) != 0)
				return -1;
			i += 2;
		}
		if (used == ADDRESS_SIZE - 1)
			return -1;
		out[used++] = c;
	}
	out[used] = '\0';
	return 0;
}

/* printable: 0x21 to 0x7e without the comma. */
static bool
is_nonce(const char *nonce, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (nonce[i] < 0x21 || nonce[i] > 0x7e || nonce[i] == ',')
			return false;
	}
	return length > 0;
}

/* cb-name: letters, digits, "." and "-" (RFC 5056 7). */
static int
decode_binding_name(const char *name, size_t length, char *out, size_t size)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789.-";

	if (length == 0 || length >= size)
		return -1;
	for (size_t i = 0; i < length; i++) {
		if (name[i] == '\0' || strchr(allowed, name[i]) == NULL)
			return -1;
		out[i] = name[i];
	}
	out[length] = '\0';
	return 0;
}

/* gs2-header. A "F," in front of it is for GSS-API only (RFC 5801 4). */
static int
parse_gs2(struct rest *rest, struct scram_client_first *first)
{
	size_t length;
	const char *value;

	value = take_attribute(rest, 'p', &length);
	if (value != NULL) {
		first->binding = SCRAM_BINDING_CHOSEN;
		/* A comma must follow: what was taken ends before the end. */
		if (decode_binding_name(value, length, first->binding_name,
					sizeof(first->binding_name)) == -1 ||
		    value + length == rest->end)
			return -1;
	} else if (take(rest, 'n')) {
		first->binding = SCRAM_NO_BINDING;
	} else if (take(rest, 'y')) {
		first->binding = SCRAM_NOT_OFFERED;
	} else {
		return -1;
	}
	if (value == NULL && !take(rest, ','))
		return -1;
	if (take(rest, ','))
		return 0;
	value = take_attribute(rest, 'a', &length);
	if (value == NULL || value + length == rest->end)
		return -1;
	return decode_name(value, length, first->authorization);
}

int
scram_client_first_parse(const char *text, size_t length, struct scram_client_first *first)
{
	struct rest rest = {text, text + length};
	const char *name;
	size_t name_length;

	memset(first, 0, sizeof(*first));
	if (parse_gs2(&rest, first) == -1)
		return -1;
	first->gs2_header = text;
	first->gs2_length = (size_t)(rest.at - text);
	first->bare = rest.at;
	first->bare_length = (size_t)(rest.end - rest.at);
	/* "m=", in front of the name, is an extension that has to be understood. */
	name = take_attribute(&rest, 'n', &name_length);
	if (name == NULL || decode_name(name, name_length, first->user) == -1)
		return -1;
	first->nonce = take_attribute(&rest, 'r', &first->nonce_length);
	if (first->nonce == NULL || first->nonce_length > SCRAM_NONCE_MAX ||
	    !is_nonce(first->nonce, first->nonce_length))
		return -1;
	return 0; /* what is left are extensions that may be ignored */
}

/* Extensions may stand before the proof, which is the last: "p=" can't be in their values' place.
 */
static int
parse_proof(struct rest *rest, enum scram_hash hash, const char *text,
	    struct scram_client_final *final)
{
	const char *proof, *comma;
	size_t length, decoded;

	while ((proof = take_attribute(rest, 'p', &length)) == NULL) {
		comma = memchr(rest->at, ',', (size_t)(rest->end - rest->at));
		if (comma == NULL || rest->at[0] == 'm')
			return -1;
		rest->at = comma + 1;
	}
	final->without_proof = (size_t)(proof - strlen(",p=") - text);
	if (proof + length != rest->end ||
	    base64_decode(proof, length, final->proof, sizeof(final->proof), &decoded) == -1 ||
	    decoded != scram_key_size(hash))
		return -1;
	return 0;
}

int
scram_client_final_parse(enum scram_hash hash, const char *text, size_t length,
			 struct scram_client_final *final)
{
	struct rest rest = {text, text + length};
	const char *binding;
	size_t binding_length;

	memset(final, 0, sizeof(*final));
	binding = take_attribute(&rest, 'c', &binding_length);
	if (binding == NULL || binding_length == 0 ||
	    base64_decode(binding, binding_length, final->binding, sizeof(final->binding),
			  &final->binding_length) == -1)
		return -1;
	final->nonce = take_attribute(&rest, 'r', &final->nonce_length);
	if (final->nonce == NULL || final->nonce + final->nonce_length == rest.end ||
	    !is_nonce(final->nonce, final->nonce_length))
		return -1;
	return parse_proof(&rest, hash, text, final);
}

size_t
scram_server_first_make(const struct scram_verifier *verifier, const char *nonce,
			size_t nonce_length, char out[SCRAM_SERVER_FIRST_SIZE])
{
	char salt[BASE64_ENCODED(SCRAM_SALT_MAX) + 1];

	base64_encode(verifier->salt, verifier->salt_length, salt);
	return (size_t)snprintf(out, SCRAM_SERVER_FIRST_SIZE, "r=%.*s,s=%s,i=%u", (int)nonce_length,
				nonce, salt, verifier->iterations);
}

size_t
scram_server_final_make(enum scram_hash hash, const uint8_t signature[SCRAM_KEY_MAX],
			char out[SCRAM_SERVER_FINAL_SIZE])
{
	out[0] = 'v';
	out[1] = '=';
	return 2 + base64_encode(signature, scram_key_size(hash), out + 2);
}
