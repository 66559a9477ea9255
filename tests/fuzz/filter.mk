# SPDX-License-Identifier: ISC
noinst_PROGRAMS += tests/fuzz/fuzz_dkim
tests_fuzz_fuzz_dkim_SOURCES = tests/fuzz/fuzz_dkim.c
tests_fuzz_fuzz_dkim_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_dkim_LDADD = worker/libworker.a certd/libcertd.a $(COMMON_LIBS) $(CRYPTO_LIBS)
noinst_PROGRAMS += tests/fuzz/fuzz_filter_message
tests_fuzz_fuzz_filter_message_SOURCES = tests/fuzz/fuzz_filter_message.c
tests_fuzz_fuzz_filter_message_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_filter_message_LDADD = worker/libworker.a $(COMMON_LIBS)
