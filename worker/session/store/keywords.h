/* SPDX-License-Identifier: ISC */
/*
 * keywords - lists of keywords, as atoms with a space between. They are compared without case (RFC
 * 9051 2.3.2); how one is spelt is what a folder saw first.
 */
#ifndef POSTERN_WORKER_SESSION_STORE_KEYWORDS_H
#define POSTERN_WORKER_SESSION_STORE_KEYWORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/session/store.h"

#define KEYWORDS_SIZE 4096   /* octets of a message's keywords, with a NUL */
#define KEYWORD_MAX 255      /* octets of one */
#define KEYWORDS_FOLDER 5000 /* different ones in a folder */

/* Pure: 0, or -1: not atoms (RFC 9051 9: atom). */
int keywords_check(const char *list, struct error *);

/* Pure: is WORD (LENGTH octets) in LIST? */
bool keywords_has(const char *list, const char *word, size_t length);

/*
 * Pure: OUT is what OLD becomes by CHANGE; *CHANGED whether that is another set. 0, or -1: more
 * than KEYWORDS_SIZE.
 */
int keywords_apply(enum store_flags_how how, const char *old, const char *change,
		   char out[KEYWORDS_SIZE], bool *changed);

/*
 * Inside a transaction: LIST without doubles, in the folder's spelling. NEW_ONES: what is new goes
 * into its list. STORE_REFUSED, STORE_LIMIT.
 */
enum store_result keywords_spell(struct store *, int64_t folder, const char *list, bool new_ones,
				 char out[KEYWORDS_SIZE], struct error *);

/* Inside a transaction: UID came into FOLDER with its keywords from another one. */
enum store_result keywords_copied(struct store *, int64_t folder, uint32_t uid, struct error *);

#endif
