# SPDX-License-Identifier: ISC
# libctl.a: all but main(), for the tests.
noinst_LIBRARIES += ctl/libctl.a
ctl_libctl_a_SOURCES =
