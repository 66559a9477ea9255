/* SPDX-License-Identifier: ISC */
#include "certd/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cert_name.h"
#include "common/log.h"
#include "common/proto/types.h"
#include "common/write_all.h"

#define FILE_NAME_SIZE (CERT_NAME_SIZE + 10)

static const char *const suffixes[PART_COUNT] = {".key", ".csr", ".crt"};
static const char *const temporary_suffixes[PART_COUNT] = {".key.new", ".csr.new", ".crt.new"};
static const mode_t modes[PART_COUNT] = {0600, 0644, 0644};

int (*folder_hook)(void);

struct names {
	char final[PART_COUNT][FILE_NAME_SIZE];
	char temporary[PART_COUNT][FILE_NAME_SIZE];
};

static void
make_names(struct names *names, const char *name)
{
	for (int i = 0; i < PART_COUNT; i++) {
		snprintf(names->final[i], FILE_NAME_SIZE, "%s%s", name, suffixes[i]);
		snprintf(names->temporary[i], FILE_NAME_SIZE, ".%s%s", name, temporary_suffixes[i]);
	}
}

/* Did the hook kill us? If it only wants the next step to fail, *FAIL is set. */
static bool
killed(bool *fail)
{
	int verdict = folder_hook == NULL ? 0 : folder_hook();

	*fail = verdict > 0;
	if (*fail)
		errno = verdict;
	return verdict == FOLDER_KILLED;
}

/* A descriptor of its own to hold the lock: it goes when the process does. */
static int
lock(int directory, struct error *err)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1)
		return error_errno(err, "opening the certs folder");
	while (flock(fd, LOCK_EX) == -1) {
		if (errno == EINTR)
			continue;
		error_errno(err, "locking the certs folder");
		close(fd);
		return -1;
	}
	return fd;
}

static int
present(int directory, const char *file)
{
	struct stat st;

	if (fstatat(directory, file, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : -1;
}

int
folder_exists(int directory, const char *name, struct error *err)
{
	struct names names;

	make_names(&names, name);
	for (int i = 0; i < PART_COUNT; i++) {
		int there = present(directory, names.final[i]);

		if (there == -1)
			return error_errno(err, "%s", names.final[i]);
		if (there == 1)
			return 1;
	}
	return 0;
}

static int
write_file(int directory, const char *file, mode_t mode, const void *bytes, size_t length)
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

static int
rename_new(int directory, const char *from, const char *to)
{
	return renameat2(directory, from, directory, to, RENAME_NOREPLACE);
}

enum outcome { DONE, FAILED, KILLED };

/* Writes all temporary files and makes them durable. */
static enum outcome
write_temporaries(int directory, const struct names *names, const struct folder_set *set,
		  struct error *err)
{
	bool fail;

	for (int i = 0; i < PART_COUNT; i++) {
		if (killed(&fail))
			return KILLED;
		if (fail || write_file(directory, names->temporary[i], modes[i], set->part[i].bytes,
				       set->part[i].length) == -1) {
			error_errno(err, "writing %s", names->final[i]);
			return FAILED;
		}
	}
	if (killed(&fail))
		return KILLED;
	if (fail || fsync(directory) == -1) {
		error_errno(err, "writing the certs folder");
		return FAILED;
	}
	return DONE;
}

/* From the temporary names to the final ones, the key first. *RENAMED: how many were. */
static enum outcome
publish(int directory, const struct names *names, int *renamed, struct error *err)
{
	bool fail;

	for (*renamed = 0; *renamed < PART_COUNT; (*renamed)++) {
		if (killed(&fail))
			return KILLED;
		if (fail || rename_new(directory, names->temporary[*renamed],
				       names->final[*renamed]) == -1) {
			error_errno(err, "renaming to %s", names->final[*renamed]);
			return FAILED;
		}
	}
	if (killed(&fail))
		return KILLED;
	if (fail || fsync(directory) == -1) {
		error_errno(err, "writing the certs folder");
		return FAILED;
	}
	return DONE;
}

/* Takes back RENAMED renames, the key's last, then removes the temporary files. */
static void
undo(int directory, const struct names *names, int renamed)
{
	bool fail;

	while (renamed-- > 0) {
		if (killed(&fail))
			return;
		if (fail ||
		    rename_new(directory, names->final[renamed], names->temporary[renamed]) == -1) {
			/* Still committed; completed when certd starts again. */
			log_event(LOG_ERR, "folder.inconsistent",
				  KV_STR("file", names->final[renamed]), KV_ERRNO(errno));
			return;
		}
	}
	for (int i = 0; i < PART_COUNT; i++) {
		if (killed(&fail))
			return;
		(void)unlinkat(directory, names->temporary[i], 0);
	}
	(void)fsync(directory);
}

int
folder_commit(int directory, const char *name, const struct folder_set *set, struct error *err)
{
	enum outcome outcome;
	struct names names;
	int renamed = 0, locked = lock(directory, err);

	if (locked == -1)
		return -1;
	make_names(&names, name);
	outcome = write_temporaries(locked, &names, set, err);
	if (outcome == DONE)
		outcome = publish(locked, &names, &renamed, err);
	if (outcome == KILLED)
		error_set(err, "killed");
	else if (outcome == FAILED)
		undo(locked, &names, renamed);
	close(locked);
	return outcome == DONE ? 0 : -1;
}

/* FILE is a temporary name (".NAME.key.new"): which, and of whom? */
static bool
parse_temporary(const char *file, char name[CERT_NAME_SIZE], int *part)
{
	for (*part = 0; file[0] == '.' && *part < PART_COUNT; (*part)++) {
		if (cert_name_from_file(file + 1, temporary_suffixes[*part], name, CERT_NAME_SIZE))
			return true;
	}
	return false;
}

static int
recover_file(int directory, const char *file, const char *name, int part, struct error *err)
{
	struct names names;
	int committed;
	bool complete;

	make_names(&names, name);
	committed = present(directory, names.final[PART_KEY]);
	if (committed == -1)
		return error_errno(err, "%s", names.final[PART_KEY]);
	complete = committed == 1 && part != PART_KEY && present(directory, names.final[part]) == 0;
	if ((complete ? rename_new(directory, file, names.final[part])
		      : unlinkat(directory, file, 0)) == -1)
		return error_errno(err, "%s", file);
	log_event(LOG_NOTICE, complete ? "folder.completed" : "folder.cleaned", KV_STR("key", name),
		  KV_STR("file", complete ? names.final[part] : file));
	return 0;
}

int
folder_recover(int directory, struct error *err)
{
	int fd, locked = lock(directory, err), result = 0;
	char name[CERT_NAME_SIZE];
	struct dirent *entry;
	DIR *list;
	int part;

	if (locked == -1)
		return -1;
	fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	list = fd == -1 ? NULL : fdopendir(fd);
	if (list == NULL) {
		error_errno(err, "reading the certs folder");
		if (fd != -1)
			close(fd);
		close(locked);
		return -1;
	}
	while (result == 0 && (entry = readdir(list)) != NULL) {
		if (parse_temporary(entry->d_name, name, &part))
			result = recover_file(directory, entry->d_name, name, part, err);
	}
	closedir(list);
	if (result == 0 && fsync(locked) == -1 && errno != EROFS)
		result = error_errno(err, "writing the certs folder");
	close(locked);
	return result;
}
