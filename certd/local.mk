# SPDX-License-Identifier: ISC
# libcertd.a: all but main(), for the tests.
noinst_LIBRARIES += certd/libcertd.a
certd_libcertd_a_SOURCES =
