/* SPDX-License-Identifier: ISC */
#include "certd/first.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "certd/x509.h"
#include "common/cert_name.h"
#include "common/log.h"

#define FALLBACK_NAME "server" /* a host name may be longer than a certificate's name */

bool
first_wanted(int directory)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	bool empty = true;

	if (list == NULL) {
		if (fd != -1)
			close(fd);
		return false;
	}
	while (empty && (entry = readdir(list)) != NULL)
		empty = !cert_name_is_file(entry->d_name);
	closedir(list);
	return empty;
}

int
first_make(const struct admin_target *target, const char *host, EVP_PKEY *pkey, struct error *err)
{
	const char *name = cert_name_valid(host) ? host : FALLBACK_NAME;
	const struct x509_spec spec = {pkey, &host, 1, FIRST_DAYS, NULL};
	struct x509_made made;
	int result;

	if (x509_make(&spec, &made, err) == -1)
		return -1;
	result = folder_commit(target->directory, name, &made.set, err);
	if (result == 0)
		result = vault_load_one(target->vault, name, NULL, NULL, err);
	if (result == 0)
		log_event(LOG_NOTICE, "cert.first", KV_STR("key", name), KV_STR("name", host),
			  KV_STR("until", made.until), KV_STR("sha256", made.fingerprint),
			  KV_STR("text", "there was no certificate: this one is self-signed, so "
					 "mail clients will warn"),
			  KV_STR("todo", "get one from an authority: posternctl cert request NAME, "
					 "then posternctl cert import FILE"));
	x509_made_free(&made);
	return result;
}
