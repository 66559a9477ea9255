/* SPDX-License-Identifier: ISC */
#include "certd/scheme.h"

#define ANY_EC (KEY_P256 | KEY_P384 | KEY_P521)

/*
 * RFC 8446 4.2.3 binds an ECDSA scheme to one curve; TLS 1.2 reads the same numbers as a hash and
 * an algorithm that go with any curve (RFC 5246 7.4.1.4.1, RFC 8422 5.10). PKCS#1 v1.5 is for
 * certificates only in TLS 1.3, so never for what a server signs there.
 */
const struct scheme schemes[SCHEME_COUNT] = {
    {0x0804, "rsa_pss_rsae_sha256", "SHA256", PADDING_PSS, KEY_RSA, KEY_RSA},
    {0x0805, "rsa_pss_rsae_sha384", "SHA384", PADDING_PSS, KEY_RSA, KEY_RSA},
    {0x0806, "rsa_pss_rsae_sha512", "SHA512", PADDING_PSS, KEY_RSA, KEY_RSA},
    {0x0401, "rsa_pkcs1_sha256", "SHA256", PADDING_PKCS1, 0, KEY_RSA},
    {0x0501, "rsa_pkcs1_sha384", "SHA384", PADDING_PKCS1, 0, KEY_RSA},
    {0x0601, "rsa_pkcs1_sha512", "SHA512", PADDING_PKCS1, 0, KEY_RSA},
    {0x0403, "ecdsa_secp256r1_sha256", "SHA256", PADDING_NONE, KEY_P256, ANY_EC},
    {0x0503, "ecdsa_secp384r1_sha384", "SHA384", PADDING_NONE, KEY_P384, ANY_EC},
    {0x0603, "ecdsa_secp521r1_sha512", "SHA512", PADDING_NONE, KEY_P521, ANY_EC},
    {0x0807, "ed25519", NULL, PADDING_NONE, KEY_ED25519, KEY_ED25519},
};

const struct scheme *
scheme_find(uint16_t id)
{
	for (size_t i = 0; i < SCHEME_COUNT; i++) {
		if (schemes[i].id == id)
			return &schemes[i];
	}
	return NULL;
}

const struct scheme *
scheme_default(enum key_kind kind)
{
	for (size_t i = 0; i < SCHEME_COUNT; i++) {
		if ((schemes[i].tls13 & kind) != 0)
			return &schemes[i];
	}
	return NULL;
}

const char *
key_kind_name(enum key_kind kind)
{
	switch (kind) {
	case KEY_RSA:
		return "RSA";
	case KEY_P256:
		return "P-256";
	case KEY_P384:
		return "P-384";
	case KEY_P521:
		return "P-521";
	case KEY_ED25519:
		return "Ed25519";
	}
	return "unknown";
}
