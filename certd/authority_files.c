/* SPDX-License-Identifier: ISC */
#include "certd/authority_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certd/file.h"
#include "common/log.h"

#define FOLDER "authority"
#define FOLDER_NEW "." FOLDER ".new"
#define FILE_SUFFIX ".new"

int (*authority_hook)(void);

/* A step that the tests can make fail, or stop at. */
static int
step(void)
{
	int verdict = authority_hook == NULL ? 0 : authority_hook();

	if (verdict == 0)
		return 0;
	errno = verdict > 0 ? verdict : ECANCELED;
	return -1;
}

static int
open_folder(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int
authority_folder_open(const struct authority_place *place, struct error *err)
{
	int fd = open_folder(place->certs, FOLDER);
	struct stat st;

	if (fd == -1)
		return error_errno(err, "certs/" FOLDER);
	if (fstat(fd, &st) == -1 || file_lock(fd) == -1)
		error_errno(err, "certs/" FOLDER);
	else if (st.st_uid != place->owner || (st.st_mode & 077) != 0)
		error_set(err,
			  "certs/" FOLDER " belongs to uid %u with mode %04o: it must be uid %u's "
			  "with mode 0700, for a private key is in it",
			  (unsigned)st.st_uid, (unsigned)(st.st_mode & 07777),
			  (unsigned)place->owner);
	else
		return fd;
	close(fd);
	errno = EPERM;
	return -1;
}

static void
remove_files(int folder, const char *const *files)
{
	char name[64];

	for (; *files != NULL; files++) {
		snprintf(name, sizeof(name), ".%s" FILE_SUFFIX, *files);
		(void)unlinkat(folder, *files, 0);
		(void)unlinkat(folder, name, 0);
	}
}

void
authority_folder_clean(const struct authority_place *place, const char *const *files)
{
	int fd = open_folder(place->certs, FOLDER_NEW);

	if (fd == -1)
		return;
	remove_files(fd, files);
	close(fd);
	if (unlinkat(place->certs, FOLDER_NEW, AT_REMOVEDIR) == 0)
		log_event(LOG_NOTICE, "folder.cleaned", KV_STR("file", FOLDER_NEW));
}

int
authority_folder_begin(const struct authority_place *place, const char *const *files,
		       struct error *err)
{
	int fd;

	authority_folder_clean(place, files);
	if (step() == -1 || mkdirat(place->certs, FOLDER_NEW, 0700) == -1)
		return error_errno(err, "making certs/" FOLDER);
	fd = open_folder(place->certs, FOLDER_NEW);
	return fd == -1 ? error_errno(err, "making certs/" FOLDER) : fd;
}

int
authority_folder_end(const struct authority_place *place, const char *const *files, int folder,
		     int result, struct error *err)
{
	if (result == 0 &&
	    (step() == -1 || fsync(folder) == -1 ||
	     renameat2(place->certs, FOLDER_NEW, place->certs, FOLDER, RENAME_NOREPLACE) == -1))
		result = error_errno(err, "making certs/" FOLDER);
	close(folder);
	if (result == 0 && (step() == -1 || fsync(place->certs) == -1))
		return error_errno(err, "making certs/" FOLDER);
	/* A test that stops dead does not tidy up either. */
	if (result == -1 && step() == 0)
		authority_folder_clean(place, files);
	return result;
}

static char *
read_all(int fd, size_t size, size_t *length)
{
	char *bytes = malloc(size + 1);
	size_t done = 0;

	while (bytes != NULL && done < size) {
		ssize_t n = read(fd, bytes + done, size - done);

		if (n == 0)
			break;
		if (n == -1 && errno != EINTR) {
			free(bytes);
			return NULL;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	if (bytes != NULL)
		bytes[done] = '\0';
	*length = done;
	return bytes;
}

static int
check_public(const char *file, uid_t owner, size_t max, const struct stat *st, struct error *err)
{
	if (!S_ISREG(st->st_mode) || (st->st_uid != owner && st->st_uid != 0) ||
	    (st->st_mode & 022) != 0)
		return error_set(err,
				 "certs/" FOLDER
				 "/%s: must be a regular file of uid %u that nobody "
				 "else can write",
				 file, (unsigned)owner);
	if ((size_t)st->st_size > max)
		return error_set(err, "certs/" FOLDER "/%s: larger than %zu bytes", file, max);
	return 0;
}

char *
authority_file_read(int folder, const char *file, uid_t owner, size_t max, size_t *length,
		    struct error *err)
{
	int fd = openat(folder, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char *bytes = NULL;
	struct stat st;

	if (fd == -1) {
		error_errno(err, "certs/" FOLDER "/%s", file);
		return NULL;
	}
	error_set(err, "certs/" FOLDER "/%s: can't be read", file);
	if (fstat(fd, &st) == 0 && check_public(file, owner, max, &st, err) == 0)
		bytes = read_all(fd, (size_t)st.st_size, length);
	close(fd);
	if (bytes == NULL)
		errno = EPERM;
	return bytes;
}

int
authority_file_replace(int folder, const char *file, mode_t mode, const void *bytes, size_t length,
		       struct error *err)
{
	char new[64];

	snprintf(new, sizeof(new), ".%s" FILE_SUFFIX, file);
	(void)unlinkat(folder, new, 0); /* of a crash */
	if (step() == -1 || file_write_new(folder, new, mode, bytes, length) == -1 ||
	    step() == -1 || renameat2(folder, new, folder, file, 0) == -1 || step() == -1 ||
	    fsync(folder) == -1)
		return error_errno(err, "writing certs/" FOLDER "/%s", file);
	return 0;
}
