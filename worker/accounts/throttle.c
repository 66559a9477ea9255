/* SPDX-License-Identifier: ISC */
#include "worker/accounts/throttle.h"

#include <sys/queue.h>
#include <sys/tree.h>

#include <stdlib.h>
#include <string.h>

#define ADDRESS_FREE 3       /* failures without delay */
#define ADDRESS_LIMIT 20     /* failures from which on attempts are refused */
#define ADDRESS_FORGET 60000 /* ms in which one failure is forgotten */
#define ADDRESS_AT_ONCE 8    /* attempts under way */
#define ACCOUNT_FREE 20
#define ACCOUNT_FORGET 10000
#define ACCOUNT_MANY 12    /* distinct addresses (of 64 classes of them) */
#define ACCOUNT_AT_ONCE 16 /* attempts under way, when failures are many */
#define ACCOUNT_WAIT 5000  /* ms for an address without failures, at an account with many */
#define FAILURES_MAX 64    /* nothing grows beyond this */
#define INTERVAL_MAX 30000 /* ms */
#define TURN_WAIT 100      /* ms until an attempt asks again whether others have ended */

struct entry {
	RB_ENTRY(entry) tree;
	TAILQ_ENTRY(entry) use; /* the first is the one unused longest */
	int64_t updated;        /* up to when failures are forgotten */
	int64_t next;           /* nothing goes before */
	uint64_t seen;          /* classes of the addresses that failed */
	uint32_t failures;
	uint32_t under_way;
	size_t length;
	unsigned char key[];
};
RB_HEAD(entries, entry);
TAILQ_HEAD(uses, entry);

struct table {
	struct entries entries;
	struct uses uses;
	size_t count;
	size_t max;
	int64_t forget;
};

struct throttle {
	struct table addresses;
	struct table accounts;
	struct table known; /* address and account */
	uint64_t seed;
};

struct key {
	unsigned char bytes[sizeof(struct in6_addr) + ADDRESS_SIZE];
	size_t length;
};

static int
compare_keys(const unsigned char *a, size_t a_length, const unsigned char *b, size_t b_length)
{
	if (a_length != b_length)
		return a_length < b_length ? -1 : 1;
	return memcmp(a, b, a_length);
}

static int
compare(const struct entry *a, const struct entry *b)
{
	return compare_keys(a->key, a->length, b->key, b->length);
}

RB_GENERATE_INTERNAL(entries, entry, tree, compare, static __attribute__((unused)))

static struct entry *
find(const struct table *table, const struct key *key)
{
	struct entry *entry = RB_ROOT(&table->entries);

	while (entry != NULL) {
		int order = compare_keys(key->bytes, key->length, entry->key, entry->length);

		if (order == 0)
			return entry;
		entry = order < 0 ? RB_LEFT(entry, tree) : RB_RIGHT(entry, tree);
	}
	return NULL;
}

static void
drop(struct table *table, struct entry *entry)
{
	RB_REMOVE(entries, &table->entries, entry);
	TAILQ_REMOVE(&table->uses, entry, use);
	table->count--;
	free(entry);
}

/* Finds or makes it, and marks it as used. NULL without memory: then nothing is counted. */
static struct entry *
touch(struct table *table, const struct key *key, int64_t now)
{
	struct entry *entry = find(table, key);

	if (entry != NULL) {
		TAILQ_REMOVE(&table->uses, entry, use);
	} else {
		if (table->count >= table->max)
			drop(table, TAILQ_FIRST(&table->uses));
		entry = calloc(1, sizeof(*entry) + key->length);
		if (entry == NULL)
			return NULL;
		entry->updated = now;
		entry->length = key->length;
		memcpy(entry->key, key->bytes, key->length);
		RB_INSERT(entries, &table->entries, entry);
		table->count++;
	}
	TAILQ_INSERT_TAIL(&table->uses, entry, use);
	return entry;
}

/* Forgets the failures that are old enough. */
static void
decay(const struct table *table, struct entry *entry, int64_t now)
{
	int64_t forgotten = (now - entry->updated) / table->forget;

	if (entry->failures == 0 || forgotten >= entry->failures) {
		entry->failures = 0;
		entry->seen = 0;
		entry->updated = now;
		return;
	}
	entry->failures -= (uint32_t)forgotten;
	entry->updated += forgotten * table->forget;
}

