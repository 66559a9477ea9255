# SPDX-License-Identifier: ISC
noinst_LIBRARIES += common/libcommon.a
common_libcommon_a_SOURCES = \
	common/address.c common/address_utf8.c common/address.h \
	common/alias_ways.c common/aliases.c common/aliases.h common/aliases_private.h \
	common/account_group.c common/account_group.h \
	common/account_fields.c common/account_quota.c common/accounts_file.c common/accounts_file.h \
	common/accounts_read.c \
	common/base64.c common/base64.h \
	common/cert_name.c common/cert_name.h \
	common/client_tls.c common/client_tls.h \
	common/child.c common/child.h \
	common/dot_stuff.c common/dot_stuff.h \
	common/duration.c common/duration.h \
	common/error.c common/error.h \
	common/hop_limit.h \
	common/idn.c common/idn.h \
	common/ipc.c common/ipc.h \
	common/ipc_check.c common/ipc_socket.c \
	common/log.c common/log.h \
	common/mail_parameters.c common/mail_parameters.h \
	common/monotonic.h \
	common/nearest.c common/nearest.h \
	common/networks.c common/networks.h \
	common/pop3_lang.c common/pop3_lang.h \
	common/sandbox.c common/sandbox.h \
	common/scores.c common/scores.h \
	common/saslprep.c common/saslprep.h \
	common/scram.c common/scram.h common/scram_verifier.c \
	common/scram_keys.c common/scram_keys.h \
	common/sasl_external.c common/sasl_external.h \
	common/sasl_plain.c common/sasl_plain.h \
	common/spawn.c \
	common/submit_limits.h \
	common/sqlite_dir.c common/sqlite_dir.h \
	common/write_all.c common/write_all.h \
	common/xtext.c common/xtext.h \
	common/ascii.h \
	common/proto/accounts_queue.h \
	common/proto/accounts_verify.h \
	common/proto/boundaries.c common/proto/boundaries.h \
	common/policy_message.c \
	common/proto/certd_importer.h \
	common/proto/checkup.h \
	common/proto/ctl_certd.h \
	common/proto/ctl_lookup.h \
	common/proto/ctl_master.h \
	common/proto/gate_accounts.h \
	common/proto/gate_certd.h \
	common/proto/relay_certd.h \
	common/proto/gate_queue.h \
	common/proto/master_accounts.h \
	common/proto/master_certd.h \
	common/proto/master_child.h \
	common/proto/master_gate.h \
	common/proto/master_queue.h \
	common/proto/master_session.h \
	common/proto/master_verify.h \
	common/dkim_fields.c common/dkim_fields.h \
	common/proto/queue_certd.h common/proto/master_filter.h common/proto/queue_filter.h \
	common/proto/ctl_queue.h common/proto/master_relay.h common/proto/queue_relay.h common/proto/queue_session.h \
	common/proto/types.h
include common/mime/local.mk
COMMON_LIBS = common/libcommon.a $(UNISTRING_LIBS) $(EVENT_LIBS) $(SECCOMP_LIBS) $(BSD_LIBS) $(BSDCTOR_LIBS)

dist_man_MANS += common/accounts.conf.5
