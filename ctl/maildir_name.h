/* SPDX-License-Identifier: ISC */
/*
 * maildir_name - what the names and small files of a Maildir++ say: flags behind ":2,", folders
 * ".A.B", dovecot-uidlist, dovecot-keywords. Pure functions over text that a user wrote.
 */
#ifndef POSTERN_CTL_MAILDIR_NAME_H
#define POSTERN_CTL_MAILDIR_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl/imap_words.h"

#define MAILDIR_KEYWORDS 26     /* letters a to z */
#define MAILDIR_KEYWORD_MAX 128 /* octets of a keyword; longer ones are left out */
#define MAILDIR_DIR_SIZE 256    /* NAME_MAX and a NUL */
#define MAILDIR_LETTERS_SIZE 40

struct maildir_keywords {
	char name[MAILDIR_KEYWORDS][MAILDIR_KEYWORD_MAX + 1]; /* "": none */
};

/* Can this be a keyword (RFC 9051 9, flag-keyword)? */
bool keyword_is_fine(const char *text, size_t length);

/* dovecot-keywords: "0 $Forwarded" a line. What is no such line is left out. */
void maildir_keywords_read(const char *text, size_t length, struct maildir_keywords *);
/* The keyword's letter; one is given to it if there is one left. 0: there is none. */
char maildir_keyword_letter(struct maildir_keywords *, const char *keyword, size_t length);

/* The octets of a file's name in front of its ":2," or what else follows a colon. */
size_t maildir_base_length(const char *name);

/*
 * MESSAGE_ bits, and the keywords with a space between in OUT (MAILDIR_FLAGS_SIZE): P is
 * $Forwarded.
 */
#define MAILDIR_FLAGS_SIZE ((MAILDIR_KEYWORDS + 1) * (MAILDIR_KEYWORD_MAX + 1) + 16)
unsigned maildir_flags_read(const char *name, const struct maildir_keywords *, char *out);
/* The letters in their order; of $Forwarded P and one for Dovecot. False: a keyword has found no
 * letter, and is left out. */
bool maildir_flags_write(unsigned flags, const char *keywords, struct maildir_keywords *,
			 char out[MAILDIR_LETTERS_SIZE]);

/* ".A.B" is A/B, in modified UTF-7; also without the first dot. -1: it can't be a folder's. */
int maildir_folder_read(const char *dir, size_t length, char out[FOLDER_NAME_MAX + 1]);
/* A/B is ".A.B", INBOX is "."; a dot in a name is "&AC4-". -1: it doesn't fit. */
int maildir_folder_write(const char *folder, char out[MAILDIR_DIR_SIZE]);

struct maildir_uidlist {
	uint32_t uidvalidity; /* 0: there is no header that can be read */
	uint32_t uidnext;
	size_t at; /* where the next line begins */
};

/* dovecot-uidlist, version 3 or 1: its header, then line by line. */
void maildir_uidlist_begin(const char *text, size_t length, struct maildir_uidlist *);
/* False: there are no more. BASE is inside of TEXT. What is no such line is left out. */
bool maildir_uidlist_next(const char *text, size_t length, struct maildir_uidlist *, uint32_t *uid,
			  const char **base, size_t *base_length);

#endif
