/* SPDX-License-Identifier: ISC */
#include "master/trusted_file.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
check(int fd, const char *path, uid_t also, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return error_errno(err, "%s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, "%s is not a regular file", path);
	if (st.st_uid != 0 && st.st_uid != geteuid() && st.st_uid != also)
		return error_set(err, "%s belongs to uid %u: chown %u %s", path, st.st_uid,
				 geteuid(), path);
	if ((st.st_mode & 022) != 0)
		return error_set(err, "%s can be written by others: chmod go-w %s", path, path);
	return 0;
}

/*
 * In a folder of ALSO's only files of ALSO's: a link that it put there would have the master open
 * what ALSO itself can not.
 */
static int
open_in(int folder, const char *name, const char *path, uid_t also, struct error *err)
{
	int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY; /* a FIFO must not hold us */
	bool theirs;
	struct stat st;
	int fd;

	if (fstat(folder, &st) == -1)
		return error_errno(err, "%s", path);
	theirs = also != TRUST_NOBODY_ELSE && st.st_uid == also && also != geteuid();
	fd = openat(folder, name, flags | (theirs ? O_NOFOLLOW : 0));
	if (fd == -1)
		return error_errno(err, "%s", path);
	if (!theirs || (fstat(fd, &st) == 0 && st.st_uid == also))
		return fd;
	close(fd);
	return error_set(err,
			 "%s does not belong to uid %u, as its folder does: put the file there "
			 "that belongs there",
			 path, (unsigned)also);
}

int
trusted_file_open(const char *path, uid_t also, struct error *err)
{
	char *above = strdup(path), *name = strdup(path);
	int folder = -1, fd = -1;

	if (above != NULL && name != NULL)
		folder = open(dirname(above), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (folder == -1)
		error_errno(err, "%s", path);
	else
		fd = open_in(folder, basename(name), path, also, err);
	if (fd != -1 && check(fd, path, also, err) == -1) {
		close(fd);
		fd = -1;
	}
	if (folder != -1)
		close(folder);
	free(above);
	free(name);
	return fd;
}
