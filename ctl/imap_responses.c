/* SPDX-License-Identifier: ISC */
/* FETCH, LIST and STATUS responses (RFC 9051 7.3, 7.5). */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "common/ascii.h"
#include "ctl/imap_words.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/*
 * -- Dates --------------------------------------------------------------------------
 */

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static bool
two_digits(const char *text, int *value)
{
	if (!ascii_is_digit(text[0]) || !ascii_is_digit(text[1]))
		return false;
	*value = 10 * (text[0] - '0') + (text[1] - '0');
	return true;
}

static bool
month(const char *text, int *value)
{
	for (int i = 0; i < 12; i++) {
		if (strncasecmp(text, months + 3 * i, 3) == 0) {
			*value = i;
			return true;
		}
	}
	return false;
}

/* " 7-Feb-1994 21:52:25 -0800": each thing at its place. */
bool
read_date_time(const char *text, size_t length, int64_t *seconds)
{
	struct tm tm = {.tm_isdst = 0};
	char copy[27];
	int century, year, hours, minutes, zone;

	if (length != 26)
		return false;
	memcpy(copy, text, 26);
	copy[26] = '\0';
	if (copy[0] == ' ')
		copy[0] = '0';
	if (!two_digits(copy, &tm.tm_mday) || copy[2] != '-' || !month(copy + 3, &tm.tm_mon) ||
	    copy[6] != '-' || !two_digits(copy + 7, &century) || !two_digits(copy + 9, &year) ||
	    copy[11] != ' ' || !two_digits(copy + 12, &tm.tm_hour) || copy[14] != ':' ||
	    !two_digits(copy + 15, &tm.tm_min) || copy[17] != ':' ||
	    !two_digits(copy + 18, &tm.tm_sec) || copy[20] != ' ' ||
	    (copy[21] != '+' && copy[21] != '-') || !two_digits(copy + 22, &hours) ||
	    !two_digits(copy + 24, &minutes))
		return false;
	if (tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 ||
	    tm.tm_sec > 60 || minutes > 59)
		return false;
	tm.tm_year = 100 * century + year - 1900;
	zone = 3600 * hours + 60 * minutes;
	*seconds = (int64_t)timegm(&tm) - (copy[21] == '-' ? -zone : zone);
	return true;
}

