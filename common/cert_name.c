/* SPDX-License-Identifier: ISC */
#include "common/cert_name.h"

#include <stdio.h>
#include <string.h>

#include "common/ascii.h"

/* ".20261124T181002Z": where a digit is, and what stands between them. */
static const char time_form[] = ".ddddddddTddddddZ";
#define TIME_LENGTH (sizeof(time_form) - 1)

static bool
ends_in_time(const char *name, size_t length)
{
	if (length < TIME_LENGTH)
		return false;
	name += length - TIME_LENGTH;
	for (size_t i = 0; i < TIME_LENGTH; i++) {
		if (time_form[i] == 'd' ? !ascii_is_digit(name[i]) : name[i] != time_form[i])
			return false;
	}
	return true;
}

bool
cert_name_valid(const char *name)
{
	size_t length = strnlen(name, CERT_NAME_SIZE);

	if (length == 0 || length >= CERT_NAME_SIZE || name[0] == '.' || name[0] == '-')
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!ascii_is_alnum(name[i]) && strchr("._-", name[i]) == NULL)
			return false;
	}
	return !ends_in_time(name, length);
}

bool
cert_name_from_file(const char *file, const char *suffix, char *name, size_t size)
{
	size_t length = strlen(file), end = strlen(suffix);

	if (length <= end || length - end >= size || strcmp(file + length - end, suffix) != 0)
		return false;
	memcpy(name, file, length - end);
	name[length - end] = '\0';
	return cert_name_valid(name);
}

bool
cert_name_is_file(const char *file)
{
	static const char *const suffixes[] = {".key", ".crt", ".pem"};
	size_t length = strlen(file);

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		if (length > 4 && strcmp(file + length - 4, suffixes[i]) == 0)
			return true;
	}
	return false;
}

bool
cert_name_kept(const char *kept, char name[CERT_NAME_SIZE])
{
	size_t length = strnlen(kept, CERT_KEPT_SIZE);

	if (length >= CERT_KEPT_SIZE || !ends_in_time(kept, length) ||
	    length - TIME_LENGTH >= CERT_NAME_SIZE)
		return false;
	memcpy(name, kept, length - TIME_LENGTH);
	name[length - TIME_LENGTH] = '\0';
	return cert_name_valid(name);
}

void
cert_name_keep(const char *name, time_t when, char kept[CERT_KEPT_SIZE])
{
	struct tm utc;
	char time[CERT_TIME_SIZE] = "";

	if (gmtime_r(&when, &utc) != NULL)
		(void)strftime(time, sizeof(time), "%Y%m%dT%H%M%SZ", &utc);
	snprintf(kept, CERT_KEPT_SIZE, "%s.%s", name, time);
}
