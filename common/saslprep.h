/* SPDX-License-Identifier: ISC */
/*
 * saslprep - a password or a name as SCRAM hashes it (RFC 4013): so that "Å" in one letter and in
 * two is one password. A pure function.
 *
 * By libunistring, which is here already. libidn has the tables of Unicode 3.2 that RFC 4013 names,
 * and so refuses every character of the last twenty years; of those, this takes them as they are
 * in today's Unicode, as other servers and the successor (RFC 8265) do. Normalization never changes
 * for a character that was there (UAX 15 3), so both make the same of what both take.
 */
#ifndef POSTERN_COMMON_SASLPREP_H
#define POSTERN_COMMON_SASLPREP_H

#include <stddef.h>

/*
 * Writes the prepared text and its NUL to OUT. 0, or -1 (OUT is wiped): not UTF-8, a character that
 * is prohibited (RFC 4013 2.3), right-to-left mixed with left-to-right (RFC 3454 6), nothing left
 * of it, or longer than SIZE - 1.
 */
int saslprep(const char *text, char *out, size_t size);

#endif
