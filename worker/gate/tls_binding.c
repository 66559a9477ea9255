/* SPDX-License-Identifier: ISC */
/* Channel bindings: bytes that both ends of a TLS connection have, and nobody in between. */
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <string.h>

#include "worker/gate/tls_internal.h"

/*
 * Whether the master secret is this connection's alone (RFC 7627): without that, somebody in
 * between can have both of his connections come to the same bytes.
 */
static bool
is_unique(const struct tls *tls)
{
	return SSL_version(tls->ssl) >= TLS1_3_VERSION || SSL_get_extms_support(tls->ssl) == 1;
}

/* RFC 9266 4.2 */
static void
exporter(const struct tls *tls, struct ga_binding *binding)
{
	static const char label[] = "EXPORTER-Channel-Binding";
	static const uint8_t context[1];

	if (is_unique(tls) && SSL_export_keying_material(tls->ssl, binding->bytes, 32, label,
							 sizeof(label) - 1, context, 0, 1) == 1)
		binding->length = 32;
}

/* RFC 5929 3.1: the first Finished, the client's or on a resumed session ours. Not for TLS 1.3. */
static void
unique(const struct tls *tls, struct ga_binding *binding)
{
	size_t length;

	if (SSL_version(tls->ssl) >= TLS1_3_VERSION || !is_unique(tls))
		return;
	if (SSL_session_reused(tls->ssl) == 1)
		length = SSL_get_finished(tls->ssl, binding->bytes, BINDING_MAX);
	else
		length = SSL_get_peer_finished(tls->ssl, binding->bytes, BINDING_MAX);
	if (length <= BINDING_MAX)
		binding->length = (uint32_t)length;
}

/*
 * RFC 5929 4.1: by the hash of the certificate's signature, but never by MD5 or SHA-1. Which of
 * several it was that the client saw, a resumed session does not tell.
 */
static void
end_point(const struct tls *tls, struct ga_binding *binding)
{
	const X509 *certificate = SSL_get_certificate(tls->ssl);
	const EVP_MD *hash;
	unsigned length = 0;
	int nid;

	if (certificate == NULL || (SSL_session_reused(tls->ssl) == 1 && tls->certificates > 1) ||
	    X509_get_signature_info((X509 *)(uintptr_t)certificate, &nid, NULL, NULL, NULL) != 1)
		return;
	hash = nid == NID_md5 || nid == NID_sha1 ? EVP_sha256() : EVP_get_digestbynid(nid);
	if (hash != NULL && EVP_MD_get_size(hash) <= BINDING_MAX &&
	    X509_digest(certificate, hash, binding->bytes, &length) == 1)
		binding->length = length;
}

bool
tls_bindings(const struct tls *tls, struct ga_binding binding[BINDING_TYPES])
{
	memset(binding, 0, BINDING_TYPES * sizeof(binding[0]));
	if (tls->state != TLS_STATE_OPEN)
		return false;
	exporter(tls, &binding[BINDING_EXPORTER]);
	unique(tls, &binding[BINDING_UNIQUE]);
	end_point(tls, &binding[BINDING_END_POINT]);
	for (size_t i = 0; i < BINDING_TYPES; i++) {
		if (binding[i].length == 0)
			explicit_bzero(binding[i].bytes, sizeof(binding[i].bytes));
	}
	return binding[BINDING_EXPORTER].length > 0 || binding[BINDING_UNIQUE].length > 0 ||
	       binding[BINDING_END_POINT].length > 0;
}
