# SPDX-License-Identifier: ISC
# A unit test is one cmocka program, tests/unit/test_NAME.c. Each module's author adds a block here:
#   check_PROGRAMS += tests/unit/test_NAME
#   tests_unit_test_NAME_SOURCES = tests/unit/test_NAME.c
#   tests_unit_test_NAME_LDADD = $(UNIT_LIBS)        (with what it tests in front)
# and TESTS = $(check_PROGRAMS) runs them all.
UNIT_LIBS = $(CMOCKA_LIBS)

include tests/unit/certd.mk
include tests/unit/queue.mk
include tests/unit/mime.mk
include tests/unit/store.mk
include tests/unit/relay.mk
include tests/unit/filter_auth.mk
include tests/unit/filter.mk

check_PROGRAMS += tests/unit/test_ipc
tests_unit_test_ipc_SOURCES = tests/unit/test_ipc.c
tests_unit_test_ipc_LDADD = $(COMMON_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_log
tests_unit_test_log_SOURCES = tests/unit/test_log.c
tests_unit_test_log_LDADD = $(COMMON_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_sandbox
tests_unit_test_sandbox_SOURCES = tests/unit/test_sandbox.c
tests_unit_test_sandbox_LDADD = $(COMMON_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_sasl_plain
tests_unit_test_sasl_plain_SOURCES = tests/unit/test_sasl_plain.c
tests_unit_test_sasl_plain_LDADD = common/libcommon.a $(UNIT_LIBS) $(BSD_LIBS)
check_PROGRAMS += tests/unit/test_scram
tests_unit_test_scram_SOURCES = tests/unit/test_scram.c
tests_unit_test_scram_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_sqlite_dir
tests_unit_test_sqlite_dir_SOURCES = tests/unit/test_sqlite_dir.c
tests_unit_test_sqlite_dir_LDADD = $(COMMON_LIBS) $(SQLITE_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_cert_name
tests_unit_test_cert_name_SOURCES = tests/unit/test_cert_name.c
tests_unit_test_cert_name_LDADD = common/libcommon.a $(BSD_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_address
tests_unit_test_address_SOURCES = tests/unit/test_address.c
tests_unit_test_address_LDADD = common/libcommon.a $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_accounts_file
tests_unit_test_accounts_file_SOURCES = tests/unit/test_accounts_file.c
tests_unit_test_accounts_file_LDADD = common/libcommon.a $(CONFIG_LIBS) $(IDN_LIBS) $(CRYPT_LIBS) $(BSD_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_store
tests_unit_test_store_SOURCES = tests/unit/test_store.c
tests_unit_test_store_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_throttle tests/unit/test_resolve
tests_unit_test_throttle_SOURCES = tests/unit/test_throttle.c
tests_unit_test_throttle_LDADD = worker/libworker.a $(BSD_LIBS) $(UNIT_LIBS)
tests_unit_test_resolve_SOURCES = tests/unit/test_resolve.c
tests_unit_test_resolve_LDADD = worker/libworker.a common/libcommon.a $(CONFIG_LIBS) $(IDN_LIBS) $(UNISTRING_LIBS) $(CRYPT_LIBS) $(NETTLE_LIBS) $(BSD_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_srs
tests_unit_test_srs_SOURCES = tests/unit/test_srs.c
tests_unit_test_srs_LDADD = worker/libworker.a $(COMMON_LIBS) $(NETTLE_LIBS) $(IDN_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_accounts_role
tests_unit_test_accounts_role_SOURCES = tests/unit/test_accounts_role.c
tests_unit_test_accounts_role_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)
TLS_TEST_SOURCES = tests/unit/fake_certd.c tests/unit/fake_certd.h tests/unit/tls_pair.c \
	tests/unit/tls_pair.h
TLS_TEST_LIBS = worker/libworker.a $(COMMON_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_tls
tests_unit_test_tls_SOURCES = tests/unit/test_tls.c $(TLS_TEST_SOURCES)
tests_unit_test_tls_LDADD = $(TLS_TEST_LIBS)

check_PROGRAMS += tests/unit/test_tls_binding
tests_unit_test_tls_binding_SOURCES = tests/unit/test_tls_binding.c $(TLS_TEST_SOURCES)
tests_unit_test_tls_binding_LDADD = $(TLS_TEST_LIBS)

check_PROGRAMS += tests/unit/test_provider_parse
tests_unit_test_provider_parse_SOURCES = tests/unit/test_provider_parse.c
tests_unit_test_provider_parse_LDADD = worker/libworker.a $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_gate
tests_unit_test_gate_SOURCES = tests/unit/test_gate.c tests/unit/gate_house.c tests/unit/gate_house.h \
	tests/unit/gate_toys.c
tests_unit_test_gate_LDADD = worker/libworker.a $(COMMON_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_pop3_command tests/unit/test_networks
tests_unit_test_pop3_command_SOURCES = tests/unit/test_pop3_command.c
tests_unit_test_pop3_command_LDADD = worker/libworker.a $(UNISTRING_LIBS) $(UNIT_LIBS)
tests_unit_test_networks_SOURCES = tests/unit/test_networks.c
tests_unit_test_networks_LDADD = worker/libworker.a common/libcommon.a $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_smtp_command
tests_unit_test_smtp_command_SOURCES = tests/unit/test_smtp_command.c
tests_unit_test_smtp_command_LDADD = worker/libworker.a $(COMMON_LIBS) $(IDN_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_smtp_data
tests_unit_test_smtp_data_SOURCES = tests/unit/test_smtp_data.c
tests_unit_test_smtp_data_LDADD = worker/libworker.a $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_smtp_fixup
tests_unit_test_smtp_fixup_SOURCES = tests/unit/test_smtp_fixup.c
tests_unit_test_smtp_fixup_LDADD = worker/libworker.a $(BSD_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_smtp_claims
tests_unit_test_smtp_claims_SOURCES = tests/unit/test_smtp_claims.c
tests_unit_test_smtp_claims_LDADD = worker/libworker.a $(COMMON_LIBS) $(IDN_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_pop3
tests_unit_test_pop3_SOURCES = tests/unit/test_pop3.c
tests_unit_test_pop3_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_pop3_parse
tests_unit_test_pop3_parse_SOURCES = tests/unit/test_pop3_parse.c
tests_unit_test_pop3_parse_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_accounts_text
tests_unit_test_accounts_text_SOURCES = tests/unit/test_accounts_text.c
tests_unit_test_accounts_text_LDADD = ctl/libctl.a common/libcommon.a $(BSD_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_tls_faults
tests_unit_test_tls_faults_SOURCES = tests/unit/test_tls_faults.c $(TLS_TEST_SOURCES)
tests_unit_test_tls_faults_LDADD = $(TLS_TEST_LIBS)
SMTP_HOUSE_SOURCES = tests/unit/smtp_house.c tests/unit/smtp_house.h
check_PROGRAMS += tests/unit/test_smtp_session
tests_unit_test_smtp_session_SOURCES = tests/unit/test_smtp_session.c $(SMTP_HOUSE_SOURCES)
tests_unit_test_smtp_session_LDADD = worker/libworker.a $(COMMON_LIBS) $(IDN_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_smtp_greylist
tests_unit_test_smtp_greylist_SOURCES = tests/unit/test_smtp_greylist.c $(SMTP_HOUSE_SOURCES)
tests_unit_test_smtp_greylist_LDADD = worker/libworker.a $(COMMON_LIBS) $(IDN_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_smtp_drain
tests_unit_test_smtp_drain_SOURCES = tests/unit/test_smtp_drain.c $(SMTP_HOUSE_SOURCES)
tests_unit_test_smtp_drain_LDADD = worker/libworker.a $(COMMON_LIBS) $(IDN_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_smtp_receive
tests_unit_test_smtp_receive_SOURCES = tests/unit/test_smtp_receive.c $(SMTP_HOUSE_SOURCES)
tests_unit_test_smtp_receive_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=event_add
tests_unit_test_smtp_receive_LDADD = worker/libworker.a $(COMMON_LIBS) $(IDN_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_smtp_chunk
tests_unit_test_smtp_chunk_SOURCES = tests/unit/test_smtp_chunk.c $(SMTP_HOUSE_SOURCES)
tests_unit_test_smtp_chunk_LDADD = worker/libworker.a $(COMMON_LIBS) $(IDN_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_duration
tests_unit_test_duration_SOURCES = tests/unit/test_duration.c
tests_unit_test_duration_LDADD = $(COMMON_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_xtext
tests_unit_test_xtext_SOURCES = tests/unit/test_xtext.c
tests_unit_test_xtext_LDADD = $(COMMON_LIBS) $(IDN_LIBS) $(UNIT_LIBS)

# Needs ./postern-certd in the build folder.
REAL_CERTD_SOURCES = tests/unit/real_certd.c tests/unit/real_certd.h
check_PROGRAMS += tests/unit/test_tls_certd
tests_unit_test_tls_certd_SOURCES = tests/unit/test_tls_certd.c $(REAL_CERTD_SOURCES) \
	$(TLS_TEST_SOURCES)
tests_unit_test_tls_certd_LDADD = $(TLS_TEST_LIBS)

check_PROGRAMS += tests/unit/test_session_role
tests_unit_test_session_role_SOURCES = tests/unit/test_session_role.c
tests_unit_test_session_role_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_conf tests/unit/test_master tests/unit/test_srs_file
tests_unit_test_srs_file_SOURCES = tests/unit/test_srs_file.c
tests_unit_test_srs_file_LDADD = $(MASTER_LIBS) $(UNIT_LIBS)
tests_unit_test_conf_SOURCES = tests/unit/test_conf.c
tests_unit_test_conf_LDADD = $(MASTER_LIBS) $(UNIT_LIBS)
tests_unit_test_master_SOURCES = tests/unit/test_master.c
tests_unit_test_master_LDADD = $(MASTER_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_master_told
tests_unit_test_master_told_SOURCES = tests/unit/test_master_told.c
tests_unit_test_master_told_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=resolvers_of -Wl,--wrap=ipc_send \
	-Wl,--wrap=slot_fill -Wl,--wrap=slot_restart -Wl,--wrap=slot_succeed
tests_unit_test_master_told_LDADD = $(MASTER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_imap_parse tests/unit/test_imap_parse_hostile
tests_unit_test_imap_parse_SOURCES = tests/unit/test_imap_parse.c tests/unit/imap_dump.c tests/unit/imap_dump.h
tests_unit_test_imap_parse_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)
tests_unit_test_imap_parse_hostile_SOURCES = tests/unit/test_imap_parse_hostile.c tests/unit/imap_dump.c tests/unit/imap_dump.h
tests_unit_test_imap_parse_hostile_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_imap_view
tests_unit_test_imap_view_SOURCES = tests/unit/test_imap_view.c
tests_unit_test_imap_view_LDADD = $(WORKER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_imap_login
tests_unit_test_imap_login_SOURCES = tests/unit/test_imap_login.c
tests_unit_test_imap_login_LDADD = worker/libworker.a $(BSD_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_gate_imap
tests_unit_test_gate_imap_SOURCES = tests/unit/test_gate_imap.c tests/unit/gate_house.c tests/unit/gate_house.h \
	tests/unit/gate_toys.c
tests_unit_test_gate_imap_LDADD = worker/libworker.a $(COMMON_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_parked
tests_unit_test_parked_SOURCES = tests/unit/test_parked.c
tests_unit_test_parked_LDADD = $(MASTER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_tag
tests_unit_test_tag_SOURCES = tests/unit/test_tag.c
tests_unit_test_tag_LDADD = worker/libworker.a $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_scores tests/unit/test_defence
tests_unit_test_scores_SOURCES = tests/unit/test_scores.c
tests_unit_test_scores_LDADD = common/libcommon.a $(UNIT_LIBS)
tests_unit_test_defence_SOURCES = tests/unit/test_defence.c tests/unit/gate_house.c tests/unit/gate_house.h \
	tests/unit/gate_toys.c
tests_unit_test_defence_LDADD = worker/libworker.a $(COMMON_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_milter
tests_unit_test_milter_SOURCES = tests/unit/test_milter.c
tests_unit_test_milter_LDADD = worker/libworker.a $(COMMON_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_host_names
tests_unit_test_host_names_SOURCES = tests/unit/test_host_names.c
tests_unit_test_host_names_LDADD = worker/libworker.a $(COMMON_LIBS) $(UNIT_LIBS)
