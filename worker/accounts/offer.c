/* SPDX-License-Identifier: ISC */
/*
 * Which of SCRAM is offered. A mail program takes the best that it sees, and does not try another
 * when that fails: one account without a verifier would be locked out by the offer. So each is
 * offered as soon as all enabled accounts have one, and not before.
 */
#include "config.h"

#include "common/log.h"
#include "common/proto/gate_accounts.h"
#include "worker/accounts/accounts.h"

/* How many enabled accounts have a verifier, and how many have none. */
struct tally {
	uint64_t with;
	uint64_t without;
	const char *first_without;
};

static struct tally
count(const struct accounts *accounts, enum scram_hash hash)
{
	struct tally tally = {.with = 0};

	for (size_t i = 0; accounts != NULL && i < accounts_count(accounts); i++) {
		const struct account *account = accounts_at(accounts, i);

		if (!account->enabled)
			continue;
		if (account->scram[hash] != NULL)
			tally.with++;
		else if (tally.without++ == 0)
			tally.first_without = account->address;
	}
	return tally;
}

static bool
is_offered(const struct accounts *accounts, enum scram_hash hash)
{
	struct tally tally = count(accounts, hash);

	if (tally.with > 0 && tally.without > 0)
		log_event(LOG_NOTICE, "accounts.not_offered", KV_STR("mechanism", scram_name(hash)),
			  KV_U64("with", tally.with), KV_U64("without", tally.without),
			  KV_STR("first", tally.first_without),
			  KV_STR("why",
				 "not all accounts have a verifier of it; posternctl account "
				 "passwd makes one"));
	return tally.with > 0 && tally.without == 0;
}

static void
tell(const struct accounts_service *service, struct gate_channel *gate)
{
	const struct ga_offer offer = {.scram = service->offered};

	(void)ipc_send(gate->channel, GA_OFFER, 0, &offer, NULL, 0, -1);
}

void
offer_tell(const struct accounts_service *service, struct gate_channel *gate)
{
	if (service->offered != 0)
		tell(service, gate);
}

void
offer_update(struct accounts_service *service)
{
	struct gate_channel *gate;
	uint32_t offered = 0;

	for (unsigned i = 0; i < SCRAM_HASH_COUNT; i++) {
		if (is_offered(service->accounts, (enum scram_hash)i))
			offered |= 1u << i;
	}
	if (offered == service->offered)
		return;
	service->offered = offered;
	LIST_FOREACH (gate, &service->gate_channels, entry) {
		/* cppcheck-suppress uninitvar ; set by LIST_FOREACH */
		tell(service, gate);
	}
}