/* 1, 2, 4, ... seconds from the first failure that is not free. */
static int64_t
interval(uint32_t failures, uint32_t free_failures)
{
	uint32_t more = failures > free_failures ? failures - free_failures : 0;

	if (more == 0)
		return 0;
	return more > 5 ? INTERVAL_MAX : (int64_t)1000 << (more - 1);
}

static struct key
address_key(const struct throttle_attempt *attempt)
{
	struct key key = {.length = sizeof(attempt->address)};

	memcpy(key.bytes, &attempt->address, key.length);
	return key;
}

static struct key
account_key(const struct throttle_attempt *attempt)
{
	struct key key = {.length = strlen(attempt->account)};

	memcpy(key.bytes, attempt->account, key.length);
	return key;
}

static struct key
pair_key(const struct throttle_attempt *attempt)
{
	struct key key = address_key(attempt);
	size_t length = strlen(attempt->account);

	memcpy(key.bytes + key.length, attempt->account, length);
	key.length += length;
	return key;
}

/* One of 64, which nobody outside can foretell. */
static uint64_t
address_class(const struct throttle *throttle, const struct in6_addr *address)
{
	uint64_t halves[2];

	memcpy(halves, address, sizeof(halves));
	halves[0] = (halves[0] ^ throttle->seed) * 0x9e3779b97f4a7c15U;
	halves[1] = (halves[1] ^ halves[0] ^ (throttle->seed >> 29)) * 0xbf58476d1ce4e5b9U;
	return UINT64_C(1) << ((halves[1] ^ (halves[1] >> 32)) >> 26 & 63);
}

static void
table_init(struct table *table, size_t max, int64_t forget)
{
	RB_INIT(&table->entries);
	TAILQ_INIT(&table->uses);
	table->max = max;
	table->forget = forget;
}

struct throttle *
throttle_new(size_t entries, uint64_t seed)
{
	struct throttle *throttle = calloc(1, sizeof(*throttle));

	if (throttle == NULL)
		return NULL;
	throttle->seed = seed;
	table_init(&throttle->addresses, entries, ADDRESS_FORGET);
	table_init(&throttle->accounts, entries, ACCOUNT_FORGET);
	table_init(&throttle->known, entries, ADDRESS_FORGET);
	return throttle;
}

static void
table_clear(struct table *table)
{
	struct entry *entry;

	while ((entry = TAILQ_FIRST(&table->uses)) != NULL)
		drop(table, entry);
}

void
throttle_free(struct throttle *throttle)
{
	if (throttle == NULL)
		return;
	table_clear(&throttle->addresses);
	table_clear(&throttle->accounts);
	table_clear(&throttle->known);
	free(throttle);
}

size_t
throttle_size(const struct throttle *throttle)
{
	return throttle->addresses.count + throttle->accounts.count + throttle->known.count;
}

void
throttle_begin(struct throttle_attempt *attempt, const struct in6_addr *address,
	       const char *account, int64_t now)
{
	*attempt = (struct throttle_attempt){.address = *address, .since = now};
	if (!IN6_IS_ADDR_V4MAPPED(address))
		memset(&attempt->address.s6_addr[8], 0, 8);
	strlcpy(attempt->account, account, sizeof(attempt->account));
}

/* Waits until NEXT, if that is not too long after the attempt came. */
static enum throttle_verdict
wait_until(const struct throttle_attempt *attempt, int64_t next, int64_t now, int64_t *wait)
{
	if (next <= now)
		return THROTTLE_GO;
	if (next - attempt->since > THROTTLE_WAIT_MAX)
		return THROTTLE_REFUSE;
	*wait = next - now;
	return THROTTLE_WAIT;
}

/* Waits for a turn, but not for ever. */
static enum throttle_verdict
wait_turn(const struct throttle_attempt *attempt, int64_t now, int64_t *wait)
{
	if (now - attempt->since >= THROTTLE_WAIT_MAX)
		return THROTTLE_BUSY;
	*wait = TURN_WAIT;
	return THROTTLE_WAIT;
}

