# SPDX-License-Identifier: ISC
# libmaster.a: all but main(), for the tests.
noinst_LIBRARIES += master/libmaster.a
master_libmaster_a_SOURCES =
