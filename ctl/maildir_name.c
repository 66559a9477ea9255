/* SPDX-License-Identifier: ISC */
#include "ctl/maildir_name.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/ascii.h"
#include "worker/session/imap/parse.h"

#define DOT "&AC4-"
#define DOT_LENGTH 5

static const struct {
	char letter;
	unsigned bit;
} letters[] = {
    {'D', MESSAGE_DRAFT}, {'F', MESSAGE_FLAGGED}, {'R', MESSAGE_ANSWERED},
    {'S', MESSAGE_SEEN},  {'T', MESSAGE_DELETED},
};

/* A line from *AT on without its end. False: there are no more. */
static bool
next_line(const char *text, size_t length, size_t *at, const char **line, size_t *line_length)
{
	const char *lf;

	if (*at >= length)
		return false;
	*line = text + *at;
	lf = memchr(*line, '\n', length - *at);
	*line_length = lf == NULL ? length - *at : (size_t)(lf - *line);
	*at += *line_length + 1;
	return true;
}

/* Digits at the front of a line. Returns how many, 0 if it is no number of 32 bits. */
static size_t
number(const char *text, size_t length, uint32_t *value)
{
	uint64_t total = 0;
	size_t i;

	for (i = 0; i < length && i < 10 && ascii_is_digit(text[i]); i++)
		total = 10 * total + (uint64_t)(text[i] - '0');
	if (i == 0 || total > UINT32_MAX || (i < length && ascii_is_digit(text[i])))
		return 0;
	*value = (uint32_t)total;
	return i;
}

/*
 * -- Flags --------------------------------------------------------------------------
 */

bool
keyword_is_fine(const char *text, size_t length)
{
	if (length == 0 || length > MAILDIR_KEYWORD_MAX)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] <= ' ' || text[i] >= 0x7f || strchr("(){%*\"\\]", text[i]) != NULL)
			return false;
	}
	return true;
}

void
maildir_keywords_read(const char *text, size_t length, struct maildir_keywords *keywords)
{
	const char *line;
	size_t at = 0, line_length, digits;
	uint32_t index;

	memset(keywords, 0, sizeof(*keywords));
	while (next_line(text, length, &at, &line, &line_length)) {
		digits = number(line, line_length, &index);
		if (digits == 0 || index >= MAILDIR_KEYWORDS || digits == line_length ||
		    line[digits] != ' ' ||
		    !keyword_is_fine(line + digits + 1, line_length - digits - 1))
			continue;
		memcpy(keywords->name[index], line + digits + 1, line_length - digits - 1);
		keywords->name[index][line_length - digits - 1] = '\0';
	}
}

static bool
same_word(const char *word, size_t length, const char *other)
{
	return strlen(other) == length && strncasecmp(word, other, length) == 0;
}

char
maildir_keyword_letter(struct maildir_keywords *keywords, const char *keyword, size_t length)
{
	int unused = MAILDIR_KEYWORDS;

	if (!keyword_is_fine(keyword, length))
		return 0;
	for (int i = MAILDIR_KEYWORDS - 1; i >= 0; i--) {
		if (same_word(keyword, length, keywords->name[i]))
			return (char)('a' + i);
		if (keywords->name[i][0] == '\0')
			unused = i;
	}
	if (unused == MAILDIR_KEYWORDS)
		return 0;
	memcpy(keywords->name[unused], keyword, length);
	keywords->name[unused][length] = '\0';
	return (char)('a' + unused);
}

size_t
maildir_base_length(const char *name)
{
	return strcspn(name, ":");
}

static void
add_keyword(char *out, const char *keyword)
{
	size_t used = strlen(out);

	if (keyword[0] != '\0')
		snprintf(out + used, MAILDIR_FLAGS_SIZE - used, "%s%s", used == 0 ? "" : " ",
			 keyword);
}

unsigned
maildir_flags_read(const char *name, const struct maildir_keywords *keywords, char *out)
{
	const char *info = name + maildir_base_length(name);
	bool given[MAILDIR_KEYWORDS] = {false}, passed = false;
	unsigned flags = 0;

	out[0] = '\0';
	if (strncmp(info, ":2,", 3) != 0)
		return 0;
	for (info += 3; *info != '\0'; info++) {
		if (ascii_is_lower(*info))
			given[*info - 'a'] = true;
		else if (*info == 'P')
			passed = true;
		for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
			if (*info == letters[i].letter)
				flags |= letters[i].bit;
		}
	}
	for (int i = 0; i < MAILDIR_KEYWORDS; i++) {
		if (!given[i])
			continue;
		if (strcasecmp(keywords->name[i], "$Forwarded") == 0)
			passed = true;
		else
			add_keyword(out, keywords->name[i]);
	}
	if (passed)
		add_keyword(out, "$Forwarded");
	return flags;
}

