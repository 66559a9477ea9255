/* SPDX-License-Identifier: ISC */
/*
 * The handshake by which a client proves who it is. Whatever is taken for one lies within the bytes
 * that came, has a certificate and a signature, and its last message is not covered by itself.
 */
#include <stdint.h>
#include <stdlib.h>

#include "verify/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int condition)
{
	if (!condition)
		abort();
}

static void
must_be_within(struct slice slice, const uint8_t *data, size_t size)
{
	must(slice.bytes >= data && slice.bytes <= data + size);
	must(slice.length <= (size_t)(data + size - slice.bytes));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proof proof;

	if (proof_parse(data, size, &proof) != NULL)
		return 0;
	must(proof.chain_length > 0 && proof.chain_length <= PROOF_CHAIN_MAX);
	for (size_t i = 0; i < proof.chain_length; i++) {
		must_be_within(proof.chain[i], data, size);
		must(proof.chain[i].length > 0);
	}
	must(proof.covered.bytes == data && proof.covered.length < size);
	must(proof.first_hello.length < proof.covered.length);
	must_be_within(proof.signature, data, size);
	must(proof.signature.length > 0);
	must(proof.signature.bytes >= data + proof.covered.length);
	must_be_within(proof.names, data, size);
	(void)proof_has_name(&proof, data, size < 90 ? size : 90);
	return 0;
}
