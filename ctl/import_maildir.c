/* SPDX-License-Identifier: ISC */
/*
 * Messages out of a Maildir or Maildir++. It is a user's: no link in it is followed, so that what
 * root reads here is nobody else's.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/import.h"
#include "ctl/mbox_text.h"

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define FILE_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)

struct file {
	char *name;
	uint64_t size;
	uint32_t uid;
	bool is_new; /* in new/, else in cur/ */
};

struct known {
	const char *base; /* in the text of the uidlist */
	size_t length;
	uint32_t uid;
};

struct maildir {
	int fd, sub[2]; /* itself, cur and new; or -1 */
	struct file *files;
	size_t count, room;
	char *uidlist;
	struct known *known;
	size_t known_count;
	uint32_t uidvalidity, uidnext;
	struct maildir_keywords keywords;
};

static void
maildir_close(struct maildir *maildir)
{
	for (size_t i = 0; i < maildir->count; i++)
		free(maildir->files[i].name);
	free(maildir->files);
	free(maildir->known);
	free(maildir->uidlist);
	for (int i = 0; i < 2; i++) {
		if (maildir->sub[i] != -1)
			close(maildir->sub[i]);
	}
	if (maildir->fd != -1)
		close(maildir->fd);
}

/* A small file of the Maildir; NULL if it is not there or can't be read. */
static char *
read_small(int folder, const char *name, size_t *length)
{
	int fd = openat(folder, name, FILE_FLAGS);
	struct error err;
	char *text = NULL;

	*length = 0;
	if (fd == -1)
		return NULL;
	(void)import_read_file(fd, &text, length, &err);
	close(fd);
	return text;
}

/*
 * -- UIDs -------------------------------------------------------------------------------
 */

static int
by_base(const void *a, const void *b)
{
	const struct known *one = a, *other = b;
	size_t length = one->length < other->length ? one->length : other->length;
	int order = memcmp(one->base, other->base, length);

	if (order != 0)
		return order;
	return (one->length > other->length) - (one->length < other->length);
}

static int
read_uidlist(struct maildir *maildir, struct error *err)
{
	struct maildir_uidlist list;
	struct known one;
	size_t length, room = 0;

	maildir->uidlist = read_small(maildir->fd, "dovecot-uidlist", &length);
	if (maildir->uidlist == NULL)
		return 0;
	maildir_uidlist_begin(maildir->uidlist, length, &list);
	maildir->uidvalidity = list.uidvalidity;
	maildir->uidnext = list.uidnext;
	while (maildir_uidlist_next(maildir->uidlist, length, &list, &one.uid, &one.base,
				    &one.length)) {
		if (maildir->known_count == room) {
			struct known *grown;

			room = room == 0 ? 256 : 2 * room;
			grown = reallocarray(maildir->known, room, sizeof(*grown));
			if (grown == NULL)
				return error_errno(err, "dovecot-uidlist");
			maildir->known = grown;
		}
		maildir->known[maildir->known_count++] = one;
		/* Dovecot adds lines behind without writing the header again. */
		if (maildir->uidnext <= one.uid && one.uid < UINT32_MAX)
			maildir->uidnext = one.uid + 1;
	}
	if (maildir->known_count > 0)
		qsort(maildir->known, maildir->known_count, sizeof(*maildir->known), by_base);
	return 0;
}

static uint32_t
find_uid(const struct maildir *maildir, const char *name)
{
	const struct known wanted = {.base = name, .length = maildir_base_length(name)};
	const struct known *found = NULL;

	if (maildir->known_count > 0)
		found =
		    bsearch(&wanted, maildir->known, maildir->known_count, sizeof(wanted), by_base);
	return found == NULL ? 0 : found->uid;
}

/*
 * -- Files ------------------------------------------------------------------------------
 */

