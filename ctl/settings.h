/* SPDX-License-Identifier: ISC */
/* settings - what posternctl needs of postern.conf. */
#ifndef POSTERN_CTL_SETTINGS_H
#define POSTERN_CTL_SETTINGS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

struct ctl_settings {
	char state[PATH_MAX];
	char accounts[PATH_MAX]; /* accounts.conf */
	const char **domains;    /* lower case */
	size_t domain_count;
};

/* Reads the file of ctl_options.conf. Returns 0, or -1 with ERR filled. */
int ctl_settings_load(struct ctl_settings *, struct error *);
void ctl_settings_free(struct ctl_settings *);

#endif