const char *
write_date_time(int64_t seconds, char out[DATE_TIME_SIZE])
{
	time_t time = (time_t)seconds;
	struct tm tm;

	/* What the grammar has no words for: the epoch. */
	if (gmtime_r(&time, &tm) == NULL || tm.tm_year < -1900 || tm.tm_year > 9999 - 1900)
		(void)gmtime_r(&(time_t){0}, &tm);
	snprintf(out, DATE_TIME_SIZE, "\"%02u-%.3s-%04u %02u:%02u:%02u +0000\"",
		 (unsigned)tm.tm_mday % 100, months + 3 * tm.tm_mon,
		 (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_hour % 100,
		 (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
	return out;
}

/*
 * -- FETCH ----------------------------------------------------------------------------
 */

static const struct {
	const char *name;
	unsigned bit;
} flags[] = {
    {"\\Seen", MESSAGE_SEEN},       {"\\Answered", MESSAGE_ANSWERED},
    {"\\Flagged", MESSAGE_FLAGGED}, {"\\Deleted", MESSAGE_DELETED},
    {"\\Draft", MESSAGE_DRAFT},
};

/* False: it is not a flag of the system. */
static bool
take_flag(const struct word *word, unsigned *out)
{
	for (size_t i = 0; i < COUNT(flags); i++) {
		if (word_is(word, flags[i].name)) {
			*out |= flags[i].bit;
			return true;
		}
	}
	/* \Recent, and what else there may be. */
	return word->length > 0 && word->at[0] == '\\';
}

/* The keywords move together to where the list began; they need less room than it had. */
static bool
read_flags(struct words *words, struct fetched *out)
{
	struct word word = words_next(words);
	char *begin = word.at, *to = begin;

	if (word.kind != WORD_OPEN)
		return false;
	while ((word = words_next(words)).kind == WORD_ATOM) {
		if (take_flag(&word, &out->flags))
			continue;
		if (to != begin)
			*to++ = ' ';
		memmove(to, word.at, word.length);
		to += word.length;
	}
	if (word.kind != WORD_CLOSE)
		return false;
	*to = '\0';
	out->keywords = begin;
	out->has |= FETCHED_FLAGS;
	return true;
}

static bool
read_number(struct words *words, uint64_t max, uint64_t *number)
{
	struct word word = words_next(words);

	return word_number(&word, max, number);
}

static bool
read_date(struct words *words, unsigned bit, int64_t *seconds, struct fetched *out)
{
	struct word word = words_next(words);

	if (word_is(&word, "NIL"))
		return true;
	if (word.kind != WORD_STRING || !read_date_time(word.at, word.length, seconds))
		return false;
	out->has |= bit;
	return true;
}

static bool
read_body(struct words *words, struct fetched *out)
{
	struct word word = words_next(words);

	if (word.kind != WORD_STRING)
		return word_is(&word, "NIL");
	out->body = word.at;
	out->body_length = word.length;
	out->has |= FETCHED_BODY;
	return true;
}

static bool
read_item(struct words *words, const struct word *name, struct fetched *out)
{
	uint64_t number;

	if (word_is(name, "UID")) {
		if (!read_number(words, UINT32_MAX, &number) || number == 0)
			return false;
		out->uid = (uint32_t)number;
		out->has |= FETCHED_UID;
		return true;
	}
	if (word_is(name, "RFC822.SIZE")) {
		out->has |= FETCHED_SIZE;
		return read_number(words, INT64_MAX, &out->size);
	}
	if (word_is(name, "FLAGS"))
		return read_flags(words, out);
	if (word_is(name, "INTERNALDATE"))
		return read_date(words, FETCHED_INTERNALDATE, &out->internaldate, out);
	if (word_is(name, "SAVEDATE"))
		return read_date(words, FETCHED_SAVEDATE, &out->savedate, out);
	if (name->length > 5 && strncasecmp(name->at, "BODY[", 5) == 0)
		return read_body(words, out);
	return words_skip(words);
}

int
read_fetch(char *response, size_t length, struct fetched *out)
{
	struct words words = {response, response + length};
	struct word word = words_next(&words);
	uint64_t number;

	*out = (struct fetched){.keywords = ""};
	if (!word_number(&word, UINT32_MAX, &number))
		return 0;
	word = words_next(&words);
	if (!word_is(&word, "FETCH"))
		return 0;
	if (words_next(&words).kind != WORD_OPEN)
		return -1;
	while ((word = words_next(&words)).kind == WORD_ATOM) {
		if (!read_item(&words, &word, out))
			return -1;
	}
	return word.kind == WORD_CLOSE && words.at == words.end ? 1 : -1;
}

/*
 * -- LIST and STATUS --------------------------------------------------------------------
 */

/* One that is not fine is left empty: a user can't keep his administrator from his other folders.
 */
static bool
take_name(const struct word *word, char out[FOLDER_NAME_MAX + 1])
{
	if (word->kind != WORD_STRING && word->kind != WORD_ATOM)
		return false;
	if (!folder_name_is_fine(word->at, word->length))
		return true;
	memcpy(out, word->at, word->length);
	out[word->length] = '\0';
	return true;
}

static void
take_attribute(const struct word *word, struct listed *out)
{
	static const char *const uses[] = {"All",       "Archive", "Drafts", "Flagged",
					   "Important", "Junk",    "Sent",   "Trash"};
	size_t used = strlen(out->uses);

	if (word_is(word, "\\Noselect") || word_is(word, "\\NonExistent"))
		out->selectable = false;
	else if (word_is(word, "\\Subscribed"))
		out->subscribed = true;
	for (size_t i = 0; i < COUNT(uses); i++) {
		if (word->length > 1 && word->length - 1 == strlen(uses[i]) &&
		    strncasecmp(word->at + 1, uses[i], word->length - 1) == 0)
			snprintf(out->uses + used, sizeof(out->uses) - used, "%s%s",
				 used == 0 ? "" : " ", uses[i]);
	}
}

int
read_list(char *response, size_t length, struct listed *out)
{
	struct words words = {response, response + length};
	struct word word = words_next(&words);

	*out = (struct listed){.selectable = true};
	if (!word_is(&word, "LIST"))
		return 0;
	if (words_next(&words).kind != WORD_OPEN)
		return -1;
	while ((word = words_next(&words)).kind == WORD_ATOM)
		take_attribute(&word, out);
	if (word.kind != WORD_CLOSE || !words_skip(&words))
		return -1;
	word = words_next(&words);
	return take_name(&word, out->name) ? 1 : -1;
}

static bool
take_status(struct words *words, const struct word *name, struct statused *out)
{
	const struct {
		const char *name;
		unsigned bit;
		uint64_t *value;
	} items[] = {
	    {"MESSAGES", STATUS_MESSAGES, &out->messages},
	    {"UNSEEN", STATUS_UNSEEN, &out->unseen},
	    {"SIZE", STATUS_SIZE, &out->size},
	    {"UIDNEXT", STATUS_UIDNEXT, &out->uidnext},
	    {"UIDVALIDITY", STATUS_UIDVALIDITY, &out->uidvalidity},
	};

	for (size_t i = 0; i < COUNT(items); i++) {
		if (!word_is(name, items[i].name))
			continue;
		out->has |= items[i].bit;
		return read_number(words, i == 2 ? INT64_MAX : UINT32_MAX, items[i].value);
	}
	return words_skip(words);
}

int
read_status(char *response, size_t length, struct statused *out)
{
	struct words words = {response, response + length};
	struct word word = words_next(&words);

	*out = (struct statused){.has = 0};
	if (!word_is(&word, "STATUS"))
		return 0;
	word = words_next(&words);
	if (!take_name(&word, out->name) || words_next(&words).kind != WORD_OPEN)
		return -1;
	while ((word = words_next(&words)).kind == WORD_ATOM) {
		if (!take_status(&words, &word, out))
			return -1;
	}
	return word.kind == WORD_CLOSE ? 1 : -1;
}
