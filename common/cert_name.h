/* SPDX-License-Identifier: ISC */
/*
 * cert_name - what a certificate in the certs folder may be called, and the names of its files.
 * Pure functions.
 *
 *   NAME.key, NAME.csr, NAME.crt        a certificate's files
 *   NAME.20261124T181002Z.key, ...      files that were replaced at that time (UTC), kept aside
 *
 * A name of the second kind is never a NAME: what was replaced can not be selected or loaded.
 */
#ifndef POSTERN_COMMON_CERT_NAME_H
#define POSTERN_COMMON_CERT_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "common/proto/types.h"

/*
 * A certificate's NAME: 1 to 64 of [A-Za-z0-9._-], not starting with '.' (hidden files and our
 * temporary ones do) or '-' (an option), and not one of a set kept aside. NAME may be a message's
 * field: of more than CERT_NAME_SIZE bytes none is read, and one that does not end there is false.
 */
bool cert_name_valid(const char *name);

/* What cert_name_valid() asks for, for messages: "must be ..." */
#define CERT_NAME_RULE "1 to 64 of A-Z a-z 0-9 . _ -, no . or - in front, and no time at the end"

/*
 * If FILE is NAME followed by SUFFIX (".key") and NAME is valid, copies it into NAME (SIZE bytes;
 * CERT_NAME_SIZE are enough) and returns true.
 */
bool cert_name_from_file(const char *file, const char *suffix, char *name, size_t size);

/* Does FILE look like one of a certificate: something.key, .crt or .pem? */
bool cert_name_is_file(const char *file);

/* NAME.TIME as one string. */
#define CERT_TIME_SIZE sizeof("20261124T181002Z")
#define CERT_KEPT_SIZE (CERT_NAME_SIZE + CERT_TIME_SIZE)

/*
 * If KEPT is NAME.TIME with a valid NAME, copies that into NAME and returns true. KEPT may be a
 * field of CERT_KEPT_SIZE bytes, as above.
 */
bool cert_name_kept(const char *kept, char name[CERT_NAME_SIZE]);

/* Writes NAME.TIME for what is replaced at WHEN. */
void cert_name_keep(const char *name, time_t when, char kept[CERT_KEPT_SIZE]);

#endif
