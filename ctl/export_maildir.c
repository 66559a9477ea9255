/* SPDX-License-Identifier: ISC */
/* Into a Maildir++ as Dovecot has it: dovecot-uidlist, dovecot-keywords, subscriptions. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/export.h"
#include "ctl/import.h"
#include "ctl/maildir_name.h"

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define LOT 200 /* messages that are brought to disk together */
#define NAME_SIZE 256
#define WRITING "tmp/postern-export"

struct maildir {
	int fd;
	char **present; /* base names of what is there, sorted */
	size_t present_count, room;
	struct maildir_keywords keywords;
	const struct export_entry *lot[LOT]; /* in tmp, whole */
	size_t lot_count;
};

/* Without sizes: Dovecot's of a message with lone LFs is another, and it refuses what is wrong. */
static void
base_name(const struct export *export, const struct export_entry *entry, char out[NAME_SIZE])
{
	snprintf(out, NAME_SIZE, "%" PRId64 ".U%" PRIu32 "V%" PRIu64 ".postern", entry->date,
		 entry->uid, export->folder->uidvalidity);
}

/*
 * -- What is there ----------------------------------------------------------------------
 */

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
look_into(struct maildir *maildir, const char *sub, struct error *err)
{
	int fd = openat(maildir->fd, sub, DIR_FLAGS), result = 0;
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (dir == NULL)
		return error_errno(err, "%s", sub);
	while (result == 0 && (entry = readdir(dir)) != NULL) {
		if (maildir->present_count == maildir->room) {
			size_t room = maildir->room == 0 ? 256 : 2 * maildir->room;
			char **grown = reallocarray(maildir->present, room, sizeof(*grown));

			if (grown == NULL) {
				result = error_errno(err, "%s", sub);
				break;
			}
			maildir->present = grown;
			maildir->room = room;
		}
		maildir->present[maildir->present_count] =
		    strndup(entry->d_name, maildir_base_length(entry->d_name));
		if (maildir->present[maildir->present_count] == NULL)
			result = error_errno(err, "%s", sub);
		else
			maildir->present_count++;
	}
	closedir(dir);
	return result;
}

static bool
is_present(const struct maildir *maildir, const char *base)
{
	return maildir->present_count > 0 &&
	       bsearch(&base, maildir->present, maildir->present_count, sizeof(base), by_name) !=
		   NULL;
}

/* A small file of it as text, "" if it is not there. */
static char *
read_small(int folder, const char *name, size_t *length)
{
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct error err;
	char *text = NULL;

	*length = 0;
	if (fd != -1) {
		(void)import_read_file(fd, &text, length, &err);
		close(fd);
	}
	return text != NULL ? text : strdup("");
}

/* Another mailbox's messages must not come between these: their UIDs would mean nothing. */
static int
check_uidlist(const struct export *export, const struct maildir *maildir, struct error *err)
{
	struct maildir_uidlist list;
	size_t length;
	char *text = read_small(maildir->fd, "dovecot-uidlist", &length);

	if (text == NULL)
		return error_errno(err, "dovecot-uidlist");
	maildir_uidlist_begin(text, length, &list);
	free(text);
	if (list.uidvalidity != 0 && list.uidvalidity != export->folder->uidvalidity)
		return error_set(err,
				 "it has messages of another folder (UIDVALIDITY %" PRIu32
				 " in its dovecot-uidlist): choose another place",
				 list.uidvalidity);
	return 0;
}

/* Its folders, made if they are missing. */
static int
maildir_open(struct maildir *maildir, int parent, const char *name, struct error *err)
{
	static const char *const subs[] = {"cur", "new", "tmp"};
	size_t length;
	char *text;

	*maildir = (struct maildir){.fd = -1};
	if (mkdirat(parent, name, 0700) == -1 && errno != EEXIST)
		return error_errno(err, "making it");
	maildir->fd = openat(parent, name, DIR_FLAGS);
	if (maildir->fd == -1)
		return error_errno(err, "opening it");
	for (size_t i = 0; i < 3; i++) {
		if (mkdirat(maildir->fd, subs[i], 0700) == -1 && errno != EEXIST)
			return error_errno(err, "making %s", subs[i]);
	}
	if (look_into(maildir, "cur", err) == -1 || look_into(maildir, "new", err) == -1)
		return -1;
	if (maildir->present_count > 0)
		qsort(maildir->present, maildir->present_count, sizeof(char *), by_name);
	if ((text = read_small(maildir->fd, "dovecot-keywords", &length)) == NULL)
		return error_errno(err, "dovecot-keywords");
	maildir_keywords_read(text, length, &maildir->keywords);
	free(text);
	return 0;
}

