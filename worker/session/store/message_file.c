/* SPDX-License-Identifier: ISC */
#include "worker/session/store/message_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mime/lines.h"
#include "common/write_all.h"

#define COPY_SIZE 65536   /* less than what malloc() maps and unmaps each time */
#define PATH_SIZE_HERE 48 /* "msg/xx/ID" */

struct path {
	char text[PATH_SIZE_HERE];
};

static struct path
temporary_path(const char *id)
{
	struct path path;

	snprintf(path.text, sizeof(path.text), "tmp/%s", id);
	return path;
}

static struct path
final_path(const char *id)
{
	struct path path;

	snprintf(path.text, sizeof(path.text), "msg/%.2s/%s", id, id);
	return path;
}

static struct path
folder_path(const char *id)
{
	struct path path;

	snprintf(path.text, sizeof(path.text), "msg/%.2s", id);
	return path;
}

static int
make_folder(const char *name, struct error *err)
{
	if (mkdir(name, 0700) == -1 && errno != EEXIST)
		return error_errno(err, "%s", name);
	return 0;
}

static int
sync_folder(const char *name, struct error *err)
{
	int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1)
		return error_errno(err, "%s", name);
	if (fsync(fd) == -1) {
		error_errno(err, "fsync of %s", name);
		close(fd);
		return -1;
	}
	close(fd);
	return 0;
}

int
message_files_prepare(struct error *err)
{
	struct stat st;

	if (stat("tmp", &st) == 0 && stat("msg", &st) == 0)
		return 0;
	if (make_folder("tmp", err) == -1 || make_folder("msg", err) == -1)
		return -1;
	return sync_folder(".", err);
}

/* Ids come out of the index too, which a process before this one may have forged. */
static bool
is_id(const char *id)
{
	return strlen(id) == MESSAGE_ID_SIZE - 1 &&
	       strspn(id, "0123456789abcdef") == MESSAGE_ID_SIZE - 1;
}

static int
compare_ids(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int
add_left(struct message_id **ids, size_t *count, const char *name)
{
	struct message_id *more;

	/* A power of two has no room behind it. */
	if ((*count & (*count - 1)) == 0) {
		more = reallocarray(*ids, *count == 0 ? 1 : *count * 2, sizeof(*more));
		if (more == NULL)
			return -1;
		*ids = more;
	}
	memcpy((*ids)[(*count)++].text, name, MESSAGE_ID_SIZE);
	return 0;
}

static int
read_left(DIR *dir, struct message_id **ids, size_t *count, struct error *err)
{
	struct dirent *entry;

	/* cppcheck-suppress readdirCalled; nobody else reads this one */
	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (!is_id(entry->d_name)) {
			if (unlinkat(dirfd(dir), entry->d_name, 0) == -1)
				return error_errno(err, "tmp/%s", entry->d_name);
		} else if (add_left(ids, count, entry->d_name) == -1) {
			return error_errno(err, "tmp");
		}
	}
	return 0;
}

int
message_files_left(struct message_id **ids, size_t *count, struct error *err)
{
	DIR *dir = opendir("tmp");
	int result;

	*ids = NULL;
	*count = 0;
	if (dir == NULL)
		return error_errno(err, "tmp");
	result = read_left(dir, ids, count, err);
	closedir(dir);
	if (result == -1) {
		free(*ids);
		*ids = NULL;
		*count = 0;
	}
	if (*count > 0)
		qsort(*ids, *count, sizeof(**ids), compare_ids);
	return result;
}

