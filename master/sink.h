/* SPDX-License-Identifier: ISC */
/* sink - where the log goes: descriptor 2, which all children inherit. */
#ifndef POSTERN_MASTER_SINK_H
#define POSTERN_MASTER_SINK_H

#include "common/error.h"
#include "common/log.h"
#include "master/conf.h"

/* The journal if that is what descriptor 2 is (systemd.exec(5), JOURNAL_STREAM), else stderr. */
enum log_format sink_default(void);
/* What the configuration says, or the default where it says "auto". */
enum log_format sink_configured(const struct configuration *);

/* Puts the format in force; for syslog, connects descriptor 2 to /dev/log, again if it was before
 * (syslogd may have been restarted). Returns 0, or -1 with ERR filled. */
int sink_open(enum log_format, struct error *);

#endif
