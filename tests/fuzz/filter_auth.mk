# SPDX-License-Identifier: ISC
noinst_PROGRAMS += tests/fuzz/fuzz_spf
tests_fuzz_fuzz_spf_SOURCES = tests/fuzz/fuzz_spf.c
tests_fuzz_fuzz_spf_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_spf_LDADD = worker/libworker.a common/libcommon.a $(BSD_LIBS)
noinst_PROGRAMS += tests/fuzz/fuzz_dmarc
tests_fuzz_fuzz_dmarc_SOURCES = tests/fuzz/fuzz_dmarc.c
tests_fuzz_fuzz_dmarc_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_dmarc_LDADD = worker/libworker.a $(COMMON_LIBS) $(IDN_LIBS) $(PSL_LIBS)
noinst_PROGRAMS += tests/fuzz/fuzz_request_key
tests_fuzz_fuzz_request_key_SOURCES = tests/fuzz/fuzz_request_key.c
tests_fuzz_fuzz_request_key_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_request_key_LDADD = $(CTL_LIBS)
noinst_PROGRAMS += tests/fuzz/fuzz_arc
tests_fuzz_fuzz_arc_SOURCES = tests/fuzz/fuzz_arc.c
tests_fuzz_fuzz_arc_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_arc_LDADD = worker/libworker.a $(COMMON_LIBS) $(CRYPTO_LIBS) $(IDN_LIBS)
