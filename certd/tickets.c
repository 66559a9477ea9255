/* SPDX-License-Identifier: ISC */
#include "certd/tickets.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "certd/key.h"

struct gc_ticket_keys *
tickets_new(void)
{
	return OPENSSL_secure_zalloc(sizeof(struct gc_ticket_keys));
}

void
tickets_free(struct gc_ticket_keys *tickets)
{
	OPENSSL_secure_clear_free(tickets, sizeof(*tickets));
}

int
tickets_rotate(struct gc_ticket_keys *tickets, struct error *err)
{
	uint8_t fresh[sizeof(tickets->key[0])];
	int result = 0;

	_Static_assert(sizeof(fresh) == sizeof(tickets->key[0].name) + sizeof(tickets->key[0].aes) +
					    sizeof(tickets->key[0].hmac),
		       "a key is its three parts, without padding");
	if (RAND_priv_bytes(fresh, sizeof(fresh)) != 1) {
		result = key_library_error(err, "making a ticket key");
	} else {
		memmove(&tickets->key[1], &tickets->key[0],
			(TICKET_KEYS - 1) * sizeof(tickets->key[0]));
		memcpy(&tickets->key[0], fresh, sizeof(fresh));
		if (tickets->count < TICKET_KEYS)
			tickets->count++;
	}
	explicit_bzero(fresh, sizeof(fresh));
	return result;
}
