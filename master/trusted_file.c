/* SPDX-License-Identifier: ISC */
#include "master/trusted_file.h"

#include <fcntl.h>
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

int
trusted_file_open(const char *path, uid_t also, struct error *err)
{
	/* Not to be held up by a FIFO. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd == -1)
		return error_errno(err, "%s", path);
	if (check(fd, path, also, err) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}