static void
make_id(char id[MESSAGE_ID_SIZE])
{
	unsigned char bytes[16];

	arc4random_buf(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
}

static int
read_all(int fd, uint64_t offset, char *bytes, size_t length, struct error *err)
{
	while (length > 0) {
		ssize_t n = pread(fd, bytes, length, (off_t)offset);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return error_errno(err, "reading the message");
		if (n == 0)
			return error_set(err, "the message is shorter than announced");
		bytes += n;
		offset += (uint64_t)n;
		length -= (size_t)n;
	}
	return 0;
}

int
message_file_append(struct message_file *file, const void *data, size_t length, struct error *err)
{
	const char *bytes = data;

	if (length == 0)
		return 0;
	if (length > (uint64_t)INT64_MAX - file->size)
		return error_set(err, "the message is too large");
	if (write_all(file->fd, bytes, length) == -1)
		return error_errno(err, "writing a message file");
	file->end[0] = length >= 2 ? bytes[length - 2] : file->end[1];
	file->end[1] = bytes[length - 1];
	file->size += length;
	file->unterminated = memcmp(file->end, "\r\n", 2) != 0;
	return 0;
}

/* A small message takes one write, with its prefix. */
static int
copy(struct message_file *file, const char *prefix, int source, uint64_t size, char *buffer,
     struct error *err)
{
	size_t used = strlcpy(buffer, prefix, COPY_SIZE);
	uint64_t offset = 0;

	if (used >= COPY_SIZE || size > (uint64_t)INT64_MAX - COPY_SIZE)
		return error_set(err, "the message is too large");
	do {
		size_t room = COPY_SIZE - used;
		size_t part = size - offset < room ? (size_t)(size - offset) : room;

		if (read_all(source, offset, buffer + used, part, err) == -1 ||
		    message_file_append(file, buffer, used + part, err) == -1)
			return -1;
		offset += part;
		used = 0;
	} while (offset < size);
	return 0;
}

static int
fill(struct message_file *file, const char *prefix, int source, uint64_t size, struct error *err)
{
	char *buffer = malloc(COPY_SIZE);
	int result;

	if (buffer == NULL)
		return error_errno(err, "message file");
	result = copy(file, prefix, source, size, buffer, err);
	free(buffer);
	return result;
}

int
message_file_create(struct message_file *file, struct error *err)
{
	struct path path;

	*file = (struct message_file){.fd = -1, .unterminated = true};
	make_id(file->id);
	path = temporary_path(file->id);
	file->fd = open(path.text, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (file->fd != -1)
		return 0;
	error_errno(err, "%s", path.text);
	file->id[0] = '\0';
	return -1;
}

int
message_file_write(struct message_file *file, const char *prefix, int source, uint64_t size,
		   struct error *err)
{
	if (message_file_create(file, err) == -1)
		return -1;
	if (fill(file, prefix, source, size, err) == -1) {
		message_file_discard(file);
		return -1;
	}
	return 0;
}

struct lines {
	struct message_file *file;
	struct error *err;
	bool said; /* ERR is filled */
};

static int
append_line(const char *bytes, size_t length, void *arg)
{
	struct lines *lines = arg;

	lines->said = message_file_append(lines->file, bytes, length, lines->err) == -1;
	return lines->said ? -1 : 0;
}

static int
fill_lines(struct message_file *file, const char *prefix, const char *bytes, size_t size,
	   struct error *err)
{
	struct lines lines = {file, err, false};

	if (message_file_append(file, prefix, strlen(prefix), err) == -1)
		return -1;
	if (mime_to_lines(bytes, size, append_line, &lines) == 0)
		return 0;
	return lines.said ? -1 : error_set(err, "no memory for a binary message");
}

int
message_file_write_lines(struct message_file *file, const char *prefix, int source, uint64_t size,
			 struct error *err)
{
	char *bytes = size < SIZE_MAX ? malloc((size_t)size + 1) : NULL;
	int result;

	if (bytes == NULL)
		return error_errno(err, "a binary message");
	result = read_all(source, 0, bytes, (size_t)size, err);
	if (result == 0)
		result = message_file_create(file, err);
	if (result == 0 && fill_lines(file, prefix, bytes, (size_t)size, err) == -1) {
		message_file_discard(file);
		result = -1;
	}
	free(bytes);
	return result;
}

/* Even an fsync() with nothing to write flushes the disk's cache: none is made without need. */
static int
sync_each(const struct message_file *files, size_t count, struct error *err)
{
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		if (files[i].id[0] == '\0')
			continue;
		if (fdatasync(files[i].fd) == -1)
			return error_errno(err, "fdatasync of a message file");
		any = true;
	}
	return any ? sync_folder("tmp", err) : 0;
}

int
message_files_sync(int root, struct message_file *files, size_t count, struct error *err)
{
	int result;

	if (count < SYNC_ALL_FROM)
		result = sync_each(files, count, err);
	else if ((result = syncfs(root)) == -1)
		error_errno(err, "syncfs of the mailbox");
	for (size_t i = 0; i < count; i++) {
		if (files[i].fd != -1)
			close(files[i].fd);
		files[i].fd = -1;
	}
	return result;
}

void
message_file_place(const char *id)
{
	struct path from = temporary_path(id), to = final_path(id);

	if (renameat(AT_FDCWD, from.text, AT_FDCWD, to.text) == 0 || errno != ENOENT)
		return;
	if (mkdir(folder_path(id).text, 0700) == 0 || errno == EEXIST)
		(void)renameat(AT_FDCWD, from.text, AT_FDCWD, to.text);
}

void
message_file_discard(struct message_file *file)
{
	if (file->fd != -1)
		close(file->fd);
	file->fd = -1;
	if (file->id[0] != '\0')
		unlink(temporary_path(file->id).text);
	file->id[0] = '\0';
}

int
message_file_open(const char *id)
{
	int fd;

	if (!is_id(id)) {
		errno = EINVAL;
		return -1;
	}
	fd = open(final_path(id).text, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		fd = open(temporary_path(id).text, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd;
}

int
message_file_size(const char *id, uint64_t *size)
{
	struct stat st;

	if (!is_id(id)) {
		errno = EINVAL;
		return -1;
	}
	if (lstat(final_path(id).text, &st) == -1 &&
	    (errno != ENOENT || lstat(temporary_path(id).text, &st) == -1))
		return -1;
	*size = (uint64_t)st.st_size;
	return 0;
}

void
message_file_remove(const char *id)
{
	if (is_id(id) && unlink(final_path(id).text) == -1 && errno == ENOENT)
		unlink(temporary_path(id).text);
}
