/* SPDX-License-Identifier: ISC */
/* posternctl mailbox export: a folder or all of them, into a Maildir++ or mbox files. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/export.h"
#include "ctl/maildir_name.h"

struct wanted {
	const char *folder; /* NULL: all */
	const char *path;
	bool mbox;
};

/* PATH as a folder, made if it is missing. */
static int
open_folder(const char *path, struct error *err)
{
	int fd;

	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		return error_errno(err, "%s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return error_errno(err, "%s", path);
	return fd;
}

static int
export_folder(struct export *export, const struct folder *folder, int root, const char *dir,
	      bool mbox, struct error *err)
{
	char file[MAILDIR_DIR_SIZE + 8];
	int result = export_begin(export, folder, err);

	snprintf(file, sizeof(file), "%s.mbox", dir[1] == '\0' ? "INBOX" : dir + 1);
	if (result == 0)
		result = mbox ? export_mbox(export, root, file, true, err)
			      : export_maildir(export, root, dir, err);
	export_end(export);
	return result;
}

static int
export_all(struct export *export, const struct wanted *wanted, const struct folders *folders,
	   struct error *err)
{
	char dir[MAILDIR_DIR_SIZE];
	int root = open_folder(wanted->path, err), result = 0;

	if (root == -1)
		return -1;
	for (size_t i = 0; i < folders->count && result == 0; i++) {
		const struct folder *folder = &folders->list[i];

		if (!folder->selectable)
			continue;
		if (maildir_folder_write(folder->name, dir) == -1)
			result = error_set(err, "folder %.100s: its name is too long for a file",
					   folder->name);
		else
			result = export_folder(export, folder, root, dir, wanted->mbox, err);
	}
	if (result == 0 && !wanted->mbox)
		result = export_subscriptions(folders, root, err);
	close(root);
	return result;
}

/* Into the file PATH itself. */
static int
export_one_mbox(struct export *export, const struct folder *folder, const char *path,
		struct error *err)
{
	char copy[PATH_MAX], again[PATH_MAX];
	int parent, result;

	if (strlcpy(copy, path, sizeof(copy)) >= sizeof(copy))
		return error_set(err, "the path is too long");
	strlcpy(again, path, sizeof(again));
	parent = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent == -1)
		return error_errno(err, "%s", path);
	result = export_begin(export, folder, err);
	if (result == 0)
		result = export_mbox(export, parent, basename(again), false, err);
	export_end(export);
	close(parent);
	return result;
}

static int
export_one(struct export *export, const struct wanted *wanted, const struct folders *folders,
	   struct error *err)
{
	const struct folder *folder = folders_find(folders, wanted->folder);
	int root, result;

	if (folder == NULL || !folder->selectable)
		return error_set(err,
				 "there is no folder %.100s: posternctl mailbox show shows those "
				 "that are",
				 wanted->folder);
	if (wanted->mbox)
		return export_one_mbox(export, folder, wanted->path, err);
	if ((root = open_folder(wanted->path, err)) == -1)
		return -1;
	result = export_folder(export, folder, root, ".", false, err);
	close(root);
	return result;
}

static int
run(struct imap *imap, const struct wanted *wanted)
{
	struct export export = {.imap = imap};
	struct folders folders;
	struct error err;
	int result = folders_read(imap, &folders, &err);

	if (result == 0 && wanted->folder == NULL)
		result = export_all(&export, wanted, &folders, &err);
	else if (result == 0)
		result = export_one(&export, wanted, &folders, &err);
	if (result == 0)
		folders_warn(imap, &folders);
	if (export.no_letter > 0)
		fprintf(stderr,
			"posternctl: %" PRIu64 " messages are without some of their keywords: a "
			"Maildir has room for %d\n",
			export.no_letter, MAILDIR_KEYWORDS);
	printf("%" PRIu64 " messages written, %" PRIu64 " were there already.\n", export.added,
	       export.known);
	if (result == -1)
		(void)ctl_error(&err);
	result = result == -1 || folders.unfit > 0 ? CTL_FAILED : CTL_OK;
	folders_free(&folders);
	return fflush(stdout) == EOF ? CTL_FAILED : result;
}

int
ctl_mailbox_export(int argc, char **argv)
{
	static const struct option options[] = {
	    {"all", no_argument, NULL, 'a'}, {"mbox", no_argument, NULL, 'm'}, {NULL, 0, NULL, 0}};
	struct wanted wanted = {.mbox = false};
	char folder[FOLDER_NAME_MAX + 1];
	struct mailbox mailbox;
	struct error err;
	bool all = false;
	int option, status;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'a')
			all = true;
		else if (option == 'm')
			wanted.mbox = true;
		else
			return CTL_USAGE;
	}
	if (argc - optind != (all ? 2 : 3))
		return CTL_USAGE;
	if (!all && folder_name_take(argv[optind + 1], folder, &err) == -1)
		return ctl_error(&err);
	wanted.folder = all ? NULL : folder;
	wanted.path = argv[argc - 1];
	if (mailbox_open_by(&mailbox, argv[optind]) == -1)
		return CTL_FAILED;
	status = run(mailbox.imap, &wanted);
	mailbox_close(&mailbox);
	return status;
}
