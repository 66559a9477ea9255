# SPDX-License-Identifier: ISC
# A fuzzer is tests/fuzz/fuzz_NAME.c with LLVMFuzzerTestOneInput(), seeds in tests/fuzz/corpus/NAME/.
#   noinst_PROGRAMS += tests/fuzz/fuzz_NAME
#   tests_fuzz_fuzz_NAME_SOURCES = tests/fuzz/fuzz_NAME.c
#   tests_fuzz_fuzz_NAME_LDFLAGS = $(FUZZ_LDFLAGS)
#   tests_fuzz_fuzz_NAME_LDADD = ...
FUZZ_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
if FUZZERS
include tests/fuzz/certd.mk
include tests/fuzz/mime.mk
include tests/fuzz/relay.mk
include tests/fuzz/filter_auth.mk
include tests/fuzz/filter.mk
noinst_PROGRAMS += tests/fuzz/fuzz_pop3_command
tests_fuzz_fuzz_pop3_command_SOURCES = tests/fuzz/fuzz_pop3_command.c
tests_fuzz_fuzz_pop3_command_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_pop3_command_LDADD = worker/libworker.a $(UNISTRING_LIBS) $(BSD_LIBS)

noinst_PROGRAMS += tests/fuzz/fuzz_ipc_check
tests_fuzz_fuzz_ipc_check_SOURCES = tests/fuzz/fuzz_ipc_check.c
tests_fuzz_fuzz_ipc_check_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_ipc_check_LDADD = $(COMMON_LIBS)

noinst_PROGRAMS += tests/fuzz/fuzz_sasl_plain
tests_fuzz_fuzz_sasl_plain_SOURCES = tests/fuzz/fuzz_sasl_plain.c
tests_fuzz_fuzz_sasl_plain_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_sasl_plain_LDADD = common/libcommon.a $(BSD_LIBS)

noinst_PROGRAMS += tests/fuzz/fuzz_scram
tests_fuzz_fuzz_scram_SOURCES = tests/fuzz/fuzz_scram.c
tests_fuzz_fuzz_scram_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_scram_LDADD = $(WORKER_LIBS)

noinst_PROGRAMS += tests/fuzz/fuzz_sasl_external
tests_fuzz_fuzz_sasl_external_SOURCES = tests/fuzz/fuzz_sasl_external.c
tests_fuzz_fuzz_sasl_external_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_sasl_external_LDADD = common/libcommon.a $(BSD_LIBS)

noinst_PROGRAMS += tests/fuzz/fuzz_address
tests_fuzz_fuzz_address_SOURCES = tests/fuzz/fuzz_address.c
tests_fuzz_fuzz_address_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_address_LDADD = common/libcommon.a

noinst_PROGRAMS += tests/fuzz/fuzz_smtp_command
tests_fuzz_fuzz_smtp_command_SOURCES = tests/fuzz/fuzz_smtp_command.c
tests_fuzz_fuzz_smtp_command_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_smtp_command_LDADD = worker/libworker.a $(COMMON_LIBS) $(IDN_LIBS)
noinst_PROGRAMS += tests/fuzz/fuzz_smtp_data
tests_fuzz_fuzz_smtp_data_SOURCES = tests/fuzz/fuzz_smtp_data.c
tests_fuzz_fuzz_smtp_data_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_smtp_data_LDADD = worker/libworker.a
noinst_PROGRAMS += tests/fuzz/fuzz_smtp_fixup
tests_fuzz_fuzz_smtp_fixup_SOURCES = tests/fuzz/fuzz_smtp_fixup.c
tests_fuzz_fuzz_smtp_fixup_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_smtp_fixup_LDADD = worker/libworker.a common/libcommon.a $(BSD_LIBS)
noinst_PROGRAMS += tests/fuzz/fuzz_smtp_claims
tests_fuzz_fuzz_smtp_claims_SOURCES = tests/fuzz/fuzz_smtp_claims.c
tests_fuzz_fuzz_smtp_claims_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_smtp_claims_LDADD = worker/libworker.a $(COMMON_LIBS) $(IDN_LIBS)
noinst_PROGRAMS += tests/fuzz/fuzz_pop3_transaction
tests_fuzz_fuzz_pop3_transaction_SOURCES = tests/fuzz/fuzz_pop3_transaction.c
tests_fuzz_fuzz_pop3_transaction_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_pop3_transaction_LDADD = $(WORKER_LIBS)

noinst_PROGRAMS += tests/fuzz/fuzz_dot_stuff
tests_fuzz_fuzz_dot_stuff_SOURCES = tests/fuzz/fuzz_dot_stuff.c
tests_fuzz_fuzz_dot_stuff_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_dot_stuff_LDADD = $(WORKER_LIBS)
noinst_PROGRAMS += tests/fuzz/fuzz_provider_parse
tests_fuzz_fuzz_provider_parse_SOURCES = tests/fuzz/fuzz_provider_parse.c
tests_fuzz_fuzz_provider_parse_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_provider_parse_LDADD = worker/libworker.a

