# SPDX-License-Identifier: ISC
check_PROGRAMS += tests/unit/test_dkim tests/unit/test_filter_message
tests_unit_test_dkim_SOURCES = tests/unit/test_dkim.c tests/unit/dkim_example.h
tests_unit_test_dkim_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=strncasecmp
tests_unit_test_dkim_LDADD = worker/libworker.a certd/libcertd.a $(COMMON_LIBS) $(CRYPTO_LIBS) $(IDN_LIBS) $(UNIT_LIBS)
tests_unit_test_filter_message_SOURCES = tests/unit/test_filter_message.c
tests_unit_test_filter_message_LDADD = worker/libworker.a $(COMMON_LIBS) $(IDN_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_milter_edit tests/unit/test_milter_envelope tests/unit/test_check_envelope
tests_unit_test_milter_edit_SOURCES = tests/unit/test_milter_edit.c
tests_unit_test_milter_edit_LDADD = worker/libworker.a $(COMMON_LIBS) $(UNIT_LIBS)
tests_unit_test_milter_envelope_SOURCES = tests/unit/test_milter_envelope.c
tests_unit_test_milter_envelope_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)
tests_unit_test_check_envelope_SOURCES = tests/unit/test_check_envelope.c
tests_unit_test_check_envelope_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_stage_memory
tests_unit_test_stage_memory_SOURCES = tests/unit/test_stage_memory.c tests/unit/dkim_example.h \
	tests/unit/dns_text.h
tests_unit_test_stage_memory_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=calloc -Wl,--wrap=malloc -Wl,--wrap=dns_ask \
	-Wl,--wrap=dns_forget -Wl,--wrap=check_next -Wl,--wrap=check_result -Wl,--wrap=check_verdict
tests_unit_test_stage_memory_LDADD = worker/libworker.a $(COMMON_LIBS) $(CRYPTO_LIBS) $(UNBOUND_LIBS) \
	$(PSL_LIBS) $(IDN_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_filter_stages
tests_unit_test_filter_stages_SOURCES = tests/unit/test_filter_stages.c tests/unit/dkim_example.h \
	tests/unit/dns_text.h
tests_unit_test_filter_stages_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=dns_ask -Wl,--wrap=dns_forget \
	-Wl,--wrap=check_next -Wl,--wrap=check_result -Wl,--wrap=check_verdict -Wl,--wrap=ipc_request \
	-Wl,--wrap=event_add
tests_unit_test_filter_stages_LDADD = worker/libworker.a $(COMMON_LIBS) $(CRYPTO_LIBS) $(UNBOUND_LIBS) \
	$(PSL_LIBS) $(IDN_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_filter_time
tests_unit_test_filter_time_SOURCES = tests/unit/test_filter_time.c
tests_unit_test_filter_time_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=event_add
tests_unit_test_filter_time_LDADD = worker/libworker.a $(COMMON_LIBS) $(CRYPTO_LIBS) $(UNBOUND_LIBS) \
	$(PSL_LIBS) $(IDN_LIBS) $(UNIT_LIBS)