static void
maildir_close(struct maildir *maildir)
{
	for (size_t i = 0; i < maildir->present_count; i++)
		free(maildir->present[i]);
	free(maildir->present);
	if (maildir->fd != -1)
		close(maildir->fd);
}

/*
 * -- Small files ------------------------------------------------------------------------
 */

/* RESULT of what was written to FILE (new, under TEMPORARY); gives it its name, or removes it. */
static int
settle(int folder, FILE *file, const char *temporary, const char *name, struct error *err)
{
	int result = 0;

	if (fflush(file) == EOF || ferror(file) || fsync(fileno(file)) == -1)
		result = error_errno(err, "writing %s", name);
	if (fclose(file) == EOF && result == 0)
		result = error_errno(err, "writing %s", name);
	if (result == 0 && renameat(folder, temporary, folder, name) == -1)
		result = error_errno(err, "%s", name);
	if (result == -1)
		(void)unlinkat(folder, temporary, 0);
	return result;
}

static FILE *
create(int folder, const char *name, struct error *err)
{
	FILE *file;
	int fd;

	(void)unlinkat(folder, name, 0);
	fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	file = fd == -1 ? NULL : fdopen(fd, "w");
	if (file == NULL) {
		error_errno(err, "making %s", name);
		if (fd != -1)
			close(fd);
	}
	return file;
}

/* Before the messages whose names need it. */
static int
write_keywords(const struct maildir *maildir, struct error *err)
{
	FILE *file;

	if (maildir->keywords.name[0][0] == '\0')
		return 0;
	if ((file = create(maildir->fd, WRITING, err)) == NULL)
		return -1;
	for (int i = 0; i < MAILDIR_KEYWORDS; i++) {
		if (maildir->keywords.name[i][0] != '\0')
			fprintf(file, "%d %s\n", i, maildir->keywords.name[i]);
	}
	return settle(maildir->fd, file, WRITING, "dovecot-keywords", err);
}

static int
write_uidlist(const struct export *export, const struct maildir *maildir, struct error *err)
{
	char base[NAME_SIZE];
	FILE *file = create(maildir->fd, WRITING, err);

	if (file == NULL)
		return -1;
	fprintf(file, "3 V%" PRIu64 " N%" PRIu64 "\n", export->folder->uidvalidity,
		export->folder->uidnext);
	for (size_t i = 0; i < export->count; i++) {
		base_name(export, &export->list[i], base);
		fprintf(file, "%" PRIu32 " :%s\n", export->list[i].uid, base);
	}
	return settle(maildir->fd, file, WRITING, "dovecot-uidlist", err);
}

