/* SPDX-License-Identifier: ISC */
/* certd - the process that has the private keys (design section 5). */
#ifndef POSTERN_CERTD_CERTD_H
#define POSTERN_CERTD_CERTD_H

#include "common/child.h"

extern const struct child_role certd_role;
extern const struct sandbox_rules certd_sandbox_rules;

/* What certd reads files of administrators with (certd_importer.h). */
extern const struct child_role importer_role;

#endif
