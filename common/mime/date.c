/* SPDX-License-Identifier: ISC */
#include "common/mime/date.h"

#include <string.h>

#include "common/ascii.h"

int64_t
mime_days(int64_t year, int month, int day)
{
	/* Years that begin in March, so that the day a leap year adds is the last (H. Hinnant). */
	int64_t y = month <= 2 ? year - 1 : year, era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

struct reader {
	const char *at, *end;
};

/* Blanks, line ends and comments (RFC 5322 3.2.2). */
static void
skip(struct reader *reader)
{
	size_t depth = 0;

	for (; reader->at < reader->end; reader->at++) {
		char c = *reader->at;

		if (c == '(')
			depth++;
		else if (depth > 0 && c == ')')
			depth--;
		else if (depth > 0 && c == '\\' && reader->at + 1 < reader->end)
			reader->at++;
		else if (depth == 0 && c != ' ' && c != '\t' && c != '\r' && c != '\n')
			break;
	}
}

static bool
take(struct reader *reader, char c)
{
	skip(reader);
	if (reader->at == reader->end || *reader->at != c)
		return false;
	reader->at++;
	return true;
}

/* Up to MAX digits; -1: none, or more. */
static int
take_number(struct reader *reader, int max, int *digits)
{
	int number = 0, count = 0;

	skip(reader);
	for (; reader->at < reader->end && ascii_is_digit(*reader->at); reader->at++) {
		if (++count > max)
			return -1;
		number = number * 10 + (*reader->at - '0');
	}
	if (digits != NULL)
		*digits = count;
	return count == 0 ? -1 : number;
}

static struct mime_text
take_letters(struct reader *reader)
{
	struct mime_text word;

	skip(reader);
	word = (struct mime_text){reader->at, 0};
	while (reader->at < reader->end && ascii_is_lower(ascii_lower(*reader->at))) {
		reader->at++;
		word.length++;
	}
	return word;
}

/* 1 to 12; 0: none. Whole names of months are written too. */
static int
month_of(struct mime_text word)
{
	static const char names[12][4] = {"jan", "feb", "mar", "apr", "may", "jun",
					  "jul", "aug", "sep", "oct", "nov", "dec"};

	word.length = word.length > 3 ? 3 : word.length;
	for (int i = 0; i < 12; i++) {
		if (mime_is(word, names[i]))
			return i + 1;
	}
	return 0;
}

/* RFC 5322 4.3: years of two digits, and of three. */
static int
full_year(int year, int digits)
{
	if (digits == 2)
		return year + (year < 50 ? 2000 : 1900);
	return digits == 3 ? year + 1900 : year;
}

static int
month_length(int year, int month)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return lengths[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* RFC 5322 4.3; what is not known, and the military letters, say nothing: UTC. */
static int
zone_of(struct mime_text word)
{
	static const struct {
		char name[4];
		int hours;
	} zones[] = {{"EST", -5}, {"EDT", -4}, {"CST", -6}, {"CDT", -5},
		     {"MST", -7}, {"MDT", -6}, {"PST", -8}, {"PDT", -7}};

	for (size_t i = 0; i < sizeof(zones) / sizeof(*zones); i++) {
		if (mime_is(word, zones[i].name))
			return zones[i].hours * 60;
	}
	return 0;
}

static int
take_zone(struct reader *reader)
{
	int sign, number, digits;

	skip(reader);
	if (reader->at == reader->end)
		return 0;
	if (*reader->at != '+' && *reader->at != '-')
		return zone_of(take_letters(reader));
	sign = *reader->at++ == '-' ? -1 : 1;
	number = take_number(reader, 4, &digits);
	if (number == -1 || digits != 4 || number % 100 > 59 || number / 100 > 23)
		return 0;
	return sign * (number / 100 * 60 + number % 100);
}

/* "hour:minute:second"; -1 if it isn't one. A leap second is the one before it. */
static int
take_time(struct reader *reader)
{
	int hour = take_number(reader, 2, NULL), minute, second = 0;

	if (hour < 0 || hour > 23 || !(take(reader, ':') || take(reader, '.')))
		return -1;
	minute = take_number(reader, 2, NULL);
	if (minute < 0 || minute > 59)
		return -1;
	if (take(reader, ':') || take(reader, '.'))
		second = take_number(reader, 2, NULL);
	if (second < 0 || second > 60)
		return -1;
	return hour * 3600 + minute * 60 + (second == 60 ? 59 : second);
}

bool
mime_read_date(struct mime_text text, struct mime_date *date)
{
	struct reader reader = {text.at, text.at + text.length};
	int day, month, year, digits = 0, time;

	if (take_letters(&reader).length > 0)
		(void)take(&reader, ',');
	day = take_number(&reader, 2, NULL);
	(void)take(&reader, '-'); /* "1-Jan-2000" is no RFC's, but is written */
	month = month_of(take_letters(&reader));
	(void)take(&reader, '-');
	year = take_number(&reader, 4, &digits);
	if (day < 1 || month == 0 || year < 0 || digits < 2)
		return false;
	year = full_year(year, digits);
	if (day > month_length(year, month))
		return false;
	time = take_time(&reader);
	if (time == -1)
		return false;
	date->zone = take_zone(&reader);
	date->day = mime_days(year, month, day);
	date->seconds = date->day * 86400 + time - (int64_t)date->zone * 60;
	return true;
}
