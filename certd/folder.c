/* SPDX-License-Identifier: ISC */
#include "certd/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "certd/file.h"
#include "certd/journal.h"
#include "common/log.h"

static const char *const suffixes[PART_COUNT] = {".key", ".csr", ".crt", ".pem"};
static const mode_t modes[PART_COUNT] = {0600, 0644, 0644, 0600};

struct file {
	char name[JOURNAL_FILE_SIZE];
};

static struct file
file_of(const char *name, int part)
{
	struct file file;

	snprintf(file.name, sizeof(file.name), "%s%s", name, suffixes[part]);
	return file;
}

/* ".NAME.key.new" */
static struct file
hidden(const char *name, int part, const char *suffix)
{
	struct file file;

	snprintf(file.name, sizeof(file.name), ".%s%s%s", name, suffixes[part], suffix);
	return file;
}

/* A descriptor of its own to hold the lock: it goes when the process does. */
static int
lock(int directory, struct error *err)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1)
		return error_errno(err, "opening the certs folder");
	if (file_lock(fd) == 0)
		return fd;
	error_errno(err, "locking the certs folder");
	close(fd);
	return -1;
}

/* Which of NAME's files are there: PRESENT[part]. Returns how many, or -1 with ERR filled. */
static int
look(int directory, const char *name, bool present[PART_COUNT], struct error *err)
{
	struct stat st;
	int count = 0;

	for (int i = 0; i < PART_COUNT; i++) {
		const struct file file = file_of(name, i);

		present[i] = fstatat(directory, file.name, &st, AT_SYMLINK_NOFOLLOW) == 0;
		if (!present[i] && errno != ENOENT)
			return error_errno(err, "%s", file.name);
		count += present[i];
	}
	return count;
}

int
folder_exists(int directory, const char *name, struct error *err)
{
	bool present[PART_COUNT];
	int count = look(directory, name, present, err);

	return count > 0 ? 1 : count;
}

/* Is FILE a hidden name of ours? */
static bool
is_hidden(const char *file)
{
	static const char *const ends[] = {".new", ".old"};
	char name[JOURNAL_FILE_SIZE], valid[CERT_NAME_SIZE];
	size_t length = strlen(file);

	if (strcmp(file, ".journal.new") == 0)
		return true;
	if (file[0] != '.' || length < 10 || length >= sizeof(name) ||
	    (strcmp(file + length - 4, ends[0]) != 0 && strcmp(file + length - 4, ends[1]) != 0))
		return false;
	strlcpy(name, file + 1, length - 4);
	for (int i = 0; i < PART_COUNT; i++) {
		char *suffix = name + strlen(name) - strlen(suffixes[i]);

		if (suffix <= name || strcmp(suffix, suffixes[i]) != 0)
			continue;
		*suffix = '\0';
		return cert_name_valid(name) || cert_name_kept(name, valid);
	}
	return false;
}

/* Removes what was prepared and not committed. */
static int
clean(int directory, bool log, struct error *err)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), result = 0;
	DIR *list = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	bool fail;

	if (list == NULL) {
		error_errno(err, "reading the certs folder");
		if (fd != -1)
			close(fd);
		return -1;
	}
	while (result == 0 && (entry = readdir(list)) != NULL) {
		if (!is_hidden(entry->d_name))
			continue;
		if (journal_killed(&fail))
			result = error_set(err, "killed");
		else if (fail || unlinkat(directory, entry->d_name, 0) == -1)
			result = error_errno(err, "removing %s", entry->d_name);
		else if (log)
			log_event(LOG_NOTICE, "folder.cleaned", KV_STR("file", entry->d_name));
	}
	closedir(list);
	if (result == 0 && fsync(directory) == -1 && errno != EROFS)
		result = error_errno(err, "writing the certs folder");
	return result;
}

static int
recover(int directory, struct error *err)
{
	return journal_recover(directory, err) == 0 ? clean(directory, true, err) : -1;
}

int
folder_recover(int directory, struct error *err)
{
	int locked = lock(directory, err), result;

	if (locked == -1)
		return -1;
	result = recover(locked, err);
	close(locked);
	return result;
}

/* Starts a change: a locked descriptor, and nothing unfinished. -1 with ERR filled. */
static int
begin(int directory, struct error *err)
{
	int locked = lock(directory, err);

	if (locked != -1 && recover(locked, err) == -1) {
		close(locked);
		return -1;
	}
	return locked;
}

