/* SPDX-License-Identifier: ISC */
#include "worker/queue/greylist.h"

#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>

#include "common/ascii.h"
#include "worker/queue/greylist_db.h"

/* A use is written down when this part of the time to remember it is over: not each one is. */
#define TOUCH_PART 32

/* What one neighbourhood may have new that waits, within a delay: this part of all there may be. */
#define SHARE_PART 64
#define SHARE_MIN 10
#define SHARES 8192 /* counts, by hash */
#define SECRET_SIZE 16
#define NEIGHBOURHOOD_BITS \
	48 /* of IPv6: what one customer easily has (RFC 6177); of IPv4 the network */

struct greylist {
	struct greylist_rules rules;
	struct greylist_db *db;
	int64_t shares_of;           /* the delay they are of: which since the epoch */
	uint8_t secret[SECRET_SIZE]; /* nobody finds a network that shares another's count */
	uint32_t shares[SHARES];
};

struct greylist *
greylist_open(const struct greylist_rules *rules, int64_t now, struct error *err)
{
	struct greylist *greylist = calloc(1, sizeof(*greylist));

	if (greylist == NULL) {
		error_errno(err, "the greylist");
		return NULL;
	}
	greylist->rules = *rules;
	arc4random_buf(greylist->secret, sizeof(greylist->secret));
	greylist->db = greylist_db_open(rules->entries, now, err);
	if (greylist->db != NULL)
		return greylist;
	free(greylist);
	return NULL;
}

void
greylist_close(struct greylist *greylist)
{
	if (greylist == NULL)
		return;
	greylist_db_close(greylist->db);
	free(greylist);
}

/* -- Keys ------------------------------------------------------------------------------ */

void
greylist_network(const struct greylist_rules *rules, const struct in6_addr *address,
		 struct in6_addr *network)
{
	uint32_t bits =
	    IN6_IS_ADDR_V4MAPPED(address) ? 96 + rules->ipv4_prefix : rules->ipv6_prefix;

	for (uint32_t i = 0; i < 16; i++) {
		uint32_t kept = bits <= 8 * i ? 0 : bits - 8 * i;
		uint8_t mask = kept >= 8 ? 0xff : (uint8_t)(0xff00U >> kept);

		network->s6_addr[i] = address->s6_addr[i] & mask;
	}
}

static void
add_network(struct sha256_ctx *hash, const struct in6_addr *network)
{
	sha256_init(hash);
	sha256_update(hash, sizeof(network->s6_addr), network->s6_addr);
}

/* With its NUL, so that two paths in a row are no other two. */
static void
add_path(struct sha256_ctx *hash, const char *path)
{
	uint8_t lower[PATH_SIZE];
	size_t length = 0;

	while (length < sizeof(lower) - 1 && path[length] != '\0') {
		lower[length] = (uint8_t)ascii_lower(path[length]);
		length++;
	}
	lower[length++] = '\0';
	sha256_update(hash, length, lower);
}

static int64_t
key_of(struct sha256_ctx *hash)
{
	uint8_t digest[sizeof(int64_t)];
	int64_t key;

	sha256_digest(hash, sizeof(digest), digest);
	memcpy(&key, digest, sizeof(key));
	return key;
}

static int64_t
key_of_network(const struct in6_addr *network)
{
	struct sha256_ctx hash;

	add_network(&hash, network);
	return key_of(&hash);
}

static int64_t
key_of_three(const struct in6_addr *network, const char *sender, const char *recipient)
{
	struct sha256_ctx hash;

	add_network(&hash, network);
	add_path(&hash, sender);
	add_path(&hash, recipient);
	return key_of(&hash);
}

/* -- Rules ------------------------------------------------------------------------------- */

static int64_t
age_of(const struct grey_entry *entry, int64_t now)
{
	return now > entry->at ? now - entry->at : 0;
}

static int64_t
lifetime(const struct greylist_rules *rules, uint32_t kind)
{
	return kind == GREY_WAITING ? rules->retry_window : rules->remember;
}

/* Whose time is ahead, because the clock was, is of now. 1, 0, or -1. */
static int
get(struct greylist *greylist, int64_t key, int64_t now, struct grey_entry *entry)
{
	int found = greylist_db_get(greylist->db, key, entry);
	struct grey_entry ahead;

	if (found != 1 || entry->at <= now)
		return found;
	ahead = *entry;
	entry->at = now;
	return greylist_db_put(greylist->db, entry, &ahead) == 0 ? 1 : -1;
}

/* One of the two kinds that is not too old: 1, 0, or -1. There may be another in *ENTRY: *THERE. */
static int
look_up(struct greylist *greylist, int64_t key, int64_t now, enum grey_kind low,
	enum grey_kind high, struct grey_entry *entry, bool *there)
{
	int found = get(greylist, key, now, entry);

	*there = found == 1;
	if (found != 1)
		return found;
	return entry->kind >= (uint32_t)low && entry->kind <= (uint32_t)high &&
	       age_of(entry, now) <= lifetime(&greylist->rules, entry->kind);
}

/* It was used again. */
static int
touch(struct greylist *greylist, const struct grey_entry *entry, int64_t now)
{
	struct grey_entry touched = *entry;

	if (age_of(entry, now) <= lifetime(&greylist->rules, entry->kind) / TOUCH_PART)
		return 0;
	touched.at = now;
	return greylist_db_put(greylist->db, &touched, entry);
}

