/* SPDX-License-Identifier: ISC */
#include "tests/unit/certd_support.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/rsa.h>

const enum key_kind support_kinds[] = {KEY_RSA, KEY_P256, KEY_P384, KEY_P521, KEY_ED25519, 0};

EVP_PKEY *
support_new_pkey(const char *type, unsigned bits, const char *group)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *pkey = NULL;

	assert_non_null(context);
	assert_true(EVP_PKEY_keygen_init(context) > 0);
	if (bits != 0)
		assert_true(EVP_PKEY_CTX_set_rsa_keygen_bits(context, (int)bits) > 0);
	if (group != NULL)
		assert_true(EVP_PKEY_CTX_set_group_name(context, group) > 0);
	assert_true(EVP_PKEY_generate(context, &pkey) > 0);
	EVP_PKEY_CTX_free(context);
	return pkey;
}

static EVP_PKEY *pkeys[5];

static void __attribute__((destructor)) free_pkeys(void)
{
	for (size_t i = 0; i < sizeof(pkeys) / sizeof(pkeys[0]); i++)
		EVP_PKEY_free(pkeys[i]);
}

EVP_PKEY *
support_pkey(enum key_kind kind)
{
	size_t i = 0;

	while (support_kinds[i] != kind)
		i++;
	if (pkeys[i] != NULL)
		return pkeys[i];
	switch (kind) {
	case KEY_RSA:
		return pkeys[i] = support_new_pkey("RSA", 2048, NULL);
	case KEY_P256:
		return pkeys[i] = support_new_pkey("EC", 0, "P-256");
	case KEY_P384:
		return pkeys[i] = support_new_pkey("EC", 0, "P-384");
	case KEY_P521:
		return pkeys[i] = support_new_pkey("EC", 0, "P-521");
	case KEY_ED25519:
		return pkeys[i] = support_new_pkey("ED25519", 0, NULL);
	}
	return NULL;
}

void
support_make(EVP_PKEY *pkey, const char *name, struct x509_made *made)
{
	const char *const names[] = {name};
	const struct x509_spec spec = {pkey, names, 1, 30, NULL};
	struct error err;

	assert_int_equal(x509_make(&spec, made, &err), 0);
}

void
support_folder(struct folder *folder)
{
	strcpy(folder->path, "/tmp/postern-certs-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(folder->fd != -1);
}

/* Calls EACH for every entry but . and .. */
static int
walk(const struct folder *folder, int (*each)(const struct folder *, const char *))
{
	DIR *list = opendir(folder->path);
	struct dirent *entry;
	int count = 0;

	assert_non_null(list);
	while ((entry = readdir(list)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			count += each(folder, entry->d_name);
	}
	closedir(list);
	return count;
}

static int
remove_one(const struct folder *folder, const char *name)
{
	struct folder below;

	if (unlinkat(folder->fd, name, 0) == 0)
		return 1;
	/* The folder of the authority for clients, which has files only. */
	if (snprintf(below.path, sizeof(below.path), "%s/%s", folder->path, name) <
	    (int)sizeof(below.path)) {
		below.fd = openat(folder->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (below.fd != -1) {
			(void)fchmod(below.fd, 0700);
			walk(&below, remove_one);
			close(below.fd);
		}
	}
	unlinkat(folder->fd, name, AT_REMOVEDIR);
	return 1;
}

void
support_remove_folder(struct folder *folder)
{
	(void)fchmod(folder->fd, 0700);
	walk(folder, remove_one);
	close(folder->fd);
	assert_int_equal(rmdir(folder->path), 0);
}

static int
count_one(const struct folder *folder, const char *name)
{
	(void)folder;
	(void)name;
	return 1;
}

int
support_count(const struct folder *folder)
{
	return walk(folder, count_one);
}

void
support_write(const struct folder *folder, const char *file, const void *bytes, size_t length,
	      unsigned mode)
{
	int fd;

	(void)unlinkat(folder->fd, file, 0);
	fd = openat(folder->fd, file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd != -1);
	assert_int_equal(write(fd, bytes, length), length);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

void
support_write_pair(const struct folder *folder, const char *name, EVP_PKEY *pkey)
{
	struct x509_made made;
	char file[128];

	support_make(pkey, "mail.example.org", &made);
	snprintf(file, sizeof(file), "%s.key", name);
	support_write(folder, file, made.set.part[PART_KEY].bytes, made.set.part[PART_KEY].length,
		      0600);
	snprintf(file, sizeof(file), "%s.crt", name);
	support_write(folder, file, made.set.part[PART_CRT].bytes, made.set.part[PART_CRT].length,
		      0644);
	x509_made_free(&made);
}
