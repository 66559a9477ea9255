/* SPDX-License-Identifier: ISC */
/* charset_tables - what charset_tables.py makes when Postern is built; only charset.c needs it. */
#ifndef POSTERN_COMMON_MIME_CHARSET_TABLES_H
#define POSTERN_COMMON_MIME_CHARSET_TABLES_H

#include <stddef.h>
#include <stdint.h>

/* Of two octets: the first 0x81..0xfe, the second 0x40..0xfe. 0 is no character. */
#define CHARSET_TRAILS 191u
#define CHARSET_PAIRS (126u * CHARSET_TRAILS)

struct charset_single {
	const char *name; /* lower case */
	const uint16_t *table;
};

/* GB18030's four octets within the BMP: from the linear number on, characters from this on. */
struct charset_range {
	uint16_t linear, character;
};

extern const struct charset_single charset_singles[];
extern const size_t charset_single_count;
extern const uint16_t charset_gb18030[CHARSET_PAIRS], charset_big5[CHARSET_PAIRS];
extern const uint16_t charset_korean[CHARSET_PAIRS], charset_shift_jis[CHARSET_PAIRS];
/* Rows and cells 0xa1..0xfe of JIS X 0212, behind 0x8f in EUC-JP. */
extern const uint16_t charset_jis_x_0212[94 * 94];
extern const struct charset_range charset_gb18030_ranges[];
extern const size_t charset_gb18030_range_count;

#endif
