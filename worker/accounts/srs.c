/* SPDX-License-Identifier: ISC */
#include "worker/accounts/srs.h"

#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <stdio.h>
#include <string.h>

#include "common/ascii.h"

#define TAG 4   /* "SRS0" */
#define BITS 5  /* of a digit */
#define HASH 8  /* digits */
#define STAMP 2 /* digits */
#define DAY INT64_C(86400)
#define DAYS (1 << (BITS * STAMP)) /* until TT is the same again */
#define ADDRESS_MAX 254            /* octets: RFC 5321 4.5.3.1.3, without the brackets */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* -- The hash -------------------------------------------------------------------------------- */

/* TAG_DIGIT tells one kind from the other: what is in one is not good in the other. */
static void
make_hash(const uint8_t secret[SRS_SECRET_SIZE], char tag_digit, const char *text,
	  char out[HASH + 1])
{
	struct hmac_sha256_ctx mac;
	uint8_t bytes[HASH * BITS / 8];
	uint64_t bits = 0;

	hmac_sha256_set_key(&mac, SRS_SECRET_SIZE, secret);
	hmac_sha256_update(&mac, 1, (const uint8_t *)&tag_digit);
	for (; *text != '\0'; text++) {
		uint8_t c = (uint8_t)ascii_lower(*text);

		hmac_sha256_update(&mac, 1, &c);
	}
	hmac_sha256_digest(&mac, sizeof(bytes), bytes);
	explicit_bzero(&mac, sizeof(mac));
	for (size_t i = 0; i < sizeof(bytes); i++)
		bits = bits << 8 | bytes[i];
	for (size_t i = HASH; i > 0; i--, bits >>= BITS)
		out[i - 1] = digits[bits % (1 << BITS)];
	out[HASH] = '\0';
}

/* Whether TEXT is its hash, "=", and what that was made of. */
static bool
has_hash(const struct ma_srs *srs, char tag_digit, const char *text)
{
	char said[HASH + 1], is[HASH + 1];
	bool good = false;

	if (strnlen(text, HASH + 1) <= HASH || text[HASH] != '=')
		return false;
	for (size_t i = 0; i < HASH; i++)
		said[i] = ascii_is_lower(text[i]) ? (char)(text[i] - 'a' + 'A') : text[i];
	for (uint32_t i = 0; i < srs->count; i++) {
		make_hash(srs->secrets[i], tag_digit, text + HASH + 1, is);
		good = memeql_sec(said, is, HASH) || good;
	}
	return good;
}

/* -- Rewriting ------------------------------------------------------------------------------- */

/* "SRS" TAG_DIGIT "=" HASH "=" TEXT at the domain of ours. */
static int
finish(const struct ma_srs *srs, char tag_digit, const char *text, struct address *out)
{
	char hash[HASH + 1], whole[ADDRESS_TEXT_SIZE];
	int length;

	make_hash(srs->secrets[0], tag_digit, text, hash);
	strlcpy(out->domain, srs->domain, sizeof(out->domain));
	length = snprintf(out->local, sizeof(out->local), "SRS%c=%s=%s", tag_digit, hash, text);
	if (length < 0 || (size_t)length >= sizeof(out->local) ||
	    address_format(out, whole, sizeof(whole)) > ADDRESS_MAX)
		return -1;
	return 0;
}

/* SRS1=HASH=host=OPAQUE: the host that made the SRS0 which OPAQUE is of. NULL: it isn't that. */
static const char *
find_opaque(const char *local, char host[HOST_NAME_SIZE])
{
	const char *hash = local + TAG + 1, *start = strchr(hash, '='), *end;

	if (start == NULL || (end = strchr(++start, '=')) == NULL ||
	    address_parse_domain(start, (size_t)(end - start), host) != ADDRESS_OK)
		return NULL;
	return end[1] == '=' || end[1] == '+' || end[1] == '-' ? end + 1 : NULL;
}

int
srs_rewrite(const struct ma_srs *srs, const struct address *sender, int64_t now,
	    struct address *out)
{
	char text[2 * ADDRESS_TEXT_SIZE], host[HOST_NAME_SIZE];
	uint64_t day = (uint64_t)(now / DAY) % DAYS;
	const char *opaque = NULL;

	if (srs->count == 0 || sender->domain[0] == '[')
		return -1;
	if (address_is_srs(sender->local, strlen(sender->local))) {
		strlcpy(host, sender->domain, sizeof(host));
		opaque = sender->local[TAG - 1] == '0' ? sender->local + TAG
						       : find_opaque(sender->local, host);
	}
	if (opaque != NULL) {
		(void)snprintf(text, sizeof(text), "%s=%s", host, opaque);
		return finish(srs, '1', text, out);
	}
	(void)snprintf(text, sizeof(text), "%c%c=%s=%s", digits[day >> BITS],
		       digits[day % (1 << BITS)], sender->domain, sender->local);
	return finish(srs, '0', text, out);
}

/* -- And back -------------------------------------------------------------------------------- */

static int
digit_of(char c)
{
	const char *at = c == '\0' ? NULL : strchr(digits, ascii_is_lower(c) ? c - 'a' + 'A' : c);

	return at == NULL ? -1 : (int)(at - digits);
}

/* A clock may go back a little: tomorrow is not old. */
static bool
is_old(int day, int64_t now)
{
	int64_t age = ((now / DAY - day) % DAYS + DAYS) % DAYS;

	return age > SRS_DAYS && age != DAYS - 1;
}

/* TT=domain=local; its hash is right, so that it was made here. */
static enum srs_verdict
unpack_one(const char *text, int64_t now, struct address *out)
{
	const char *domain = text + STAMP + 1, *end;
	int high, low;

	if (strnlen(text, STAMP + 1) <= STAMP || text[STAMP] != '=' ||
	    (high = digit_of(text[0])) < 0 || (low = digit_of(text[1])) < 0 ||
	    (end = strchr(domain, '=')) == NULL ||
	    address_parse_domain(domain, (size_t)(end - domain), out->domain) != ADDRESS_OK ||
	    strlcpy(out->local, end + 1, sizeof(out->local)) >= sizeof(out->local))
		return SRS_FORGED;
	return is_old(high * (1 << BITS) + low, now) ? SRS_OLD : SRS_GOOD;
}

enum srs_verdict
srs_unpack(const struct ma_srs *srs, const char *local, int64_t now, struct address *out)
{
	const char *opaque;
	int length;

	if (!has_hash(srs, local[TAG - 1], local + TAG + 1))
		return SRS_FORGED;
	if (local[TAG - 1] == '0')
		return unpack_one(local + TAG + 1 + HASH + 1, now, out);
	opaque = find_opaque(local, out->domain);
	if (opaque == NULL)
		return SRS_FORGED;
	length = snprintf(out->local, sizeof(out->local), "SRS0%s", opaque);
	return length > 0 && (size_t)length < sizeof(out->local) ? SRS_GOOD : SRS_FORGED;
}