bool
maildir_flags_write(unsigned flags, const char *keywords, struct maildir_keywords *known,
		    char out[MAILDIR_LETTERS_SIZE])
{
	bool present[128] = {false}, all = true;
	size_t length, used = 0;

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		if ((flags & letters[i].bit) != 0)
			present[(int)letters[i].letter] = true;
	}
	for (; *keywords != '\0'; keywords += length + (keywords[length] == ' ')) {
		char letter;

		length = strcspn(keywords, " ");
		letter = maildir_keyword_letter(known, keywords, length);
		/* A letter of Maildir's own, which Dovecot doesn't know: it gets both. */
		if (same_word(keywords, length, "$Forwarded"))
			present['P'] = true;
		if (letter == 0)
			all = false;
		else
			present[(int)letter] = true;
	}
	for (int c = 'A'; c <= 'z'; c++) {
		if (present[c])
			out[used++] = (char)c;
	}
	out[used] = '\0';
	return all;
}

/*
 * -- Folders --------------------------------------------------------------------------
 */

/* Text in which each DOT was cut out. */
static int
decode_level(const char *level, size_t length, char *out, size_t size)
{
	size_t used = 0;

	for (;;) {
		const char *dot = memmem(level, length, DOT, DOT_LENGTH);
		size_t part = dot == NULL ? length : (size_t)(dot - level);

		if (part > 0) {
			if (imap_utf7_decode(level, part, out + used, size - used) == -1)
				return -1;
			used += strlen(out + used);
		}
		if (dot == NULL)
			break;
		if (used + 2 > size)
			return -1;
		out[used++] = '.';
		level += part + DOT_LENGTH;
		length -= part + DOT_LENGTH;
	}
	out[used] = '\0';
	return (int)used;
}

int
maildir_folder_read(const char *dir, size_t length, char out[FOLDER_NAME_MAX + 1])
{
	size_t used = 0;

	if (length > 0 && dir[0] == '.') {
		dir++;
		length--;
	}
	for (;;) {
		const char *dot = memchr(dir, '.', length);
		size_t level = dot == NULL ? length : (size_t)(dot - dir);
		int n = decode_level(dir, level, out + used, FOLDER_NAME_MAX + 1 - used);

		/* A slash in a level is another hierarchy's, and not meant. */
		if (n <= 0 || memchr(out + used, '/', (size_t)n) != NULL)
			return -1;
		used += (size_t)n;
		if (dot == NULL)
			break;
		if (used == FOLDER_NAME_MAX)
			return -1;
		out[used++] = '/';
		dir += level + 1;
		length -= level + 1;
	}
	if (strncasecmp(out, "INBOX", 5) == 0 && (used == 5 || out[5] == '/'))
		memcpy(out, "INBOX", 5);
	return folder_name_is_fine(out, used) ? 0 : -1;
}

int
maildir_folder_write(const char *folder, char out[MAILDIR_DIR_SIZE])
{
	size_t used = 1;

	strlcpy(out, ".", MAILDIR_DIR_SIZE);
	if (strcmp(folder, "INBOX") == 0)
		return 0;
	while (*folder != '\0') {
		size_t part = strcspn(folder, "./");

		if (part > 0 &&
		    imap_utf7_encode(folder, part, out + used, MAILDIR_DIR_SIZE - used) == -1)
			return -1;
		used += strlen(out + used);
		folder += part;
		if (*folder == '\0')
			break;
		if (used + DOT_LENGTH + 1 > MAILDIR_DIR_SIZE)
			return -1;
		used += strlcpy(out + used, *folder == '/' ? "." : DOT, MAILDIR_DIR_SIZE - used);
		folder++;
	}
	return 0;
}

/*
 * -- dovecot-uidlist ------------------------------------------------------------------
 */

/* "3 V1275660208 N25022 G3085f01b7f11094c501100008c4a11c1", or "1 1275660208 25022". */
void
maildir_uidlist_begin(const char *text, size_t length, struct maildir_uidlist *list)
{
	size_t line_length, i = 0, n;
	const char *line;
	unsigned field = 0;
	uint32_t value;

	*list = (struct maildir_uidlist){.at = 0};
	if (!next_line(text, length, &list->at, &line, &line_length))
		return;
	while (i < line_length) {
		char kind = line[i];

		if (kind == 'V' || kind == 'N')
			i++;
		n = number(line + i, line_length - i, &value);
		if (n > 0 && (kind == 'V' || (line[0] == '1' && field == 1)))
			list->uidvalidity = value;
		else if (n > 0 && (kind == 'N' || (line[0] == '1' && field == 2)))
			list->uidnext = value;
		while (i < line_length && line[i] != ' ')
			i++;
		i++;
		field++;
	}
}

/* "25006 W2481 :1276528487.M364837P9451.host,S=2481"; version 1: "25006 NAME". */
bool
maildir_uidlist_next(const char *text, size_t length, struct maildir_uidlist *list, uint32_t *uid,
		     const char **base, size_t *base_length)
{
	size_t line_length, digits;
	const char *line, *colon;

	while (next_line(text, length, &list->at, &line, &line_length)) {
		digits = number(line, line_length, uid);
		if (digits == 0 || *uid == 0 || digits == line_length || line[digits] != ' ')
			continue;
		line += digits + 1;
		line_length -= digits + 1;
		colon = memmem(line - 1, line_length + 1, " :", 2);
		if (colon != NULL) {
			line_length -= (size_t)(colon + 2 - line);
			line = colon + 2;
		}
		colon = memchr(line, ':', line_length);
		*base = line;
		*base_length = colon == NULL ? line_length : (size_t)(colon - line);
		if (*base_length > 0)
			return true;
	}
	return false;
}
