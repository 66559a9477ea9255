/* SPDX-License-Identifier: ISC */
/* settings - posternctl reads postern.conf with the master's own parser. */
#ifndef POSTERN_CTL_SETTINGS_H
#define POSTERN_CTL_SETTINGS_H

#include "master/conf.h"

/*
 * The configuration of ctl_options.conf, for conf_free(). NULL if it has errors; they have been
 * printed then.
 */
struct configuration *ctl_settings(void);

#endif
