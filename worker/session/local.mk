# SPDX-License-Identifier: ISC
worker_libworker_a_SOURCES += \
	worker/session/store.h \
	worker/session/store/deliver.c \
	worker/session/store/expunge.c \
	worker/session/store/message_file.c worker/session/store/message_file.h \
	worker/session/store/read.c \
	worker/session/store/schema.c worker/session/store/schema.h \
	worker/session/store/store.c worker/session/store/store_private.h