noinst_PROGRAMS += tests/fuzz/fuzz_tls_server
tests_fuzz_fuzz_tls_server_SOURCES = tests/fuzz/fuzz_tls_server.c $(TLS_TEST_SOURCES)
tests_fuzz_fuzz_tls_server_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_tls_server_LDADD = worker/libworker.a $(COMMON_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS)

noinst_PROGRAMS += tests/fuzz/fuzz_accounts_file
tests_fuzz_fuzz_accounts_file_SOURCES = tests/fuzz/fuzz_accounts_file.c
tests_fuzz_fuzz_accounts_file_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_accounts_file_LDADD = ctl/libctl.a common/libcommon.a $(CONFIG_LIBS) $(IDN_LIBS) $(CRYPT_LIBS) $(BSD_LIBS)

noinst_PROGRAMS += tests/fuzz/fuzz_config
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c
tests_fuzz_fuzz_config_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_config_LDADD = $(MASTER_LIBS)

noinst_PROGRAMS += tests/fuzz/fuzz_mailbox_name
tests_fuzz_fuzz_mailbox_name_SOURCES = tests/fuzz/fuzz_mailbox_name.c
tests_fuzz_fuzz_mailbox_name_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_mailbox_name_LDADD = $(MASTER_LIBS)
noinst_PROGRAMS += tests/fuzz/fuzz_tag
tests_fuzz_fuzz_tag_SOURCES = tests/fuzz/fuzz_tag.c
tests_fuzz_fuzz_tag_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_tag_LDADD = worker/libworker.a

noinst_PROGRAMS += tests/fuzz/fuzz_greylist
tests_fuzz_fuzz_greylist_SOURCES = tests/fuzz/fuzz_greylist.c
tests_fuzz_fuzz_greylist_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_greylist_LDADD = $(WORKER_LIBS)

noinst_PROGRAMS += tests/fuzz/fuzz_smtp_session
tests_fuzz_fuzz_smtp_session_SOURCES = tests/fuzz/fuzz_smtp_session.c $(SMTP_HOUSE_SOURCES)
tests_fuzz_fuzz_smtp_session_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_smtp_session_LDADD = worker/libworker.a $(COMMON_LIBS) $(IDN_LIBS) $(UNIT_LIBS)

noinst_PROGRAMS += tests/fuzz/fuzz_srs
tests_fuzz_fuzz_srs_SOURCES = tests/fuzz/fuzz_srs.c
tests_fuzz_fuzz_srs_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_srs_LDADD = worker/libworker.a common/libcommon.a $(NETTLE_LIBS) $(IDN_LIBS) $(UNISTRING_LIBS) $(BSD_LIBS)
noinst_PROGRAMS += tests/fuzz/fuzz_xtext
tests_fuzz_fuzz_xtext_SOURCES = tests/fuzz/fuzz_xtext.c
tests_fuzz_fuzz_xtext_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_xtext_LDADD = common/libcommon.a $(UNISTRING_LIBS)

noinst_PROGRAMS += tests/fuzz/fuzz_imap_command
tests_fuzz_fuzz_imap_command_SOURCES = tests/fuzz/fuzz_imap_command.c tests/unit/imap_dump.c tests/unit/imap_dump.h
tests_fuzz_fuzz_imap_command_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_imap_command_LDADD = $(WORKER_LIBS)

noinst_PROGRAMS += tests/fuzz/fuzz_imap_login
tests_fuzz_fuzz_imap_login_SOURCES = tests/fuzz/fuzz_imap_login.c
tests_fuzz_fuzz_imap_login_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_imap_login_LDADD = worker/libworker.a $(BSD_LIBS)

noinst_PROGRAMS += tests/fuzz/fuzz_imap_responses tests/fuzz/fuzz_maildir tests/fuzz/fuzz_checkup_lines
tests_fuzz_fuzz_checkup_lines_SOURCES = tests/fuzz/fuzz_checkup_lines.c
tests_fuzz_fuzz_checkup_lines_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_checkup_lines_LDADD = $(CTL_LIBS)
tests_fuzz_fuzz_imap_responses_SOURCES = tests/fuzz/fuzz_imap_responses.c
tests_fuzz_fuzz_imap_responses_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_imap_responses_LDADD = $(CTL_LIBS)
tests_fuzz_fuzz_maildir_SOURCES = tests/fuzz/fuzz_maildir.c
tests_fuzz_fuzz_maildir_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_maildir_LDADD = $(CTL_LIBS)
endif
