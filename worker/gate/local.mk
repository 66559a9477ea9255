# SPDX-License-Identifier: ISC
worker_libworker_a_SOURCES += \
	worker/gate/accept.c worker/gate/accept.h \
	worker/gate/admission.c worker/gate/admission.h \
	worker/gate/conn.c worker/gate/conn.h worker/gate/conn_private.h \
	worker/gate/conn_api.c \
	worker/gate/deadline.c worker/gate/deadline.h \
	worker/gate/defence.c worker/gate/defence.h \
	worker/gate/external.c \
	worker/gate/gate.c worker/gate/gate.h \
	worker/gate/handshake.c worker/gate/hold.c \
	worker/gate/networks.c worker/gate/networks.h \
	worker/gate/pump.c \
	worker/gate/sandbox_rules.c worker/gate/sandbox_rules.h \
	worker/gate/talk.c \
	worker/gate/transport.c \
	worker/gate/sasl.c worker/gate/sasl.h worker/gate/sasl_internal.h \
	worker/gate/sasl_scram.c \
	worker/gate/imap/command.c worker/gate/imap/command.h \
	worker/gate/imap/login.c \
	worker/gate/pop3/command.c worker/gate/pop3/command.h \
	worker/gate/pop3/login.c
