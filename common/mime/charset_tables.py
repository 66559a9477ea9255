#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Makes charset_tables.c, on standard output: the tables of charset_tables.h, of Python's codecs."""

# Each with the other names that mails have for it.
SINGLES = {
    "iso8859-1": "iso-8859-1 latin1 iso_8859-1 iso8859-1 l1 cp819",
    "iso8859-2": "iso-8859-2 latin2 iso_8859-2 iso8859-2 l2",
    "iso8859-3": "iso-8859-3 latin3 iso8859-3",
    "iso8859-4": "iso-8859-4 latin4 iso8859-4",
    "iso8859-5": "iso-8859-5 cyrillic iso8859-5",
    "iso8859-6": "iso-8859-6 arabic iso8859-6 iso-8859-6-i iso-8859-6-e",
    "iso8859-7": "iso-8859-7 greek iso8859-7",
    "iso8859-8": "iso-8859-8 hebrew iso8859-8 iso-8859-8-i iso-8859-8-e",
    "iso8859-9": "iso-8859-9 latin5 iso8859-9",
    "iso8859-10": "iso-8859-10 latin6 iso8859-10",
    "iso8859-11": "iso-8859-11",
    "iso8859-13": "iso-8859-13 latin7",
    "iso8859-14": "iso-8859-14 latin8",
    "iso8859-15": "iso-8859-15 latin9 latin-9 iso8859-15",
    "iso8859-16": "iso-8859-16 latin10",
    "cp1250": "windows-1250 cp1250 cp-1250",
    "cp1251": "windows-1251 cp1251 cp-1251",
    "cp1252": "windows-1252 cp1252 cp-1252",
    "cp1253": "windows-1253 cp1253",
    "cp1254": "windows-1254 cp1254",
    "cp1255": "windows-1255 cp1255",
    "cp1256": "windows-1256 cp1256",
    "cp1257": "windows-1257 cp1257",
    "cp1258": "windows-1258 cp1258",
    "cp874": "windows-874 cp874 tis-620",
    "koi8-r": "koi8-r koi8",
    "koi8-u": "koi8-u",
    "cp437": "cp437 ibm437",
    "cp850": "cp850 ibm850",
    "cp852": "cp852 ibm852",
    "cp855": "cp855 ibm855",
    "cp858": "cp858 ibm00858",
    "cp866": "cp866 ibm866",
    "mac-roman": "macintosh mac mac-roman macroman",
}

PAIRS = {"gb18030": "gb18030", "big5": "cp950", "korean": "cp949", "shift_jis": "cp932"}


def one(octets, codec):
    try:
        text = octets.decode(codec)
    except UnicodeDecodeError:
        return 0
    return ord(text) if len(text) == 1 and ord(text) < 0x10000 else 0


def table(name, numbers, keyword="const"):
    print(f"{keyword} uint16_t {name}[{len(numbers)}] = {{")
    for i in range(0, len(numbers), 16):
        print("".join(f"{n}," for n in numbers[i:i + 16]))
    print("};")


def singles():
    names = []
    for codec, aliases in SINGLES.items():
        symbol = "single_" + codec.replace("-", "_")
        table(symbol, [one(bytes([i]), codec) for i in range(0x80, 0x100)], "static const")
        names += [(alias, symbol) for alias in aliases.split()]
    print("const struct charset_single charset_singles[] = {")
    for alias, symbol in sorted(names):
        print(f'{{"{alias}", {symbol}}},')
    print("};")
    print(f"const size_t charset_single_count = {len(names)};")


def ranges():
    """Numbers of four octets count ((a * 10 + b) * 126 + c) * 10 + d from 0x81308130 on."""
    print("const struct charset_range charset_gb18030_ranges[] = {")
    count, before = 0, None
    for linear in range(39420):
        rest, octets = linear, []
        for base, size in ((0x30, 10), (0x81, 126), (0x30, 10), (0x81, 126)):
            octets.insert(0, base + rest % size)
            rest //= size
        character = one(bytes(octets), "gb18030")
        step = character - linear if character else None
        if step != before:
            print(f"{{{linear}, {character}}},")
            count += 1
        before = step
    print("};")
    print(f"const size_t charset_gb18030_range_count = {count};")


print('/* Made by charset_tables.py. */\n#include "common/mime/charset_tables.h"')
singles()
for symbol, codec in PAIRS.items():
    table("charset_" + symbol, [one(bytes([lead, trail]), codec) for lead in range(0x81, 0xff)
                                for trail in range(0x40, 0xff)])
table("charset_jis_x_0212", [one(bytes([0x8f, row, cell]), "euc_jp") for row in range(0xa1, 0xff)
                             for cell in range(0xa1, 0xff)])
ranges()
