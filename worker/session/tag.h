/* SPDX-License-Identifier: ISC */
/* tag - what a forward-path says behind the name of a mailbox: user+tag@domain. Pure. */
#ifndef POSTERN_WORKER_SESSION_TAG_H
#define POSTERN_WORKER_SESSION_TAG_H

#include <stdbool.h>

#define TAG_SIZE 65

/*
 * Mail for PATH is in MAILBOX (user@domain, lower case). OUT is its tag, "" if there is none that
 * may name a folder: no levels (a slash), and not longer than that; nor if another domain or an
 * alias led here, whose tags mean something else.
 */
void tag_of(const char *mailbox, const char *path, char separator, char out[TAG_SIZE]);

#endif
