/* SPDX-License-Identifier: ISC */
/* The certs folder, read and written; no socket, no program, no process. */
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
    NULL,
};

const struct sandbox_rules certd_sandbox_rules = {
    .role = "certd",
    .files = SANDBOX_READ_WRITE,
    .syscalls = syscalls,
    /* One channel a gate, and a gate may be one connection. */
    .descriptors = 16384,
};
