/* SPDX-License-Identifier: ISC */
/*
 * client_index - which certificates this server's authority for clients has issued, and which of
 * them are revoked. Pure functions: the file is authority.h's.
 *
 * A plain text file, a line each, that a person may read; lines that begin with # are skipped:
 *
 *   crl 3
 *   cert 4FA0...97 2026-11-24T18:20:00Z 2027-11-24T18:20:00Z - alice@example.org
 *   cert 51C3...02 2026-11-24T18:21:00Z 2027-11-24T18:21:00Z 2026-12-01T08:00:00Z bob@example.org
 *
 * crl is the number of the latest CRL (RFC 5280 5.2.3). A certificate has its serial number, when
 * it was issued, until when it is valid, when it was revoked, and whose account it is for.
 */
#ifndef POSTERN_CERTD_CLIENT_INDEX_H
#define POSTERN_CERTD_CLIENT_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/proto/ctl_certd.h"

#define CLIENT_INDEX_MAX 10000                      /* certificates */
#define CLIENT_INDEX_BYTES (CLIENT_INDEX_MAX * 512) /* of the file */

struct client_index {
	uint64_t crl;
	size_t count, room;
	struct cert_client *list; /* in the order of the file */
};

/*
 * Takes TEXT apart. Returns 0, or -1 with ERR: the line, and what is wrong with it; *INDEX is then
 * empty. client_index_free() is due after 0.
 */
int client_index_parse(const char *text, size_t length, struct client_index *, struct error *);
void client_index_free(struct client_index *); /* also good for one that is all zero */

/* The file's text, for free(), and its LENGTH; NULL with ERR filled without memory. */
char *client_index_format(const struct client_index *, size_t *length, struct error *);

/* Returns 0, or -1 with ERR filled: there are too many, or no memory, or the serial is there. */
int client_index_add(struct client_index *, const struct cert_client *, struct error *);

/*
 * Revokes at NOW what WHO means: the certificate of that serial number (in hexadecimal digits of
 * either case), or all of that account that are valid still. Returns how many it revoked.
 */
size_t client_index_revoke(struct client_index *, const char *who, int64_t now);

/* Is it an account's address as common/accounts_file.h writes it: lower case, nothing quoted? */
bool client_account_valid(const char *account);

/* An even number, 2 to 40, of hexadecimal digits? */
bool client_serial_valid(const char *serial);

/* "2026-11-24T18:20:00Z" and back; WHEN is in seconds since 1970, years 1970 to 9999. */
#define CLIENT_TIME_SIZE sizeof("2026-11-24T18:20:00Z")
bool client_time_parse(const char *text, int64_t *when);
void client_time_format(int64_t when, char out[CLIENT_TIME_SIZE]);

#endif
