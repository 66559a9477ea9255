/* SPDX-License-Identifier: ISC */
#include "worker/session/imap/utf7.h"

#include <string.h>

#include "worker/session/imap/parse.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

size_t
imap_utf8_next(const char *bytes, size_t length, uint32_t *character)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char first;
	size_t octets, i;
	uint32_t c;

	if (length == 0)
		return 0;
	first = (unsigned char)bytes[0];
	if (first < 0x80) {
		*character = first;
		return 1;
	}
	octets = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
	if (first < 0xc2 || first > 0xf4 || octets > length)
		return 0;
	c = first & (0xffu >> (octets + 1));
	for (i = 1; i < octets; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | ((unsigned char)bytes[i] & 0x3fu);
	}
	if (c < least[octets] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*character = c;
	return octets;
}

bool
imap_is_utf8(const char *bytes, size_t length)
{
	uint32_t c;

	while (length > 0) {
		size_t n = imap_utf8_next(bytes, length, &c);

		if (n == 0)
			return false;
		bytes += n;
		length -= n;
	}
	return true;
}

struct out {
	char *at, *end; /* one octet is kept for the NUL */
	bool full;
};

static void
put(struct out *out, uint32_t octet)
{
	if (out->at < out->end)
		*out->at++ = (char)octet;
	else
		out->full = true;
}

static void
put_utf8(struct out *out, uint32_t c)
{
	if (c < 0x80) {
		put(out, c);
		return;
	}
	if (c < 0x800)
		put(out, 0xc0 | c >> 6);
	else {
		if (c < 0x10000)
			put(out, 0xe0 | c >> 12);
		else {
			put(out, 0xf0 | c >> 18);
			put(out, 0x80 | (c >> 12 & 0x3f));
		}
		put(out, 0x80 | (c >> 6 & 0x3f));
	}
	put(out, 0x80 | (c & 0x3f));
}

static int
finish(struct out *out)
{
	*out->at = '\0';
	return out->full ? -1 : 0;
}

/* One unit of UTF-16; *HIGH is a first surrogate that waits for its second. */
static int
take_unit(struct out *out, uint32_t unit, uint32_t *high)
{
	if (*high != 0) {
		if (unit < 0xdc00 || unit > 0xdfff)
			return -1;
		put_utf8(out, 0x10000 + ((*high - 0xd800) << 10) + (unit - 0xdc00));
		*high = 0;
		return 0;
	}
	if (unit >= 0xd800 && unit <= 0xdbff) {
		*high = unit;
		return 0;
	}
	/* What stands for itself must not be encoded, so a name has one form only. */
	if ((unit >= 0x20 && unit <= 0x7e) || unit == 0 || (unit >= 0xdc00 && unit <= 0xdfff))
		return -1;
	put_utf8(out, unit);
	return 0;
}

/* "&...-", of which IN is behind the "&". Returns its octets with the "-", or 0. */
static size_t
decode_shifted(const char *in, size_t length, struct out *out)
{
	uint32_t bits = 0, high = 0;
	unsigned have = 0;
	size_t i;

	for (i = 0; i < length && in[i] != '-'; i++) {
		const char *digit = in[i] == '\0' ? NULL : strchr(alphabet, in[i]);

		if (digit == NULL)
			return 0;
		bits = (bits << 6 | (uint32_t)(digit - alphabet)) & 0x3fffff;
		have += 6;
		if (have >= 16) {
			have -= 16;
			if (take_unit(out, bits >> have & 0xffff, &high) != 0)
				return 0;
		}
	}
	/* Fewer than 6 bits are left, all zero. */
	if (i == length || i == 0 || high != 0 || have >= 6 || (bits & ((1u << have) - 1)) != 0)
		return 0;
	return i + 1;
}

int
imap_utf7_decode(const char *in, size_t length, char *out_bytes, size_t out_size)
{
	struct out out = {out_bytes, out_bytes + out_size - 1, false};
	size_t i = 0;

	while (i < length) {
		if (in[i] < 0x20 || in[i] > 0x7e)
			return -1;
		if (in[i] != '&') {
			put(&out, (unsigned char)in[i++]);
			continue;
		}
		i++;
		if (i < length && in[i] == '-') {
			put(&out, '&');
			i++;
		} else {
			size_t n = decode_shifted(in + i, length - i, &out);

			if (n == 0)
				return -1;
			i += n;
			/* "-&" directly: one shift would have done (RFC 3501 5.1.3). */
			if (i + 1 < length && in[i] == '&' && in[i + 1] != '-')
				return -1;
		}
	}
	return finish(&out);
}

struct shift {
	uint32_t bits;
	unsigned have;
	bool on;
};

static void
shift_unit(struct out *out, struct shift *shift, uint32_t unit)
{
	shift->bits = shift->bits << 16 | unit;
	shift->have += 16;
	while (shift->have >= 6) {
		shift->have -= 6;
		put(out, (unsigned char)alphabet[shift->bits >> shift->have & 0x3f]);
	}
}

static void
shift_end(struct out *out, struct shift *shift)
{
	if (!shift->on)
		return;
	if (shift->have > 0)
		put(out, (unsigned char)alphabet[shift->bits << (6 - shift->have) & 0x3f]);
	put(out, '-');
	*shift = (struct shift){0};
}

static void
encode_shifted(struct out *out, struct shift *shift, uint32_t c)
{
	if (!shift->on)
		put(out, '&');
	shift->on = true;
	if (c >= 0x10000) {
		shift_unit(out, shift, 0xd800 + ((c - 0x10000) >> 10));
		c = 0xdc00 + ((c - 0x10000) & 0x3ff);
	}
	shift_unit(out, shift, c);
}

int
imap_utf7_encode(const char *in, size_t length, char *out_bytes, size_t out_size)
{
	struct out out = {out_bytes, out_bytes + out_size - 1, false};
	struct shift shift = {0};
	uint32_t c;

	while (length > 0) {
		size_t n = imap_utf8_next(in, length, &c);

		if (n == 0)
			return -1;
		if (c < 0x20 || c > 0x7e)
			encode_shifted(&out, &shift, c);
		else {
			shift_end(&out, &shift);
			put(&out, c);
			if (c == '&')
				put(&out, '-');
		}
		in += n;
		length -= n;
	}
	shift_end(&out, &shift);
	return finish(&out);
}
