/* SPDX-License-Identifier: ISC */
#include "worker/tls/provider_parse.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define RANDOM_LENGTH 32
#define NAMED_CURVE 3  /* ECCurveType, RFC 8422 5.4 */
#define UNCOMPRESSED 4 /* first octet of a point, RFC 8422 5.4.1 */
#define CLIENT_HELLO 1 /* HandshakeType, RFC 5246 7.4 */

static const struct {
	uint16_t scheme;
	enum key_kind kind;
	enum key_padding padding;
	const char *digest;
} schemes[] = {
    {0x0401, KEY_KIND_RSA, KEY_PADDING_PKCS1, "SHA2-256"},
    {0x0501, KEY_KIND_RSA, KEY_PADDING_PKCS1, "SHA2-384"},
    {0x0601, KEY_KIND_RSA, KEY_PADDING_PKCS1, "SHA2-512"},
    {0x0804, KEY_KIND_RSA, KEY_PADDING_PSS, "SHA2-256"},
    {0x0805, KEY_KIND_RSA, KEY_PADDING_PSS, "SHA2-384"},
    {0x0806, KEY_KIND_RSA, KEY_PADDING_PSS, "SHA2-512"},
    {0x0403, KEY_KIND_P256, KEY_PADDING_PKCS1, "SHA2-256"},
    {0x0503, KEY_KIND_P384, KEY_PADDING_PKCS1, "SHA2-384"},
    {0x0603, KEY_KIND_P521, KEY_PADDING_PKCS1, "SHA2-512"},
    {0x0807, KEY_KIND_ED25519, KEY_PADDING_PKCS1, ""},
};

/* The names OpenSSL has for one digest: the provider's own, and the two of old. */
static const struct {
	const char *name;
	const char *digest;
} digest_names[] = {
    {"SHA2-256", "SHA2-256"}, {"SHA256", "SHA2-256"},
    {"SHA-256", "SHA2-256"},  {"SHA2-384", "SHA2-384"},
    {"SHA384", "SHA2-384"},   {"SHA-384", "SHA2-384"},
    {"SHA2-512", "SHA2-512"}, {"SHA512", "SHA2-512"},
    {"SHA-512", "SHA2-512"},  {"", ""},
};

