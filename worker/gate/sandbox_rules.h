/* SPDX-License-Identifier: ISC */
/* What a gate may do (design section 6): use the descriptors it was given, and accept. */
#ifndef POSTERN_WORKER_GATE_SANDBOX_RULES_H
#define POSTERN_WORKER_GATE_SANDBOX_RULES_H

#include "common/sandbox.h"

extern const struct sandbox_rules gate_sandbox_rules;

#endif
