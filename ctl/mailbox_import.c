/* SPDX-License-Identifier: ISC */
/* posternctl mailbox import: a Maildir, a Maildir++ or an mbox file into a mailbox. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/import.h"
#include "ctl/options.h"

static int
import_path(struct import *import, const char *path, const char *folder, struct error *err)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), result;
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1)
		result = error_errno(err, "%s", path);
	else if (S_ISDIR(st.st_mode) && import_is_maildir(fd))
		result = import_maildir(import, fd, path, folder, err);
	else if (S_ISREG(st.st_mode))
		result = import_mbox(import, fd, path, folder, err);
	else
		result = error_set(err,
				   "%s: neither a Maildir (a folder with cur and new in it) nor an "
				   "mbox file",
				   path);
	if (fd != -1)
		close(fd);
	return result;
}

static int
run(struct import *import, const char *path, const char *folder)
{
	struct error err;
	int result = import_path(import, path, folder, &err);

	printf("%" PRIu64 " messages added, %" PRIu64 " were there already", import->added,
	       import->known);
	if (import->refused > 0)
		printf(", %" PRIu64 " left out", import->refused);
	printf(".\n");
	if (result == -1) {
		(void)ctl_error(&err);
		fputs("posternctl: the same command goes on where it has stopped\n", stderr);
	}
	return result == -1 || import->refused > 0 || fflush(stdout) == EOF ? CTL_FAILED : CTL_OK;
}

int
ctl_mailbox_import(int argc, char **argv)
{
	static const struct option table[] = {{"folder", required_argument, NULL, 'f'},
					      {NULL, 0, NULL, 0}};
	struct options options = {.table = table};
	char folder[FOLDER_NAME_MAX + 1] = "";
	struct mailbox mailbox;
	struct import *import;
	struct error err;
	int option, status;

	while ((option = options_next(&options, argc, argv)) != -1) {
		if (option != 'f')
			return CTL_USAGE;
		if (folder_name_take(optarg, folder, &err) == -1)
			return ctl_error(&err);
	}
	if (argc - optind != 2)
		return CTL_USAGE;
	import = calloc(1, sizeof(*import));
	if (import == NULL || mailbox_open_by(&mailbox, argv[optind]) == -1) {
		free(import);
		return CTL_FAILED;
	}
	import->imap = mailbox.imap;
	import->bar = isatty(STDERR_FILENO) == 1;
	status = run(import, argv[optind + 1], folder[0] == '\0' ? NULL : folder);
	import_free(import);
	free(import);
	mailbox_close(&mailbox);
	return status;
}
