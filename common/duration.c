/* SPDX-License-Identifier: ISC */
#include "common/duration.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int64_t seconds;
} units[] = {{"day", 86400}, {"hour", 3600}, {"minute", 60}, {"second", 1}};
#define UNITS (sizeof(units) / sizeof(units[0]))

const char *
duration_text(int64_t seconds, char out[DURATION_SIZE])
{
	char part[DURATION_SIZE];

	out[0] = '\0';
	for (size_t i = 0; i < UNITS; i++) {
		int64_t number = seconds / units[i].seconds;

		seconds %= units[i].seconds;
		/* Nothing at all is "0 seconds". */
		if (number == 0 && (i < UNITS - 1 || out[0] != '\0'))
			continue;
		(void)snprintf(part, sizeof(part), "%s%" PRId64 " %s%s", out[0] == '\0' ? "" : " ",
			       number, units[i].name, number == 1 ? "" : "s");
		strlcat(out, part, DURATION_SIZE);
	}
	return out;
}