/* Commits it, or removes what was prepared. Closes LOCKED. */
static int
end(int locked, enum journal_outcome outcome, const struct journal *journal, struct error *err)
{
	struct error ignored;

	if (outcome == JOURNAL_DONE)
		outcome = journal_commit(locked, journal, err);
	if (outcome == JOURNAL_FAILED && clean(locked, false, &ignored) == -1)
		log_event(LOG_WARNING, "folder.failed", KV_STR("why", ignored.text));
	if (outcome == JOURNAL_UNFINISHED)
		error_prefix(err, "not finished, but will be when the certs folder is next read");
	if (outcome == JOURNAL_KILLED)
		error_set(err, "killed");
	close(locked);
	return outcome == JOURNAL_DONE ? 0 : -1;
}

/* Writes what is new, under its hidden names. */
static enum journal_outcome
prepare_new(int directory, const char *name, const struct folder_set *set, enum journal_op op,
	    struct journal *journal, struct error *err)
{
	bool fail;

	for (int i = 0; i < PART_COUNT; i++) {
		const struct file from = hidden(name, i, ".new"), to = file_of(name, i);

		if (set->part[i].bytes == NULL)
			continue;
		if (journal_killed(&fail))
			return JOURNAL_KILLED;
		if (fail || file_write_new(directory, from.name, modes[i], set->part[i].bytes,
					   set->part[i].length) == -1) {
			error_errno(err, "writing %s", to.name);
			return JOURNAL_FAILED;
		}
		journal_add(journal, op, from.name, to.name);
	}
	return JOURNAL_DONE;
}

/* A time that no set of NAME kept aside has yet. */
static int
choose_kept(int directory, const char *name, char kept[CERT_KEPT_SIZE], struct error *err)
{
	time_t when = time(NULL);
	int there;

	do {
		cert_name_keep(name, when++, kept);
		there = folder_exists(directory, kept, err);
	} while (there == 1);
	return there;
}

/* Gives what is there a second, hidden name, which the journal makes KEPT's. */
static enum journal_outcome
prepare_old(int directory, const char *name, const bool present[PART_COUNT],
	    char kept[CERT_KEPT_SIZE], struct journal *journal, struct error *err)
{
	bool fail;

	if (choose_kept(directory, name, kept, err) == -1)
		return JOURNAL_FAILED;
	for (int i = 0; i < PART_COUNT; i++) {
		const struct file from = file_of(name, i), to = hidden(kept, i, ".old"),
				  final = file_of(kept, i);

		if (!present[i])
			continue;
		if (journal_killed(&fail))
			return JOURNAL_KILLED;
		if (fail || linkat(directory, from.name, directory, to.name, 0) == -1) {
			error_errno(err, "keeping %s aside", from.name);
			return JOURNAL_FAILED;
		}
		journal_add(journal, JOURNAL_NEW, to.name, final.name);
	}
	return JOURNAL_DONE;
}

/* Files of NAME that are there and won't be. */
static void
drop_others(const char *name, const bool present[PART_COUNT], const bool wanted[PART_COUNT],
	    struct journal *journal)
{
	for (int i = 0; i < PART_COUNT; i++) {
		if (present[i] && !wanted[i])
			journal_add(journal, JOURNAL_UNLINK, file_of(name, i).name, "");
	}
}

int
folder_commit(int directory, const char *name, const struct folder_set *set, struct error *err)
{
	struct journal journal = {.count = 0};
	int locked = begin(directory, err), there;

	if (locked == -1)
		return -1;
	there = folder_exists(locked, name, err);
	if (there != 0) {
		close(locked);
		return there == -1
			   ? -1
			   : error_set(err, "%s: there are files of that name already", name);
	}
	return end(locked, prepare_new(locked, name, set, JOURNAL_NEW, &journal, err), &journal,
		   err);
}

