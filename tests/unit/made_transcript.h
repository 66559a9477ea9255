/* SPDX-License-Identifier: ISC */
/* made_transcript - a client's handshake of TLS 1.2, as it signs it, for the tests. */
#ifndef POSTERN_TESTS_MADE_TRANSCRIPT_H
#define POSTERN_TESTS_MADE_TRANSCRIPT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MADE_MESSAGES 9
#define MADE_MAX 16384

/* Whether a message is left out, or comes twice. */
struct made_plan {
	unsigned times[MADE_MESSAGES]; /* 1 is usual */
	unsigned version;              /* 0x0303 */
};

static const uint8_t made_types[MADE_MESSAGES] = {1, 2, 11, 22, 12, 13, 14, 11, 16};
static const size_t made_lengths[MADE_MESSAGES] = {60, 60, 120, 40, 110, 30, 0, 0, 66};

static inline struct made_plan
made_usual(void)
{
	struct made_plan plan = {.version = 0x0303};

	for (size_t i = 0; i < MADE_MESSAGES; i++)
		plan.times[i] = 1;
	return plan;
}

static inline size_t
made_number24(uint8_t *out, size_t number)
{
	out[0] = (uint8_t)(number >> 16);
	out[1] = (uint8_t)(number >> 8);
	out[2] = (uint8_t)number;
	return 3;
}

/* Of the DER structure (of 128 to 65535 octets) that is there. */
static inline size_t
made_der_length(const uint8_t *der)
{
	return der[1] == 0x82   ? 4u + ((size_t)der[2] << 8 | der[3])
	       : der[1] == 0x81 ? 3u + der[2]
				: 2u + der[1];
}

/* The client's Certificate with CHAIN, DER one after another. */
static inline size_t
made_certificate(uint8_t *out, const uint8_t *chain, size_t length)
{
	size_t used = 3, one;

	for (size_t at = 0; at < length; at += one) {
		one = made_der_length(chain + at);
		used += made_number24(out + used, one);
		memcpy(out + used, chain + at, one);
		used += one;
	}
	(void)made_number24(out, used - 3);
	return used;
}

/* OUT has MADE_MAX octets. Returns how many it takes. */
static inline size_t
made_transcript(uint8_t *out, const struct made_plan *plan, const uint8_t *chain, size_t length)
{
	size_t used = 0;

	for (size_t i = 0; i < MADE_MESSAGES; i++) {
		for (unsigned n = 0; n < plan->times[i]; n++) {
			uint8_t *body = out + used + 4;
			size_t size = made_lengths[i];

			memset(body, (int)(0x60 + i), size);
			if (i < 2) {
				body[0] = (uint8_t)(plan->version >> 8);
				body[1] = (uint8_t)plan->version;
			}
			if (i == 7)
				size = made_certificate(body, chain, length);
			out[used] = made_types[i];
			(void)made_number24(out + used + 1, size);
			used += 4 + size;
		}
	}
	return used;
}

#endif
