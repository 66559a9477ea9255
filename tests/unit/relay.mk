# SPDX-License-Identifier: ISC
check_PROGRAMS += tests/unit/test_smtp_reply tests/unit/test_smtp_client
tests_unit_test_smtp_reply_SOURCES = tests/unit/test_smtp_reply.c
tests_unit_test_smtp_reply_LDADD = worker/libworker.a $(UNIT_LIBS)
tests_unit_test_smtp_client_SOURCES = tests/unit/test_smtp_client.c
tests_unit_test_smtp_client_LDADD = worker/libworker.a $(COMMON_LIBS) $(NETTLE_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_route tests/unit/test_queue_remote
tests_unit_test_route_SOURCES = tests/unit/test_route.c
tests_unit_test_route_LDADD = worker/libworker.a $(COMMON_LIBS) $(UNBOUND_LIBS) $(UNIT_LIBS)
tests_unit_test_queue_remote_SOURCES = tests/unit/test_queue_remote.c \
	tests/unit/queue_world.c tests/unit/queue_world.h
tests_unit_test_queue_remote_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=batch_write
tests_unit_test_queue_remote_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_security
tests_unit_test_security_SOURCES = tests/unit/test_security.c
tests_unit_test_security_LDADD = worker/libworker.a $(CRYPTO_LIBS) $(BSD_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_sts
tests_unit_test_sts_SOURCES = tests/unit/test_sts.c
tests_unit_test_sts_LDADD = worker/libworker.a $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_queue_filter
tests_unit_test_queue_filter_SOURCES = tests/unit/test_queue_filter.c
tests_unit_test_queue_filter_LDADD = $(CTL_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_relay_result
tests_unit_test_relay_result_SOURCES = tests/unit/test_relay_result.c
tests_unit_test_relay_result_LDADD = worker/libworker.a $(BSD_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_relay_login
tests_unit_test_relay_login_SOURCES = tests/unit/test_relay_login.c
tests_unit_test_relay_login_LDADD = worker/libworker.a $(COMMON_LIBS) $(NETTLE_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_relay_table
tests_unit_test_relay_table_SOURCES = tests/unit/test_relay_table.c
tests_unit_test_relay_table_LDADD = worker/libworker.a $(COMMON_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_relay_taken
tests_unit_test_relay_taken_SOURCES = tests/unit/test_relay_taken.c
tests_unit_test_relay_taken_LDADD = worker/libworker.a $(BSD_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_dial
tests_unit_test_dial_SOURCES = tests/unit/test_dial.c
tests_unit_test_dial_LDADD = worker/libworker.a $(COMMON_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_tls_client
tests_unit_test_tls_client_SOURCES = tests/unit/test_tls_client.c
tests_unit_test_tls_client_LDADD = worker/libworker.a $(COMMON_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_relay_pool
tests_unit_test_relay_pool_SOURCES = tests/unit/test_relay_pool.c
tests_unit_test_relay_pool_LDADD = worker/libworker.a $(COMMON_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) $(UNBOUND_LIBS) $(NETTLE_LIBS) \
	$(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_relay_asked
tests_unit_test_relay_asked_SOURCES = tests/unit/test_relay_asked.c
tests_unit_test_relay_asked_LDADD = worker/libworker.a $(BSD_LIBS) $(UNIT_LIBS)
