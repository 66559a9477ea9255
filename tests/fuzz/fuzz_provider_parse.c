/* SPDX-License-Identifier: ISC */
/*
 * What is accepted for signing must be all that certd composes again: the parts put together are
 * the input, byte for byte. The first two bytes are the scheme.
 */
#include <stdlib.h>
#include <string.h>

#include "worker/gate/tls_names.h"
#include "worker/tls/provider_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The same for what a client signs. */
static void
check_client(const uint8_t *tbs, size_t size, uint16_t scheme)
{
	struct sign_request request;
	const struct rc_tls13_client *tls13 = &request.as.tls13_client;
	uint8_t again[256];

	if (client_request_parse(tbs, size, scheme, &request) != 0)
		return;
	if (request.type == RC_TLS12_CLIENT) {
		if (request.transcript != tbs || request.transcript_length != size ||
		    size > TRANSCRIPT_MAX || tbs[0] != 1)
			abort();
		return;
	}
	if (request.type != RC_TLS13_CLIENT || request.transcript_length != 0)
		abort();
	memset(again, 0x20, 64);
	memcpy(again + 64, "TLS 1.3, client CertificateVerify", 34);
	memcpy(again + 98, tls13->hash, tls13->hash_length);
	if (size != 98u + tls13->hash_length || memcmp(again, tbs, size) != 0)
		abort();
}

static size_t
compose(const struct sign_request *request, uint8_t *out)
{
	const struct gc_tls13_server *tls13 = &request->as.tls13;
	const struct gc_tls12_server *tls12 = &request->as.tls12;

	if (request->type == GC_TLS13_SERVER) {
		memset(out, 0x20, 64);
		memcpy(out + 64, "TLS 1.3, server CertificateVerify", 34);
		memcpy(out + 98, tls13->hash, tls13->hash_length);
		return 98u + tls13->hash_length;
	}
	memcpy(out, tls12->client_random, 32);
	memcpy(out + 32, tls12->server_random, 32);
	out[64] = 3;
	out[65] = (uint8_t)(tls12->curve >> 8);
	out[66] = (uint8_t)tls12->curve;
	out[67] = (uint8_t)tls12->point_length;
	memcpy(out + 68, tls12->point, tls12->point_length);
	return 68u + tls12->point_length;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sign_request request;
	char host[HOST_NAME_SIZE];
	uint8_t again[256];
	uint16_t scheme;

	if (server_name_parse(data, size, host) == 0) {
		if (strlen(host) == 0 || strlen(host) != size - 5)
			abort();
		(void)name_matches("*.example", host);
	}
	if (size < 3)
		return 0;
	(void)first_bytes_kind(data, size);
	scheme = (uint16_t)(data[0] << 8 | data[1]);
	check_client(data + 2, size - 2, scheme);
	if (sign_request_parse(data + 2, size - 2, scheme, &request) == 0 &&
	    (compose(&request, again) != size - 2 || memcmp(again, data + 2, size - 2) != 0))
		abort();
	return 0;
}