/* A name that has no place in a Maildir++ was told of already. */
int
export_subscriptions(const struct folders *folders, int root, struct error *err)
{
	char dir[MAILDIR_DIR_SIZE];
	struct stat st;
	FILE *file;

	if (fstatat(root, "subscriptions", &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if ((file = create(root, "subscriptions.new", err)) == NULL)
		return -1;
	for (size_t i = 0; i < folders->count; i++) {
		if (!folders->list[i].subscribed ||
		    maildir_folder_write(folders->list[i].name, dir) == -1)
			continue;
		fprintf(file, "%s\n", dir[1] == '\0' ? "INBOX" : dir + 1);
	}
	return settle(root, file, "subscriptions.new", "subscriptions", err);
}

/*
 * -- Messages ---------------------------------------------------------------------------
 */

/* The lot comes to disk, then under its names. */
static int
place_lot(struct export *export, struct maildir *maildir, struct error *err)
{
	char base[NAME_SIZE], from[NAME_SIZE + 8], to[NAME_SIZE + 64], flags[MAILDIR_LETTERS_SIZE];

	if (maildir->lot_count == 0)
		return 0;
	if (syncfs(maildir->fd) == -1)
		return error_errno(err, "writing to disk");
	for (size_t i = 0; i < maildir->lot_count; i++) {
		const struct export_entry *entry = maildir->lot[i];

		base_name(export, entry, base);
		(void)maildir_flags_write(entry->flags, entry->keywords, &maildir->keywords, flags);
		snprintf(from, sizeof(from), "tmp/%s", base);
		snprintf(to, sizeof(to), "cur/%s:2,%s", base, flags);
		if (renameat2(maildir->fd, from, maildir->fd, to, RENAME_NOREPLACE) == -1)
			return error_errno(err, "%s", to);
	}
	export->added += maildir->lot_count;
	maildir->lot_count = 0;
	return 0;
}

static int
write_message(struct export *export, struct maildir *maildir, const struct export_entry *entry,
	      struct error *err)
{
	const struct timespec times[2] = {{.tv_sec = (time_t)entry->date},
					  {.tv_sec = (time_t)entry->date}};
	char base[NAME_SIZE], name[NAME_SIZE + 8];
	FILE *file = create(maildir->fd, WRITING, err);
	int result;

	if (file == NULL)
		return -1;
	base_name(export, entry, base);
	snprintf(name, sizeof(name), "tmp/%s", base);
	result = export_write(export, entry, file, false, err);
	if (result != -1 && (fflush(file) == EOF || futimens(fileno(file), times) == -1))
		result = error_errno(err, "%s", name);
	if (fclose(file) == EOF && result != -1)
		result = error_errno(err, "%s", name);
	if (result == 1 && renameat(maildir->fd, WRITING, maildir->fd, name) == -1)
		result = error_errno(err, "%s", name);
	if (result != 1) {
		(void)unlinkat(maildir->fd, WRITING, 0);
		return result;
	}
	maildir->lot[maildir->lot_count++] = entry;
	return maildir->lot_count == LOT ? place_lot(export, maildir, err) : 0;
}

/* Which letters the keywords have is settled for all of them first. */
static int
settle_keywords(struct export *export, struct maildir *maildir, struct error *err)
{
	char flags[MAILDIR_LETTERS_SIZE];

	for (size_t i = 0; i < export->count; i++) {
		if (!maildir_flags_write(export->list[i].flags, export->list[i].keywords,
					 &maildir->keywords, flags))
			export->no_letter++;
	}
	return write_keywords(maildir, err);
}

static int
write_all_messages(struct export *export, struct maildir *maildir, struct error *err)
{
	char base[NAME_SIZE];
	int result = 0;

	for (size_t i = 0; i < export->count && result == 0; i++) {
		base_name(export, &export->list[i], base);
		if (is_present(maildir, base))
			export->known++;
		else
			result = write_message(export, maildir, &export->list[i], err);
	}
	return result == 0 ? place_lot(export, maildir, err) : -1;
}

static int
mark_folder(const struct maildir *maildir, const char *name, struct error *err)
{
	int fd;

	if (strcmp(name, ".") == 0)
		return 0;
	fd = openat(maildir->fd, "maildirfolder",
		    O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd == -1)
		return error_errno(err, "maildirfolder");
	close(fd);
	return 0;
}

int
export_maildir(struct export *export, int parent, const char *name, struct error *err)
{
	struct maildir maildir;
	int result = maildir_open(&maildir, parent, name, err);

	if (result == 0)
		result = check_uidlist(export, &maildir, err);
	if (result == 0)
		result = mark_folder(&maildir, name, err);
	if (result == 0)
		result = settle_keywords(export, &maildir, err);
	if (result == 0)
		result = write_all_messages(export, &maildir, err);
	if (result == 0)
		result = write_uidlist(export, &maildir, err);
	maildir_close(&maildir);
	return result == -1 ? error_prefix(err, "the Maildir %s", name) : 0;
}
