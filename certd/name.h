/* SPDX-License-Identifier: ISC */
/*
 * name - the host names and addresses that go into certificates. Pure functions, no OpenSSL:
 * posternctl uses them too.
 */
#ifndef POSTERN_CERTD_NAME_H
#define POSTERN_CERTD_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SAN_MAX 100 /* names in one certificate */

enum san_kind { SAN_INVALID, SAN_DNS, SAN_IP };

/*
 * What a subjectAltName is (RFC 5280 4.2.1.6): a host name of letter-digit-hyphen labels (RFC 1123
 * 2.1) with at most a wildcard as its whole first label (RFC 6125 6.4.3), or an IP address, which
 * is then in ADDRESS with its LENGTH in bytes (4 or 16). Both may be NULL.
 */
enum san_kind san_parse(const char *text, uint8_t address[16], size_t *length);

/* Is "DNS:HOST" among COUNT strings, each with its NUL, without regard to case? */
bool names_have_host(const char *names, uint32_t count, const char *host);

/*
 * Takes a tail of COUNT strings, each NUL-terminated, apart: NAMES gets pointers into it. Returns
 * true if they are exactly COUNT (1..MAX), none is empty, and nothing follows the last.
 */
bool names_split(const char *tail, size_t length, uint32_t count, const char **names, size_t max);

#endif
