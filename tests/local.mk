# SPDX-License-Identifier: ISC
include tests/unit/local.mk
include tests/fuzz/local.mk
TESTS += $(check_PROGRAMS)
