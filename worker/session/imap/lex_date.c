/* SPDX-License-Identifier: ISC */
/* Dates and times (RFC 9051 9: date, date-time). */
#include <string.h>

#include "common/ascii.h"
#include "worker/session/imap/lex.h"

#define SECONDS_A_DAY 86400

/* Days from 1970-01-01 to a day of the Gregorian calendar (months from 1). */
static int64_t
days_from_civil(int64_t year, int month, int day)
{
	int64_t era, year_of_era, day_of_year;

	year -= month <= 2;
	era = (year >= 0 ? year : year - 399) / 400;
	year_of_era = year - era * 400;
	day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - 719468;
}

static bool
digits(struct imap_lexer *lex, int count, int *out)
{
	int i, n = 0;

	for (i = 0; i < count; i++) {
		if (lex->at >= lex->end || !ascii_is_digit(*lex->at))
			return false;
		n = n * 10 + (*lex->at++ - '0');
	}
	*out = n;
	return true;
}

static bool
month_name(struct imap_lexer *lex, int *month)
{
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
	char name[3];
	size_t i;

	if (lex->end - lex->at < 3)
		return false;
	for (i = 0; i < 3; i++)
		name[i] = ascii_lower(lex->at[i]);
	for (i = 0; i < 12; i++) {
		if (memcmp(names + i * 3, name, 3) == 0) {
			*month = (int)i + 1;
			lex->at += 3;
			return true;
		}
	}
	return false;
}

/* "-" date-month "-" date-year, behind a day. */
static bool
month_and_year(struct imap_lexer *lex, int day, int64_t *out)
{
	static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int month, year;

	if (!lex_take(lex, '-') || !month_name(lex, &month) || !lex_take(lex, '-') ||
	    !digits(lex, 4, &year))
		return false;
	if (day < 1 || day > lengths[month - 1])
		return false;
	if (month == 2 && day == 29 && (year % 4 != 0 || (year % 100 == 0 && year % 400 != 0)))
		return false;
	*out = days_from_civil(year, month, day);
	return true;
}

static bool
date_text(struct imap_lexer *lex, int64_t *out)
{
	int day, second;

	if (!digits(lex, 1, &day))
		return false;
	if (digits(lex, 1, &second))
		day = day * 10 + second;
	return month_and_year(lex, day, out);
}

bool
lex_date(struct imap_lexer *lex, int64_t *day)
{
	const char *begin = lex->at;
	bool in_quotes = lex_take(lex, '"');

	if (date_text(lex, day) && (!in_quotes || lex_take(lex, '"')))
		return true;
	lex->at = begin;
	return lex_expected(lex, "a date like 1-Feb-2026");
}

static bool
time_and_zone(struct imap_lexer *lex, int64_t *seconds)
{
	int hour, minute, second, zone_hours, zone_minutes, sign;

	if (!digits(lex, 2, &hour) || !lex_take(lex, ':') || !digits(lex, 2, &minute) ||
	    !lex_take(lex, ':') || !digits(lex, 2, &second) || !lex_take(lex, ' '))
		return false;
	sign = lex_is(lex, '-') ? -1 : 1;
	if (!lex_take(lex, '+') && !lex_take(lex, '-'))
		return false;
	if (!digits(lex, 2, &zone_hours) || !digits(lex, 2, &zone_minutes))
		return false;
	/* 60 is a leap second. */
	if (hour > 23 || minute > 59 || second > 60 || zone_minutes > 59)
		return false;
	*seconds = (int64_t)hour * 3600 + minute * 60 + second -
		   (int64_t)sign * (zone_hours * 3600 + zone_minutes * 60);
	return true;
}

bool
lex_date_time(struct imap_lexer *lex, int64_t *out)
{
	const char *begin = lex->at;
	int64_t day = 0, seconds = 0;
	int day_of_month, second;
	bool good;

	good = lex_take(lex, '"');
	if (good && lex_take(lex, ' '))
		good = digits(lex, 1, &day_of_month);
	else if (good) {
		good = digits(lex, 1, &day_of_month);
		if (good && digits(lex, 1, &second)) /* one digit alone is forgiven */
			day_of_month = day_of_month * 10 + second;
	}
	if (good && month_and_year(lex, day_of_month, &day) && lex_take(lex, ' ') &&
	    time_and_zone(lex, &seconds) && lex_take(lex, '"')) {
		*out = day * SECONDS_A_DAY + seconds;
		return true;
	}
	lex->at = begin;
	return lex_expected(lex, "a date like \" 1-Feb-2026 12:00:00 +0000\"");
}
