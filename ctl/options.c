/* SPDX-License-Identifier: ISC */
#include "ctl/options.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "ctl/ctl.h"

static bool
has(const char *letters, int option)
{
	return letters != NULL && option <= UINT8_MAX && strchr(letters, option) != NULL;
}

/* Do they exclude each other? */
static bool
excludes(const struct options *options, int one, int other)
{
	for (const char *const *set = options->exclusive; set != NULL && *set != NULL; set++) {
		if ((one == (*set)[0] && has(*set + 1, other)) ||
		    (other == (*set)[0] && has(*set + 1, one)))
			return true;
	}
	return false;
}

/* The option at INDEX, behind those that were seen. A flag may come again: it says the same. */
static int
check(const struct options *options, int index, struct error *err)
{
	const struct option *new = &options->table[index];

	if (options->allowed != NULL && !has(options->allowed, new->val))
		return error_set(err, "--%s is no option of this command", new->name);
	if ((options->seen & UINT32_C(1) << index) != 0 && new->has_arg != no_argument &&
	    !has(options->repeatable, new->val))
		return error_set(err, "--%s is there twice", new->name);
	for (int i = 0; options->table[i].name != NULL; i++) {
		if ((options->seen & UINT32_C(1) << i) != 0 &&
		    excludes(options, options->table[i].val, new->val))
			return error_set(err, "--%s and --%s exclude each other",
					 options->table[i].name, new->name);
	}
	return 0;
}

int
options_next(struct options *options, int argc, char **argv)
{
	struct error err;
	int index = 0, option = getopt_long(argc, argv, "", options->table, &index);

	if (option == -1 || option == '?')
		return option;
	if (check(options, index, &err) == -1) {
		(void)ctl_error(&err);
		return '?';
	}
	options->seen |= UINT32_C(1) << index;
	return option;
}
