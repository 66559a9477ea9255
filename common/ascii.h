/* SPDX-License-Identifier: ISC */
/*
 * ascii - classes of characters in protocols and names. Not isalnum(3) and friends: the answer must
 * not depend on a locale, and any char may be asked about.
 */
#ifndef POSTERN_COMMON_ASCII_H
#define POSTERN_COMMON_ASCII_H

#include <stdbool.h>
#include <string.h>

static inline bool
ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
ascii_is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static inline bool
ascii_is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static inline bool
ascii_is_alnum(char c)
{
	return ascii_is_digit(c) || ascii_is_lower(c) || ascii_is_upper(c);
}

/* WSP (RFC 5234 B.1). */
static inline bool
ascii_is_wsp(char c)
{
	return c == ' ' || c == '\t';
}

/* The octets of folding white space (RFC 5322 3.2.2). */
static inline bool
ascii_is_fws(char c)
{
	return ascii_is_wsp(c) || c == '\r' || c == '\n';
}

/* A token may have it (RFC 2045 5.1: none of the tspecials). */
static inline bool
ascii_is_token(char c)
{
	return c > ' ' && c < 0x7f && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

/* What a hexadecimal digit of either case stands for, or -1. */
static inline int
ascii_hex_value(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Another case is only the 26 letters'; all else stays as it is. */
static inline char
ascii_lower(char c)
{
	return (char)(ascii_is_upper(c) ? c - 'A' + 'a' : c);
}

#endif
