/* SPDX-License-Identifier: ISC */
#include "common/mime/charset.h"

#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include "common/ascii.h"
#include "common/mime/charset_tables.h"

#define BAD 0xfffdu
#define NOTHING 0xffffffffu /* octets that only change the state */

/* One character of LENGTH (> 0) octets. Returns how many octets it has; 0: more are needed. */
typedef size_t decode_fn(struct mime_charset *, const uint8_t *in, size_t length, uint32_t *c);

struct mime_decoding {
	const char *names; /* lower case, a blank around each */
	decode_fn *decode;
	const uint16_t *table;
	bool ascii; /* octets below 0x80 are always ASCII, whatever was before */
};

static size_t
decode_utf8(struct mime_charset *charset, const uint8_t *in, size_t length, uint32_t *c)
{
	ucs4_t character;
	int taken = u8_mbtoucr(&character, in, length);

	(void)charset;
	*c = taken > 0 ? character : BAD;
	if (taken == -2)
		return 0;
	return taken > 0 ? (size_t)taken : 1;
}

static size_t
decode_single(struct mime_charset *charset, const uint8_t *in, size_t length, uint32_t *c)
{
	(void)length;
	*c = in[0];
	if (in[0] >= 0x80) {
		*c = charset->table == NULL ? 0 : charset->table[in[0] - 0x80];
		*c = *c == 0 ? BAD : *c;
	}
	return 1;
}

static size_t
decode_guess(struct mime_charset *charset, const uint8_t *in, size_t length, uint32_t *c)
{
	size_t taken = decode_utf8(charset, in, length, c);

	if (taken == 1 && *c == BAD)
		return decode_single(charset, in, length, c);
	return taken;
}

/* A pair of octets in a table; BAD if it has none. */
static uint32_t
look_up(const uint16_t *table, unsigned lead, unsigned trail)
{
	uint32_t c = 0;

	if (lead >= 0x81 && lead <= 0xfe && trail >= 0x40 && trail <= 0xfe)
		c = table[(lead - 0x81) * CHARSET_TRAILS + trail - 0x40];
	return c == 0 ? BAD : c;
}

/* A second octet that is ASCII, behind a first that goes with none, is itself. */
static size_t
decode_pair(struct mime_charset *charset, const uint8_t *in, size_t length, uint32_t *c)
{
	*c = in[0];
	if (in[0] < 0x80)
		return 1;
	if (length < 2)
		return 0;
	*c = look_up(charset->table, in[0], in[1]);
	return *c == BAD && in[1] < 0x80 ? 1 : 2;
}

static size_t
decode_shift_jis(struct mime_charset *charset, const uint8_t *in, size_t length, uint32_t *c)
{
	if (in[0] >= 0xa1 && in[0] <= 0xdf) { /* half-width katakana */
		*c = 0xff61u + in[0] - 0xa1;
		return 1;
	}
	return decode_pair(charset, in, length, c);
}

/* Row and cell (0x21..0x7e) of JIS X 0208, as Shift_JIS has them. */
static uint32_t
look_up_jis(unsigned row, unsigned cell)
{
	unsigned lead, trail;

	if (row < 0x21 || row > 0x7e || cell < 0x21 || cell > 0x7e)
		return BAD;
	lead = (row - 0x21) / 2 + 0x81;
	if (lead > 0x9f)
		lead += 0x40;
	if (row % 2 == 1)
		trail = cell + 0x1f + (cell >= 0x60);
	else
		trail = cell + 0x7e;
	return look_up(charset_shift_jis, lead, trail);
}

static size_t
decode_euc_jp(struct mime_charset *charset, const uint8_t *in, size_t length, uint32_t *c)
{
	size_t count = in[0] == 0x8f ? 3 : 2;

	(void)charset;
	*c = in[0];
	if (in[0] < 0x80)
		return 1;
	if (length < count)
		return 0;
	*c = BAD;
	if (count == 3 && in[1] >= 0xa1 && in[1] <= 0xfe && in[2] >= 0xa1 && in[2] <= 0xfe)
		*c = charset_jis_x_0212[(in[1] - 0xa1) * 94 + in[2] - 0xa1];
	else if (count == 3)
		return 1;
	*c = *c == 0 ? BAD : *c;
	if (count == 3)
		return 3;
	if (in[0] == 0x8e && in[1] >= 0xa1 && in[1] <= 0xdf)
		*c = 0xff61u + in[1] - 0xa1;
	else if (in[0] >= 0xa1 && in[1] >= 0xa1)
		*c = look_up_jis(in[0] - 0x80u, in[1] - 0x80u);
	return *c == BAD && in[1] < 0x80 ? 1 : count;
}

enum iso2022 { ISO2022_ASCII, ISO2022_JIS, ISO2022_KATAKANA };

