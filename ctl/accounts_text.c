/* SPDX-License-Identifier: ISC */
#include "ctl/accounts_text.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * -- Tokens of libconfig's grammar ------------------------------------------------
 */

enum kind { TOKEN_END, TOKEN_WORD, TOKEN_STRING, TOKEN_PUNCTUATION };

struct token {
	enum kind kind;
	const char *start;
	const char *end;
};

static const char *
skip_line(const char *p)
{
	return p + strcspn(p, "\n");
}

/* If P is at a comment, its end; else P. */
static const char *
skip_comment(const char *p)
{
	const char *end;

	if (*p == '#' || (p[0] == '/' && p[1] == '/'))
		return skip_line(p);
	if (p[0] == '/' && p[1] == '*') {
		end = strstr(p + 2, "*/");
		return end == NULL ? p + strlen(p) : end + 2;
	}
	return p;
}

static const char *
skip_space(const char *p)
{
	for (;;) {
		const char *next = skip_comment(p);

		if (next != p)
			p = next;
		else if (*p != '\0' && isspace((unsigned char)*p))
			p++;
		else
			return p;
	}
}

static const char *
skip_string(const char *p)
{
	for (p++; *p != '\0' && *p != '"'; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
	}
	return *p == '"' ? p + 1 : p;
}

static bool
is_punctuation(char c)
{
	return c != '\0' && strchr("=:;,(){}[]", c) != NULL;
}

static const char *
skip_word(const char *p)
{
	while (*p != '\0' && !isspace((unsigned char)*p) && !is_punctuation(*p) && *p != '"' &&
	       skip_comment(p) == p)
		p++;
	return p;
}

static struct token
next_token(const char *p)
{
	struct token token;

	p = skip_space(p);
	token.start = p;
	if (*p == '\0') {
		token.kind = TOKEN_END;
		token.end = p;
	} else if (*p == '"') {
		token.kind = TOKEN_STRING;
		token.end = skip_string(p);
	} else if (is_punctuation(*p)) {
		token.kind = TOKEN_PUNCTUATION;
		token.end = p + 1;
	} else {
		token.kind = TOKEN_WORD;
		token.end = skip_word(p);
	}
	return token;
}

static bool
is(const struct token *token, const char *text)
{
	size_t length = strlen(text);

	return token->kind != TOKEN_STRING && (size_t)(token->end - token->start) == length &&
	       memcmp(token->start, text, length) == 0;
}

/* From an opening bracket to behind the one that closes it; NULL at the end of the text. */
static const char *
skip_brackets(const char *p)
{
	int depth = 0;

	for (;;) {
		struct token token = next_token(p);

		if (token.kind == TOKEN_END)
			return NULL;
		p = token.end;
		if (is(&token, "(") || is(&token, "{") || is(&token, "["))
			depth++;
		else if (is(&token, ")") || is(&token, "}") || is(&token, "]"))
			depth--;
		if (depth == 0)
			return p;
	}
}

/*
 * -- Where things are -------------------------------------------------------------
 */

/* `name = value;`: END is behind the semicolon or comma, or behind the value without one. */
struct setting {
	struct token name;
	const char *value;
	const char *value_end;
	const char *end;
};

/* Takes the setting at P. Returns false if there is none. */
static bool
take_setting(const char *p, struct setting *setting)
{
	struct token token = next_token(p);

	setting->name = token;
	if (token.kind != TOKEN_WORD)
		return false;
	token = next_token(token.end);
	if (!is(&token, "=") && !is(&token, ":"))
		return false;
	token = next_token(token.end);
	setting->value = token.start;
	setting->value_end = token.end;
	if (is(&token, "(") || is(&token, "{") || is(&token, "["))
		setting->value_end = skip_brackets(token.start);
	else if (token.kind == TOKEN_END || token.kind == TOKEN_PUNCTUATION)
		return false;
	if (setting->value_end == NULL)
		return false;
	/* Strings side by side are one. */
	for (token = next_token(setting->value_end); token.kind == TOKEN_STRING;
	     token = next_token(token.end))
		setting->value_end = token.end;
	setting->end = setting->value_end;
	if (is(&token, ";") || is(&token, ","))
		setting->end = token.end;
	return true;
}

/* A list of groups; START is NULL if the text has none. */
struct list {
	const char *start; /* "(" */
};

