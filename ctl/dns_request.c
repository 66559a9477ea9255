/* SPDX-License-Identifier: ISC */
/* The key in a certificate request (RFC 2986 4): as much of DER as leads to it. */
#include <nettle/base64.h>
#include <nettle/sha2.h>
#include <string.h>

#include "ctl/dns.h"

#define DER_SEQUENCE 0x30
#define DER_INTEGER 0x02
#define REQUEST_MAX 16384

struct der {
	const uint8_t *at;
	size_t length;
};

/* Takes the value that comes next, which must be of TAG; WHOLE has its head too. */
static bool
take(struct der *der, uint8_t tag, struct der *value, struct der *whole)
{
	size_t head = 2, length;

	if (der->length < 2 || der->at[0] != tag)
		return false;
	length = der->at[1];
	if (length >= 0x80) {
		size_t octets = length & 0x7f;

		/* No request is longer than two octets can say. */
		if (octets == 0 || octets > 2 || der->length < 2 + octets)
			return false;
		length = 0;
		for (size_t i = 0; i < octets; i++)
			length = length << 8 | der->at[2 + i];
		head += octets;
	}
	if (der->length - head < length)
		return false;
	*value = (struct der){.at = der->at + head, .length = length};
	*whole = (struct der){.at = der->at, .length = head + length};
	der->at += head + length;
	der->length -= head + length;
	return true;
}

/* What is between the lines of PEM, decoded; 0 if there is nothing. */
static size_t
unpack(const char *pem, size_t length, uint8_t out[REQUEST_MAX])
{
	static const char begin[] = "-----BEGIN CERTIFICATE REQUEST-----";
	struct base64_decode_ctx context;
	const char *from = memmem(pem, length, begin, sizeof(begin) - 1), *to;
	size_t used = REQUEST_MAX;

	if (from == NULL)
		return 0;
	from += sizeof(begin) - 1;
	to = memmem(from, (size_t)(pem + length - from), "-----END", 8);
	if (to == NULL || BASE64_DECODE_LENGTH((size_t)(to - from)) > REQUEST_MAX)
		return 0;
	base64_decode_init(&context);
	if (base64_decode_update(&context, &used, out, (size_t)(to - from), from) != 1 ||
	    base64_decode_final(&context) != 1)
		return 0;
	return used;
}

bool
dns_request_key(const char *pem, size_t length, uint8_t sha256[FINGERPRINT_SIZE])
{
	uint8_t octets[REQUEST_MAX];
	struct der der = {.at = octets, .length = unpack(pem, length, octets)};
	struct der request, info, skipped, whole, key;
	struct sha256_ctx context;

	/* CertificationRequest, its info: version, subject, subjectPKInfo. */
	if (!take(&der, DER_SEQUENCE, &request, &whole) ||
	    !take(&request, DER_SEQUENCE, &info, &whole) ||
	    !take(&info, DER_INTEGER, &skipped, &whole) ||
	    !take(&info, DER_SEQUENCE, &skipped, &whole) ||
	    !take(&info, DER_SEQUENCE, &skipped, &key))
		return false;
	sha256_init(&context);
	sha256_update(&context, key.length, key.at);
	sha256_digest(&context, FINGERPRINT_SIZE, sha256);
	return true;
}