/* RFC 1468: "ESC ( B", "ESC ( J", "ESC $ @", "ESC $ B"; and "ESC ( I". */
static size_t
take_escape(struct mime_charset *charset, const uint8_t *in, size_t length, uint32_t *c)
{
	if (length < 3)
		return 0;
	*c = NOTHING;
	if (in[1] == '(' && (in[2] == 'B' || in[2] == 'J'))
		charset->state = ISO2022_ASCII;
	else if (in[1] == '(' && in[2] == 'I')
		charset->state = ISO2022_KATAKANA;
	else if (in[1] == '$' && (in[2] == '@' || in[2] == 'B'))
		charset->state = ISO2022_JIS;
	else
		*c = BAD;
	return *c == BAD ? 1 : 3;
}

static size_t
decode_iso2022_jp(struct mime_charset *charset, const uint8_t *in, size_t length, uint32_t *c)
{
	*c = in[0] < 0x80 ? in[0] : BAD;
	if (in[0] == 0x1b)
		return take_escape(charset, in, length, c);
	if (in[0] == '\n')
		charset->state = ISO2022_ASCII;
	if (charset->state == ISO2022_KATAKANA && in[0] >= 0x21 && in[0] <= 0x5f)
		*c = 0xff61u + in[0] - 0x21;
	if (charset->state != ISO2022_JIS || in[0] < 0x21 || in[0] > 0x7e)
		return 1;
	if (length < 2)
		return 0;
	*c = look_up_jis(in[0], in[1]);
	return *c == BAD && (in[1] < 0x21 || in[1] > 0x7e) ? 1 : 2;
}

/* The character of a four-octet number within the BMP. */
static uint32_t
look_up_linear(uint32_t linear)
{
	size_t low = 0, high = charset_gb18030_range_count;

	if (linear >= 39420)
		return BAD;
	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (charset_gb18030_ranges[middle].linear <= linear)
			low = middle;
		else
			high = middle;
	}
	return charset_gb18030_ranges[low].character + linear - charset_gb18030_ranges[low].linear;
}

static size_t
decode_gb18030(struct mime_charset *charset, const uint8_t *in, size_t length, uint32_t *c)
{
	uint32_t linear;

	if (in[0] < 0x81 || in[0] == 0xff || length < 2 || !ascii_is_digit((char)in[1]))
		return decode_pair(charset, in, length, c);
	if (length < 4)
		return 0;
	*c = BAD;
	if (in[2] < 0x81 || in[2] == 0xff || !ascii_is_digit((char)in[3]))
		return 1;
	linear = ((in[0] - 0x81u) * 10 + in[1] - '0') * 1260 + (in[2] - 0x81u) * 10 + in[3] - '0';
	if (linear >= 189000 && linear - 189000 < 0x100000)
		*c = 0x10000 + linear - 189000;
	else
		*c = look_up_linear(linear);
	return 4;
}

/* One unit of UTF-16, which may be half of a character. */
static uint32_t
take_unit(struct mime_charset *charset, uint32_t unit)
{
	uint32_t high = charset->high;

	charset->high = 0;
	if (unit >= 0xd800 && unit < 0xdc00) {
		charset->high = unit;
		return high != 0 ? BAD : NOTHING;
	}
	if (unit >= 0xdc00 && unit < 0xe000)
		return high == 0 ? BAD : 0x10000 + ((high - 0xd800) << 10) + unit - 0xdc00;
	return unit;
}

enum utf16 { UTF16_UNKNOWN, UTF16_BIG, UTF16_LITTLE };

static size_t
decode_utf16(struct mime_charset *charset, const uint8_t *in, size_t length, uint32_t *c)
{
	unsigned unit;

	if (length < 2)
		return 0;
	unit = (unsigned)in[0] << 8 | in[1];
	*c = NOTHING;
	if (charset->state == UTF16_UNKNOWN) { /* RFC 2781 4.3 */
		charset->state = unit == 0xfffe ? UTF16_LITTLE : UTF16_BIG;
		if (unit == 0xfffe || unit == 0xfeff)
			return 2;
	}
	if (charset->state == UTF16_LITTLE)
		unit = (unsigned)in[1] << 8 | in[0];
	*c = take_unit(charset, unit);
	return 2;
}

static size_t
decode_utf16_le(struct mime_charset *charset, const uint8_t *in, size_t length, uint32_t *c)
{
	charset->state = UTF16_LITTLE;
	return decode_utf16(charset, in, length, c);
}

static size_t
decode_utf16_be(struct mime_charset *charset, const uint8_t *in, size_t length, uint32_t *c)
{
	charset->state = UTF16_BIG;
	return decode_utf16(charset, in, length, c);
}

