/* SPDX-License-Identifier: ISC */
/*
 * What certd signs: the first byte chooses the message ('3' or '2', for TLS 1.3 and 1.2 of a
 * server, 'c' and 'b' of a client), the second the kind of key ('0' to '4'), the rest is the
 * request. Whatever is accepted must have exactly the layout of RFC 8446 4.4.3, RFC 8422 5.4 or RFC
 * 5246 7.4.8, with nothing of the asker's choice outside its fields, and a scheme that such a key
 * may use.
 *
 * 'b': behind the request is an octet, how long the certificate of the client is; that; and the
 * transcript.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "certd/compose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int condition)
{
	if (!condition)
		abort();
}

static void
must_be_zero(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		must(bytes[i] == 0);
}

static void
fuzz_tls13(const struct gc_tls13_server *request, enum key_kind kind)
{
	static const char head[] =
	    "                                                                "
	    "TLS 1.3, server CertificateVerify"; /* and its NUL */
	struct composed composed;

	if (compose_tls13_server(request, kind, &composed) != 0)
		return;
	must(composed.scheme->id == request->scheme && (composed.scheme->tls13 & kind) != 0);
	must(composed.scheme->padding != PADDING_PKCS1);
	must(request->hash_length == 32 || request->hash_length == 48);
	must(composed.length == sizeof(head) + request->hash_length);
	must(memcmp(composed.bytes, head, sizeof(head)) == 0);
	must(memcmp(composed.bytes + sizeof(head), request->hash, request->hash_length) == 0);
	must_be_zero(request->hash + request->hash_length, 48U - request->hash_length);
}

static void
fuzz_tls12(const struct gc_tls12_server *request, enum key_kind kind)
{
	static const uint8_t lengths[] = {65, 97, 133, 0, 0, 0, 32, 56}; /* from secp256r1 on */
	struct composed composed;
	uint8_t length;

	if (compose_tls12_server(request, kind, &composed) != 0)
		return;
	must(composed.scheme->id == request->scheme && (composed.scheme->tls12 & kind) != 0);
	must(request->curve >= 23 && request->curve <= 30);
	length = lengths[request->curve - 23];
	must(length != 0 && request->point_length == length);
	must(composed.length == 68U + length);
	must(memcmp(composed.bytes, request->client_random, 32) == 0);
	must(memcmp(composed.bytes + 32, request->server_random, 32) == 0);
	must(composed.bytes[64] == 3 && composed.bytes[65] == 0);
	must(composed.bytes[66] == request->curve && composed.bytes[67] == length);
	must(memcmp(composed.bytes + 68, request->point, length) == 0);
	must(request->curve >= 29 || composed.bytes[68] == 4);
	must_be_zero(request->point + length, sizeof(request->point) - length);
	must(request->zero == 0);
}

static void
fuzz_tls13_client(const struct rc_tls13_client *request, enum key_kind kind)
{
	static const char head[] =
	    "                                                                "
	    "TLS 1.3, client CertificateVerify"; /* and its NUL */
	struct composed composed;

	if (compose_tls13_client(request, kind, &composed) != 0)
		return;
	must(composed.scheme->id == request->scheme && (composed.scheme->tls13 & kind) != 0);
	must(request->hash_length == 32 || request->hash_length == 48);
	must(composed.data == composed.bytes);
	must(composed.length == sizeof(head) + request->hash_length);
	must(memcmp(composed.bytes, head, sizeof(head)) == 0);
	must(memcmp(composed.bytes + sizeof(head), request->hash, request->hash_length) == 0);
}

/* It ends with a Certificate that is the one there has to be, and a ClientKeyExchange. */
static void
must_show(const struct transcript *transcript)
{
	const uint8_t *at = transcript->bytes, *end = at + transcript->length, *shown = NULL;
	uint8_t type = 0;

	must(at[0] == 1);
	while (at < end) {
		must(end - at >= 4);
		type = at[0];
		if (type == 11)
			shown = at + 4;
		at += 4 + ((size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3]);
	}
	must(at == end && type == 16 && shown != NULL);
	for (size_t done = 0; done < transcript->chain_length;) {
		size_t one = (size_t)shown[3] << 16 | (size_t)shown[4] << 8 | shown[5];

		must(one > 0 && one <= transcript->chain_length - done);
		must(memcmp(shown + 6, transcript->chain + done, one) == 0);
		shown += 3 + one;
		done += one;
	}
}

static void
fuzz_tls12_client(const uint8_t *data, size_t size, enum key_kind kind)
{
	struct rc_tls12_client request;
	struct transcript transcript;
	struct composed composed;

	if (size < sizeof(request) + 1 || size - sizeof(request) - 1 < data[sizeof(request)])
		return;
	memcpy(&request, data, sizeof(request));
	data += sizeof(request);
	size -= sizeof(request);
	transcript.chain = data + 1;
	transcript.chain_length = data[0];
	transcript.bytes = data + 1 + data[0];
	transcript.length = size - 1 - data[0];
	if (compose_tls12_client(&request, &transcript, kind, &composed) != 0)
		return;
	must(composed.scheme->id == request.scheme && (composed.scheme->tls12 & kind) != 0);
	must(request.zero == 0 && composed.data == transcript.bytes);
	must(composed.length == transcript.length && composed.length > COMPOSED_MAX);
	must(transcript.chain_length > 0);
	must_show(&transcript);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rc_tls13_client tls13_client = {.key = 0};
	struct gc_tls13_server tls13 = {.key = 0};
	struct gc_tls12_server tls12 = {.key = 0};
	enum key_kind kind;

	if (size < 2)
		return 0;
	kind = (enum key_kind)(1U << (data[1] % 16 % 5));
	if (data[0] == '3') {
		memcpy(&tls13, data + 2, size - 2 < sizeof(tls13) ? size - 2 : sizeof(tls13));
		fuzz_tls13(&tls13, kind);
	} else if (data[0] == 'c') {
		memcpy(&tls13_client, data + 2,
		       size - 2 < sizeof(tls13_client) ? size - 2 : sizeof(tls13_client));
		fuzz_tls13_client(&tls13_client, kind);
	} else if (data[0] == 'b') {
		fuzz_tls12_client(data + 2, size - 2, kind);
	} else {
		memcpy(&tls12, data + 2, size - 2 < sizeof(tls12) ? size - 2 : sizeof(tls12));
		fuzz_tls12(&tls12, kind);
	}
	return 0;
}
