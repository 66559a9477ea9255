# SPDX-License-Identifier: ISC
STORE_HOUSE = tests/unit/store_house.c tests/unit/store_house.h
check_PROGRAMS += tests/unit/test_store_folders tests/unit/test_store_flags
tests_unit_test_store_folders_SOURCES = tests/unit/test_store_folders.c $(STORE_HOUSE)
tests_unit_test_store_folders_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)
tests_unit_test_store_flags_SOURCES = tests/unit/test_store_flags.c $(STORE_HOUSE)
tests_unit_test_store_flags_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_store_tags
tests_unit_test_store_tags_SOURCES = tests/unit/test_store_tags.c $(STORE_HOUSE)
tests_unit_test_store_tags_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_store_append
tests_unit_test_store_append_SOURCES = tests/unit/test_store_append.c $(STORE_HOUSE)
tests_unit_test_store_append_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_store_search
tests_unit_test_store_search_SOURCES = tests/unit/test_store_search.c $(STORE_HOUSE)
tests_unit_test_store_search_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_store_check
tests_unit_test_store_check_SOURCES = tests/unit/test_store_check.c $(STORE_HOUSE)
tests_unit_test_store_check_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_store_crash
tests_unit_test_store_crash_SOURCES = tests/unit/test_store_crash.c $(STORE_HOUSE) \
	tests/unit/power_cut.c tests/unit/power_cut.h
tests_unit_test_store_crash_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_store_uids
tests_unit_test_store_uids_SOURCES = tests/unit/test_store_uids.c $(STORE_HOUSE)
tests_unit_test_store_uids_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)
