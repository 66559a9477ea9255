/* SPDX-License-Identifier: ISC */
#include "worker/tls/chain.h"

#include "worker/tls/provider.h"

void
chain_free(STACK_OF(X509) * chain)
{
	sk_X509_pop_free(chain, X509_free);
}

STACK_OF(X509) *
    chain_parse(OSSL_LIB_CTX *libctx, const char *der, size_t length, struct error *err)
{
	const unsigned char *at = (const unsigned char *)der, *end = at + length;
	STACK_OF(X509) *chain = sk_X509_new_null();

	while (chain != NULL && at < end) {
		X509 *one = X509_new_ex(libctx, PROVIDER_PREFER_DEFAULT);

		/* On failure d2i_X509() frees ONE and makes it NULL. */
		if (one == NULL || d2i_X509(&one, &at, end - at) == NULL ||
		    sk_X509_push(chain, one) <= 0) {
			X509_free(one);
			chain_free(chain);
			error_set(err, "no X.509 certificate");
			return NULL;
		}
	}
	if (chain == NULL || sk_X509_num(chain) == 0) {
		chain_free(chain);
		error_set(err, "an empty chain");
		return NULL;
	}
	return chain;
}
