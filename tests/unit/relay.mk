# SPDX-License-Identifier: ISC
check_PROGRAMS += tests/unit/test_smtp_reply tests/unit/test_smtp_client
tests_unit_test_smtp_reply_SOURCES = tests/unit/test_smtp_reply.c
tests_unit_test_smtp_reply_LDADD = worker/libworker.a $(UNIT_LIBS)
tests_unit_test_smtp_client_SOURCES = tests/unit/test_smtp_client.c
tests_unit_test_smtp_client_LDADD = worker/libworker.a $(COMMON_LIBS) $(UNIT_LIBS)
