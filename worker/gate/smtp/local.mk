# SPDX-License-Identifier: ISC
worker_libworker_a_SOURCES += \
	worker/gate/smtp/auth.c \
	worker/gate/smtp/basic.c \
	worker/gate/smtp/chunk.c \
	worker/gate/smtp/claims.c worker/gate/smtp/claims.h \
	worker/gate/smtp/command.c worker/gate/smtp/command.h \
	worker/gate/smtp/commit.c \
	worker/gate/smtp/data.c worker/gate/smtp/data.h \
	worker/gate/smtp/first_line.c worker/gate/smtp/first_line.h \
	worker/gate/smtp/fixup.c worker/gate/smtp/fixup.h \
	worker/gate/smtp/greylist.c \
	worker/gate/smtp/mail.c \
	worker/gate/smtp/parameters.c \
	worker/gate/smtp/path.c worker/gate/smtp/path.h \
	worker/gate/smtp/receive.c \
	worker/gate/smtp/received.c worker/gate/smtp/received.h \
	worker/gate/smtp/refusal.c \
	worker/gate/smtp/reply.c worker/gate/smtp/reply.h \
	worker/gate/smtp/session.c worker/gate/smtp/session.h
