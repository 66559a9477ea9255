/* SPDX-License-Identifier: ISC */
/* Quoted strings, literals and what may be one of them (RFC 9051 4.3, RFC 3516 4.1, RFC 7888). */
#include <string.h>

#include "common/ascii.h"
#include "worker/session/imap/lex.h"
#include "worker/session/imap/utf7.h"

bool
lex_announcement(const char *at, const char *end, struct imap_announced *out, const char **behind)
{
	memset(out, 0, sizeof(*out));
	if (at < end && *at == '~') {
		out->literal8 = true;
		at++;
	}
	if (at >= end || *at++ != '{' || at >= end || !ascii_is_digit(*at))
		return false;
	for (; at < end && ascii_is_digit(*at); at++) {
		unsigned digit = (unsigned)(*at - '0');

		if (out->octets > ((uint64_t)INT64_MAX - digit) / 10)
			out->overflow = true;
		else
			out->octets = out->octets * 10 + digit;
	}
	out->sync = at >= end || *at != '+';
	if (!out->sync)
		at++;
	if (at >= end || *at++ != '}')
		return false;
	if (at < end && *at == '\r')
		at++;
	if (at >= end || *at++ != '\n')
		return false;
	*behind = at;
	return true;
}

static bool
copy_string(struct imap_lexer *lex, const char *bytes, size_t length, struct imap_string *out)
{
	char *copy = lex_alloc(lex, length + 1);

	if (copy == NULL)
		return false;
	if (length > 0)
		memcpy(copy, bytes, length);
	out->bytes = copy;
	out->length = length;
	return true;
}

static bool
literal(struct imap_lexer *lex, struct imap_string *out, bool allow8)
{
	struct imap_announced announced;
	const char *behind;

	if (!lex_announcement(lex->at, lex->end, &announced, &behind) || announced.overflow)
		return lex_expected(lex, "a literal's {size} and the end of the line");
	if (announced.literal8 && !allow8)
		return lex_fail(lex, "A literal8 (~{...}) can't stand after %s", lex->after);
	if (announced.octets > (uint64_t)(lex->end - behind)) {
		lex->incomplete = true;
		return lex_fail(lex, "The literal after %s is cut off", lex->after);
	}
	if (!announced.literal8 && memchr(behind, '\0', announced.octets) != NULL)
		return lex_fail(lex, "A NUL octet in the literal after %s", lex->after);
	lex->at = behind + announced.octets;
	return copy_string(lex, behind, announced.octets, out);
}

/* Where the closing quote is; NULL if there is none in the line. */
static const char *
closing_quote(const char *at, const char *end, size_t *length)
{
	*length = 0;
	while (at < end && *at != '"' && *at != '\r' && *at != '\n') {
		if (*at == '\\' && (++at >= end || (*at != '"' && *at != '\\')))
			return NULL;
		at++;
		++*length;
	}
	return at < end && *at == '"' ? at : NULL;
}

static bool
quoted(struct imap_lexer *lex, struct imap_string *out)
{
	size_t length, n = 0;
	const char *close = closing_quote(lex->at + 1, lex->end, &length), *at;
	char *copy;

	if (close == NULL)
		return lex_fail(lex,
				"A quoted string after %s that does not end, or a \"\\\" in it "
				"before something else than a quote or \"\\\"",
				lex->after);
	if ((copy = lex_alloc(lex, length + 1)) == NULL)
		return false;
	for (at = lex->at + 1; at < close; at++)
		copy[n++] = *at == '\\' ? *++at : *at;
	if (!imap_is_utf8(copy, n)) /* RFC 6855 3 */
		return lex_fail(lex, "A quoted string after %s that is not UTF-8", lex->after);
	lex->at = close + 1;
	out->bytes = copy;
	out->length = n;
	return true;
}

bool
lex_string(struct imap_lexer *lex, struct imap_string *out, const char *what)
{
	if (lex_is(lex, '"'))
		return quoted(lex, out);
	if (lex_is(lex, '{'))
		return literal(lex, out, false);
	return lex_expected(lex, what);
}

bool
lex_nstring(struct imap_lexer *lex, struct imap_string *out, bool literal8, const char *what)
{
	if (lex_take_word(lex, "NIL")) {
		out->bytes = NULL;
		out->length = 0;
		return true;
	}
	if (literal8 && lex_is(lex, '~'))
		return literal(lex, out, true);
	return lex_string(lex, out, what);
}

static bool
atom_or_string(struct imap_lexer *lex, const char *refused, struct imap_string *out,
	       const char *what)
{
	const char *begin = lex->at;
	size_t length;

	if (lex_is(lex, '"') || lex_is(lex, '{'))
		return lex_string(lex, out, what);
	while (lex->at<lex->end && * lex->at> ' ' && *lex->at < 0x7f &&
	       strchr(refused, *lex->at) == NULL)
		lex->at++;
	length = (size_t)(lex->at - begin);
	if (length == 0)
		return lex_expected(lex, what);
	return copy_string(lex, begin, length, out);
}

bool
lex_astring(struct imap_lexer *lex, struct imap_string *out, const char *what)
{
	return atom_or_string(lex, "(){%*\"\\", out, what);
}

bool
lex_pattern(struct imap_lexer *lex, struct imap_string *out, const char *what)
{
	return atom_or_string(lex, "(){\"\\", out, what);
}
