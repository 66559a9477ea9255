/* SPDX-License-Identifier: ISC */
#include "certd/compose.h"

#include <stdbool.h>
#include <string.h>

#define NAMED_CURVE 3         /* ECCurveType, RFC 8422 5.4 */
#define UNCOMPRESSED 4        /* the first octet of a point, SEC 1 2.3.3 */
#define TLS13_PAD 64          /* octets of 0x20, RFC 8446 4.4.3 */
#define TLS13_CONTEXT_SIZE 34 /* with its NUL */
static const char server_context[TLS13_CONTEXT_SIZE] = "TLS 1.3, server CertificateVerify";
static const char client_context[TLS13_CONTEXT_SIZE] = "TLS 1.3, client CertificateVerify";

_Static_assert(TLS13_PAD + TLS13_CONTEXT_SIZE + TRANSCRIPT_HASH_MAX <= COMPOSED_MAX,
	       "both layouts fit");

/* RFC 8422 5.1.1 (point lengths: 5.4.1, 5.11); x25519 and x448 have no format octet. */
static const struct curve {
	uint16_t id;
	uint8_t length;
	bool uncompressed;
} curves[] = {
    {23, 65, true},  /* secp256r1 */
    {24, 97, true},  /* secp384r1 */
    {25, 133, true}, /* secp521r1 */
    {29, 32, false}, /* x25519 */
    {30, 56, false}, /* x448 */
};

static const struct curve *
curve_find(uint16_t id)
{
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		if (curves[i].id == id)
			return &curves[i];
	}
	return NULL;
}

static bool
all_zero(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] != 0)
			return false;
	}
	return true;
}

static void
append(struct composed *out, const void *bytes, size_t length)
{
	memcpy(out->bytes + out->length, bytes, length);
	out->length += length;
}

/* What both sides sign in TLS 1.3, but for the text. */
struct tls13 {
	const char *context;
	const struct scheme *scheme; /* or NULL */
	const uint8_t *hash;         /* TRANSCRIPT_HASH_MAX octets of room */
	size_t hash_length;
};

static int
compose_tls13(const struct tls13 *parts, enum key_kind kind, struct composed *out)
{
	if (parts->scheme == NULL || (parts->scheme->tls13 & kind) == 0)
		return GC_REFUSED_SCHEME;
	/* The transcript's hash is the cipher suite's: SHA-256 or SHA-384 (RFC 8446 B.4). */
	if (parts->hash_length != 32 && parts->hash_length != TRANSCRIPT_HASH_MAX)
		return GC_REFUSED_LENGTH;
	if (!all_zero(parts->hash + parts->hash_length, TRANSCRIPT_HASH_MAX - parts->hash_length))
		return GC_REFUSED_LENGTH;

	out->scheme = parts->scheme;
	out->data = out->bytes;
	out->length = TLS13_PAD;
	memset(out->bytes, 0x20, TLS13_PAD);
	append(out, parts->context, TLS13_CONTEXT_SIZE);
	append(out, parts->hash, parts->hash_length);
	return 0;
}

int
compose_tls13_server(const struct gc_tls13_server *request, enum key_kind kind,
		     struct composed *out)
{
	const struct tls13 parts = {server_context, scheme_find(request->scheme), request->hash,
				    request->hash_length};

	return compose_tls13(&parts, kind, out);
}

int
compose_tls13_client(const struct rc_tls13_client *request, enum key_kind kind,
		     struct composed *out)
{
	const struct tls13 parts = {client_context, scheme_find(request->scheme), request->hash,
				    request->hash_length};

	return compose_tls13(&parts, kind, out);
}

int
compose_tls12_server(const struct gc_tls12_server *request, enum key_kind kind,
		     struct composed *out)
{
	const struct scheme *scheme = scheme_find(request->scheme);
	const struct curve *curve = curve_find(request->curve);
	uint8_t params[4];

	if (scheme == NULL || (scheme->tls12 & kind) == 0)
		return GC_REFUSED_SCHEME;
	if (curve == NULL)
		return GC_REFUSED_CURVE;
	if (request->point_length != curve->length || request->zero != 0 ||
	    !all_zero(request->point + curve->length, sizeof(request->point) - curve->length))
		return GC_REFUSED_LENGTH;
	if (curve->uncompressed && request->point[0] != UNCOMPRESSED)
		return GC_REFUSED_CURVE;

	params[0] = NAMED_CURVE;
	params[1] = (uint8_t)(curve->id >> 8);
	params[2] = (uint8_t)(curve->id & 0xff);
	params[3] = curve->length;
	out->scheme = scheme;
	out->data = out->bytes;
	out->length = 0;
	append(out, request->client_random, sizeof(request->client_random));
	append(out, request->server_random, sizeof(request->server_random));
	append(out, params, sizeof(params));
	append(out, request->point, curve->length);
	return 0;
}

int
compose_tls12_client(const struct rc_tls12_client *request, const struct transcript *transcript,
		     enum key_kind kind, struct composed *out)
{
	const struct scheme *scheme = scheme_find(request->scheme);

	if (scheme == NULL || (scheme->tls12 & kind) == 0)
		return GC_REFUSED_SCHEME;
	/* No handshake with a certificate is as short as what a server signs. */
	if (request->zero != 0 || transcript->length <= COMPOSED_MAX)
		return GC_REFUSED_LENGTH;
	if (!transcript_is_client(transcript))
		return GC_REFUSED_TRANSCRIPT;
	out->scheme = scheme;
	out->data = transcript->bytes;
	out->length = transcript->length;
	return 0;
}
