/* SPDX-License-Identifier: ISC */
/*
 * message_file - the files that hold messages, in the current directory: tmp/ID while one is
 * written, then msg/xx/ID for ever; xx are ID's first two digits. Which of them count is the
 * index's to say: one without a row there is an orphan, left for `posternctl mailbox check`.
 */
#ifndef POSTERN_WORKER_SESSION_STORE_MESSAGE_FILE_H
#define POSTERN_WORKER_SESSION_STORE_MESSAGE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define MESSAGE_ID_SIZE 33 /* 128 random bits in hex, and a NUL */

struct message_file {
	char id[MESSAGE_ID_SIZE]; /* "" is none */
	uint64_t size;
	bool unterminated; /* does not end with CRLF */
	bool new_folder;   /* the first in its subfolder */
	int fd;            /* open until synced, or -1 */
};

/* Makes tmp/ and msg/, and removes what a crash left in tmp/. */
int message_files_prepare(struct error *);

/*
 * Writes a new file: PREFIX, then SIZE bytes of SOURCE from its offset 0, no more and no less (the
 * source is another process's file and may grow, shrink or lie). Returns 0 with FILE filled and its
 * fd open, or -1 with ERR filled and nothing left behind. Not yet on disk.
 */
int message_file_write(struct message_file *, const char *prefix, int source, uint64_t size,
		       struct error *);

/*
 * Brings files that were written, and their names, to the disk, and closes their descriptors: one
 * by one or, from SYNC_ALL_FROM on, with one syncfs(ROOT). COUNT includes those without an id.
 */
#define SYNC_ALL_FROM 3
int message_files_sync(int root, struct message_file *, size_t count, struct error *);

/* A descriptor to read ID with, or -1 with errno (EINVAL: not an id). */
int message_file_open(const char *id);

/* Removes a file; it is nobody's fault if that fails: an orphan stays. */
void message_file_remove(const char *id);

#endif
