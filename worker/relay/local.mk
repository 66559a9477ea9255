# SPDX-License-Identifier: ISC
worker_libworker_a_SOURCES += \
	worker/relay/capabilities.c worker/relay/capabilities.h \
	worker/relay/client.c worker/relay/client.h \
	worker/relay/reply.c worker/relay/reply.h
