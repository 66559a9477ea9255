/* SPDX-License-Identifier: ISC */
#include "certd/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "common/write_all.h"

void
contents_free(struct contents *contents)
{
	OPENSSL_secure_clear_free(contents->bytes, contents->length + 1);
	*contents = (struct contents){NULL, 0};
}

/* errno afterwards is never ENOENT, which means "no such file" to the caller. */
static int
refuse(int result)
{
	errno = EPERM;
	return result;
}

static int
check_owner(const char *file, enum file_kind kind, uid_t owner, const struct stat *st,
	    struct error *err)
{
	mode_t mode = st->st_mode & 07777;

	if (st->st_uid != owner && (kind == FILE_KEY || st->st_uid != 0))
		return error_set(err, "%s: belongs to uid %u: chown it to uid %u", file,
				 (unsigned)st->st_uid, (unsigned)owner);
	if (kind == FILE_KEY && (mode & 07177) != 0)
		return error_set(err,
				 "%s: mode %04o lets others at a private key: chmod 600, and if "
				 "somebody may have read it make a new key",
				 file, (unsigned)mode);
	if (kind == FILE_PUBLIC && (mode & 07022) != 0)
		return error_set(err, "%s: mode %04o lets others change it: chmod 644", file,
				 (unsigned)mode);
	return 0;
}

static int
check_file(const char *file, enum file_kind kind, uid_t owner, const struct stat *st,
	   struct error *err)
{
	if (!S_ISREG(st->st_mode))
		return error_set(err, "%s: is not a regular file: put the file itself there", file);
	if (check_owner(file, kind, owner, st, err) == -1)
		return -1;
	if (kind == FILE_KEY && st->st_nlink != 1)
		return error_set(err, "%s: has a second name (a hard link): copy it instead", file);
	if (st->st_size == 0)
		return error_set(err, "%s: is empty: remove it, or put the right file there", file);
	if (st->st_size > FILE_MAX)
		return error_set(err, "%s: is larger than %d bytes: is it the right file?", file,
				 FILE_MAX);
	return 0;
}

static int
read_all(int fd, const char *file, size_t size, struct contents *contents, struct error *err)
{
	contents->length = size;
	if ((contents->bytes = OPENSSL_secure_zalloc(size + 1)) == NULL) {
		errno = ENOMEM;
		return error_errno(err, "%s", file);
	}
	for (size_t done = 0; done < size;) {
		ssize_t n = read(fd, contents->bytes + done, size - done);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (n == -1)
				error_errno(err, "%s", file);
			else
				error_set(err, "%s: changed while it was read: try again", file);
			contents_free(contents);
			return refuse(-1);
		}
		done += (size_t)n;
	}
	return 0;
}

int
file_read(int directory, const char *file, enum file_kind kind, uid_t owner,
	  struct contents *contents, struct error *err)
{
	struct stat st;
	int fd, result;

	/* O_NONBLOCK: a FIFO must not hold us. */
	fd = openat(directory, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 && errno == ELOOP)
		return refuse(
		    error_set(err, "%s: is a symbolic link: put the file itself there", file));
	if (fd == -1 && errno == EACCES)
		return refuse(
		    error_set(err, "%s: can't be read: chown it to uid %u", file, (unsigned)owner));
	if (fd == -1 && errno == ENOENT)
		return error_set(err, "%s: is not there: put it there, or make a new certificate",
				 file);
	if (fd == -1)
		return refuse(error_errno(err, "%s", file));
	if (fstat(fd, &st) == -1)
		result = refuse(error_errno(err, "%s", file));
	else if (check_file(file, kind, owner, &st, err) == -1)
		result = refuse(-1);
	else
		result = read_all(fd, file, (size_t)st.st_size, contents, err);
	close(fd);
	if (result == -1)
		errno = EPERM;
	return result;
}

int
file_write_new(int directory, const char *file, mode_t mode, const void *bytes, size_t length)
{
	int fd =
	    openat(directory, file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	int result, saved;

	if (fd == -1)
		return -1;
	result = write_all(fd, bytes, length) == 0 && fsync(fd) == 0 ? 0 : -1;
	saved = errno;
	if (close(fd) == -1 && result == 0)
		return -1;
	errno = saved;
	return result;
}

int
file_lock(int fd)
{
	while (flock(fd, LOCK_EX) == -1) {
		if (errno != EINTR)
			return -1;
	}
	return 0;
}

int
file_check_folder(int directory, uid_t owner, struct error *err)
{
	struct stat st;

	if (fstat(directory, &st) == -1)
		return error_errno(err, "the certs folder");
	if (!S_ISDIR(st.st_mode))
		return error_set(err, "the certs folder is not a directory");
	if (st.st_uid != owner)
		return error_set(err, "the certs folder belongs to uid %u: chown it to uid %u",
				 (unsigned)st.st_uid, (unsigned)owner);
	if ((st.st_mode & 077) != 0)
		return error_set(err, "the certs folder has mode %04o, open to others: chmod 700",
				 (unsigned)(st.st_mode & 07777));
	return 0;
}
