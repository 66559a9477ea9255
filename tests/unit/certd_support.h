/* SPDX-License-Identifier: ISC */
/* What the tests of certd share: keys, pairs, and folders to put them into. */
#ifndef POSTERN_TESTS_CERTD_SUPPORT_H
#define POSTERN_TESTS_CERTD_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "certd/key.h"
#include "certd/x509.h"

/* A key of a kind, made once; the test frees none of them. RSA has 2048 bits. */
EVP_PKEY *support_pkey(enum key_kind);
/* Made anew, for the caller to free. */
EVP_PKEY *support_new_pkey(const char *type, unsigned bits, const char *group);
extern const enum key_kind support_kinds[]; /* ends with 0 */

/* The PEM of a key and of its certificate for the host name NAME. */
void support_make(EVP_PKEY *, const char *name, struct x509_made *);

/* An empty folder of mode 0700, opened. support_remove_folder() removes it with all it has. */
struct folder {
	char path[64];
	int fd;
};
void support_folder(struct folder *);
void support_remove_folder(struct folder *);
void support_write(const struct folder *, const char *file, const void *bytes, size_t length,
		   unsigned mode);
/* NAME.key and NAME.crt for a key. */
void support_write_pair(const struct folder *, const char *name, EVP_PKEY *);
int support_count(const struct folder *); /* files, hidden ones too */

#endif