static int
find_list(const char *text, const char *name, struct list *list, struct error *err)
{
	struct setting setting;
	const char *p = text;

	*list = (struct list){0};
	while (take_setting(p, &setting)) {
		if (is(&setting.name, name)) {
			list->start = setting.value;
			return 0;
		}
		p = setting.end;
	}
	if (*skip_space(p) != '\0')
		return error_set(err, "the layout of the file is not understood");
	return 0;
}

/* The group number INDEX, or with SIZE_MAX the last one. Its "{", or NULL. */
static const char *
find_group(const struct list *list, size_t index)
{
	struct token token;
	const char *group = NULL;
	size_t n = 0;

	if (list->start == NULL)
		return NULL;
	for (token = next_token(list->start + 1);
	     token.kind == TOKEN_PUNCTUATION && !is(&token, ")"); token = next_token(token.end)) {
		if (!is(&token, "{"))
			continue; /* a comma */
		group = token.start;
		if (n++ == index)
			return group;
		token.end = skip_brackets(group);
		if (token.end == NULL)
			return NULL;
	}
	return index == SIZE_MAX ? group : NULL;
}

/*
 * -- Layout -----------------------------------------------------------------------
 */

static const char *
line_start(const char *text, const char *p)
{
	while (p > text && p[-1] != '\n')
		p--;
	return p;
}

static const char *
skip_blanks(const char *p)
{
	return p + strspn(p, " \t\r");
}

/* The end of the line if from P on it has only blanks and comments that end on it; else P. */
static const char *
rest_of_line(const char *p)
{
	const char *q = p;

	for (;;) {
		const char *next;

		q = skip_blanks(q);
		if (*q == '\n' || *q == '\0')
			return q;
		next = skip_comment(q);
		if (next == q || memchr(q, '\n', (size_t)(next - q)) != NULL)
			return p;
		q = next;
	}
}

/* The blanks that the line of P begins with, unless something else stands before P in it. */
static int
indent_of(const char *text, const char *p, const char **blanks)
{
	const char *start = line_start(text, p);

	*blanks = start;
	return (int)(skip_blanks(start) - start);
}

/* TEXT up to FROM, then MORE, then TEXT from TO on. */
static char *
splice(const char *text, const char *from, const char *to, const char *more, struct error *err)
{
	char *out;

	/* A text is ACCOUNTS_FILE_MAX long at most: an int holds it. */
	if (asprintf(&out, "%.*s%s%s", (int)(from - text), text, more, to) == -1) {
		error_errno(err, "no memory");
		return NULL;
	}
	return out;
}

static char *
misunderstood(struct error *err)
{
	error_set(err, "the layout of the file is not understood");
	return NULL;
}

/*
 * -- Edits ------------------------------------------------------------------------
 */

#define GROUP_MAX 2048

static void
format_group(const struct text_setting *settings, char *out, size_t size)
{
	size_t used = strlcpy(out, "{", size);

	for (; settings->name != NULL && used < size; settings++)
		used += (size_t)snprintf(out + used, size - used, " %s = %s;", settings->name,
					 settings->value);
	strlcat(out, " }", size);
}

/* The list is there, with at least one group in it. */
static char *
add_behind(const char *text, const char *last, const char *group, struct error *err)
{
	const char *end = skip_brackets(last), *blanks, *place;
	char *more = NULL, *result = NULL;
	struct token comma;
	int indent;

	if (end == NULL)
		return misunderstood(err);
	indent = indent_of(text, last, &blanks);
	comma = next_token(end);
	if (is(&comma, ",")) { /* newer versions of libconfig allow one at the end */
		place = rest_of_line(comma.end);
		if (asprintf(&more, "\n%.*s%s", indent, blanks, group) != -1)
			result = splice(text, place, place, more, err);
	} else {
		place = rest_of_line(end);
		if (asprintf(&more, ",%.*s\n%.*s%s", (int)(place - end), end, indent, blanks,
			     group) != -1)
			result = splice(text, end, place, more, err);
	}
	if (more == NULL)
		error_errno(err, "no memory");
	free(more);
	return result;
}

