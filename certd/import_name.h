/* SPDX-License-Identifier: ISC */
/* import_name - what an imported certificate is called in the certs folder. Pure functions. */
#ifndef POSTERN_CERTD_IMPORT_NAME_H
#define POSTERN_CERTD_IMPORT_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "common/proto/types.h"

/*
 * Is NAME fit for the folder: valid (name.h), without a suffix that its own files have
 * ("mail.key.key"), and not one that differs from a file's NAME only in how it looks? 0, or -1 with
 * ERR filled.
 */
int import_name_check(const char *name, struct error *);

/* From a file's name without folders: without its suffixes (.crt, .pem, .crt.pem). As above. */
int import_name_from_file(const char *file, char name[CERT_NAME_SIZE], struct error *);

/* From a host name or a common name, made safe ("*.example.org": "wildcard.example.org"). */
int import_name_from_text(const char *text, char name[CERT_NAME_SIZE], struct error *);

#endif
