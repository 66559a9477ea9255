/* SPDX-License-Identifier: ISC */
#include "certd/import_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "certd/file.h"

#define FILE_NAME_SIZE (CERT_NAME_SIZE + 4)

/* Calls EACH for the NAME of each NAME.SUFFIX, until it returns true. */
static bool
walk(const struct admin_target *target, const char *suffix,
     bool (*each)(const struct admin_target *, const char *name, void *), void *arg)
{
	int fd = openat(target->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd == -1 ? NULL : fdopendir(fd);
	char name[CERT_NAME_SIZE];
	const struct dirent *entry;
	bool done = false;

	if (list == NULL) {
		if (fd != -1)
			close(fd);
		return false;
	}
	while (!done && (entry = readdir(list)) != NULL) {
		if (cert_name_from_file(entry->d_name, suffix, name, sizeof(name)))
			done = each(target, name, arg);
	}
	closedir(list);
	return done;
}

bool
import_is_there(const struct admin_target *target, const char *name, const char *suffix)
{
	char file[FILE_NAME_SIZE];
	struct stat st;

	snprintf(file, sizeof(file), "%s%s", name, suffix);
	return fstatat(target->directory, file, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/*
 * -- Keys -----------------------------------------------------------------------
 */

struct key_search {
	const EVP_PKEY *public;
	const char *preferred;
	struct import_found *found;
	EVP_PKEY *pkey;
	struct error unreadable;
};

/* Of all that fit. Returns true if none can be better. */
static bool
consider(struct key_search *search, const char *name, EVP_PKEY *pkey, bool alone)
{
	bool best = strcmp(name, search->preferred) == 0;

	if (EVP_PKEY_eq(pkey, search->public) != 1)
		return false;
	if (search->pkey != NULL && !best && !alone)
		return false;
	EVP_PKEY_free(search->pkey);
	search->pkey = EVP_PKEY_up_ref(pkey) == 1 ? pkey : NULL;
	strlcpy(search->found->name, name, sizeof(search->found->name));
	search->found->alone = alone;
	return best;
}

/* A key that the vault doesn't have: one without a certificate, or with a broken one. */
static bool
look_at_key(const struct admin_target *target, const char *name, void *arg)
{
	struct key_search *search = arg;
	struct error err;
	struct key *key;
	bool done;

	if (vault_find(target->vault, name) != NULL)
		return false;
	if ((key = pair_load_key(target->directory, name, target->owner, &err)) == NULL) {
		search->unreadable = err;
		return false;
	}
	done = consider(search, name, key_pkey(key),
			!import_is_there(target, name, ".crt") &&
			    !import_is_there(target, name, ".pem"));
	key_free(key);
	return done;
}

int
import_find_key(const struct admin_target *target, const EVP_PKEY *public, const char *preferred,
		struct import_found *found, EVP_PKEY **pkey, struct error *err)
{
	struct key_search search = {
	    .public = public, .preferred = preferred, .found = found, .unreadable = {""}};
	const struct vault_entry *entry = NULL;
	bool done = false;

	*found = (struct import_found){.name = ""};
	while (!done && (entry = vault_next(target->vault, entry)) != NULL)
		done = consider(&search, entry->name, key_pkey(entry->pair->key), false);
	if (!done)
		(void)walk(target, ".key", look_at_key, &search);
	ERR_clear_error();
	*pkey = search.pkey;
	if (search.pkey != NULL)
		return 0;
	return error_set(err,
			 "no key: none in the files, and none of those in the certs folder is the "
			 "certificate's%s%s%s: give the file with the key too",
			 search.unreadable.text[0] != '\0' ? " (one could not be read: " : "",
			 search.unreadable.text, search.unreadable.text[0] != '\0' ? ")" : "");
}

/*
 * -- Certificates and requests --------------------------------------------------
 */

struct certificate_search {
	const EVP_PKEY *public;
	struct import_found *found;
};

static X509 *
read_certificate(BIO *bio)
{
	return PEM_read_bio_X509(bio, NULL, key_no_passphrase, NULL);
}

/* NAME.SUFFIX in memory; the caller frees both. NULL: can't be read. */
static BIO *
open_file(const struct admin_target *target, const char *name, const char *suffix,
	  struct contents *contents)
{
	char file[FILE_NAME_SIZE];
	struct error err;

	snprintf(file, sizeof(file), "%s%s", name, suffix);
	*contents = (struct contents){NULL, 0};
	if (file_read(target->directory, file, FILE_PUBLIC, target->owner, contents, &err) == -1)
		return NULL;
	return BIO_new_mem_buf(contents->bytes, (int)contents->length);
}

static bool
look_at_certificate(const struct admin_target *target, const char *name, void *arg)
{
	struct certificate_search *search = arg;
	struct contents contents;
	BIO *bio = open_file(target, name, ".crt", &contents);
	X509 *x509 = bio == NULL ? NULL : read_certificate(bio);
	bool fits = x509 != NULL && EVP_PKEY_eq(X509_get0_pubkey(x509), search->public) == 1;
	bool alone =
	    !import_is_there(target, name, ".key") && !import_is_there(target, name, ".pem");

	X509_free(x509);
	BIO_free(bio);
	contents_free(&contents);
	if (!fits || (search->found->name[0] != '\0' && !alone))
		return false;
	strlcpy(search->found->name, name, sizeof(search->found->name));
	search->found->alone = alone;
	return alone;
}

int
import_find_certificate(const struct admin_target *target, const EVP_PKEY *public,
			struct import_set *set, struct import_found *found, struct error *err)
{
	struct certificate_search search = {.public = public, .found = found};
	struct contents contents;
	X509 *x509;
	BIO *bio;

	*found = (struct import_found){.name = ""};
	(void)walk(target, ".crt", look_at_certificate, &search);
	ERR_clear_error();
	if (found->name[0] == '\0')
		return error_set(
		    err, "a key without a certificate: none in the files, and none of those "
			 "in the certs folder is of this key: give the certificate's file "
			 "too");
	bio = open_file(target, found->name, ".crt", &contents);
	while (bio != NULL && set->certificate_count < IMPORT_CERTS_MAX &&
	       (x509 = read_certificate(bio)) != NULL)
		set->certificates[set->certificate_count++] =
		    (struct import_certificate){x509, 0, CJ_UNKNOWN};
	BIO_free(bio);
	contents_free(&contents);
	ERR_clear_error();
	return 0;
}

void
import_find_request(const struct admin_target *target, const char *name, const EVP_PKEY *public,
		    struct contents *contents)
{
	BIO *bio = open_file(target, name, ".csr", contents);
	X509_REQ *request =
	    bio == NULL ? NULL : PEM_read_bio_X509_REQ(bio, NULL, key_no_passphrase, NULL);

	if (request == NULL || EVP_PKEY_eq(X509_REQ_get0_pubkey(request), public) != 1)
		contents_free(contents);
	X509_REQ_free(request);
	BIO_free(bio);
	ERR_clear_error();
}

struct alike {
	const char *name;
	char *found;
};

static bool
look_at_name(const struct admin_target *target, const char *name, void *arg)
{
	const struct alike *alike = arg;

	(void)target;
	if (strcasecmp(name, alike->name) != 0 || strcmp(name, alike->name) == 0)
		return false;
	strlcpy(alike->found, name, CERT_NAME_SIZE);
	return true;
}

bool
import_find_alike(const struct admin_target *target, const char *name, char found[CERT_NAME_SIZE])
{
	struct alike alike = {name, found};

	return walk(target, ".crt", look_at_name, &alike) ||
	       walk(target, ".key", look_at_name, &alike) ||
	       walk(target, ".pem", look_at_name, &alike);
}
