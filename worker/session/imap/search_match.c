/* SPDX-License-Identifier: ISC */
/* One message against a search program. */
#include <string.h>
#include <strings.h>

#include "common/mime/kept.h"
#include "common/mime/text.h"
#include "worker/session/imap/parse.h"
#include "worker/session/imap/search_private.h"

/* What was found out about the message so far. */
struct asked {
	const struct imap_searcher *searcher;
	const struct imap_candidate *candidate;
	const char *bytes; /* NULL: not read yet */
	size_t length;
	struct mime_text header;
	struct mime_message parsed; /* parts NULL: not parsed yet */
};

static int64_t
day_of(const struct asked *asked, int64_t seconds)
{
	int64_t local = seconds + asked->searcher->world.zone;

	return local / 86400 - (local % 86400 < 0);
}

static bool
has_word(const char *words, const char *word, size_t length)
{
	if (words == NULL)
		return false;
	while (*words != '\0') {
		size_t end = strcspn(words, " ");

		if (end == length && strncasecmp(words, word, length) == 0)
			return true;
		words += end;
		words += *words == ' ';
	}
	return false;
}

static bool
has_range(const struct search_key *key, uint32_t number)
{
	struct imap_set set = {.ranges = key->ranges, .count = key->range_count};

	return number != 0 && imap_set_has(&set, number);
}

static int
read_message(struct asked *asked)
{
	struct mime_field field;
	size_t at = 0;

	if (asked->bytes != NULL)
		return 0;
	asked->bytes = asked->candidate->read(asked->candidate->message, &asked->length,
					      asked->candidate->arg);
	if (asked->bytes == NULL)
		return -1;
	while (mime_next_field(asked->bytes, asked->length, &at, &field))
		;
	asked->header = (struct mime_text){asked->bytes, at};
	return 0;
}

/* Of the fields that are kept with the summary, or else of the message. */
static int
ask_header(struct asked *asked, const struct search_key *key)
{
	const struct store_summary *summary = asked->candidate->message->summary;
	struct mime_text name = {key->field, strlen(key->field)};
	struct mime_text needle = {key->text, key->length};
	int result = -1;

	if (key->cost == COST_KEPT && summary != NULL)
		result = mime_kept_contains(summary->kept, name, needle);
	if (result != -1)
		return result;
	if (read_message(asked) == -1)
		return -1;
	return mime_field_contains(asked->header, name, needle);
}

static int
ask_body(struct asked *asked, const struct search_key *key)
{
	unsigned where = MIME_WHERE_BODY | (key->key == IMAP_KEY_TEXT ? MIME_WHERE_HEADER : 0);

	if (key->length == 0)
		return 1;
	if (read_message(asked) == -1)
		return -1;
	if (asked->parsed.parts == NULL &&
	    mime_parse(asked->bytes, asked->length, &asked->parsed) == -1)
		return -1;
	return mime_text_contains(&asked->parsed, where,
				  (struct mime_text){key->text, key->length});
}

/* -1, 0, 1: before, on, after. */
static int
compare_days(int64_t day, int64_t with)
{
	return day < with ? -1 : day > with;
}

static bool
ask_day(const struct asked *asked, const struct search_key *key)
{
	const struct store_message *message = asked->candidate->message;
	int compared;

	if (key->key >= IMAP_KEY_SAVEDBEFORE && message->savedate == 0)
		return false;
	if (key->key >= IMAP_KEY_SAVEDBEFORE)
		compared = compare_days(day_of(asked, message->savedate), key->day);
	else if (key->key >= IMAP_KEY_SENTBEFORE && message->summary == NULL)
		return false;
	else if (key->key >= IMAP_KEY_SENTBEFORE)
		compared = compare_days(message->summary->sent_day, key->day);
	else
		compared = compare_days(day_of(asked, message->internaldate), key->day);
	switch (key->key) {
	case IMAP_KEY_BEFORE:
	case IMAP_KEY_SENTBEFORE:
	case IMAP_KEY_SAVEDBEFORE:
		return compared < 0;
	case IMAP_KEY_ON:
	case IMAP_KEY_SENTON:
	case IMAP_KEY_SAVEDON:
		return compared == 0;
	default:
		return compared >= 0;
	}
}

/* RFC 5032 3: both include the moment itself. More seconds than there are is the beginning. */
static bool
ask_age(const struct asked *asked, const struct search_key *key)
{
	int64_t seconds = key->number > INT32_MAX ? INT32_MAX : (int64_t)key->number;
	int64_t then = asked->searcher->world.now - seconds;
	int64_t date = asked->candidate->message->internaldate;

	return key->key == IMAP_KEY_OLDER ? date <= then : date >= then;
}

/* Everything that the store's entry answers. */
static bool
ask_entry(const struct asked *asked, const struct search_key *key)
{
	const struct imap_candidate *candidate = asked->candidate;
	const struct store_message *message = candidate->message;

	switch (key->key) {
	case IMAP_KEY_ALL:
	case IMAP_KEY_SAVEDATESUPPORTED:
		return true;
	case IMAP_KEY_NUMBERS:
		return has_range(key, candidate->number);
	case IMAP_KEY_UID:
		return has_range(key, message->uid);
	case IMAP_KEY_FLAG:
		return (message->flags & key->flag) != 0;
	case IMAP_KEY_KEYWORD:
		return has_word(message->keywords, key->text, key->length);
	case IMAP_KEY_RECENT:
		return candidate->recent;
	case IMAP_KEY_LARGER:
		return message->size > key->number;
	case IMAP_KEY_SMALLER:
		return message->size < key->number;
	case IMAP_KEY_OLDER:
	case IMAP_KEY_YOUNGER:
		return ask_age(asked, key);
	case IMAP_KEY_MODSEQ:
		return message->modseq >= key->number;
	case IMAP_KEY_EMAILID:
		return message->object != NULL && key->text != NULL &&
		       strcmp(message->object, key->text) == 0;
	case IMAP_KEY_THREADID:
		return candidate->thread != NULL && key->text != NULL &&
		       strcmp(candidate->thread, key->text) == 0;
	default:
		return ask_day(asked, key);
	}
}

/* As deep as the program is, which the parser bounds. */
static int
ask(struct asked *asked, const struct search_key *key)
{
	bool is_or = key->key == IMAP_KEY_OR;
	int result;

	if (is_or || key->key == IMAP_KEY_AND) {
		result = !is_or;
		for (size_t i = 0; i < key->child_count && result == !is_or; i++)
			result = ask(asked, &key->children[i]);
	} else if (key->cost >= COST_HEADER && asked->candidate->stop != NULL &&
		   asked->candidate->stop(asked->candidate->arg)) {
		return -1;
	} else if (key->cost == COST_KEPT || key->cost == COST_HEADER) {
		result = ask_header(asked, key);
	} else if (key->cost == COST_BODY) {
		result = ask_body(asked, key);
	} else {
		result = ask_entry(asked, key);
	}
	return result == -1 ? -1 : (result == 1) != key->negated;
}

int
imap_searcher_matches(struct imap_searcher *searcher, const struct imap_candidate *candidate)
{
	struct asked asked = {.searcher = searcher, .candidate = candidate};
	int result = ask(&asked, searcher->root);

	mime_free(&asked.parsed);
	return result;
}
