# SPDX-License-Identifier: ISC
include tests/unit/local.mk
include tests/attack/local.mk
include tests/fuzz/local.mk
include tests/bench/local.mk
TESTS += $(check_PROGRAMS)
