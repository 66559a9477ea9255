/* SPDX-License-Identifier: ISC */
/* discard - the end of a client's stream, so that what was said last is read. */
#ifndef POSTERN_WORKER_SESSION_DISCARD_H
#define POSTERN_WORKER_SESSION_DISCARD_H

/*
 * Says on FD, which does not block, that nothing more comes, and throws input away, some of it at
 * most: closing a socket with input unread would be an error for the other end, which might then
 * throw away what we said last. FD stays open.
 */
void discard_input(int fd);

#endif
