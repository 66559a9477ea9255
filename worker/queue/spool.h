/* SPDX-License-Identifier: ISC */
/*
 * spool - the files of the queue: what gates are writing, and the bodies too large for queue.db.
 *
 *   in.N       a gate writes to it, or did; nothing in it has been acknowledged
 *   body.ID    the body of message ID, complete and on disk before its row is; without one it is
 * left over
 *
 * All lie in the one directory (Landlock's first version can't rename across directories).
 */
#ifndef POSTERN_WORKER_QUEUE_SPOOL_H
#define POSTERN_WORKER_QUEUE_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct spool;

/*
 * DIRECTORY stays the caller's and must outlive the spool. Refuses a file system without leases,
 * which spool_seal() needs. NULL with ERR filled.
 */
struct spool *spool_open(int directory, struct error *);
void spool_close(struct spool *);

/*
 * Removes every file that KNOWN does not claim: what a predecessor had not acknowledged. Other
 * names than the two above are left alone. Returns how many, or -1 with ERR filled.
 */
typedef bool spool_known_fn(uint64_t id, void *arg);
int spool_clean(struct spool *, spool_known_fn *known, void *arg, struct error *err);

/* Room for SIZE bytes more and for the database to work. */
bool spool_has_space(const struct spool *, uint64_t size);

/* A fresh in.N, empty, open for writing only. Returns the descriptor, or -1 with errno. */
int spool_create(struct spool *, uint32_t *slot);

/*
 * Proves that nobody can write to in.SLOT any more, wherever its descriptor has been passed: the
 * kernel grants a read lease only on a file that no one has open for writing, and nobody but this
 * process can open it again. Returns a descriptor for reading, or -1 with errno: EBUSY means that
 * somebody still can.
 */
int spool_seal(struct spool *, uint32_t slot);

/*
 * To keep sealed files: spool_keep() moves in.SLOT to body.ID; after spool_write() the bytes of FD
 * are on disk, and after spool_sync() all the names. In this order, for then a file system with a
 * journal writes the names with the first of the files, and not once more. spool_start_writing()
 * before all that lets the disk work on many files at once. 0, or -1 with errno.
 */
void spool_start_writing(int fd);
int spool_keep(struct spool *, uint32_t slot, uint64_t id);
int spool_write(int fd);
int spool_sync(const struct spool *);

/*
 * A file that was not needed: kept for the next spool_create() if it is empty and nobody can write
 * to it, else removed. (One that has been written to is not worth it: an ext4 that sees a file cut
 * to nothing and written again takes it for a careless save, and starts writing when it is closed.)
 */
void spool_recycle(struct spool *, uint32_t slot);
/* Removes it; a gate may still be writing. */
void spool_discard(struct spool *, uint32_t slot);

/* body.ID, for reading, or -1 with errno. */
int spool_read(const struct spool *, uint64_t id);
void spool_remove(const struct spool *, uint64_t id);

/* A descriptor of an unnamed file with these bytes that nobody can change. -1 with errno. */
int spool_memory(const void *bytes, size_t size);

#endif
