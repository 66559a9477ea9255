# SPDX-License-Identifier: ISC
noinst_PROGRAMS += tests/fuzz/fuzz_mime_structure tests/fuzz/fuzz_mime_text
tests_fuzz_fuzz_mime_structure_SOURCES = tests/fuzz/fuzz_mime_structure.c tests/fuzz/mime_imap.h
tests_fuzz_fuzz_mime_structure_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_mime_structure_LDADD = common/libcommon.a $(UNISTRING_LIBS)
tests_fuzz_fuzz_mime_text_SOURCES = tests/fuzz/fuzz_mime_text.c
tests_fuzz_fuzz_mime_text_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_mime_text_LDADD = common/libcommon.a $(UNISTRING_LIBS)
noinst_PROGRAMS += tests/fuzz/fuzz_imap_thread
tests_fuzz_fuzz_imap_thread_SOURCES = tests/fuzz/fuzz_imap_thread.c
tests_fuzz_fuzz_imap_thread_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_imap_thread_LDADD = worker/libworker.a common/libcommon.a $(UNISTRING_LIBS)
noinst_PROGRAMS += tests/fuzz/fuzz_mime_authors
tests_fuzz_fuzz_mime_authors_SOURCES = tests/fuzz/fuzz_mime_authors.c
tests_fuzz_fuzz_mime_authors_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_mime_authors_LDADD = common/libcommon.a
