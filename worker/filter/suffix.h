/* SPDX-License-Identifier: ISC */
/*
 * suffix - organizational domains (RFC 7489 3.2) by the public suffix list. libpsl has the list
 * that it was built with in itself; Debian's package publicsuffix brings a newer one.
 */
#ifndef POSTERN_WORKER_FILTER_SUFFIX_H
#define POSTERN_WORKER_FILTER_SUFFIX_H

/* Reads the newer list, if there is one. To be called once, before the sandbox closes. */
void suffix_load(void);

/*
 * The organizational domain of a name in lower case, A-labels: a suffix of NAME itself. All of it
 * if it is a public suffix, or has an empty label.
 */
const char *suffix_organization(const char *name);

#endif
