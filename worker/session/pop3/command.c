/* SPDX-License-Identifier: ISC */
#include "worker/session/pop3/command.h"

#include <string.h>
#include <strings.h>

#include "common/pop3_lang.h"

struct syntax {
	const char *keyword;
	enum pop3_verb verb;
	uint8_t least; /* arguments, all of them numbers */
	uint8_t most;
};

#define ANY_ARGUMENTS 0xff

static const struct syntax syntaxes[] = {
    {"STAT", POP3_STAT, 0, 0},
    {"LIST", POP3_LIST, 0, 1},
    {"RETR", POP3_RETR, 1, 1},
    {"DELE", POP3_DELE, 1, 1},
    {"NOOP", POP3_NOOP, 0, 0},
    {"RSET", POP3_RSET, 0, 0},
    {"QUIT", POP3_QUIT, 0, 0},
    {"TOP", POP3_TOP, 2, 2},
    {"UIDL", POP3_UIDL, 0, 1},
    {"CAPA", POP3_CAPA, 0, 0},
    {"USER", POP3_LOGIN, 0, ANY_ARGUMENTS},
    {"PASS", POP3_LOGIN, 0, ANY_ARGUMENTS},
    {"APOP", POP3_LOGIN, 0, ANY_ARGUMENTS},
    {"AUTH", POP3_LOGIN, 0, ANY_ARGUMENTS},
    {"STLS", POP3_LOGIN, 0, ANY_ARGUMENTS},
    {"UTF8", POP3_LOGIN, 0, ANY_ARGUMENTS},
    {"LANG", POP3_LANG_LIST, 0, ANY_ARGUMENTS},
};

struct word {
	const char *start;
	size_t length;
};

/* Takes the next word from the front of the line; length 0 at its end. */
static struct word
next_word(const char **at, const char *end)
{
	struct word word;

	while (*at < end && **at == ' ')
		++*at;
	word.start = *at;
	while (*at < end && **at != ' ')
		++*at;
	word.length = (size_t)(*at - word.start);
	return word;
}

static const struct syntax *
find_syntax(struct word keyword)
{
	for (size_t i = 0; i < sizeof(syntaxes) / sizeof(syntaxes[0]); i++) {
		const struct syntax *syntax = &syntaxes[i];

		if (strlen(syntax->keyword) == keyword.length &&
		    strncasecmp(syntax->keyword, keyword.start, keyword.length) == 0)
			return syntax;
	}
	return NULL;
}

/* Digits only; what is larger than a message-number or a line count can be is UINT32_MAX. */
static bool
parse_number(struct word word, uint32_t *number)
{
	uint64_t value = 0;

	for (size_t i = 0; i < word.length; i++) {
		char c = word.start[i];

		if (c < '0' || c > '9')
			return false;
		value = value * 10 + (uint64_t)(c - '0');
		if (value > UINT32_MAX)
			value = UINT32_MAX;
	}
	*number = (uint32_t)value;
	return true;
}

/* LANG's is the one argument that is no number. */
static enum pop3_verdict
parse_lang(const char *at, const char *end, struct pop3_command *command)
{
	struct word range = next_word(&at, end);
	enum pop3_lang lang = pop3_lang(range.start, range.length);

	if (next_word(&at, end).length > 0)
		return POP3_EXTRA_ARGUMENT;
	if (lang == POP3_LANG_NONE)
		return POP3_NO_SUCH_LANGUAGE;
	*command = (struct pop3_command){.verb = lang == POP3_LANG_LISTING ? POP3_LANG_LIST
									   : POP3_LANG_SET};
	return POP3_OK;
}

enum pop3_verdict
pop3_parse_transaction(const char *line, size_t length, struct pop3_command *command)
{
	const char *at = line, *end = line + length;
	uint32_t numbers[2] = {0, 0};
	const struct syntax *syntax;
	struct word word = next_word(&at, end);
	size_t count = 0;

	syntax = word.start == line ? find_syntax(word) : NULL;
	if (syntax == NULL)
		return POP3_UNKNOWN;
	if (syntax->verb == POP3_LANG_LIST)
		return parse_lang(at, end, command);
	while (syntax->most != ANY_ARGUMENTS && (word = next_word(&at, end)).length > 0) {
		if (count == syntax->most)
			return POP3_EXTRA_ARGUMENT;
		if (!parse_number(word, &numbers[count++]))
			return POP3_NOT_A_NUMBER;
	}
	if (count < syntax->least)
		return POP3_MISSING_ARGUMENT;
	command->verb = syntax->verb;
	command->has_message = count > 0;
	command->message = numbers[0];
	command->lines = numbers[1];
	return POP3_OK;
}

const char *
pop3_verdict_text(enum pop3_verdict verdict)
{
	switch (verdict) {
	case POP3_OK:
		return "";
	case POP3_UNKNOWN:
		return "unknown command";
	case POP3_MISSING_ARGUMENT:
		return "an argument is missing";
	case POP3_EXTRA_ARGUMENT:
		return "too many arguments";
	case POP3_NOT_A_NUMBER:
		return "the argument is not a number";
	case POP3_NO_SUCH_LANGUAGE:
		return "no such language here, LANG lists what there is";
	}
	return "";
}
