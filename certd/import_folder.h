/* SPDX-License-Identifier: ISC */
/* import_folder - what the certs folder has for an import, found by its public key. */
#ifndef POSTERN_CERTD_IMPORT_FOLDER_H
#define POSTERN_CERTD_IMPORT_FOLDER_H

#include <openssl/evp.h>

#include "certd/admin.h"
#include "certd/import_set.h"
#include "common/cert_name.h"

struct import_found {
	char name[CERT_NAME_SIZE]; /* NAME.key or NAME.crt; "": nothing */
	bool alone;                /* there is no certificate (key) of that NAME */
};

/*
 * Looks for the key of PUBLIC: that of the NAME PREFERRED if it fits, else one that stands alone,
 * else any pair's. *PKEY is the caller's to free. Returns 0, or -1 with ERR filled: there is none,
 * and which files could not be read.
 */
int import_find_key(const struct admin_target *, const EVP_PKEY *public, const char *preferred,
		    struct import_found *, EVP_PKEY **pkey, struct error *);

/*
 * Looks for NAME.crt of PUBLIC, one without a key first, and adds what is in it to the set. Returns
 * 0, or -1 with ERR filled: there is none.
 */
int import_find_certificate(const struct admin_target *, const EVP_PKEY *public,
			    struct import_set *, struct import_found *, struct error *);

/* Reads NAME.csr, if it is one of PUBLIC; else CONTENTS is empty. To be freed. */
struct contents;
void import_find_request(const struct admin_target *, const char *name, const EVP_PKEY *public,
			 struct contents *);

/* Is NAME.SUFFIX there? */
bool import_is_there(const struct admin_target *, const char *name, const char *suffix);

/*
 * Is there a NAME that differs from this only in upper and lower case? Copies it and returns true.
 */
bool import_find_alike(const struct admin_target *, const char *name, char alike[CERT_NAME_SIZE]);

#endif
