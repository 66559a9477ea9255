# SPDX-License-Identifier: ISC
noinst_PROGRAMS += tests/fuzz/fuzz_compose
tests_fuzz_fuzz_compose_SOURCES = tests/fuzz/fuzz_compose.c
tests_fuzz_fuzz_compose_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_compose_LDADD = certd/libcertd.a

noinst_PROGRAMS += tests/fuzz/fuzz_proof
tests_fuzz_fuzz_proof_SOURCES = tests/fuzz/fuzz_proof.c
tests_fuzz_fuzz_proof_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_proof_LDADD = verify/libverify.a

noinst_PROGRAMS += tests/fuzz/fuzz_subject
tests_fuzz_fuzz_subject_SOURCES = tests/fuzz/fuzz_subject.c
tests_fuzz_fuzz_subject_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_subject_LDADD = certd/libcertd.a $(COMMON_LIBS)

noinst_PROGRAMS += tests/fuzz/fuzz_journal
tests_fuzz_fuzz_journal_SOURCES = tests/fuzz/fuzz_journal.c
tests_fuzz_fuzz_journal_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_journal_LDADD = $(CERTD_LIBS)

noinst_PROGRAMS += tests/fuzz/fuzz_client_index
tests_fuzz_fuzz_client_index_SOURCES = tests/fuzz/fuzz_client_index.c
tests_fuzz_fuzz_client_index_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_client_index_LDADD = certd/libcertd.a $(COMMON_LIBS)

noinst_PROGRAMS += tests/fuzz/fuzz_import
tests_fuzz_fuzz_import_SOURCES = tests/fuzz/fuzz_import.c
tests_fuzz_fuzz_import_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_import_LDADD = $(CERTD_LIBS)
