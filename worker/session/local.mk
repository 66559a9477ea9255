# SPDX-License-Identifier: ISC
worker_libworker_a_SOURCES += \
	worker/session/deliver.c worker/session/deliver.h \
	worker/session/pop3/command.c worker/session/pop3/command.h \
	worker/session/pop3/commands.c \
	worker/session/pop3/engine.c \
	worker/session/pop3/maildrop.c worker/session/pop3/maildrop.h \
	worker/session/pop3/pop3.h worker/session/pop3/pop3_private.h \
	worker/session/pop3/stuff.c worker/session/pop3/stuff.h \
	worker/session/session.c \
	worker/session/store.h \
	worker/session/store/deliver.c \
	worker/session/store/expunge.c \
	worker/session/store/message_file.c worker/session/store/message_file.h \
	worker/session/store/read.c \
	worker/session/store/schema.c worker/session/store/schema.h \
	worker/session/store/store.c worker/session/store/store_private.h
