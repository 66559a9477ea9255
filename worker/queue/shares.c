/* SPDX-License-Identifier: ISC */
#include "worker/queue/shares.h"

#include <stdlib.h>
#include <string.h>

#include "common/scores.h"

static int
compare_addresses(const struct share *a, const struct share *b)
{
	return memcmp(&a->address, &b->address, sizeof(a->address));
}

RB_GENERATE_INTERNAL(shares, share, by_address, compare_addresses, static __attribute__((unused)))

struct share *
share_join(struct shares *shares, const struct in6_addr *client)
{
	struct share key = {.address = counted_address(client)};
	struct share *share = RB_FIND(shares, shares, &key);

	if (share == NULL) {
		share = calloc(1, sizeof(*share));
		if (share == NULL)
			return NULL;
		share->address = key.address;
		(void)RB_INSERT(shares, shares, share);
	}
	share->transactions++;
	return share;
}

void
share_leave(struct shares *shares, struct share *share)
{
	if (--share->transactions > 0)
		return;
	RB_REMOVE(shares, shares, share);
	free(share);
}
