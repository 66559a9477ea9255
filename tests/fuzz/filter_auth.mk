# SPDX-License-Identifier: ISC
noinst_PROGRAMS += tests/fuzz/fuzz_spf
tests_fuzz_fuzz_spf_SOURCES = tests/fuzz/fuzz_spf.c
tests_fuzz_fuzz_spf_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_spf_LDADD = worker/libworker.a common/libcommon.a $(BSD_LIBS)