int
folder_replace(int directory, const char *name, const struct folder_set *set,
	       char kept[CERT_KEPT_SIZE], struct error *err)
{
	struct journal journal = {.count = 0};
	bool present[PART_COUNT], wanted[PART_COUNT];
	enum journal_outcome outcome = JOURNAL_DONE;
	int locked = begin(directory, err), count;

	kept[0] = '\0';
	if (locked == -1)
		return -1;
	count = look(locked, name, present, err);
	if (count == -1)
		outcome = JOURNAL_FAILED;
	else if (count > 0)
		outcome = prepare_old(locked, name, present, kept, &journal, err);
	if (outcome == JOURNAL_DONE)
		outcome = prepare_new(locked, name, set, JOURNAL_OVER, &journal, err);
	for (int i = 0; i < PART_COUNT; i++)
		wanted[i] = set->part[i].bytes != NULL;
	if (outcome == JOURNAL_DONE)
		drop_others(name, present, wanted, &journal);
	return end(locked, outcome, &journal, err);
}

int
folder_put(int directory, const char *name, enum folder_part part, const void *bytes, size_t length,
	   struct error *err)
{
	struct journal journal = {.count = 0};
	struct folder_set set = {{{NULL, 0}}};
	int locked = begin(directory, err);

	if (locked == -1)
		return -1;
	set.part[part].bytes = bytes;
	set.part[part].length = length;
	return end(locked, prepare_new(locked, name, &set, JOURNAL_OVER, &journal, err), &journal,
		   err);
}

static enum journal_outcome
prepare_restore(int directory, const char *from, char kept[CERT_KEPT_SIZE], struct journal *journal,
		struct error *err)
{
	enum journal_outcome outcome = JOURNAL_DONE;
	bool present[PART_COUNT], wanted[PART_COUNT];
	char name[CERT_NAME_SIZE];
	int count;

	if (!cert_name_kept(from, name)) {
		error_set(err, "%s: not the name of a certificate that was kept aside (NAME.TIME)",
			  from);
		return JOURNAL_FAILED;
	}
	if ((count = look(directory, from, wanted, err)) <= 0) {
		if (count == 0)
			error_set(err, "%s: there is no such certificate kept aside", from);
		return JOURNAL_FAILED;
	}
	if ((count = look(directory, name, present, err)) == -1)
		return JOURNAL_FAILED;
	if (count > 0)
		outcome = prepare_old(directory, name, present, kept, journal, err);
	if (outcome != JOURNAL_DONE)
		return outcome;
	for (int i = 0; i < PART_COUNT; i++) {
		if (wanted[i])
			journal_add(journal, JOURNAL_OVER, file_of(from, i).name,
				    file_of(name, i).name);
	}
	drop_others(name, present, wanted, journal);
	return JOURNAL_DONE;
}

int
folder_restore(int directory, const char *from, char kept[CERT_KEPT_SIZE], struct error *err)
{
	struct journal journal = {.count = 0};
	int locked = begin(directory, err);

	kept[0] = '\0';
	if (locked == -1)
		return -1;
	return end(locked, prepare_restore(locked, from, kept, &journal, err), &journal, err);
}

int
folder_remove(int directory, const char *name, struct error *err)
{
	struct journal journal = {.count = 0};
	int locked = begin(directory, err), count;
	static const bool wanted[PART_COUNT];
	bool present[PART_COUNT];

	if (locked == -1)
		return -1;
	if ((count = look(locked, name, present, err)) <= 0) {
		close(locked);
		return count == -1 ? -1 : error_set(err, "%s: there is no such certificate", name);
	}
	drop_others(name, present, wanted, &journal);
	return end(locked, JOURNAL_DONE, &journal, err);
}

static enum journal_outcome
prepare_rename(int directory, const char *from, const char *to, struct journal *journal,
	       struct error *err)
{
	bool present[PART_COUNT];
	int count = folder_exists(directory, to, err);

	if (count != 0) {
		if (count == 1)
			error_set(err, "%s: there are files of that name already", to);
		return JOURNAL_FAILED;
	}
	if ((count = look(directory, from, present, err)) <= 0) {
		if (count == 0)
			error_set(err, "%s: there is no such certificate", from);
		return JOURNAL_FAILED;
	}
	for (int i = 0; i < PART_COUNT; i++) {
		if (present[i])
			journal_add(journal, JOURNAL_NEW, file_of(from, i).name,
				    file_of(to, i).name);
	}
	return JOURNAL_DONE;
}

int
folder_rename(int directory, const char *from, const char *to, struct error *err)
{
	struct journal journal = {.count = 0};
	int locked = begin(directory, err);

	if (locked == -1)
		return -1;
	return end(locked, prepare_rename(locked, from, to, &journal, err), &journal, err);
}
