/* SPDX-License-Identifier: ISC */
/* watch - notices that accounts.conf, or a file by which clients' certificates are checked, was
 * changed, replaced, made or removed. */
#ifndef POSTERN_MASTER_WATCH_H
#define POSTERN_MASTER_WATCH_H

struct master;

/* Watches the folder of the configuration's accounts file, and, if it is a symbolic link, that of
 * the file it leads to. Where that can't be done the log says
 * so, and the file is read again on SIGHUP only. Any watch there was is replaced. */
void watch_start(struct master *);
void watch_stop(struct master *);

#endif
