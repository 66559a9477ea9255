# SPDX-License-Identifier: ISC
check_PROGRAMS += tests/unit/test_queue_files tests/unit/test_queue
tests_unit_test_queue_files_SOURCES = tests/unit/test_queue_files.c \
	tests/unit/power_cut.c tests/unit/power_cut.h \
	tests/unit/queue_world.c tests/unit/queue_world.h
tests_unit_test_queue_files_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)
tests_unit_test_queue_SOURCES = tests/unit/test_queue.c \
	tests/unit/queue_world.c tests/unit/queue_world.h
tests_unit_test_queue_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=event_add
tests_unit_test_queue_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_queue_fair
tests_unit_test_queue_fair_SOURCES = tests/unit/test_queue_fair.c \
	tests/unit/queue_world.c tests/unit/queue_world.h
tests_unit_test_queue_fair_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_queue_suspension
tests_unit_test_queue_suspension_SOURCES = tests/unit/test_queue_suspension.c \
	tests/unit/queue_world.c tests/unit/queue_world.h
tests_unit_test_queue_suspension_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_greylist tests/unit/test_queue_greylist
tests_unit_test_greylist_SOURCES = tests/unit/test_greylist.c \
	tests/unit/queue_world.c tests/unit/queue_world.h
tests_unit_test_greylist_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)
tests_unit_test_queue_greylist_SOURCES = tests/unit/test_queue_greylist.c \
	tests/unit/queue_world.c tests/unit/queue_world.h
tests_unit_test_queue_greylist_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_queue_limit
tests_unit_test_queue_limit_SOURCES = tests/unit/test_queue_limit.c
tests_unit_test_queue_limit_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_queue_author
tests_unit_test_queue_author_SOURCES = tests/unit/test_queue_author.c \
	tests/unit/queue_world.c tests/unit/queue_world.h
tests_unit_test_queue_author_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_notice tests/unit/test_certs
tests_unit_test_notice_SOURCES = tests/unit/test_notice.c \
	tests/unit/queue_world.c tests/unit/queue_world.h
tests_unit_test_notice_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)
tests_unit_test_certs_SOURCES = tests/unit/test_certs.c
tests_unit_test_certs_LDADD = $(MASTER_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_report
tests_unit_test_report_SOURCES = tests/unit/test_report.c tests/unit/queue_world.c tests/unit/queue_world.h
tests_unit_test_report_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_check_turns
tests_unit_test_check_turns_SOURCES = tests/unit/test_check_turns.c
tests_unit_test_check_turns_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_queue_checks
tests_unit_test_queue_checks_SOURCES = tests/unit/test_queue_checks.c \
	tests/unit/queue_world.c tests/unit/queue_world.h
tests_unit_test_queue_checks_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=event_add
tests_unit_test_queue_checks_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)
