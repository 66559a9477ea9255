/* SPDX-License-Identifier: ISC */
/* The role of postern-verify (verify.c), for its main() and for the tests. */
#ifndef POSTERN_VERIFY_ROLE_H
#define POSTERN_VERIFY_ROLE_H

#include "common/child.h"

extern const struct child_role verify_role;

#endif
