/* SPDX-License-Identifier: ISC */
/*
 * imap - posternctl as an IMAP client of a mailbox's session process, over the stream that the
 * master hands over (CM_MAILBOX). One thing at a time, blocking, with a time limit.
 *
 * After a call that failed for another reason than the server's NO the stream is of no use any
 * more: every call fails then.
 */
#ifndef POSTERN_CTL_IMAP_H
#define POSTERN_CTL_IMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/proto/types.h"
#include "ctl/imap_words.h"

#define IMAP_TIMEOUT 300                  /* seconds of silence */
#define IMAP_RESPONSE_MAX (1u << 20)      /* octets of one response, as far as it is kept */
#define IMAP_BODY_MAX ((uint64_t)1 << 32) /* octets of a message */
#define IMAP_SET_MAX 16384                /* octets of a set of UIDs in one command */

struct imap;

/*
 * An untagged response, without its "* " and its line end; LENGTH octets, a NUL behind; may be
 * changed. 0, or -1 with ERR: the command fails.
 */
typedef int imap_each_fn(char *response, size_t length, void *arg, struct error *);

/*
 * Octets of BODY[] as they come; each() follows when its response is whole, with "" in place of
 * them. 0, or -1 with ERR.
 */
typedef int imap_body_fn(const char *octets, size_t length, void *arg, struct error *);

/* Asks the server whose state folder is STATE for the mailbox of ADDRESS. 0, or -1 with ERR. */
int imap_open(struct imap **, const char *state, const char *address, struct error *);
/* NULL is fine. */
void imap_close(struct imap *);

const char *imap_address(const struct imap *);

/* Without a BODY function what comes is kept in the response, up to its bound. */
void imap_set_body(struct imap *imap, imap_body_fn *body, void *arg);

/*
 * Sends a command and waits until it is done. 0 if it is OK; -1 with ERR, of which imap_refused()
 * then tells whether the server said NO. EACH may be NULL.
 */
int imap_command(struct imap *, imap_each_fn *each, void *arg, struct error *, const char *format,
		 ...) __attribute__((format(printf, 5, 6)));
bool imap_refused(const struct imap *);

/* The same in pieces: a command's tag and beginning, octets, and its line end and answer. */
int imap_begin(struct imap *, struct error *, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int imap_send(struct imap *, const void *octets, size_t length, struct error *);
int imap_finish(struct imap *, imap_each_fn *each, void *arg, struct error *);

/* A string in quotes. TEXT has no line ends; OUT has 2 * strlen(TEXT) + 3 octets. Returns OUT. */
char *imap_quote(const char *text, char *out);
#define IMAP_QUOTED_SIZE (2 * FOLDER_NAME_MAX + 3)

/*
 * Writes UIDs (ascending) as a set, as many as have room in OUT (IMAP_SET_MAX). Returns how many.
 */
size_t imap_write_set(const uint32_t *uids, size_t count, char *out);

#endif
