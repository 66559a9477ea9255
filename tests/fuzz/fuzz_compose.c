/* SPDX-License-Identifier: ISC */
/*
 * What certd signs: the first byte chooses the message ('3' or '2', for TLS 1.3 and 1.2), the
 * second the kind of key ('0' to '4'), the rest is the request. Whatever is accepted must have
 * exactly the layout of RFC 8446 4.4.3 or RFC 8422 5.4, with nothing of the gate's choice outside
 * its fields, and a scheme that such a key may use.
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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gc_tls13_server tls13 = {.key = 0};
	struct gc_tls12_server tls12 = {.key = 0};
	enum key_kind kind;

	if (size < 2)
		return 0;
	kind = (enum key_kind)(1U << (data[1] % 16 % 5));
	if (data[0] == '3') {
		memcpy(&tls13, data + 2, size - 2 < sizeof(tls13) ? size - 2 : sizeof(tls13));
		fuzz_tls13(&tls13, kind);
	} else {
		memcpy(&tls12, data + 2, size - 2 < sizeof(tls12) ? size - 2 : sizeof(tls12));
		fuzz_tls12(&tls12, kind);
	}
	return 0;
}