static int
add_file(struct maildir *maildir, bool is_new, const char *name, struct error *err)
{
	struct stat st;
	struct file *file;

	if (name[0] == '.' || fstatat(maildir->sub[is_new], name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    !S_ISREG(st.st_mode))
		return 0;
	if (maildir->count == maildir->room) {
		size_t room = maildir->room == 0 ? 256 : 2 * maildir->room;
		struct file *grown = reallocarray(maildir->files, room, sizeof(*grown));

		if (grown == NULL)
			return error_errno(err, "a Maildir");
		maildir->files = grown;
		maildir->room = room;
	}
	file = &maildir->files[maildir->count];
	*file = (struct file){
	    .size = (uint64_t)st.st_size, .is_new = is_new, .uid = find_uid(maildir, name)};
	if ((file->name = strdup(name)) == NULL)
		return error_errno(err, "a Maildir");
	maildir->count++;
	return 0;
}

static int
read_folder(struct maildir *maildir, bool is_new, struct error *err)
{
	int again = openat(maildir->sub[is_new], ".", DIR_FLAGS), result = 0;
	DIR *dir = again == -1 ? NULL : fdopendir(again);
	struct dirent *entry;

	if (dir == NULL) {
		error_errno(err, "%s", is_new ? "new" : "cur");
		if (again != -1)
			close(again);
		return -1;
	}
	while (result == 0 && (entry = readdir(dir)) != NULL)
		result = add_file(maildir, is_new, entry->d_name, err);
	closedir(dir);
	return result;
}

/* In the order of their UIDs; then what has none, by its name, which begins with its time. */
static int
by_uid(const void *a, const void *b)
{
	const struct file *one = a, *other = b;
	uint32_t left = one->uid - 1, right = other->uid - 1; /* 0 is last */

	if (left != right)
		return left < right ? -1 : 1;
	return strcmp(one->name, other->name);
}

static int
maildir_open(struct maildir *maildir, int parent, const char *name, struct error *err)
{
	size_t length;
	char *text;

	*maildir = (struct maildir){.fd = openat(parent, name, DIR_FLAGS), .sub = {-1, -1}};
	if (maildir->fd == -1)
		return error_errno(err, "%s", name);
	maildir->sub[0] = openat(maildir->fd, "cur", DIR_FLAGS);
	maildir->sub[1] = openat(maildir->fd, "new", DIR_FLAGS);
	if (read_uidlist(maildir, err) == -1)
		return -1;
	text = read_small(maildir->fd, "dovecot-keywords", &length);
	maildir_keywords_read(text == NULL ? "" : text, length, &maildir->keywords);
	free(text);
	for (int i = 0; i < 2; i++) {
		if (maildir->sub[i] != -1 && read_folder(maildir, i == 1, err) == -1)
			return -1;
	}
	if (maildir->count > 0)
		qsort(maildir->files, maildir->count, sizeof(*maildir->files), by_uid);
	return 0;
}

/* The message in FILE; false: it is left out. */
static bool
read_message(struct import *import, const struct maildir *maildir, const struct file *file,
	     struct import_message *message)
{
	char keywords[MAILDIR_FLAGS_SIZE], *text = NULL;
	int fd = openat(maildir->sub[file->is_new], file->name, FILE_FLAGS);
	struct error err;
	struct stat st;
	size_t length = 0;

	*message = (struct import_message){.uid = file->uid};
	if (fd == -1 || fstat(fd, &st) == -1)
		(void)error_errno(&err, "it can't be read");
	else if (import_read_file(fd, &text, &length, &err) == 0 && length == 0)
		(void)error_set(&err, "it is empty");
	if (fd != -1)
		close(fd);
	if (text != NULL && length > 0) {
		message->octets = malloc(2 * length);
		message->flags = maildir_flags_read(file->name, &maildir->keywords, keywords);
		message->keywords = strdup(keywords);
		message->date = st.st_mtime;
		if (message->octets != NULL)
			message->length = text_to_crlf(text, length, message->octets);
		if (message->octets == NULL || message->keywords == NULL)
			(void)error_set(&err, "there is no memory for it");
		else if (message->length > IMPORT_MESSAGE_MAX)
			(void)error_set(&err, "it is too large");
		else {
			free(text);
			return true;
		}
	}
	free(text);
	free(message->octets);
	free(message->keywords);
	import_leave_out(import, file->name, err.text);
	return false;
}

static int
import_one(struct import *import, int parent, const char *name, const char *folder,
	   struct error *err)
{
	struct import_message message;
	struct maildir maildir;
	int result = maildir_open(&maildir, parent, name, err);

	if (result == 0)
		result = import_begin(import, folder, maildir.uidvalidity, maildir.uidnext, err);
	for (size_t i = 0; i < maildir.count && result == 0; i++) {
		if (read_message(import, &maildir, &maildir.files[i], &message))
			result = import_add(import, &message, err);
		import_progress(import, maildir.files[i].size);
	}
	if (result == 0)
		result = import_end(import, err);
	maildir_close(&maildir);
	return result;
}

/*
 * -- Folders ----------------------------------------------------------------------------
 */

static bool
has_folder(int parent, const char *name, const char *below)
{
	char path[MAILDIR_DIR_SIZE + 8];
	struct stat st;

	if (snprintf(path, sizeof(path), "%s/%s", name, below) >= (int)sizeof(path))
		return false;
	return fstatat(parent, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

struct dirs {
	char **list;
	size_t count;
};

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
dirs_free(struct dirs *dirs)
{
	for (size_t i = 0; i < dirs->count; i++)
		free(dirs->list[i]);
	free(dirs->list);
}

/* ".A", ".A.B", ... in the order of their names. */
static int
dirs_read(int fd, struct dirs *dirs, struct error *err)
{
	int again = openat(fd, ".", DIR_FLAGS), result = 0;
	DIR *dir = again == -1 ? NULL : fdopendir(again);
	struct dirent *entry;

	*dirs = (struct dirs){.count = 0};
	if (dir == NULL) {
		error_errno(err, "the Maildir");
		if (again != -1)
			close(again);
		return -1;
	}
	while (result == 0 && (entry = readdir(dir)) != NULL) {
		char **grown;

		if (entry->d_name[0] != '.' || entry->d_name[1] == '\0' ||
		    strcmp(entry->d_name, "..") == 0 || !has_folder(fd, entry->d_name, "cur"))
			continue;
		grown = reallocarray(dirs->list, dirs->count + 1, sizeof(*grown));
		if (grown != NULL)
			dirs->list = grown;
		if (grown == NULL || (grown[dirs->count] = strdup(entry->d_name)) == NULL)
			result = error_errno(err, "the Maildir");
		else
			dirs->count++;
	}
	closedir(dir);
	if (dirs->count > 0)
		qsort(dirs->list, dirs->count, sizeof(*dirs->list), by_name);
	return result;
}

bool
import_is_maildir(int fd)
{
	struct error err;
	struct dirs dirs;
	bool found;

	if (has_folder(fd, ".", "cur") || has_folder(fd, ".", "new"))
		return true;
	found = dirs_read(fd, &dirs, &err) == 0 && dirs.count > 0;
	dirs_free(&dirs);
	return found;
}

/* For the progress bar: what its cur and new have in octets. */
static void
add_octets(struct import *import, int parent, const char *name)
{
	struct maildir maildir;
	struct error err;

	if (maildir_open(&maildir, parent, name, &err) == 0) {
		for (size_t i = 0; i < maildir.count; i++)
			import->total += maildir.files[i].size;
	}
	maildir_close(&maildir);
}

/* Into FOLDER if one is given: what was in INBOX into itself, the others below it. */
static bool
target(const char *below, const char *folder, char out[FOLDER_NAME_MAX + 1])
{
	int length;

	if (folder == NULL)
		length = snprintf(out, FOLDER_NAME_MAX + 1, "%s", below);
	else if (strcmp(below, "INBOX") == 0)
		length = snprintf(out, FOLDER_NAME_MAX + 1, "%s", folder);
	else
		length = snprintf(out, FOLDER_NAME_MAX + 1, "%s/%s", folder, below);
	return length <= FOLDER_NAME_MAX;
}

static int
subscribe(struct import *import, const char *name, size_t length, const char *folder,
	  struct error *err)
{
	char below[FOLDER_NAME_MAX + 1], whole[FOLDER_NAME_MAX + 1], quoted[IMAP_QUOTED_SIZE];

	if (length == 0 || maildir_folder_read(name, length, below) == -1 ||
	    !target(below, folder, whole))
		return 0;
	if (imap_command(import->imap, NULL, NULL, err, "SUBSCRIBE %s",
			 imap_quote(whole, quoted)) == -1 &&
	    !imap_refused(import->imap))
		return -1;
	return 0;
}

/* Dovecot's: a name a line; version 2 has tabs between the levels. */
static int
subscriptions(struct import *import, int fd, const char *folder, struct error *err)
{
	size_t length;
	char *text = read_small(fd, "subscriptions", &length), *rest = text, *line;
	bool tabs = text != NULL && strncmp(text, "V\t2\n", 4) == 0;
	int result = 0;

	if (tabs)
		rest += 4;
	while (result == 0 && (line = strsep(&rest, "\n")) != NULL) {
		for (char *c = line; tabs && *c != '\0'; c++) {
			if (*c == '\t')
				*c = '.';
		}
		result = subscribe(import, line, strlen(line), folder, err);
	}
	free(text);
	return result;
}

static int
import_below(struct import *import, int fd, const struct dirs *dirs, const char *folder,
	     struct error *err)
{
	char below[FOLDER_NAME_MAX + 1], whole[FOLDER_NAME_MAX + 1];
	int result = 0;

	for (size_t i = 0; i < dirs->count && result == 0; i++) {
		const char *dir = dirs->list[i];

		if (maildir_folder_read(dir, strlen(dir), below) == -1 ||
		    !target(below, folder, whole))
			import_leave_out(import, dir, "this can't be a folder's name here");
		else
			result = import_one(import, fd, dir, whole, err);
	}
	return result;
}

int
import_maildir(struct import *import, int fd, const char *path, const char *folder,
	       struct error *err)
{
	bool root = has_folder(fd, ".", "cur") || has_folder(fd, ".", "new");
	struct dirs dirs;
	int result = dirs_read(fd, &dirs, err);

	if (result == 0 && import->bar) {
		if (root)
			add_octets(import, fd, ".");
		for (size_t i = 0; i < dirs.count; i++)
			add_octets(import, fd, dirs.list[i]);
	}
	if (result == 0 && root)
		result = import_one(import, fd, ".", folder == NULL ? "INBOX" : folder, err);
	if (result == 0)
		result = import_below(import, fd, &dirs, folder, err);
	if (result == 0)
		result = subscriptions(import, fd, folder, err);
	dirs_free(&dirs);
	return result == -1 ? error_prefix(err, "%s", path) : 0;
}
