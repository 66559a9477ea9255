/* SPDX-License-Identifier: ISC */
#include "worker/queue/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define NAME_SIZE 32
#define FREE_MAX 128          /* empty files kept for the next mails */
#define RESERVE (1024 * 1024) /* bytes left for the database's own files */

#define INCOMING_PREFIX "in."
#define BODY_PREFIX "body."

struct spool {
	int directory;
	uint32_t next_slot;
	uint32_t free[FREE_MAX];
	size_t free_count;
};

struct name {
	char text[NAME_SIZE];
};

static struct name
incoming_name(uint32_t slot)
{
	struct name name;

	snprintf(name.text, sizeof(name.text), INCOMING_PREFIX "%" PRIu32, slot);
	return name;
}

static struct name
body_name(uint64_t id)
{
	struct name name;

	snprintf(name.text, sizeof(name.text), BODY_PREFIX "%016" PRIx64, id);
	return name;
}

/* Leases are missing on some network file systems and where the administrator turned them off. */
static int
check_leases(struct spool *spool, struct error *err)
{
	uint32_t slot;
	int fd = spool_create(spool, &slot);
	int result = 0;

	if (fd == -1)
		return error_errno(err, "the queue's folder");
	close(fd);
	fd = spool_seal(spool, slot);
	if (fd == -1)
		result = error_errno(err, "the queue's folder is on a file system without leases "
					  "(fcntl(2), F_SETLEASE)");
	else
		close(fd);
	spool_discard(spool, slot);
	return result;
}

struct spool *
spool_open(int directory, struct error *err)
{
	struct spool *spool = calloc(1, sizeof(*spool));

	if (spool == NULL) {
		error_errno(err, "the spool");
		return NULL;
	}
	spool->directory = directory;
	/* Names that a predecessor's leftovers don't have, for files of this process. */
	spool->next_slot = arc4random();
	if (check_leases(spool, err) == -1) {
		free(spool);
		return NULL;
	}
	return spool;
}

void
spool_close(struct spool *spool)
{
	if (spool == NULL)
		return;
	while (spool->free_count > 0)
		spool_discard(spool, spool->free[--spool->free_count]);
	free(spool);
}

/* Whether a file of this name is left over. */
static bool
is_leftover(const char *name, spool_known_fn *known, void *arg)
{
	const char *digits = name + strlen(BODY_PREFIX);

	if (strncmp(name, INCOMING_PREFIX, strlen(INCOMING_PREFIX)) == 0)
		return true;
	if (strncmp(name, BODY_PREFIX, strlen(BODY_PREFIX)) != 0 || strlen(digits) != 16 ||
	    strspn(digits, "0123456789abcdef") != 16)
		return false;
	return !known(strtoull(digits, NULL, 16), arg);
}

int
spool_clean(struct spool *spool, spool_known_fn *known, void *arg, struct error *err)
{
	int fd = openat(spool->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int removed = 0;

	if (folder == NULL) {
		error_errno(err, "listing the queue's folder");
		if (fd != -1)
			close(fd);
		return -1;
	}
	while ((entry = readdir(folder)) != NULL) {
		if (is_leftover(entry->d_name, known, arg) &&
		    unlinkat(spool->directory, entry->d_name, 0) == 0)
			removed++;
	}
	closedir(folder);
	return removed;
}

bool
spool_has_space(const struct spool *spool, uint64_t size)
{
	struct statfs fs;

	if (fstatfs(spool->directory, &fs) == -1)
		return true;
	return (uint64_t)fs.f_bavail > (size + RESERVE) / (uint64_t)fs.f_bsize;
}

int
spool_create(struct spool *spool, uint32_t *slot)
{
	bool reused = spool->free_count > 0;
	struct name name;
	int fd;

	*slot = reused ? spool->free[--spool->free_count] : spool->next_slot++;
	name = incoming_name(*slot);
	fd = openat(spool->directory, name.text,
		    O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (reused ? 0 : O_EXCL), 0600);
	if (fd == -1 && reused)
		spool->free[spool->free_count++] = *slot;
	return fd;
}

int
spool_seal(struct spool *spool, uint32_t slot)
{
	struct name name = incoming_name(slot);
	int fd = openat(spool->directory, name.text, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int saved;

	if (fd == -1)
		return -1;
	/* Given back at once: a lease that is broken sends a signal. */
	if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0 && fcntl(fd, F_SETLEASE, F_UNLCK) == 0)
		return fd;
	saved = errno == EAGAIN ? EBUSY : errno;
	close(fd);
	errno = saved;
	return -1;
}

void
spool_start_writing(int fd)
{
	(void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

int
spool_keep(struct spool *spool, uint32_t slot, uint64_t id)
{
	struct name from = incoming_name(slot), to = body_name(id);

	return renameat(spool->directory, from.text, spool->directory, to.text);
}

int
spool_write(int fd)
{
	return fdatasync(fd);
}

int
spool_sync(const struct spool *spool)
{
	return fsync(spool->directory);
}

void
spool_recycle(struct spool *spool, uint32_t slot)
{
	struct stat st;
	int fd = spool->free_count < FREE_MAX ? spool_seal(spool, slot) : -1;

	if (fd != -1 && fstat(fd, &st) == 0 && st.st_size == 0)
		spool->free[spool->free_count++] = slot;
	else
		spool_discard(spool, slot);
	if (fd != -1)
		close(fd);
}

void
spool_discard(struct spool *spool, uint32_t slot)
{
	struct name name = incoming_name(slot);

	(void)unlinkat(spool->directory, name.text, 0);
}

int
spool_read(const struct spool *spool, uint64_t id)
{
	struct name name = body_name(id);

	return openat(spool->directory, name.text, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

void
spool_remove(const struct spool *spool, uint64_t id)
{
	struct name name = body_name(id);

	(void)unlinkat(spool->directory, name.text, 0);
}

int
spool_memory(const void *bytes, size_t size)
{
	int fd = memfd_create("body", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t done = 0;
	int saved;

	if (fd == -1)
		return -1;
	while (done < size) {
		/* Not write(): its reader finds the descriptor at its start. */
		ssize_t n = pwrite(fd, (const char *)bytes + done, size - done, (off_t)done);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (done == size &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}
