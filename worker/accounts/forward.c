/* SPDX-License-Identifier: ISC */
#include "worker/accounts/forward.h"

#include <string.h>
#include <time.h>

#include "common/log.h"
#include "worker/accounts/srs.h"

void
forward_sender(const struct resolver *resolver, const struct ma_srs *srs, const char *sender,
	       bool submitted, char out[PATH_SIZE])
{
	struct address address, rewritten;
	bool ours;

	strlcpy(out, sender, PATH_SIZE);
	if (srs->count == 0 || address_parse_utf8(sender, strlen(sender), &address) != ADDRESS_OK)
		return;
	ours = resolver_has_domain(resolver, address.domain) ||
	       strcmp(address.domain, srs->domain) == 0;
	if (ours && (submitted || address_is_srs(address.local, strlen(address.local))))
		return;
	if (srs_rewrite(srs, &address, (int64_t)time(NULL), &rewritten) == 0)
		(void)address_format(&rewritten, out, PATH_SIZE);
	else
		log_event(
		    LOG_NOTICE, "accounts.not_rewritten", KV_STR("from", sender),
		    KV_STR("why",
			   "no address can stand for it: too long, or at an address literal"));
}
