/* SPDX-License-Identifier: ISC */
/* Numbers and sets of numbers (RFC 9051 9, RFC 7162 7, RFC 9394 4). */
#include <stdlib.h>

#include "common/ascii.h"
#include "worker/session/imap/lex.h"
#include "worker/session/imap/parse.h"

bool
lex_number(struct imap_lexer *lex, uint64_t min, uint64_t max, uint64_t *out, const char *what)
{
	const char *begin = lex->at;
	uint64_t n = 0;

	while (lex->at < lex->end && ascii_is_digit(*lex->at)) {
		unsigned digit = (unsigned)(*lex->at++ - '0');

		if (n > (max - digit) / 10) {
			lex->at = begin;
			return lex_expected(lex, what);
		}
		n = n * 10 + digit;
	}
	if (lex->at == begin || n < min) {
		lex->at = begin;
		return lex_expected(lex, what);
	}
	*out = n;
	return true;
}

bool
lex_number32(struct imap_lexer *lex, uint32_t min, uint32_t *out, const char *what)
{
	uint64_t n = 0;

	if (!lex_number(lex, min, UINT32_MAX, &n, what))
		return false;
	*out = (uint32_t)n;
	return true;
}

bool
lex_modseq(struct imap_lexer *lex, uint64_t min, uint64_t *out)
{
	return lex_number(lex, min, INT64_MAX, out, "a mod-sequence");
}

bool
lex_seq_number(struct imap_lexer *lex, uint32_t *out, const char *what)
{
	if (lex_take(lex, '*')) {
		*out = IMAP_STAR;
		return true;
	}
	return lex_number32(lex, 1, out, what);
}

static bool
range(struct imap_lexer *lex, struct store_range *out, bool star, const char *what)
{
	if (!star && lex_is(lex, '*'))
		return lex_expected(lex, what);
	if (!lex_seq_number(lex, &out->first, what))
		return false;
	out->last = out->first;
	if (!lex_take(lex, ':'))
		return true;
	if (!star && lex_is(lex, '*'))
		return lex_expected(lex, what);
	return lex_seq_number(lex, &out->last, "a number or \"*\"");
}

static bool
ranges(struct imap_lexer *lex, struct imap_set *set, bool star, const char *what)
{
	do {
		struct store_range *list =
		    lex_grow(lex, set->ranges, set->count, sizeof(*set->ranges));

		if (list == NULL)
			return false;
		set->ranges = list;
		if (!range(lex, &list[set->count], star, what))
			return false;
		set->count++;
	} while (lex_take(lex, ','));
	return true;
}

bool
lex_set(struct imap_lexer *lex, struct imap_set *set, const char *what)
{
	*set = (struct imap_set){0};
	if (lex_take(lex, '$')) {
		set->saved = true;
		return true;
	}
	return ranges(lex, set, true, what);
}

bool
lex_known_set(struct imap_lexer *lex, struct imap_set *set, const char *what)
{
	*set = (struct imap_set){0};
	return ranges(lex, set, false, what);
}

bool
lex_partial(struct imap_lexer *lex, struct imap_partial *out)
{
	const char *what = "a range like 1:100 or -1:-100";
	uint32_t swap;

	out->from_end = lex_take(lex, '-');
	if (!lex_number32(lex, 1, &out->first, what))
		return false;
	if (!lex_take(lex, ':') || (out->from_end && !lex_take(lex, '-')))
		return lex_expected(lex, what);
	if (!lex_number32(lex, 1, &out->last, what))
		return false;
	if (out->first > out->last) {
		swap = out->first;
		out->first = out->last;
		out->last = swap;
	}
	out->given = true;
	return true;
}

static int
by_first(const void *a, const void *b)
{
	const struct store_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* False: it names nothing. */
static bool
resolve_range(struct store_range *r, uint32_t max)
{
	uint32_t swap;

	/* Of an empty folder `*` is no message's number; what else the range names isn't either. */
	if (max == 0 && (r->first == IMAP_STAR || r->last == IMAP_STAR))
		return false;
	if (r->first == IMAP_STAR)
		r->first = max;
	if (r->last == IMAP_STAR)
		r->last = max;
	if (r->first > r->last) {
		swap = r->first;
		r->first = r->last;
		r->last = swap;
	}
	return true;
}

void
imap_set_resolve(struct imap_set *set, uint32_t max)
{
	size_t i, n = 0;
	bool sorted = true;

	for (i = 0; i < set->count; i++) {
		struct store_range r = set->ranges[i];

		if (!resolve_range(&r, max))
			continue;
		if (n > 0 && r.first < set->ranges[n - 1].first)
			sorted = false;
		set->ranges[n++] = r;
	}
	set->count = n;
	if (!sorted)
		qsort(set->ranges, n, sizeof(*set->ranges), by_first);
	for (i = 0, n = 0; i < set->count; i++) {
		struct store_range *r = &set->ranges[i], *last;

		last = n > 0 ? &set->ranges[n - 1] : NULL;
		if (last != NULL && (last->last == UINT32_MAX || r->first <= last->last + 1)) {
			if (r->last > last->last)
				last->last = r->last;
		} else
			set->ranges[n++] = *r;
	}
	set->count = n;
}

bool
imap_set_has(const struct imap_set *set, uint32_t number)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->ranges[middle].last < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < set->count && set->ranges[low].first <= number;
}
