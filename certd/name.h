/* SPDX-License-Identifier: ISC */
/*
 * name - what may be called what: names of certificates in the certs folder, and the host names and
 * addresses that go into them. Pure functions, no OpenSSL: posternctl uses them too.
 */
#ifndef POSTERN_CERTD_NAME_H
#define POSTERN_CERTD_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SAN_MAX 100 /* names in one certificate */

/*
 * A certificate's NAME: 1 to 64 of [A-Za-z0-9._-], not starting with '.' (hidden files and our
 * temporary ones do) or '-' (an option).
 */
bool name_valid(const char *name);

/*
 * If FILE is NAME followed by SUFFIX (".key") and NAME is valid, copies it into NAME (SIZE bytes;
 * CERT_NAME_SIZE are enough) and returns true.
 */
bool name_from_file(const char *file, const char *suffix, char *name, size_t size);

enum san_kind { SAN_INVALID, SAN_DNS, SAN_IP };

/*
 * What a subjectAltName is (RFC 5280 4.2.1.6): a host name of letter-digit-hyphen labels (RFC 1123
 * 2.1) with at most a wildcard as its whole first label (RFC 6125 6.4.3), or an IP address, which
 * is then in ADDRESS with its LENGTH in bytes (4 or 16). Both may be NULL.
 */
enum san_kind san_parse(const char *text, uint8_t address[16], size_t *length);

/*
 * Takes a tail of COUNT strings, each NUL-terminated, apart: NAMES gets pointers into it. Returns
 * true if they are exactly COUNT (1..MAX), none is empty, and nothing follows the last.
 */
bool names_split(const char *tail, size_t length, uint32_t count, const char **names, size_t max);

#endif
