/* SPDX-License-Identifier: ISC */
#include "ctl/settings.h"

#include <stdio.h>

#include "ctl/ctl.h"

struct configuration *
ctl_settings(void)
{
	struct conf_problems problems = {.count = 0};
	struct configuration *conf = conf_load(ctl_options.conf, &problems);

	/* Warnings are for who starts the server with it. */
	if (conf == NULL || ctl_options.verbose)
		conf_problems_print(&problems, stderr);
	conf_problems_free(&problems);
	return conf;
}
