/* SPDX-License-Identifier: ISC */
#include "certd/transcript.h"

#include <string.h>

#define HEADER 4        /* msg_type, length */
#define HELLO_MIN 38    /* version, random, session_id, and what one of them has at least */
#define VERSION 0x0303u /* TLS 1.2 */

/* RFC 5246 7.4, RFC 6066 8 */
enum {
	CLIENT_HELLO = 1,
	SERVER_HELLO = 2,
	CERTIFICATE = 11,
	SERVER_KEY_EXCHANGE = 12,
	CERTIFICATE_REQUEST = 13,
	SERVER_HELLO_DONE = 14,
	CLIENT_KEY_EXCHANGE = 16,
	CERTIFICATE_STATUS = 22,
};

struct slice {
	const uint8_t *bytes;
	size_t length;
};

static size_t
number24(const uint8_t *bytes)
{
	return (size_t)bytes[0] << 16 | (size_t)bytes[1] << 8 | bytes[2];
}

/* Takes a vector of at most 2^24 - 1 octets (RFC 5246 4.3) off the front. */
static bool
take_vector24(struct slice *from, struct slice *out)
{
	size_t length;

	if (from->length < 3)
		return false;
	length = number24(from->bytes);
	if (length > from->length - 3)
		return false;
	*out = (struct slice){from->bytes + 3, length};
	from->bytes += 3 + length;
	from->length -= 3 + length;
	return true;
}

static bool
is_anything(struct slice body, const struct transcript *transcript)
{
	(void)transcript;
	return body.length > 0;
}

static bool
is_empty(struct slice body, const struct transcript *transcript)
{
	(void)transcript;
	return body.length == 0;
}

static bool
is_hello(struct slice body, const struct transcript *transcript)
{
	(void)transcript;
	return body.length >= HELLO_MIN && (body.bytes[0] << 8 | body.bytes[1]) == VERSION;
}

/* RFC 5246 7.4.6: octet for octet what goes with the key. */
static bool
is_own_chain(struct slice body, const struct transcript *transcript)
{
	struct slice list, one, chain = {transcript->chain, transcript->chain_length};

	if (!take_vector24(&body, &list) || body.length > 0 || list.length == 0)
		return false;
	while (list.length > 0) {
		if (!take_vector24(&list, &one) || one.length == 0 || one.length > chain.length ||
		    memcmp(one.bytes, chain.bytes, one.length) != 0)
			return false;
		chain.bytes += one.length;
		chain.length -= one.length;
	}
	return chain.length == 0;
}

static const struct {
	uint8_t type;
	bool optional;
	bool (*is_fine)(struct slice, const struct transcript *);
} order[] = {
    {CLIENT_HELLO, false, is_hello},           {SERVER_HELLO, false, is_hello},
    {CERTIFICATE, true, is_anything},          {CERTIFICATE_STATUS, true, is_anything},
    {SERVER_KEY_EXCHANGE, true, is_anything},  {CERTIFICATE_REQUEST, false, is_anything},
    {SERVER_HELLO_DONE, false, is_empty},      {CERTIFICATE, false, is_own_chain},
    {CLIENT_KEY_EXCHANGE, false, is_anything},
};

bool
transcript_is_client(const struct transcript *transcript)
{
	struct slice rest = {transcript->bytes, transcript->length}, body;

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (rest.length < HEADER || rest.bytes[0] != order[i].type) {
			if (order[i].optional)
				continue;
			return false;
		}
		rest.bytes++;
		rest.length--;
		if (!take_vector24(&rest, &body) || !order[i].is_fine(body, transcript))
			return false;
	}
	return rest.length == 0;
}
