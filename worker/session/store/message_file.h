/* SPDX-License-Identifier: ISC */
/*
 * message_file - the files that hold messages, in the current directory.
 *
 * A file is written as tmp/ID and synced there; then a transaction makes it the mailbox's; then it
 * is renamed to msg/xx/ID, its place for ever (xx are ID's first two digits). The rename needs no
 * sync: a file that a row points to is looked for at both places, and one in tmp/ that no row
 * points to was never acknowledged.
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
	char end[2];       /* its last two octets */
	bool unterminated; /* does not end with CRLF */
	int fd;            /* open until synced, or -1 */
};

/* Makes tmp/ and msg/. 0, or -1 with ERR filled. */
int message_files_prepare(struct error *);

/*
 * What a crash left in tmp/: *IDS is the caller's to free(), in the order of their octets; what is
 * no id is removed.
 */
struct message_id {
	char text[MESSAGE_ID_SIZE];
};
int message_files_left(struct message_id **ids, size_t *count, struct error *);

/* A new file, empty. 0 with its id and fd, or -1 with ERR filled. */
int message_file_create(struct message_file *, struct error *);
/* Appends to it. 0, or -1 with ERR filled: then it can only be discarded. */
int message_file_append(struct message_file *, const void *bytes, size_t length, struct error *);

/*
 * Writes a new file: PREFIX, then SIZE bytes of SOURCE from its offset 0, no more and no less (the
 * source is another process's file and may grow, shrink or lie). Returns 0 with FILE filled and its
 * fd open, or -1 with ERR filled and nothing left behind. Not yet on disk.
 */
int message_file_write(struct message_file *, const char *prefix, int source, uint64_t size,
		       struct error *);

/*
 * The same for a message whose body is not lines of text: as mime/lines makes it, whose size is the
 * file's. All of it is in memory meanwhile.
 */
int message_file_write_lines(struct message_file *, const char *prefix, int source, uint64_t size,
			     struct error *);

/*
 * Brings files that were written, and their names, to the disk, and closes their descriptors: one
 * by one or, from SYNC_ALL_FROM on, with one syncfs(ROOT). COUNT includes those without an id.
 */
#define SYNC_ALL_FROM 3
int message_files_sync(int root, struct message_file *, size_t count, struct error *);

/* To its place. If that fails it stays in tmp/, and is found there. */
void message_file_place(const char *id);

/* A file that never counted: closed and removed. */
void message_file_discard(struct message_file *);

/* A descriptor to read ID with, or -1 with errno (EINVAL: not an id). */
int message_file_open(const char *id);

/* Is it there (with a size)? -1 with errno, as above. */
int message_file_size(const char *id, uint64_t *size);

/* Removes a file; it is nobody's fault if that fails. */
void message_file_remove(const char *id);

#endif
