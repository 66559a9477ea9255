/* SPDX-License-Identifier: ISC */
/*
 * pop3_lang - the argument of POP3's LANG (RFC 6856 3), which is a command before the login, and so
 * gate's, and behind it, where it is the session's. All that Postern says is English.
 */
#ifndef POSTERN_COMMON_POP3_LANG_H
#define POSTERN_COMMON_POP3_LANG_H

#include <stddef.h>

enum pop3_lang {
	POP3_LANG_LISTING, /* no argument: which languages are there? */
	POP3_LANG_ENGLISH,
	POP3_LANG_NONE, /* a range that nothing here matches */
};

/* What to say to it. */
#define POP3_LANG_LISTED "+OK one language\r\nen English\r\n."
#define POP3_LANG_CHOSEN "+OK en English it is"
#define POP3_LANG_REFUSED "-ERR no such language here, LANG lists what there is"

/*
 * RANGE: LENGTH octets of a basic language range (RFC 4647 2.1), in any case. "*", "en", and what
 * is more of English than we have ("en-GB": found by lookup, RFC 4647 3.4) are English.
 */
enum pop3_lang pop3_lang(const char *range, size_t length);

#endif
