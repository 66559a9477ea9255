/* SPDX-License-Identifier: ISC */
/*
 * load - puts an accounts.conf in force, or leaves the old one. It is parsed on a thread of the
 * pool: libconfig takes seconds for 100,000 accounts.
 */
#ifndef POSTERN_WORKER_ACCOUNTS_LOAD_H
#define POSTERN_WORKER_ACCOUNTS_LOAD_H

#include <stdint.h>

struct accounts_service;

/*
 * FD (taken) is the file. The master is told (MA_LOADED, quoting ID) when it is in force or
 * refused. If files come faster than they are read, those in between are left out.
 */
void load_file(struct accounts_service *, int fd, uint32_t generation, uint32_t id);

/* Logs a warning if accounts are in domains that are not ours, one if aliases lead to what is
 * nobody's in one that is, and one if postmaster is nobody. */
void load_warn(const struct accounts_service *);

#endif
