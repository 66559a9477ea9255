/* SPDX-License-Identifier: ISC */
/* The packet of an answer with one TXT record. */
#ifndef POSTERN_TESTS_UNIT_DNS_TEXT_H
#define POSTERN_TESTS_UNIT_DNS_TEXT_H

#include <stdint.h>
#include <string.h>

#include "worker/dns/dns.h"

#define DNS_TEXT_PACKET 2048

/* The record is of strings of 255 octets (RFC 1035 3.3.14). Returns the packet's length. */
static inline size_t
dns_text(const char *record, uint8_t packet[DNS_TEXT_PACKET])
{
	static const uint8_t head[] = {0, 0, 0x81,    0x80, 0, 0, 0, 1, 0, 0, 0, 0, /* one answer */
				       0, 0, DNS_TXT, 0,    1, 0, 0, 0, 0};
	size_t left_over = strlen(record), length = left_over + (left_over + 254) / 255;
	uint8_t *at = packet + sizeof(head);

	memcpy(packet, head, sizeof(head));
	*at++ = (uint8_t)(length >> 8);
	*at++ = (uint8_t)length;
	while (left_over > 0) {
		size_t piece = left_over > 255 ? 255 : left_over;

		*at++ = (uint8_t)piece;
		memcpy(at, record, piece);
		at += piece;
		record += piece;
		left_over -= piece;
	}
	return (size_t)(at - packet);
}

#endif
