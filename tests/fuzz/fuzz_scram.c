/* SPDX-License-Identifier: ISC */
/*
 * SCRAM's messages of a client, and a verifier's text: the first byte says which. What is taken has
 * its parts inside the message and within bounds; a verifier can be written again, and is the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/saslprep.h"
#include "common/scram.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int condition)
{
	if (!condition)
		abort();
}

static void
try_first(const char *text, size_t length)
{
	struct scram_client_first first;
	char prepared[ADDRESS_SIZE];

	if (scram_client_first_parse(text, length, &first) == -1)
		return;
	must(first.gs2_header == text && first.gs2_header + first.gs2_length == first.bare);
	must(first.bare + first.bare_length == text + length);
	must(first.nonce > first.bare && first.nonce_length > 0);
	must(first.nonce + first.nonce_length <= text + length);
	must(first.nonce_length <= SCRAM_NONCE_MAX && first.user[0] != '\0');
	must((first.binding == SCRAM_BINDING_CHOSEN) == (first.binding_name[0] != '\0'));
	if (saslprep(first.user, prepared, sizeof(prepared)) == 0)
		must(prepared[0] != '\0');
}

static void
try_final(enum scram_hash hash, const char *text, size_t length)
{
	struct scram_client_final final;

	if (scram_client_final_parse(hash, text, length, &final) == -1)
		return;
	must(final.without_proof < length && memcmp(text + final.without_proof, ",p=", 3) == 0);
	must(final.nonce > text && final.nonce + final.nonce_length <= text + final.without_proof);
	must(final.binding_length > 0 && final.binding_length <= sizeof(final.binding));
}

static void
try_verifier(const char *data, size_t size)
{
	char *text = malloc(size + 1), again[SCRAM_VERIFIER_SIZE];
	struct scram_verifier verifier;
	struct error err;

	if (text == NULL)
		return;
	memcpy(text, data, size);
	text[size] = '\0';
	if (scram_verifier_parse(text, &verifier, &err) == 0) {
		scram_verifier_format(&verifier, again);
		must(strcmp(text, again) == 0);
	}
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;

	if (size == 0)
		return 0;
	switch (data[0]) {
	case 'v':
		try_verifier(text, size - 1);
		break;
	case '1':
		try_final(SCRAM_SHA_1, text, size - 1);
		break;
	case '2':
		try_final(SCRAM_SHA_256, text, size - 1);
		break;
	default:
		try_first(text, size - 1);
		break;
	}
	return 0;
}
