/* SPDX-License-Identifier: ISC */
#include "ctl/accounts_store.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/aliases.h"
#include "common/write_all.h"

#define NEW_MODE 0600 /* password hashes; the master opens it, as whoever runs the server */

/* Follows symbolic links, so that the file is replaced and not the link; a new file has none. */
static int
real_path(const char *path, char *out, struct error *err)
{
	char *real = realpath(path, NULL);

	if (real == NULL && errno != ENOENT)
		return error_errno(err, "%s", path);
	if (strlcpy(out, real != NULL ? real : path, PATH_MAX) >= PATH_MAX) {
		free(real);
		return error_set(err, "%s: the path is too long", path);
	}
	free(real);
	return 0;
}

static int
open_folder(struct accounts_store *store, bool lock, struct error *err)
{
	char path[PATH_MAX];
	const char *folder;

	strlcpy(path, store->path, sizeof(path));
	folder = dirname(path);
	store->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->folder == -1)
		return error_errno(err, "%s", folder);
	if (lock && flock(store->folder, LOCK_EX) == -1)
		return error_errno(err, "locking %s", folder);
	return 0;
}

static int
read_text(struct accounts_store *store, int fd, struct error *err)
{
	struct stat st;
	size_t used = 0;
	ssize_t n;

	if (fstat(fd, &st) == -1)
		return error_errno(err, "%s", store->path);
	if (!S_ISREG(st.st_mode) || st.st_size > ACCOUNTS_FILE_MAX)
		return error_set(err, "%s: not a regular file of at most %u bytes", store->path,
				 ACCOUNTS_FILE_MAX);
	store->mode = st.st_mode & 07777;
	store->uid = st.st_uid;
	store->gid = st.st_gid;
	store->exists = true;
	store->size = (size_t)st.st_size + 1;
	store->text = calloc(1, store->size);
	if (store->text == NULL)
		return error_errno(err, "%s", store->path);
	while (used + 1 < store->size &&
	       (n = read(fd, store->text + used, store->size - 1 - used)) > 0)
		used += (size_t)n;
	if (used + 1 != store->size || memchr(store->text, '\0', used) != NULL)
		return error_set(err, "%s: cannot be read as a whole, or has NUL bytes",
				 store->path);
	return 0;
}

static int
load(struct accounts_store *store, struct error *err)
{
	int fd = open(store->path, O_RDONLY | O_CLOEXEC);
	unsigned line;
	int result;

	if (fd == -1 && errno != ENOENT)
		return error_errno(err, "%s", store->path);
	if (fd == -1) {
		store->size = 1;
		store->text = calloc(1, 1);
		result = store->text == NULL ? error_errno(err, "no memory") : 0;
	} else {
		result = read_text(store, fd, err);
		close(fd);
	}
	if (result == -1)
		return -1;
	store->accounts = accounts_parse(store->text, store->size - 1, &line, err);
	if (store->accounts == NULL && line > 0)
		return error_prefix(err, "%s:%u", store->path, line);
	return store->accounts == NULL ? error_prefix(err, "%s", store->path) : 0;
}

int
store_open(struct accounts_store *store, const char *path, bool lock, struct error *err)
{
	*store = (struct accounts_store){.folder = -1, .mode = NEW_MODE};
	if (real_path(path, store->path, err) == -1 || open_folder(store, lock, err) == -1)
		return -1;
	return load(store, err);
}

bool
store_is_nobodys(const struct configuration *conf, const char *forward)
{
	const char *domain = strrchr(forward, '@') + 1;

	return conf_has_domain(conf, domain) || strcasecmp(domain, conf->hostname) == 0;
}

static bool
leads_to(const struct alias *alias, const char *target)
{
	for (size_t i = 0; alias != NULL && i < alias->forward_count; i++) {
		if (strcmp(alias->forwards[i], target) == 0)
			return true;
	}
	return false;
}

static int
check_alias(const struct accounts_store *store, const struct alias *alias,
	    const struct configuration *conf, struct error *err)
{
	const struct alias *old = aliases_find(accounts_aliases(store->accounts), alias->address);

	for (size_t i = 0; i < alias->forward_count; i++) {
		const char *target = alias->forwards[i];

		if (store_is_nobodys(conf, target) && !leads_to(old, target))
			return error_set(
			    err,
			    "the alias %s would lead to %s, which is no account and no "
			    "alias of this file, though its domain is in %s; make it "
			    "first, or take it out of the alias",
			    alias->address, target, conf->path);
	}
	return 0;
}

/* Whether all aliases of NEW lead to somebody. One that doesn't in the store either is left alone.
 */
static int
check_aliases(const struct accounts_store *store, const struct accounts *new,
	      const struct configuration *conf, struct error *err)
{
	const struct aliases *aliases = accounts_aliases(new);

	for (size_t i = 0; i < aliases_count(aliases); i++) {
		if (check_alias(store, aliases_at(aliases, i), conf, err) == -1)
			return -1;
	}
	return 0;
}

void
store_close(struct accounts_store *store)
{
	accounts_free(store->accounts);
	freezero(store->text, store->size);
	if (store->folder != -1)
		close(store->folder); /* and the lock goes with it */
}

/* The owner of a file that is replaced stays its owner. */
static int
keep_owner(const struct accounts_store *store, int fd)
{
	struct stat st;

	if (fchmod(fd, store->mode) == -1 || fstat(fd, &st) == -1)
		return -1;
	if (!store->exists || (st.st_uid == store->uid && st.st_gid == store->gid))
		return 0;
	/* chown(2) takes set-id bits away: the mode comes after it. */
	if (fchown(fd, store->uid, store->gid) == -1)
		return -1;
	return fchmod(fd, store->mode);
}

static int
replace(struct accounts_store *store, const char *text, struct error *err)
{
	char temporary[PATH_MAX + 16];
	int fd, result = 0;

	snprintf(temporary, sizeof(temporary), "%s.XXXXXX", store->path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd == -1)
		return error_errno(err, "making a file beside %s", store->path);
	if (keep_owner(store, fd) == -1)
		result =
		    error_errno(err, "giving %s the owner and mode of %s", temporary, store->path);
	else if (write_all(fd, text, strlen(text)) == -1 || fsync(fd) == -1)
		result = error_errno(err, "writing %s", temporary);
	else if (rename(temporary, store->path) == -1)
		result = error_errno(err, "renaming %s to %s", temporary, store->path);
	if (close(fd) == -1 && result == 0)
		result = error_errno(err, "writing %s", store->path);
	if (result == -1)
		(void)unlink(temporary);
	else if (fsync(store->folder) == -1)
		result = error_errno(err, "%s is written, but may be lost in a crash", store->path);
	return result;
}

int
store_replace(struct accounts_store *store, const char *text, const struct accounts *new,
	      const struct configuration *conf, struct error *err)
{
	return check_aliases(store, new, conf, err) == -1 ? -1 : replace(store, text, err);
}
