/* SPDX-License-Identifier: ISC */
/* mime/date - the date-time of a Date: field (RFC 5322 3.3, and the obsolete forms of 4.3). */
#ifndef POSTERN_COMMON_MIME_DATE_H
#define POSTERN_COMMON_MIME_DATE_H

#include <stdint.h>

#include "common/mime/header.h"

struct mime_date {
	int64_t seconds; /* since the epoch, UTC */
	int64_t day;     /* days since the epoch, of the date as it is written */
	int zone;        /* minutes east of UTC */
};

/* False: not a date. Seconds, the weekday and the zone (then UTC) may be missing. */
bool mime_read_date(struct mime_text, struct mime_date *);

/* Days since the epoch of a day of the Gregorian calendar (month 1..12); any year from 0 on. */
int64_t mime_days(int64_t year, int month, int day);

#endif
