/* SPDX-License-Identifier: ISC */
/* Into an mbox file, which gets its name when it is whole. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/export.h"
#include "ctl/mbox_text.h"

/* What mail programs keep flags in; they read it away again, as import does. */
static void
write_head(const struct export_entry *entry, FILE *file)
{
	char line[MBOX_FROM_SIZE];

	fputs(mbox_from_line(entry->date, line), file);
	fprintf(file, "Status: %sO\n", (entry->flags & MESSAGE_SEEN) != 0 ? "R" : "");
	if ((entry->flags & ~MESSAGE_SEEN) != 0)
		fprintf(file, "X-Status: %s%s%s%s\n",
			(entry->flags & MESSAGE_ANSWERED) != 0 ? "A" : "",
			(entry->flags & MESSAGE_FLAGGED) != 0 ? "F" : "",
			(entry->flags & MESSAGE_DELETED) != 0 ? "D" : "",
			(entry->flags & MESSAGE_DRAFT) != 0 ? "T" : "");
	if (entry->keywords[0] != '\0')
		fprintf(file, "X-Keywords: %s\n", entry->keywords);
}

/* One that is expunged between the two looks at it leaves its head behind: it is taken back. */
static int
write_message(struct export *export, const struct export_entry *entry, FILE *file,
	      struct error *err)
{
	off_t begin = ftello(file);
	int result;

	if (begin == -1)
		return error_errno(err, "writing");
	write_head(entry, file);
	result = export_write(export, entry, file, true, err);
	if (result == 1)
		export->added++;
	else if (result == 0 && (fflush(file) == EOF || ftruncate(fileno(file), begin) == -1 ||
				 fseeko(file, begin, SEEK_SET) == -1))
		return error_errno(err, "writing");
	return result == -1 ? -1 : 0;
}

static int
fill(struct export *export, FILE *file, struct error *err)
{
	for (size_t i = 0; i < export->count; i++) {
		if (write_message(export, &export->list[i], file, err) == -1)
			return -1;
	}
	if (fflush(file) == EOF || fsync(fileno(file)) == -1)
		return error_errno(err, "writing");
	return 0;
}

int
export_mbox(struct export *export, int parent, const char *name, bool resume, struct error *err)
{
	char temporary[512];
	struct stat st;
	FILE *file;
	int fd, result;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		export->known += export->count;
		return resume ? 0
			      : error_set(err, "%s: is there already: choose another name", name);
	}
	if (snprintf(temporary, sizeof(temporary), "%s.unfinished", name) >= (int)sizeof(temporary))
		return error_set(err, "%s: the name is too long", name);
	(void)unlinkat(parent, temporary, 0);
	fd = openat(parent, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	file = fd == -1 ? NULL : fdopen(fd, "w");
	if (file == NULL) {
		error_errno(err, "%s", temporary);
		if (fd != -1)
			close(fd);
		return -1;
	}
	result = fill(export, file, err);
	if (fclose(file) == EOF && result == 0)
		result = error_errno(err, "writing");
	if (result == 0 && renameat2(parent, temporary, parent, name, RENAME_NOREPLACE) == -1)
		result = error_errno(err, "giving it its name");
	if (result == -1) {
		(void)unlinkat(parent, temporary, 0);
		return error_prefix(err, "%s", name);
	}
	return 0;
}
