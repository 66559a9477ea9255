/* SPDX-License-Identifier: ISC */
#include "ctl/message_key.h"

#include <stdlib.h>
#include <string.h>

#include "common/ascii.h"
#include "common/mime/header.h"

struct counted_key {
	struct message_key key;
	size_t count;
};

/*
 * -- SipHash-2-4 (Aumasson and Bernstein) -----------------------------------------------
 */

static uint64_t
rotate(uint64_t value, unsigned bits)
{
	return value << bits | value >> (64 - bits);
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static void
sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	sip_round(v);
	v[0] ^= word;
}

static uint64_t
sip(const uint64_t key[2], const void *bytes, size_t length)
{
	uint64_t v[4] = {
	    key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
	    key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)};
	const unsigned char *at = bytes;
	uint64_t word, last = (uint64_t)length << 56;
	size_t left = length;

	for (; left >= 8; left -= 8, at += 8) {
		memcpy(&word, at, 8);
		sip_word(v, word);
	}
	for (size_t i = 0; i < left; i++)
		last |= (uint64_t)at[i] << (8 * i);
	sip_word(v, last);
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/*
 * -- Keys -----------------------------------------------------------------------------
 */

/* Another run has other keys: nothing of them is kept. */
static const uint64_t *
secrets(void)
{
	static uint64_t secret[4];
	static bool made;

	if (!made)
		arc4random_buf(secret, sizeof(secret));
	made = true;
	return secret;
}

static void
add_bytes(struct message_key *key, const void *bytes, size_t length)
{
	const uint64_t *secret = secrets();

	for (size_t i = 0; i < 2; i++) {
		const uint64_t chained[2] = {secret[2 * i] ^ key->half[i], secret[2 * i + 1]};

		key->half[i] = sip(chained, bytes, length);
	}
}

struct message_key
message_key_make(const char *header, size_t length, uint64_t size, int64_t internaldate)
{
	static const char *const names[] = {"message-id", "date", "subject"};
	const uint64_t numbers[2] = {size, (uint64_t)internaldate};
	struct message_key key = {{0, 0}};
	struct mime_field field;
	size_t at = 0;

	add_bytes(&key, numbers, sizeof(numbers));
	while (mime_next_field(header, length, &at, &field)) {
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			if (!mime_is(field.name, names[i]))
				continue;
			add_bytes(&key, names[i], strlen(names[i]));
			add_bytes(&key, field.value.at, field.value.length);
		}
	}
	return key;
}

/*
 * -- Multisets --------------------------------------------------------------------------
 */

static int
compare(const void *a, const void *b)
{
	return memcmp(&((const struct counted_key *)a)->key, &((const struct counted_key *)b)->key,
		      sizeof(struct message_key));
}

int
message_keys_add(struct message_keys *keys, const struct message_key *key, struct error *err)
{
	if (keys->count == keys->room) {
		size_t room = keys->room == 0 ? 256 : 2 * keys->room;
		struct counted_key *grown = reallocarray(keys->list, room, sizeof(*grown));

		if (grown == NULL)
			return error_errno(err, "a list of messages");
		keys->list = grown;
		keys->room = room;
	}
	keys->list[keys->count++] = (struct counted_key){*key, 1};
	keys->sorted = false;
	return 0;
}

static void
sort(struct message_keys *keys)
{
	size_t kept = 0;

	qsort(keys->list, keys->count, sizeof(*keys->list), compare);
	for (size_t i = 0; i < keys->count; i++) {
		if (kept > 0 && compare(&keys->list[kept - 1], &keys->list[i]) == 0)
			keys->list[kept - 1].count++;
		else
			keys->list[kept++] = keys->list[i];
	}
	keys->count = kept;
	keys->sorted = true;
}

bool
message_keys_take(struct message_keys *keys, const struct message_key *key)
{
	const struct counted_key wanted = {*key, 0};
	struct counted_key *found;

	if (keys->count == 0)
		return false;
	if (!keys->sorted)
		sort(keys);
	found = bsearch(&wanted, keys->list, keys->count, sizeof(*keys->list), compare);
	if (found == NULL || found->count == 0)
		return false;
	found->count--;
	return true;
}

void
message_keys_free(struct message_keys *keys)
{
	free(keys->list);
	*keys = (struct message_keys){.count = 0};
}
