# SPDX-License-Identifier: ISC
check_PROGRAMS += tests/unit/test_mime_structure
tests_unit_test_mime_structure_SOURCES = tests/unit/test_mime_structure.c tests/fuzz/mime_imap.h
tests_unit_test_mime_structure_LDADD = common/libcommon.a $(UNISTRING_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_mime_text
tests_unit_test_mime_text_SOURCES = tests/unit/test_mime_text.c
tests_unit_test_mime_text_LDADD = common/libcommon.a $(UNISTRING_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_imap_search
tests_unit_test_imap_search_SOURCES = tests/unit/test_imap_search.c
tests_unit_test_imap_search_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_imap_thread
tests_unit_test_imap_thread_SOURCES = tests/unit/test_imap_thread.c
tests_unit_test_imap_thread_LDADD = worker/libworker.a common/libcommon.a $(UNISTRING_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_mime_authors
tests_unit_test_mime_authors_SOURCES = tests/unit/test_mime_authors.c
tests_unit_test_mime_authors_LDADD = common/libcommon.a $(BSD_LIBS) $(UNIT_LIBS)
