# SPDX-License-Identifier: ISC
noinst_PROGRAMS += tests/fuzz/fuzz_dkim
tests_fuzz_fuzz_dkim_SOURCES = tests/fuzz/fuzz_dkim.c
tests_fuzz_fuzz_dkim_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_dkim_LDADD = worker/libworker.a certd/libcertd.a $(COMMON_LIBS) $(CRYPTO_LIBS) $(IDN_LIBS)
noinst_PROGRAMS += tests/fuzz/fuzz_filter_message
tests_fuzz_fuzz_filter_message_SOURCES = tests/fuzz/fuzz_filter_message.c
tests_fuzz_fuzz_filter_message_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_filter_message_LDADD = worker/libworker.a $(COMMON_LIBS) $(IDN_LIBS)
noinst_PROGRAMS += tests/fuzz/fuzz_envelope
tests_fuzz_fuzz_envelope_SOURCES = tests/fuzz/fuzz_envelope.c
tests_fuzz_fuzz_envelope_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_envelope_LDADD = $(WORKER_LIBS)
noinst_PROGRAMS += tests/fuzz/fuzz_milter_edit
tests_fuzz_fuzz_milter_edit_SOURCES = tests/fuzz/fuzz_milter_edit.c
tests_fuzz_fuzz_milter_edit_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_milter_edit_LDADD = $(WORKER_LIBS)
