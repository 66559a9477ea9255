/* SPDX-License-Identifier: ISC */
#include "certd/expiry.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include "certd/facts.h"
#include "common/log.h"

#define DAY INT64_C(86400)

static const int64_t thresholds[] = {30 * DAY, 14 * DAY, 7 * DAY, 3 * DAY, DAY, 0};
#define STEPS EXPIRY_STEPS
_Static_assert(sizeof(thresholds) / sizeof(thresholds[0]) == STEPS, "one for each step");
#define URGENT 4 /* from this step on, three days, it is an error */

unsigned
expiry_step(int64_t left)
{
	unsigned step = 0;

	while (step < STEPS && left <= thresholds[step])
		step++;
	return step;
}

/* When the leaf, which is first in the chain, expires; INT64_MAX if nobody knows. */
static int64_t
end_of(const struct pair *pair)
{
	const unsigned char *der = pair->chain;
	X509 *leaf = d2i_X509(NULL, &der, (long)pair->chain_length);
	int64_t end = leaf == NULL ? INT64_MAX : facts_time(X509_get0_notAfter(leaf));

	X509_free(leaf);
	ERR_clear_error();
	return end;
}

static void
say(const char *name, int64_t left, unsigned step)
{
	log_event(step < URGENT ? LOG_WARNING : LOG_ERR,
		  step == STEPS ? "cert.expired" : "cert.expiring", KV_STR("key", name),
		  KV_I64("days", left / DAY),
		  KV_STR("todo", "get a new certificate: clients refuse an expired one"));
}

size_t
expiry_check(const struct vault *vault, int64_t last, int64_t now)
{
	const struct vault_entry *entry = NULL;
	size_t told = 0;

	while ((entry = vault_next(vault, entry)) != NULL) {
		int64_t end = end_of(entry->pair);
		unsigned step, before = 0;

		if (end == INT64_MAX)
			continue;
		step = expiry_step(end - now);
		if (last != EXPIRY_NEVER_LOOKED)
			before = expiry_step(end - last);
		if (step <= before)
			continue;
		say(entry->name, end - now, step);
		told++;
	}
	return told;
}
