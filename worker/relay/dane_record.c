/* SPDX-License-Identifier: ISC */
/* Which TLSA records can be used for SMTP. */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

#include "worker/relay/dane.h"

enum { USAGE_DANE_TA = 2, USAGE_DANE_EE = 3 };
enum { SELECTOR_CERT = 0, SELECTOR_SPKI = 1 };

/* A certificate with a key that is known, and nothing behind it. */
static bool
is_certificate(const struct dns_tlsa *tlsa)
{
	const uint8_t *at = tlsa->data;
	X509 *cert = d2i_X509(NULL, &at, tlsa->length);
	bool is = cert != NULL && at == tlsa->data + tlsa->length && X509_get0_pubkey(cert) != NULL;

	X509_free(cert);
	return is;
}

static bool
is_key(const struct dns_tlsa *tlsa)
{
	const uint8_t *at = tlsa->data;
	EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, tlsa->length);
	bool is = pkey != NULL && at == tlsa->data + tlsa->length;

	EVP_PKEY_free(pkey);
	return is;
}

/* Whole (RFC 6698 2.1.3): what OpenSSL would not take could match nobody, and so would ask nobody
 * for anything. */
static bool
is_whole(const struct dns_tlsa *tlsa)
{
	bool is = tlsa->selector == SELECTOR_CERT ? is_certificate(tlsa) : is_key(tlsa);

	ERR_clear_error();
	return is;
}

/* By matching type (RFC 6698 2.1.3): octets of data; 0: it is no digest. */
static const uint16_t lengths[] = {0, 32, 64};

static bool
is_usable(const struct dns_tlsa *tlsa)
{
	if ((tlsa->usage != USAGE_DANE_TA && tlsa->usage != USAGE_DANE_EE) ||
	    tlsa->selector > SELECTOR_SPKI ||
	    tlsa->matching >= sizeof(lengths) / sizeof(lengths[0]))
		return false;
	return lengths[tlsa->matching] == 0 ? is_whole(tlsa)
					    : lengths[tlsa->matching] == tlsa->length;
}

void
dane_add(const struct dns_tlsa *tlsa, void *arg)
{
	struct dane *dane = arg;

	if (dane->state == DANE_NONE)
		dane->state = DANE_UNUSABLE;
	if (dane->count == DANE_RECORDS_MAX || tlsa->length > sizeof(dane->data) - dane->used ||
	    !is_usable(tlsa))
		return;
	dane->state = DANE_USABLE;
	dane->records[dane->count] = *tlsa;
	dane->records[dane->count].data = dane->data + dane->used;
	memcpy(dane->data + dane->used, tlsa->data, tlsa->length);
	dane->used += tlsa->length;
	dane->count++;
}
