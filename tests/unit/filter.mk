# SPDX-License-Identifier: ISC
check_PROGRAMS += tests/unit/test_dkim tests/unit/test_filter_message
tests_unit_test_dkim_SOURCES = tests/unit/test_dkim.c
tests_unit_test_dkim_LDADD = worker/libworker.a certd/libcertd.a $(COMMON_LIBS) $(CRYPTO_LIBS) $(UNIT_LIBS)
tests_unit_test_filter_message_SOURCES = tests/unit/test_filter_message.c
tests_unit_test_filter_message_LDADD = worker/libworker.a $(COMMON_LIBS) $(UNIT_LIBS)