/* Something from NETWORK has passed. Its passes count when a delay is between them. */
static int
count_pass(struct greylist *greylist, int64_t key, int64_t now, bool *now_known)
{
	const struct greylist_rules *rules = &greylist->rules;
	struct grey_entry old, entry = {.key = key, .at = now, .passes = 1};
	bool there;
	int found = look_up(greylist, key, now, GREY_NETWORK, GREY_KNOWN, &old, &there);

	if (found == -1)
		return -1;
	if (rules->passes == 0 || (found == 1 && age_of(&old, now) < rules->delay))
		return 0;
	if (found == 1)
		entry.passes += old.passes;
	*now_known = entry.passes >= rules->passes;
	entry.kind = *now_known ? GREY_KNOWN : GREY_NETWORK;
	return greylist_db_put(greylist->db, &entry, there ? &old : NULL);
}

/* It may come in, and did or did not before. */
static int
let_in(struct greylist *greylist, struct grey_entry *entry, int64_t network, int64_t now,
       struct greylist_answer *answer)
{
	struct grey_entry passed = *entry;
	int result;

	if (entry->kind == GREY_WAITING) {
		answer->verdict = GREYLIST_WAITED;
		answer->seconds = (uint32_t)age_of(entry, now);
		passed.kind = GREY_PASSED;
		passed.at = now;
		result = greylist_db_put(greylist->db, &passed, entry);
	} else {
		answer->verdict = GREYLIST_SEEN;
		result = touch(greylist, entry, now);
	}
	if (result == -1)
		return -1;
	return count_pass(greylist, network, now, &answer->now_known);
}

/* The count of a neighbourhood. */
static uint32_t *
share_of(struct greylist *greylist, const struct in6_addr *network)
{
	struct in6_addr wide = *network;
	struct sha256_ctx hash;

	if (!IN6_IS_ADDR_V4MAPPED(network))
		memset(wide.s6_addr + NEIGHBOURHOOD_BITS / 8, 0,
		       sizeof(wide) - NEIGHBOURHOOD_BITS / 8);
	add_network(&hash, &wide);
	sha256_update(&hash, sizeof(greylist->secret), greylist->secret);
	return &greylist->shares[(uint64_t)key_of(&hash) % SHARES];
}

/*
 * Who sends nothing but first attempts would push out those of others before they come again. One
 * neighbourhood has a share; what is beyond it waits, and is not remembered.
 */
static bool
has_share(struct greylist *greylist, const struct in6_addr *network, int64_t now)
{
	const struct greylist_rules *rules = &greylist->rules;
	uint32_t most = rules->entries / SHARE_PART, *share = share_of(greylist, network);

	if (now / rules->delay != greylist->shares_of) {
		greylist->shares_of = now / rules->delay;
		memset(greylist->shares, 0, sizeof(greylist->shares));
	}
	return (*share)++ < (most > SHARE_MIN ? most : SHARE_MIN);
}

/* A first attempt. */
static int
remember(struct greylist *greylist, const struct in6_addr *network, const struct grey_entry *entry,
	 const struct grey_entry *old)
{
	if (!has_share(greylist, network, entry->at))
		return 0;
	return greylist_db_put(greylist->db, entry, old);
}

static int
ask_of_three(struct greylist *greylist, int64_t key, const struct in6_addr *network, int64_t now,
	     struct greylist_answer *answer)
{
	const struct greylist_rules *rules = &greylist->rules;
	struct grey_entry old, entry = {.key = key, .kind = GREY_WAITING, .at = now};
	bool there;
	int found = look_up(greylist, key, now, GREY_WAITING, GREY_PASSED, &old, &there);

	if (found == -1)
		return -1;
	answer->verdict = GREYLIST_WAIT;
	answer->seconds = rules->delay;
	if (found == 0)
		return remember(greylist, network, &entry, there ? &old : NULL);
	if (old.kind == GREY_WAITING && age_of(&old, now) < rules->delay) {
		answer->seconds = rules->delay - (uint32_t)age_of(&old, now);
		return 0;
	}
	answer->seconds = 0;
	return let_in(greylist, &old, key_of_network(network), now, answer);
}

/* By the rules of now: those of when it became known may have been others. 1, 0, or -1. */
static int
is_known(struct greylist *greylist, int64_t key, int64_t now, struct grey_entry *entry)
{
	uint32_t passes = greylist->rules.passes;
	bool there;
	int found = look_up(greylist, key, now, GREY_KNOWN, GREY_KNOWN, entry, &there);

	return found == 1 ? passes != 0 && entry->passes >= passes : found;
}

struct greylist_answer
greylist_ask(struct greylist *greylist, const struct in6_addr *address, const char *sender,
	     const char *recipient, int64_t now)
{
	struct greylist_answer answer = {.verdict = GREYLIST_KNOWN};
	struct in6_addr network;
	struct grey_entry entry;
	int result;

	greylist_network(&greylist->rules, address, &network);
	result = is_known(greylist, key_of_network(&network), now, &entry);
	if (result == 1)
		result = touch(greylist, &entry, now);
	else if (result == 0)
		result = ask_of_three(greylist, key_of_three(&network, sender, recipient), &network,
				      now, &answer);
	if (result == -1)
		answer = (struct greylist_answer){.verdict = GREYLIST_BROKEN};
	return answer;
}

/* -- Keeping ------------------------------------------------------------------------------ */

bool
greylist_is_dirty(const struct greylist *greylist)
{
	return greylist_db_is_dirty(greylist->db);
}

int
greylist_commit(struct greylist *greylist, int64_t now)
{
	for (uint32_t kind = 0; kind < GREY_KINDS; kind++) {
		if (greylist_db_tidy(greylist->db, kind, now - lifetime(&greylist->rules, kind),
				     now) == -1)
			return -1;
	}
	return greylist_db_commit(greylist->db);
}

const char *
greylist_error(const struct greylist *greylist)
{
	return greylist_db_error(greylist->db);
}
