/* SPDX-License-Identifier: ISC */
#include "worker/relay/dane.h"

#include <stdlib.h>
#include <string.h>

struct dane *
dane_new(void)
{
	struct dane *dane = calloc(1, sizeof(*dane));

	if (dane != NULL)
		dane->references = 1;
	return dane;
}

struct dane *
dane_hold(struct dane *dane)
{
	if (dane != NULL)
		dane->references++;
	return dane;
}

struct dane *
dane_failed(void)
{
	/* Has a reference too many: it is never freed. */
	static struct dane failed = {.references = 1, .state = DANE_FAILED};

	return dane_hold(&failed);
}

void
dane_release(struct dane *dane)
{
	if (dane != NULL && --dane->references == 0)
		free(dane);
}

/* -- Records ------------------------------------------------------------------------------------
 */

enum { USAGE_DANE_TA = 2, USAGE_DANE_EE = 3 };
#define SELECTORS 2

/* By matching type (RFC 6698 2.1.3): octets of data; 0: any number. */
static const uint16_t lengths[] = {0, 32, 64};

static bool
is_usable(const struct dns_tlsa *tlsa)
{
	return (tlsa->usage == USAGE_DANE_TA || tlsa->usage == USAGE_DANE_EE) &&
	       tlsa->selector < SELECTORS &&
	       tlsa->matching < sizeof(lengths) / sizeof(lengths[0]) &&
	       (lengths[tlsa->matching] == 0 || lengths[tlsa->matching] == tlsa->length);
}

void
dane_add(const struct dns_tlsa *tlsa, void *arg)
{
	struct dane *dane = arg;

	if (dane->state == DANE_NONE)
		dane->state = DANE_UNUSABLE;
	if (!is_usable(tlsa) || dane->count == DANE_RECORDS_MAX ||
	    tlsa->length > sizeof(dane->data) - dane->used)
		return;
	dane->state = DANE_USABLE;
	dane->records[dane->count] = *tlsa;
	dane->records[dane->count].data = dane->data + dane->used;
	memcpy(dane->data + dane->used, tlsa->data, tlsa->length);
	dane->used += tlsa->length;
	dane->count++;
}