char *
text_add(const char *text, const char *name, const struct text_setting *settings, struct error *err)
{
	char group[GROUP_MAX], more[GROUP_MAX + 64];
	size_t length = strlen(text);
	const char *last, *to;
	struct list list;

	if (find_list(text, name, &list, err) == -1)
		return NULL;
	format_group(settings, group, sizeof(group));
	last = find_group(&list, SIZE_MAX);
	if (last != NULL)
		return add_behind(text, last, group, err);
	if (list.start == NULL) {
		snprintf(more, sizeof(more), "%s%s = (\n  %s\n);\n",
			 length > 0 && text[length - 1] != '\n' ? "\n" : "", name, group);
		return splice(text, text + length, text + length, more, err);
	}
	/* "( )": what is between the brackets stays, if it is more than blanks. */
	to = list.start + 1;
	snprintf(more, sizeof(more), "\n  %s%s", group, *skip_blanks(to) == '\n' ? "" : "\n");
	return splice(text, to, skip_blanks(to), more, err);
}

/* The setting NAME of the group, or with NULL the last one. */
static bool
find_setting(const char *group, const char *name, struct setting *setting)
{
	struct setting one;
	const char *p = group + 1;
	bool found = false;

	while (take_setting(p, &one)) {
		if (name == NULL || is(&one.name, name)) {
			*setting = one;
			found = true;
		}
		p = one.end;
	}
	return found;
}

/* In the layout of the last setting: on a line of its own, or on the same one. */
static char *
add_setting(const char *text, const char *group, const struct setting *last,
	    const struct text_setting *setting, struct error *err)
{
	const char *semicolon = last->end == last->value_end ? ";" : "";
	const char *place = last->end, *blanks;
	int indent = indent_of(text, last->name.start, &blanks);
	char *more = NULL, *result = NULL;

	if (line_start(text, group) == line_start(text, last->name.start)) {
		if (asprintf(&more, "%s %s = %s;", semicolon, setting->name, setting->value) != -1)
			result = splice(text, place, place, more, err);
	} else {
		place = rest_of_line(last->end);
		if (asprintf(&more, "%s%.*s\n%.*s%s = %s;", semicolon, (int)(place - last->end),
			     last->end, indent, blanks, setting->name, setting->value) != -1)
			result = splice(text, last->end, place, more, err);
	}
	if (more == NULL)
		error_errno(err, "no memory");
	free(more);
	return result;
}

char *
text_set(const char *text, const char *name, size_t index, const struct text_setting *setting,
	 struct error *err)
{
	struct setting found;
	const char *group;
	struct list list;

	if (find_list(text, name, &list, err) == -1)
		return NULL;
	group = find_group(&list, index);
	if (group == NULL)
		return misunderstood(err);
	if (find_setting(group, setting->name, &found))
		return splice(text, found.value, found.value_end, setting->value, err);
	if (!find_setting(group, NULL, &found))
		return misunderstood(err);
	return add_setting(text, group, &found, setting, err);
}

/* The comma before P, behind START; NULL if something else stands there. */
static const char *
comma_before(const char *start, const char *p)
{
	const char *comma = NULL;
	struct token token;

	for (token = next_token(start); token.kind != TOKEN_END && token.start < p;
	     token = next_token(token.end))
		comma = is(&token, ",") ? token.start : NULL;
	return comma;
}

/* The last group: the comma in front of it goes too. */
static char *
remove_last(const char *text, const char *behind, const char *from, const char *to,
	    struct error *err)
{
	const char *comma = comma_before(behind, from);
	char *without = splice(text, from, to, "", err), *result;

	if (without == NULL || comma == NULL)
		return without;
	comma = without + (comma - text);
	result = splice(without, comma, comma + 1, "", err);
	freezero(without, strlen(without));
	return result;
}

char *
text_remove(const char *text, const char *name, size_t index, struct error *err)
{
	const char *group, *end, *from, *to, *behind;
	struct token comma;
	struct list list;

	if (find_list(text, name, &list, err) == -1)
		return NULL;
	group = find_group(&list, index);
	end = group == NULL ? NULL : skip_brackets(group);
	if (end == NULL)
		return misunderstood(err);
	comma = next_token(end);
	from = group;
	to = is(&comma, ",") ? comma.end : end;
	/* Alone on its lines: they go whole. */
	if (skip_blanks(line_start(text, group)) == group && *skip_blanks(to) == '\n') {
		from = line_start(text, group);
		to = skip_blanks(to) + 1;
	} else if (is(&comma, ",")) {
		to = skip_blanks(to);
	}
	if (is(&comma, ","))
		return splice(text, from, to, "", err);
	behind = index == 0 ? list.start + 1 : skip_brackets(find_group(&list, index - 1));
	if (behind == NULL)
		return misunderstood(err);
	return remove_last(text, behind, from, to, err);
}