/* What the address (or the address at the account, if it is known there) has to its name. */
static enum throttle_verdict
ask_address(struct table *table, struct entry *entry, const struct throttle_attempt *attempt,
	    int64_t now, int64_t *wait)
{
	if (entry == NULL)
		return THROTTLE_GO;
	decay(table, entry, now);
	if (entry->failures >= ADDRESS_LIMIT)
		return THROTTLE_REFUSE;
	if (entry->under_way >= ADDRESS_AT_ONCE)
		return wait_turn(attempt, now, wait);
	return wait_until(attempt, entry->next, now, wait);
}

/* What has happened at the account, for an address that is not known there. */
static enum throttle_verdict
ask_account(struct throttle *throttle, struct throttle_attempt *attempt, bool failed_before,
	    int64_t now, int64_t *wait)
{
	struct key key = account_key(attempt);
	struct entry *account = find(&throttle->accounts, &key);
	enum throttle_verdict verdict = THROTTLE_GO;

	if (account == NULL)
		return THROTTLE_GO;
	decay(&throttle->accounts, account, now);
	if (account->failures <= ACCOUNT_FREE)
		return THROTTLE_GO;
	if (failed_before)
		verdict = wait_until(attempt, account->next, now, wait);
	else if (__builtin_popcountll(account->seen) >= ACCOUNT_MANY)
		verdict = wait_until(attempt, attempt->since + ACCOUNT_WAIT, now, wait);
	if (verdict != THROTTLE_GO)
		return verdict;
	if (account->under_way >= ACCOUNT_AT_ONCE)
		return wait_turn(attempt, now, wait);
	if (failed_before)
		account->next = now + interval(account->failures, ACCOUNT_FREE);
	account->under_way++;
	attempt->at_account = true;
	return THROTTLE_GO;
}

enum throttle_verdict
throttle_ask(struct throttle *throttle, struct throttle_attempt *attempt, int64_t now,
	     int64_t *wait)
{
	struct key pair = pair_key(attempt), address = address_key(attempt);
	struct entry *entry = find(&throttle->known, &pair);
	struct table *table;
	enum throttle_verdict verdict;

	attempt->known = entry != NULL;
	table = attempt->known ? &throttle->known : &throttle->addresses;
	if (!attempt->known)
		entry = find(table, &address);
	verdict = ask_address(table, entry, attempt, now, wait);
	if (verdict == THROTTLE_GO && !attempt->known)
		verdict =
		    ask_account(throttle, attempt, entry != NULL && entry->failures > 0, now, wait);
	if (verdict != THROTTLE_GO)
		return verdict;
	entry = touch(table, attempt->known ? &pair : &address, now);
	if (entry != NULL) {
		entry->under_way++;
		entry->next = now + interval(entry->failures, ADDRESS_FREE);
	}
	return THROTTLE_GO;
}

static void
count_failure(struct table *table, struct entry *entry, uint32_t free_failures, int64_t now)
{
	int64_t next;

	decay(table, entry, now);
	if (entry->failures < FAILURES_MAX)
		entry->failures++;
	next = now + interval(entry->failures, free_failures);
	if (next > entry->next)
		entry->next = next;
}

void
throttle_done(struct throttle *throttle, const struct throttle_attempt *attempt,
	      enum throttle_result result, int64_t now)
{
	struct key pair = pair_key(attempt), address = address_key(attempt);
	struct key account = account_key(attempt);
	struct table *table = attempt->known ? &throttle->known : &throttle->addresses;
	struct entry *entry = touch(table, attempt->known ? &pair : &address, now);
	struct entry *at;

	if (entry != NULL && entry->under_way > 0)
		entry->under_way--;
	if (result == THROTTLE_WRONG && entry != NULL)
		count_failure(table, entry, ADDRESS_FREE, now);
	at = find(&throttle->accounts, &account);
	if (attempt->at_account && at != NULL && at->under_way > 0)
		at->under_way--;
	if (result == THROTTLE_WRONG && !attempt->known)
		at = touch(&throttle->accounts, &account, now);
	if (result == THROTTLE_WRONG && !attempt->known && at != NULL) {
		count_failure(&throttle->accounts, at, ACCOUNT_FREE, now);
		at->seen |= address_class(throttle, &attempt->address);
	}
	if (result == THROTTLE_RIGHT)
		(void)touch(&throttle->known, &pair, now);
	if (!attempt->known && entry != NULL && entry->failures == 0 && entry->under_way == 0)
		drop(table, entry);
}
