/* SPDX-License-Identifier: ISC */
/* Every boundary there is, for the tests and fuzzers that go through them all. */
#ifndef POSTERN_COMMON_PROTO_BOUNDARIES_H
#define POSTERN_COMMON_PROTO_BOUNDARIES_H

#include "common/ipc.h"

extern const struct ipc_boundary *const ipc_boundaries[]; /* ends with NULL */

#endif
