/* SPDX-License-Identifier: ISC */
#include "common/base64.h"

#include <stdint.h>

#define NOT_BASE64 64u

/* The value of a character of the alphabet (RFC 4648 4, table 1). */
static unsigned
value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0') + 52;
	if (c == '+')
		return 62;
	if (c == '/')
		return 63;
	return NOT_BASE64;
}

/* How many bytes the quantum of four characters stands for, 1 to 3; 0: it is malformed. */
static size_t
decode_quantum(const char *text, size_t padding, uint8_t out[3])
{
	uint32_t bits = 0;
	size_t i;

	for (i = 0; i < 4 - padding; i++) {
		unsigned v = value(text[i]);

		if (v == NOT_BASE64)
			return 0;
		bits = bits << 6 | v;
	}
	bits <<= 6 * padding;
	if ((bits & ((1u << (8 * padding)) - 1)) != 0)
		return 0;
	out[0] = (uint8_t)(bits >> 16);
	out[1] = (uint8_t)(bits >> 8);
	out[2] = (uint8_t)bits;
	return 3 - padding;
}

int
base64_decode(const char *text, size_t length, void *out, size_t size, size_t *decoded)
{
	uint8_t *bytes = out;
	size_t i, padding = 0, used = 0;

	if (length % 4 != 0)
		return -1;
	while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
		padding++;
	for (i = 0; i < length; i += 4) {
		uint8_t quantum[3];
		size_t j, n = decode_quantum(text + i, i + 4 == length ? padding : 0, quantum);

		if (n == 0 || size - used < n)
			return -1;
		for (j = 0; j < n; j++)
			bytes[used++] = quantum[j];
	}
	*decoded = used;
	return 0;
}

size_t
base64_encode(const void *bytes, size_t length, char *out)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				       "0123456789+/";
	const uint8_t *in = bytes;
	char *at = out;

	for (size_t i = 0; i < length; i += 3) {
		size_t n = length - i < 3 ? length - i : 3;
		uint32_t bits = (uint32_t)in[i] << 16;

		if (n > 1)
			bits |= (uint32_t)in[i + 1] << 8;
		if (n > 2)
			bits |= in[i + 2];
		*at++ = alphabet[bits >> 18];
		*at++ = alphabet[bits >> 12 & 63];
		*at++ = n > 1 ? alphabet[bits >> 6 & 63] : '=';
		*at++ = n > 2 ? alphabet[bits & 63] : '=';
	}
	*at = '\0';
	return (size_t)(at - out);
}