/* RFC 2152. State 1: within "+...-"; 2: right behind the "+". */
static size_t
decode_utf7(struct mime_charset *charset, const uint8_t *in, size_t length, uint32_t *c)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *digit = in[0] == 0 ? NULL : strchr(digits, in[0]);

	(void)length;
	*c = in[0] < 0x80 ? in[0] : BAD;
	if (charset->state == 0) {
		if (in[0] != '+')
			return 1;
		charset->state = 2;
		charset->bits = charset->bit_count = 0;
		charset->high = 0;
		*c = NOTHING;
		return 1;
	}
	if (digit == NULL) {
		if (in[0] == '-')
			*c = charset->state == 2 ? '+' : NOTHING;
		charset->state = 0;
		return 1;
	}
	charset->state = 1;
	charset->bits = charset->bits << 6 | (uint32_t)(digit - digits);
	charset->bit_count += 6;
	*c = NOTHING;
	if (charset->bit_count >= 16) {
		charset->bit_count -= 16;
		*c = take_unit(charset, charset->bits >> charset->bit_count & 0xffff);
		charset->bits &= (1u << charset->bit_count) - 1;
	}
	return 1;
}

static const struct mime_decoding decodings[] = {
    {" utf-8 utf8 unicode-1-1-utf-8 ", decode_utf8, NULL, true},
    {" us-ascii ascii ansi_x3.4-1968 iso646-us 646 ", decode_single, NULL, true},
    {" gb18030 gbk gb2312 cp936 euc-cn x-gbk gb_2312-80 ", decode_gb18030, charset_gb18030, true},
    {" big5 big-5 cp950 big5-hkscs x-big5 cn-big5 ", decode_pair, charset_big5, true},
    {" euc-kr ks_c_5601-1987 ks_c_5601 cp949 uhc windows-949 ksc5601 ", decode_pair, charset_korean,
     true},
    {" shift_jis shift-jis sjis x-sjis cp932 windows-31j ms_kanji ", decode_shift_jis,
     charset_shift_jis, true},
    {" euc-jp eucjp x-euc-jp ", decode_euc_jp, NULL, true},
    {" iso-2022-jp iso-2022-jp-1 iso-2022-jp-2 iso-2022-jp-ms cp50220 ", decode_iso2022_jp, NULL,
     false},
    {" utf-16 ", decode_utf16, NULL, false},
    {" utf-16be ", decode_utf16_be, NULL, false},
    {" utf-16le ", decode_utf16_le, NULL, false},
    {" utf-7 unicode-1-1-utf-7 ", decode_utf7, NULL, false},
};
static const struct mime_decoding single = {NULL, decode_single, NULL, true};
static const struct mime_decoding guess = {NULL, decode_guess, NULL, true};

static int
compare_single(const void *key, const void *member)
{
	return strcmp(key, ((const struct charset_single *)member)->name);
}

bool
mime_charset_open(struct mime_charset *charset, struct mime_text name)
{
	const struct charset_single *found;
	char word[48]; /* with a blank on both sides */
	size_t length = name.length;

	*charset = (struct mime_charset){0};
	if (length == 0 || length > sizeof(word) - 3)
		return false;
	word[0] = ' ';
	for (size_t i = 0; i < length; i++) {
		if (name.at[i] <= ' ')
			return false;
		word[i + 1] = ascii_lower(name.at[i]);
	}
	memcpy(word + length + 1, " ", 2);
	for (size_t i = 0; i < sizeof(decodings) / sizeof(*decodings); i++) {
		if (strstr(decodings[i].names, word) == NULL)
			continue;
		charset->decoding = &decodings[i];
		charset->table = decodings[i].table;
		return true;
	}
	word[length + 1] = '\0';
	found = bsearch(word + 1, charset_singles, charset_single_count, sizeof(*charset_singles),
			compare_single);
	if (found == NULL)
		return false;
	charset->decoding = &single;
	charset->table = found->table;
	return true;
}

void
mime_charset_guess(struct mime_charset *charset)
{
	static const struct mime_text western = {"windows-1252", 12};

	(void)mime_charset_open(charset, western);
	charset->decoding = &guess;
}

static void
put(struct mime_out *out, uint32_t c)
{
	uint8_t octets[6];
	int count;

	if (c == NOTHING || c == 0)
		return;
	if (c < 0x80) {
		mime_out_char(out, (char)c);
		return;
	}
	count = u8_uctomb(octets, c, sizeof(octets));
	if (count > 0)
		mime_out_bytes(out, octets, (size_t)count);
}

size_t
mime_charset_convert(struct mime_charset *charset, const char *bytes, size_t length, bool last,
		     struct mime_out *out)
{
	const uint8_t *in = (const uint8_t *)bytes;
	size_t at = 0;

	while (at < length) {
		uint32_t c = BAD;
		size_t taken, plain = at;

		/* Most text is ASCII, and most charsets have it as it is. */
		while (charset->decoding->ascii && at < length && in[at] < 0x80 && in[at] != 0)
			at++;
		if (at > plain) {
			mime_out_bytes(out, in + plain, at - plain);
			continue;
		}
		taken = charset->decoding->decode(charset, in + at, length - at, &c);

		if (taken == 0 && !last)
			break;
		if (taken == 0) {
			/* A character that is not whole; one octet may be one in another charset.
			 */
			taken = length - at;
			c = BAD;
			if (charset->decoding == &guess)
				taken = decode_single(charset, in + at, 1, &c);
		}
		put(out, c);
		at += taken;
	}
	return at;
}
