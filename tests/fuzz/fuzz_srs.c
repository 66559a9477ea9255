/* SPDX-License-Identifier: ISC */
/*
 * Any sender that is rewritten leads back to itself, and what leads back was made by the secret:
 * any other local part of the input is forged. The first octet is the day.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "worker/accounts/srs.h"

#define DAY INT64_C(86400)

static const struct ma_srs srs = {.count = 1, .secrets = {{1}}, .domain = "us.example"};
static const struct ma_srs other = {.count = 1, .secrets = {{2}}, .domain = "us.example"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The tag of an SRS1 is "SRS1", whatever its case was; all else is the same. */
static void
check_way_back(const struct address *sender, int64_t now)
{
	struct address made, back;
	char text[ADDRESS_TEXT_SIZE];

	if (srs_rewrite(&srs, sender, now, &made) == -1)
		return;
	if (address_format(&made, text, sizeof(text)) > 254 ||
	    !address_is_srs(made.local, strlen(made.local)) ||
	    srs_unpack(&srs, made.local, now, &back) != SRS_GOOD ||
	    srs_unpack(&other, made.local, now, &back) != SRS_FORGED)
		abort();
	if (srs_unpack(&srs, made.local, now, &back) != SRS_GOOD)
		abort();
	if (made.local[3] == '0' &&
	    (strcmp(back.local, sender->local) != 0 || strcmp(back.domain, sender->domain) != 0))
		abort();
	if (made.local[3] == '1' && !address_is_srs(back.local, strlen(back.local)))
		abort();
}

/* Local parts that the secret has not made; a fuzzer that finds one in 2^40 has read it. */
static void
check_forged(const struct address *address, int64_t now)
{
	struct address out;

	if (address_is_srs(address->local, strlen(address->local)) &&
	    srs_unpack(&other, address->local, now, &out) == SRS_GOOD)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct address address;
	int64_t now;

	if (size < 1)
		return 0;
	now = (20000 + data[0]) * DAY;
	if (address_parse_utf8((const char *)data + 1, size - 1, &address) != ADDRESS_OK)
		return 0;
	check_way_back(&address, now);
	check_forged(&address, now);
	return 0;
}
