/* SPDX-License-Identifier: ISC */
/* answers - what queue asks accounts (accounts_queue.h): whose an address is, and who may use one.
 */
#ifndef POSTERN_WORKER_ACCOUNTS_ANSWERS_H
#define POSTERN_WORKER_ACCOUNTS_ANSWERS_H

struct accounts_service;

/* A new channel to queue (FD is taken); the one before is dead. */
void answers_open(struct accounts_service *, int fd);

#endif
