/* SPDX-License-Identifier: ISC */
#include "master/admit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/tree.h>

#include "common/scores.h"

#define RATES_MAX 65536 /* addresses whose rate is known; 100 bytes each */
#define MINUTE 60000

/* A count of one key. A group's total has the address ::, which no peer has. */
struct tally {
	RB_ENTRY(tally) entry;
	uint32_t group;
	struct in6_addr address;
	uint32_t count;
};
RB_HEAD(tallies, tally);

struct admit {
	struct tallies tallies;
	struct scores *rates; /* NULL: nobody has asked for them yet */
};

struct admit_ledger {
	struct tallies tallies;
	uint32_t total;
};

static int
tally_compare(const struct tally *a, const struct tally *b)
{
	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	return memcmp(&a->address, &b->address, sizeof(a->address));
}

/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it loses track of a tree from which all is freed */
RB_GENERATE_INTERNAL(tallies, tally, entry, tally_compare, static __attribute__((unused)))

static struct tally *
find(const struct tallies *tallies, uint32_t group, const struct in6_addr *address)
{
	struct tally key = {.group = group, .address = *address};

	/* The macro's function takes the head without const; it does not change it. */
	return RB_FIND(tallies, (struct tallies *)(uintptr_t)tallies, &key);
}

static uint32_t
count_of(const struct tallies *tallies, uint32_t group, const struct in6_addr *address)
{
	const struct tally *tally = find(tallies, group, address);

	return tally == NULL ? 0 : tally->count;
}

/* Makes it if it isn't there, with the count 0. NULL without memory. */
static struct tally *
get(struct tallies *tallies, uint32_t group, const struct in6_addr *address)
{
	struct tally *tally = find(tallies, group, address);

	if (tally != NULL)
		return tally;
	tally = calloc(1, sizeof(*tally));
	if (tally == NULL)
		return NULL;
	tally->group = group;
	tally->address = *address;
	RB_INSERT(tallies, tallies, tally);
	return tally;
}

static void
take_off(struct tallies *tallies, uint32_t group, const struct in6_addr *address, uint32_t count)
{
	struct tally *tally = find(tallies, group, address);

	if (tally == NULL)
		return;
	tally->count -= count < tally->count ? count : tally->count;
	if (tally->count == 0) {
		RB_REMOVE(tallies, tallies, tally);
		free(tally);
	}
}

static void
tallies_free(struct tallies *tallies)
{
	struct tally *tally;

	while ((tally = RB_MIN(tallies, tallies)) != NULL) {
		RB_REMOVE(tallies, tallies, tally);
		free(tally);
	}
}

struct admit *
admit_new(void)
{
	return calloc(1, sizeof(struct admit));
}

void
admit_free(struct admit *admit)
{
	if (admit == NULL)
		return;
	tallies_free(&admit->tallies);
	scores_free(admit->rates);
	free(admit);
}

struct admit_ledger *
admit_ledger_new(void)
{
	return calloc(1, sizeof(struct admit_ledger));
}

void
admit_ledger_free(struct admit *admit, struct admit_ledger *ledger)
{
	struct tally *tally;

	if (ledger == NULL)
		return;
	RB_FOREACH (tally, tallies, &ledger->tallies) {
		take_off(&admit->tallies, tally->group, &tally->address, tally->count);
		take_off(&admit->tallies, tally->group, &in6addr_any, tally->count);
	}
	tallies_free(&ledger->tallies);
	free(ledger);
}

/* True, and counted, unless it comes too often. */
static bool
rate_permits(struct admit *admit, uint32_t group, const struct in6_addr *address, uint32_t rate,
	     int64_t now)
{
	const struct score score = {
	    .address = *address, .group = group, .forget = rate == 0 ? MINUTE : MINUTE / rate};

	if (rate == 0)
		return true;
	if (admit->rates == NULL)
		admit->rates = scores_new(RATES_MAX);
	if (admit->rates == NULL || scores_get(admit->rates, &score, now) >= rate)
		return false;
	(void)scores_add(admit->rates, &score, now);
	return true;
}

enum mg_verdict
admit_one(struct admit *admit, struct admit_ledger *ledger, uint32_t group,
	  const struct in6_addr *address, const struct admit_limits *limits, int64_t now)
{
	struct in6_addr key = counted_address(address);
	struct tally *total, *all, *own;

	if (admit_count(admit, group) >= limits->connections)
		return MG_ADMIT_LISTENER_FULL;
	if (count_of(&admit->tallies, group, &key) >= limits->per_address)
		return MG_ADMIT_ADDRESS_FULL;
	if (!rate_permits(admit, group, address, limits->rate, now))
		return MG_ADMIT_ADDRESS_OFTEN;
	total = get(&admit->tallies, group, &in6addr_any);
	all = get(&admit->tallies, group, &key);
	own = get(&ledger->tallies, group, &key);
	if (total == NULL || all == NULL || own == NULL) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): they are in the trees */
		take_off(&admit->tallies, group, &in6addr_any, 0);
		take_off(&admit->tallies, group, &key, 0);
		take_off(&ledger->tallies, group, &key, 0);
		return MG_ADMIT_LISTENER_FULL;
	}
	total->count++;
	all->count++;
	own->count++;
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): they are in the trees */
	ledger->total++;
	return MG_ADMIT_OK;
}

int
admit_gone(struct admit *admit, struct admit_ledger *ledger, uint32_t group,
	   const struct in6_addr *address)
{
	struct in6_addr key = counted_address(address);

	if (count_of(&ledger->tallies, group, &key) == 0)
		return -1;
	take_off(&ledger->tallies, group, &key, 1);
	take_off(&admit->tallies, group, &key, 1);
	take_off(&admit->tallies, group, &in6addr_any, 1);
	ledger->total--;
	return 0;
}

uint32_t
admit_count(const struct admit *admit, uint32_t group)
{
	return count_of(&admit->tallies, group, &in6addr_any);
}

uint32_t
admit_ledger_count(const struct admit_ledger *ledger)
{
	return ledger->total;
}
