/* SPDX-License-Identifier: ISC */
/* The certs folder, read and written; no socket, no program, no process. */
#include <sys/socket.h>

#include "certd/certd.h"

static const char *const syscalls[] = {
    /* reading the folder and its files */
    "openat",
    "newfstatat",
    "getdents64",
    "lseek",
    /* putting new ones there (folder.c, journal.c) */
    "flock",
    "linkat",
    "fsync",
    "renameat",
    "renameat2",
    "unlinkat",
    /* the folder of the authority for clients (authority.c), when it is made */
    "mkdirat",
    NULL,
};

/* A channel to the importer for each job; a pair is connected to nothing but itself. */
static const struct sandbox_argument arguments[] = {{"socketpair", 0, UINT64_MAX, AF_UNIX},
						    {NULL, 0, 0, 0}};

const struct sandbox_rules certd_sandbox_rules = {
    .role = "certd",
    .files = SANDBOX_READ_WRITE,
    .syscalls = syscalls,
    .arguments = arguments,
    /* One channel a gate, and a gate may be one connection. */
    .descriptors = 16384,
};