/* NamedCurve (RFC 8422 5.1.1) and the length of its points. */
static const struct {
	uint16_t curve;
	uint16_t point_length;
	bool uncompressed; /* the point says its form first */
} curves[] = {
    {23, 65, true},  /* secp256r1 */
    {24, 97, true},  /* secp384r1 */
    {25, 133, true}, /* secp521r1 */
    {29, 32, false}, /* x25519 */
    {30, 56, false}, /* x448 */
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

uint16_t
signature_scheme(enum key_kind kind, const char *digest, enum key_padding padding)
{
	const char *canonical = NULL;

	for (size_t i = 0; i < COUNT(digest_names); i++) {
		if (strcasecmp(digest_names[i].name, digest == NULL ? "" : digest) == 0)
			canonical = digest_names[i].digest;
	}
	for (size_t i = 0; canonical != NULL && i < COUNT(schemes); i++) {
		if (schemes[i].kind == kind && schemes[i].padding == padding &&
		    strcmp(schemes[i].digest, canonical) == 0)
			return schemes[i].scheme;
	}
	return 0;
}

#define CONTEXT_SIZE 34 /* with its NUL */

/* RFC 8446 4.4.3. Returns the hash, *HASH_LENGTH octets; NULL: it is something else. */
static const uint8_t *
parse_tls13(const uint8_t *tbs, size_t length, const char *context, uint16_t scheme,
	    uint16_t *hash_length)
{
	const size_t padding = 64, front = padding + CONTEXT_SIZE;

	if (length != front + 32 && length != front + 48)
		return NULL;
	for (size_t i = 0; i < padding; i++) {
		if (tbs[i] != 0x20)
			return NULL;
	}
	if (memcmp(tbs + padding, context, CONTEXT_SIZE) != 0)
		return NULL;
	/* RFC 8446 4.4.3: RSA signatures MUST use PSS. */
	if ((scheme & 0xff) == 0x01)
		return NULL;
	*hash_length = (uint16_t)(length - front);
	return tbs + front;
}

static int
parse_tls13_server(const uint8_t *tbs, size_t length, uint16_t scheme, struct sign_request *out)
{
	static const char context[CONTEXT_SIZE] = "TLS 1.3, server CertificateVerify";
	uint16_t hash_length;
	const uint8_t *hash = parse_tls13(tbs, length, context, scheme, &hash_length);

	if (hash == NULL)
		return -1;
	memset(out, 0, sizeof(*out));
	out->type = GC_TLS13_SERVER;
	out->as.tls13.scheme = scheme;
	out->as.tls13.hash_length = hash_length;
	memcpy(out->as.tls13.hash, hash, hash_length);
	return 0;
}

static int
parse_tls13_client(const uint8_t *tbs, size_t length, uint16_t scheme, struct sign_request *out)
{
	static const char context[CONTEXT_SIZE] = "TLS 1.3, client CertificateVerify";
	uint16_t hash_length;
	const uint8_t *hash = parse_tls13(tbs, length, context, scheme, &hash_length);

	if (hash == NULL)
		return -1;
	memset(out, 0, sizeof(*out));
	out->type = RC_TLS13_CLIENT;
	out->as.tls13_client.scheme = scheme;
	out->as.tls13_client.hash_length = hash_length;
	memcpy(out->as.tls13_client.hash, hash, hash_length);
	return 0;
}

/* RFC 5246 7.4.8: it begins with a ClientHello, whose header is four octets. */
static int
parse_tls12_client(const uint8_t *tbs, size_t length, uint16_t scheme, struct sign_request *out)
{
	if (length <= 4 || length > TRANSCRIPT_MAX || tbs[0] != CLIENT_HELLO)
		return -1;
	memset(out, 0, sizeof(*out));
	out->type = RC_TLS12_CLIENT;
	out->as.tls12_client.scheme = scheme;
	out->transcript = tbs;
	out->transcript_length = length;
	return 0;
}

/* RFC 8422 5.4: ClientHello.random, ServerHello.random, ServerECDHParams. */
static int
parse_tls12_server(const uint8_t *tbs, size_t length, uint16_t scheme, struct sign_request *out)
{
	const size_t front = 2 * RANDOM_LENGTH + 4; /* randoms, curve_type, namedcurve, length */
	const uint8_t *params = tbs + 2 * RANDOM_LENGTH;

	if (length <= front || params[0] != NAMED_CURVE)
		return -1;
	for (size_t i = 0; i < COUNT(curves); i++) {
		size_t point_length = curves[i].point_length;

		if ((params[1] << 8 | params[2]) != curves[i].curve)
			continue;
		if (params[3] != point_length || length != front + point_length)
			return -1;
		if (curves[i].uncompressed && params[4] != UNCOMPRESSED)
			return -1;
		memset(out, 0, sizeof(*out));
		out->type = GC_TLS12_SERVER;
		out->as.tls12.scheme = scheme;
		out->as.tls12.curve = curves[i].curve;
		memcpy(out->as.tls12.client_random, tbs, RANDOM_LENGTH);
		memcpy(out->as.tls12.server_random, tbs + RANDOM_LENGTH, RANDOM_LENGTH);
		out->as.tls12.point_length = curves[i].point_length;
		memcpy(out->as.tls12.point, params + 4, point_length);
		return 0;
	}
	return -1;
}

int
sign_request_parse(const uint8_t *tbs, size_t length, uint16_t scheme, struct sign_request *out)
{
	if (scheme == 0)
		return -1;
	if (parse_tls13_server(tbs, length, scheme, out) == 0)
		return 0;
	return parse_tls12_server(tbs, length, scheme, out);
}

int
client_request_parse(const uint8_t *tbs, size_t length, uint16_t scheme, struct sign_request *out)
{
	if (scheme == 0)
		return -1;
	if (parse_tls13_client(tbs, length, scheme, out) == 0)
		return 0;
	return parse_tls12_client(tbs, length, scheme, out);
}
